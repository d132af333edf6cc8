"""``otklik calendar``: the working calendar of a year, as the clocks count by it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app.due import WEEKDAYS
from app.home import find_home
from app.options import Shown, home_option, one_of
from app.words import counted

if TYPE_CHECKING:
    from cases.calendar import WorkingTime

_MONTHS = "январь февраль март апрель май июнь июль август сентябрь октябрь ноябрь декабрь".split()
HOUR = timedelta(hours=1)


@click.command()
@click.argument("year", metavar="ГОД", type=click.IntRange(1900, 9998))
@click.option("--out", type=one_of(Shown), default=Shown.TEXT.value, show_default=True, help="Вид ответа.")
@home_option
def calendar(year: int, out: Shown, home: Path | None) -> None:
    """Показать рабочий календарь на ГОД: по месяцам, с праздниками, переносами и сокращёнными днями.

    В календаре «*» — сокращённый день, скобки — нерабочий.
    """
    from cases.terms import working_time
    from regulation import Regulation

    working = working_time(Regulation.load(find_home(home) / "regulation"))
    length = (date(year + 1, 1, 1) - date(year, 1, 1)).days
    days = [_described(working, date(year, 1, 1) + timedelta(days=n)) for n in range(length)]
    if out is Shown.JSON:
        click.echo(json.dumps({"year": year, "days": days}, ensure_ascii=False))
    else:
        click.echo("\n".join(_pages(year, days)))


def _described(working: WorkingTime, day: date) -> dict[str, Any]:
    differs = working.day(day)
    spans = working.spans(day)
    return {
        "date": day.isoformat(),
        "kind": differs.kind if differs else ("рабочий" if spans else "выходной"),
        "name": differs.name if differs else "",
        "hours": sum((b - a for a, b in spans), timedelta(0)) / HOUR,
        "intervals": [f"{a:%H:%M}-{b:%H:%M}" for a, b in spans],
    }


def _pages(year: int, days: list[dict[str, Any]]) -> Iterator[str]:
    for number, month in enumerate(_MONTHS, start=1):
        own = [day for day in days if int(day["date"][5:7]) == number]
        worked = [day for day in own if day["hours"]]
        hours = sum(day["hours"] for day in worked)
        total = counted(len(worked), "рабочий день", "рабочих дня", "рабочих дней")
        yield f"{month} {year}: {total}, {hours:g} ч"
        yield from _weeks(own)
        yield from (f"  {d['date'][8:]}.{d['date'][5:7]}  {d['kind']}: {d['name']}" for d in own if d["name"])
        yield ""
    worked = [day for day in days if day["hours"]]
    total = counted(len(worked), "рабочий день", "рабочих дня", "рабочих дней")
    yield f"Всего за {year}: {total}, {sum(day['hours'] for day in worked):g} ч"


def _weeks(days: list[dict[str, Any]]) -> Iterator[str]:
    yield "  " + "".join(f"{name:>4} " for name in WEEKDAYS)
    cells = [" " * 5] * date.fromisoformat(days[0]["date"]).weekday() + [_cell(day) for day in days]
    for first in range(0, len(cells), 7):
        yield ("  " + "".join(cells[first : first + 7])).rstrip()


def _cell(day: dict[str, Any]) -> str:
    number = int(day["date"][8:])
    if not day["hours"]:
        return f"({number:>2}) "
    return f" {number:>2}* " if day["kind"] == "сокращённый" else f" {number:>2}  "

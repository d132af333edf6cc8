"""``otklik due``: every clock of a post detected at a moment, with its reason; a lawyer checks us by it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app.errors import DONE, SOME_REJECTED, UsageFault, say
from app.home import find_home
from app.moments import MOMENT, read_moment
from app.options import Shown, home_option, one_of
from app.words import harmless
from cases.errors import CalendarError, UnknownYearError
from cases.titles import CLOCKS
from records import Track

if TYPE_CHECKING:
    from cases.calendar import Interval
    from cases.clocks import Clock, Clocks

WEEKDAYS = ("пн", "вт", "ср", "чт", "пт", "сб", "вс")
_HOURS = "часы пишутся так: --hours 09-13,14-18 или 8:30-12:30,13:15-17"


@click.command()
@click.argument("moment", metavar="[МОМЕНТ|-]", required=False)
@click.option(
    "--track",
    type=one_of(Track),
    default=Track.EIGHT_HOURS.value,
    show_default=True,
    help="Срок ответа: 4 или 8 часов.",
)
@click.option("--interim", metavar="ДАТА", help="Когда размещён промежуточный ответ: сроки окончательного.")
@click.option("--hours", metavar="09-13,14-18", help="Другие рабочие часы вместо regulation/policies.yaml.")
@click.option("--out", type=one_of(Shown), default=Shown.TEXT.value, show_default=True, help="Вид ответа.")
@home_option
@click.pass_context
def due(
    context: click.Context,
    moment: str | None,
    track: Track,
    interim: str | None,
    hours: str | None,
    out: Shown,
    home: Path | None,
) -> None:
    """Показать сроки сообщения, выявленного в МОМЕНТ, и почему они такие.

    Срок, который начинается с более позднего события, показан так, будто каждый шаг до него занял всё своё время.
    «-» читает моменты со стандартного ввода, по одному в строке («МОМЕНТ [4h|8h]»), и на каждый отвечает строкой JSON.

    Код завершения: 0 — всё сосчитано, 3 — часть строк не разобрана, 2 — неверный вызов или нет календаря на год.
    """
    if moment is None and interim is None:
        raise UsageFault("не назван момент", f"{MOMENT}; или --interim ДАТА")
    clocks = _clocks(home, hours)
    posted = read_moment(interim, clocks.working.zone) if interim is not None else None
    if moment == "-":
        context.exit(_lines(click.get_text_stream("stdin", encoding="utf-8", errors="replace"), clocks, track, posted))
    found = _asked(clocks, moment, track, posted)
    click.echo(json.dumps(found, ensure_ascii=False) if out is Shown.JSON else "\n".join(_told(found)))


def _clocks(home: Path | None, hours: str | None) -> Clocks:
    from cases.clocks import Clocks
    from cases.terms import Terms, working_time
    from regulation import Regulation

    regulation = Regulation.load(find_home(home) / "regulation")
    working = working_time(regulation, _intervals(hours) if hours is not None else None)
    return Clocks(working, Terms.of(regulation.policies))


def _intervals(written: str) -> tuple[Interval, ...]:
    from cases.terms import interval

    try:
        found = tuple(interval(part) for part in written.split(","))
    except ValueError:
        raise UsageFault(f"не часы: {written}", _HOURS) from None
    edges = [edge for pair in found for edge in pair]
    in_order = all(a <= b for a, b in pairwise(edges)) and all(a < b for a, b in found)
    if not in_order:
        raise UsageFault(f"промежутки пусты, пересекаются или идут не по порядку: {written}", _HOURS)
    return found


def _lines(lines: Iterable[str], clocks: Clocks, track: Track, posted: datetime | None) -> int:
    """A JSON line for each moment; what cannot be read is told with its number. Returns the exit code."""
    refused = 0
    for number, line in enumerate(lines, start=1):
        words = line.replace("\ufeff", "").split()
        if not words:
            continue
        try:
            click.echo(json.dumps(_asked(clocks, *_named(words, track), posted), ensure_ascii=False))
        except UsageFault as fault:
            refused += 1
            say(f"строка {number}: {fault.message}\n    как исправить: {fault.mend}")
    return SOME_REJECTED if refused else DONE


def _named(words: list[str], track: Track) -> tuple[str, Track]:
    """``МОМЕНТ [СРОК]``; the moment may have a blank between date and time."""
    if words[-1] in tuple(Track):
        *words, last = words
        track = Track(last)
    if len(words) not in (1, 2):
        raise UsageFault(f"не «МОМЕНТ [СРОК]»: {harmless(' '.join(words)[:60])}", f"{MOMENT}; срок: 4h или 8h")
    return " ".join(words), track


def _asked(clocks: Clocks, moment: str | None, track: Track, posted: datetime | None) -> dict[str, Any]:
    """Raises: UsageFault: no moment, or one whose count leads into a year without data."""
    try:
        at = read_moment(moment, clocks.working.zone) if moment is not None else None
        found: dict[str, Any] = {c.name: _shown(c) for c in clocks.before_interim(at, track)} if at is not None else {}
        found |= _after(clocks, posted, found)
    except CalendarError as error:
        raise UsageFault(error.what, error.mend) from None
    told: dict[str, Any] = {}
    if at is not None:
        told |= {"at": at.isoformat(), "track": track}
    if posted is not None:
        told["interim"] = posted.isoformat()
    return {**told, "clocks": found}


def _after(clocks: Clocks, posted: datetime | None, found: Mapping[str, Any]) -> dict[str, Any]:
    """Clocks of the final answer: after an interim one that was posted, else after one posted as late as it may be.

    Where only these lead into a year without data, the others are shown all the same.
    """
    try:
        after = clocks.after_interim(posted or datetime.fromisoformat(found["answer"]["due"]))
    except UnknownYearError as error:
        if posted is not None:
            raise
        unknown = {"due": None, "limit": None, "why": error.what, "point": "12"}
        return dict.fromkeys(("final_draft", "final"), unknown)
    return {clock.name: _shown(clock) for clock in after}


def _shown(clock: Clock) -> dict[str, Any]:
    limit = clock.limit.isoformat() if clock.limit else None
    return {"due": clock.due.isoformat(), "limit": limit, "why": clock.why, "point": clock.point}


def _told(found: dict[str, Any]) -> Iterable[str]:
    if "at" in found:
        track = "4 рабочих часа (п. 8)" if found["track"] is Track.FOUR_HOURS else "8 рабочих часов (п. 7)"
        yield f"Выявлено {_day(found['at'])}, срок ответа {track}"
    if "interim" in found:
        yield f"Промежуточный ответ размещён {_day(found['interim']).removesuffix(' 00:00')}"
    width = max(len(CLOCKS[name]) for name in found["clocks"])
    for name, clock in found["clocks"].items():
        limit = f" (предел {_day(clock['limit'])})" if clock["limit"] else ""
        yield f"  {CLOCKS[name]:<{width}}  {_day(clock['due']) if clock['due'] else 'неизвестно'}{limit}"
        yield f"  {'':<{width}}  {clock['why']}"


def _day(written: str) -> str:
    moment = datetime.fromisoformat(written)
    seconds = f":{moment:%S}" if moment.second else ""
    return f"{WEEKDAYS[moment.weekday()]} {moment:%d.%m.%Y %H:%M}{seconds}"

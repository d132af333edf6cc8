"""A report as a page that stands alone: to read on a screen, to print on A4. Every text is escaped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from django.template import Context, Engine, Template
from django.utils.safestring import SafeString, mark_safe

from casebook.report import Report, share
from desk.reports import tables, titles
from desk.reports.inert import one_line
from desk.reports.meanings import MEANINGS
from desk.reports.plots import Plot, plots
from desk.reports.tables import Kind, Table, Value
from records.counting import counted

MOST_LATE = 60  # rows of a page; spreadsheets hold all
_SMALL = 12


@dataclass(frozen=True, slots=True)
class Cell:
    text: str
    kind: str


@dataclass(frozen=True, slots=True)
class Laid:
    """A table as cells of text. ``code``: its place on the page."""

    code: str
    title: str
    head: tuple[Cell, ...]
    rows: tuple[tuple[Cell, ...], ...]
    total: tuple[Cell, ...]
    more: str = ""

    @property
    def is_small(self) -> bool:
        """Kept on one page."""
        return len(self.rows) <= _SMALL


@dataclass(frozen=True, slots=True)
class Part:
    """``plot``: SVG of our own making, in which matplotlib escaped every text."""

    title: str
    plot: SafeString
    plot_title: str
    tables: tuple[Laid, ...]
    note: str


@dataclass(frozen=True, slots=True)
class Sum:
    """A number to begin with."""

    value: str
    name: str
    more: str = ""
    is_bad: bool = False


def page(report: Report) -> str:
    told = {
        "week": report.week,
        "days": titles.days(report),
        "whose": titles.whose(report),
        "as_of": titles.moment(report.as_of),
        "is_over": report.is_over,
        "is_empty": report.is_empty,
        "sums": list(_sums(report)),
        "parts": list(_parts(report)),
        "meanings": MEANINGS,
        "scoped": bool(report.scope.department),
    }
    return _template().render(Context(told, use_l10n=False, use_tz=False))


@cache
def _template() -> Template:
    engine = Engine(dirs=[str(Path(__file__).parent)], autoescape=True)
    return engine.get_template("report.html")


def _sums(report: Report) -> Iterator[Sum]:
    d = report.detected
    yield Sum(titles.number(d.posts), "выявлено", f"ответ за 8\u00a0ч: {d.usual}, за 4\u00a0ч: {d.fast}")
    if not report.scope.department:
        yield Sum(titles.number(d.excluded), "исключено по п.\u00a015", f"ответ не нужен: {d.no_answer}")
    on_time, late = sum(a.on_time for a in report.answers), sum(a.late for a in report.answers)
    said = f"{titles.number(on_time)} из {titles.number(on_time + late)}"
    yield Sum(titles.share(share(on_time, late)), "ответов в срок", said, late > 0)
    yield Sum(titles.span(report.times[0].median), "медиана ответа", "рабочего времени от выявления")
    breaches = sum(s.breaches for s in report.steps)
    overdue = sum(s.overdue for s in report.steps)
    yield Sum(titles.number(breaches), "нарушено сроков", f"до сих пор не сделано: {overdue}", breaches > 0)
    returns = sum(one.returns for one in report.departments)
    interim = sum(one.interim for one in report.departments)
    yield Sum(titles.number(returns), "возвратов", f"промежуточных ответов: {interim}")


def _parts(report: Report) -> Iterator[Part]:
    drawn = {} if report.is_empty else plots(report)

    def part(title: str, plot: str, *found: Table, note: str = "") -> Part:
        one: Plot | None = drawn.get(plot)
        svg = mark_safe(one.svg if one else "")
        return Part(title, svg, one.title if one else "", tuple(_laid(t) for t in found if t.rows), note)

    everybody = not report.scope.department
    changed = f"Люди перевели на 4\u00a0часа: {report.detected.raised}, на 8\u00a0часов: {report.detected.lowered}."
    first = (tables.detected(report), tables.grounds(report)) if everybody else (tables.detected(report),)
    yield part("Выявлено", "series", *first, note=changed)
    yield part("Ответы", "", tables.answers(report), tables.times(report))
    yield part("Отделы", "departments", tables.departments(report))
    yield part("Шаги", "steps", tables.steps(report), tables.breaches(report))
    yield part("Тревоги", "alarms", tables.alarms(report))
    if everybody:
        yield part("Исключённые и не требующие ответа", "looks", tables.exclusions(report), tables.second_looks(report))
    yield part("Предложения маршрута", "proposals", tables.proposals(report))
    yield part("Просроченные карточки", "", tables.late(report))


def _laid(table: Table) -> Laid:
    shown = table.rows[:MOST_LATE] if table.code == "late" else table.rows
    rest = len(table.rows) - len(shown)
    more = counted(rest, "строка", "строки", "строк") if rest else ""
    kinds = [_side(column.kind) for column in table.columns]
    return Laid(
        table.code,
        table.title,
        tuple(Cell(column.short or column.title, kind) for column, kind in zip(table.columns, kinds, strict=True)),
        tuple(_row(table, row) for row in shown),
        _row(table, table.total) if table.total else (),
        f"и ещё {more} — в таблице XLSX или CSV" if more else "",
    )


def _row(table: Table, row: tuple[Value, ...]) -> tuple[Cell, ...]:
    bad = {at for at, column in enumerate(table.columns) if column.title in _BAD} if table.code in _MARKED else set()
    return tuple(
        Cell(_written(value, column.kind), f"{_side(column.kind)}{' bad' if at in bad and value else ''}")
        for at, (value, column) in enumerate(zip(row, table.columns, strict=True))
    )


_MARKED = ("answers", "steps", "departments", "alarms")
_BAD = ("С опозданием", "Не сделано, срок прошёл", "Ждут, срок прошёл", "Не принято", "Позже срока")


def _side(kind: Kind) -> str:
    return "n" if kind in (Kind.NUMBER, Kind.SHARE, Kind.SPAN) else "t"


def _written(value: Any, kind: Kind) -> str:
    if kind is Kind.SHARE:
        return titles.share(value)
    if isinstance(value, timedelta) or kind is Kind.SPAN:
        return titles.span(value)
    if isinstance(value, datetime):
        return titles.moment(value)
    if kind is Kind.MOMENT:
        return "не сделано"
    if value is None:
        return ""
    return titles.number(value) if isinstance(value, int) else one_line(str(value))

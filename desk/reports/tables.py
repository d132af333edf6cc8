"""The tables of a report, as every format lays them out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from casebook.report import Answers, Cell, Department, Point, Report, Step, share
from desk.reports import titles

Value = str | int | float | datetime | timedelta | None


class Kind(StrEnum):
    """Of a column. The first three say what a row is about; the others hold its figures."""

    LABEL = "label"
    DEPARTMENT = "department"
    STEP = "step"
    TEXT = "text"
    NUMBER = "number"
    SHARE = "share"
    SPAN = "span"
    MOMENT = "moment"


ABOUT = (Kind.LABEL, Kind.DEPARTMENT, Kind.STEP)


@dataclass(frozen=True, slots=True)
class Column:
    """``short``: its title where there is little room."""

    title: str
    kind: Kind = Kind.NUMBER
    short: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """``total``: a last row, where the rows can be added up; empty: none."""

    code: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Value, ...], ...]
    total: tuple[Value, ...] = ()


_SHARE = Column("Доля в срок", Kind.SHARE, "Доля")
_DONE = (Column("В срок"), Column("С опозданием", short="Поздно"), _SHARE)
_DEPARTMENT, _STEP = Column("Отдел", Kind.DEPARTMENT), Column("Шаг", Kind.STEP)
_OVERDUE = Column("Не сделано, срок прошёл", short="Не сделано")
_BREACHES = Column("Нарушено за неделю", short="Нарушено")


def tables(report: Report) -> Iterator[Table]:
    """Those that have something to say to who asks: what is excluded or needs no answer is with no department."""
    yield detected(report)
    if not report.scope.department:
        yield grounds(report)
    yield answers(report)
    yield times(report)
    yield steps(report)
    yield departments(report)
    yield cells(report)
    yield alarms(report)
    if not report.scope.department:
        yield exclusions(report)
        yield second_looks(report)
    yield proposals(report)
    yield late(report)
    yield series(report)


def _done(one: Answers | Cell | Department | Point | Step) -> tuple[int, int, float | None]:
    return one.on_time, one.late, share(one.on_time, one.late)


def _sums(rows: tuple[tuple[Value, ...], ...], first: str = "Всего") -> tuple[Value, ...]:
    """Columns of whole numbers added up; the others are left out."""
    if not rows:
        return ()
    sums = (sum(v for v in column if isinstance(v, int)) for column in zip(*rows, strict=True))
    return (first, *(n if all(isinstance(row[i], int) for row in rows) else None for i, n in enumerate(sums) if i))


def detected(report: Report) -> Table:
    columns = ("Всего", "Ответ за 8 часов", "Ответ за 4 часа", "Ответ не нужен", "Исключено по п. 15")
    rows = tuple(
        (titles.NETWORKS.get(n.network, n.network), n.posts, n.usual, n.fast, n.no_answer, n.excluded)
        for n in report.detected.networks
    )
    d = report.detected
    total = ("Всего", d.posts, d.usual, d.fast, d.no_answer, d.excluded)
    return Table("detected", "Выявлено", (Column("Сеть", Kind.LABEL), *map(Column, columns)), rows, total)


def grounds(report: Report) -> Table:
    rows = tuple((titles.GROUNDS.get(one.ground, one.ground), one.posts) for one in report.grounds)
    columns = (Column("Основание", Kind.LABEL), Column("Сообщений"))
    return Table("grounds", "Исключено по пункту 15", columns, rows)


def answers(report: Report) -> Table:
    columns = (Column("Срок", Kind.LABEL), *_DONE, Column("Ждут, срок не прошёл"), Column("Ждут, срок прошёл"))
    rows = tuple((titles.TERMS[a.term], *_done(a), a.open, a.overdue) for a in report.answers)
    on_time, is_late = sum(a.on_time for a in report.answers), sum(a.late for a in report.answers)
    waiting = sum(a.open for a in report.answers), sum(a.overdue for a in report.answers)
    return Table("answers", "Ответы", columns, rows, ("Всего", on_time, is_late, share(on_time, is_late), *waiting))


def times(report: Report) -> Table:
    columns = (Column("Срок", Kind.LABEL), Column("Ответов"), Column("Медиана, рабочее время", Kind.SPAN))
    rows = tuple((titles.TRACKS[one.track], one.answers, one.median) for one in report.times)
    return Table("times", "От выявления до ответа", columns, rows)


def steps(report: Report) -> Table:
    rows = tuple((titles.step(s.step), *_done(s), s.overdue, s.breaches) for s in report.steps)
    columns = (_STEP, *_DONE, _OVERDUE, _BREACHES)
    return Table("steps", "Шаги", columns, rows, _shared(_sums(rows), 1))


def _shared(total: tuple[Value, ...], at: int) -> tuple[Value, ...]:
    """With the share of the two numbers from ``at`` on after them."""
    if not total:
        return ()
    on_time, is_late = total[at], total[at + 1]
    assert isinstance(on_time, int) and isinstance(is_late, int)
    return (*total[: at + 2], share(on_time, is_late), *total[at + 3 :])


def departments(report: Report) -> Table:
    columns = (
        *(
            _DEPARTMENT,
            *_DONE,
            _OVERDUE,
            _BREACHES,
            Column("Возвраты"),
            Column("Ответы"),
            Column("Промежуточные", short="Промеж."),
        ),
        Column("Медиана ответа", Kind.SPAN, "Медиана"),
    )
    rows = tuple(
        (
            *(titles.department(report, d.department), *_done(d), d.overdue, d.breaches),
            *(d.returns, d.answers, d.interim, d.median),
        )
        for d in report.departments
    )
    total = _shared(_sums(rows), 1)
    overall = (*total[:-1], report.times[0].median) if total else ()
    return Table("departments", "Отделы", columns, rows, overall)


def cells(report: Report) -> Table:
    rows = tuple(
        (titles.department(report, c.department), titles.step(c.step), *_done(c), c.overdue, c.breaches)
        for c in report.cells
    )
    return Table("cells", "Отделы по шагам", (_DEPARTMENT, _STEP, *_DONE, _OVERDUE, _BREACHES), rows)


def breaches(report: Report) -> Table:
    """Of a page: departments by steps, only those that broke a term; an empty cell is none."""
    found = {(c.department, c.step): c.breaches for c in report.cells if c.breaches}
    names = [s.step for s in report.steps if s.breaches]
    rows = tuple(
        (titles.department(report, d.department), *(found.get((d.department, name)) for name in names), d.breaches)
        for d in report.departments
        if d.breaches
    )
    steps_ = {s.step: s.breaches for s in report.steps}
    total: tuple[Value, ...] = ("Всего", *(steps_[name] for name in names), sum(steps_.values()))
    columns = (_DEPARTMENT, *(Column(titles.step(name).capitalize()) for name in names), Column("Всего"))
    return Table("breaches", "Нарушения сроков за неделю", columns, rows, total)


def alarms(report: Report) -> Table:
    columns = (
        *(Column("Вид", Kind.LABEL), Column("Поднято"), Column("Принято"), Column("Не принято"), Column("Позже срока")),
        *(Column("До приёма, медиана", Kind.SPAN), Column("До приёма, наибольшее", Kind.SPAN)),
    )
    rows = tuple(
        (titles.ALARMS.get(a.kind, a.kind), a.raised, a.acknowledged, a.waiting, a.late, a.median, a.longest)
        for a in report.alarms
    )
    total = _sums(rows)
    longest = max((a.longest for a in report.alarms if a.longest is not None), default=None)
    return Table("alarms", "Тревоги", columns, rows, (*total[:5], None, longest) if total else ())


def exclusions(report: Report) -> Table:
    e = report.exclusions
    rows: tuple[tuple[Value, ...], ...] = (
        ("подтверждено", e.confirmed),
        ("возвращено в работу", e.restored),
        ("из возвращённых: срок прошёл по вине фильтра", e.late_by_filter),
        ("ждут решения человека", e.waiting),
    )
    return Table("exclusions", "Решения об исключении", (Column("Решение", Kind.LABEL), Column("Карточек")), rows)


def second_looks(report: Report) -> Table:
    s = report.second_looks
    rows: tuple[tuple[Value, ...], ...] = (
        ("отобрано за неделю", s.drawn),
        ("просмотрено", s.confirmed + s.restored),
        ("подтверждено: ответ не нужен", s.confirmed),
        ("возвращено в работу", s.restored),
        ("ждут просмотра", s.waiting),
    )
    columns = (Column("Просмотр", Kind.LABEL), Column("Карточек"))
    return Table("second_looks", "Второй взгляд на «ответ не нужен»", columns, rows)


def proposals(report: Report) -> Table:
    columns = ("Как предложено", "Другой отдел", "Выбрал человек", "Всего")
    rows = tuple(
        (
            *(titles.department(report, p.department), p.kept, p.changed, p.abstained),
            *(p.kept + p.changed + p.abstained, share(p.kept, p.changed)),
        )
        for p in report.proposals
    )
    total = _sums(rows)
    kept, changed = sum(p.kept for p in report.proposals), sum(p.changed for p in report.proposals)
    more = (*map(Column, columns), Column("Доля принятых", Kind.SHARE))
    whole = (*total[:-1], share(kept, changed)) if total else ()
    return Table("proposals", "Предложения маршрута", (_DEPARTMENT, *more), rows, whole)


def late(report: Report) -> Table:
    columns = (
        *(Column("Карточка", Kind.LABEL), Column("Ключ", Kind.TEXT), _DEPARTMENT, _STEP),
        *(Column("Срок", Kind.MOMENT), Column("Сделано", Kind.MOMENT), Column("Опоздание", Kind.SPAN)),
    )
    rows = tuple(
        (
            *(one.number, one.key, titles.department(report, one.department), titles.step(one.step)),
            *(one.due, one.done, one.late),
        )
        for one in report.late
    )
    return Table("late", "Просроченные карточки", columns, rows)


def series(report: Report) -> Table:
    columns = (Column("Неделя", Kind.LABEL), Column("Выявлено"), *_DONE)
    rows = tuple((p.week, p.detected, *_done(p)) for p in report.series)
    return Table("series", "Последние недели", columns, rows)

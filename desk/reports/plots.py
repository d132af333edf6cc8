"""Plots of a report as inline SVG: text stays text, and the same report gives the same bytes."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

from casebook.report import Report, share
from desk.reports import titles

GOOD, BAD, PLAIN, PALE, INK = "#2f6f9f", "#c8553d", "#2f6f9f", "#b9c4cc", "#333333"
_WIDTH = 7.2  # inches: a page between its margins
_STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "otklik",
    "text.parse_math": False,  # a name may hold a dollar
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # what widths are measured by
    "font.size": 8.5,
    "axes.edgecolor": PALE,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}
_NAMELESS = {"Date": None, "Creator": None, "Format": None, "Type": None}
_ALONE = Lock()  # matplotlib's settings are of the whole process
_PROLOGUE = re.compile(r"^.*?(?=<svg )", re.DOTALL)
_GROUP = re.compile(r'<g id="[^"]*"')
Bars = Sequence[tuple[str, Sequence[float]]]  # (label, one number a kind)
Kinds = Sequence[tuple[str, str]]  # (name, colour)


@dataclass(frozen=True, slots=True)
class Plot:
    code: str
    title: str
    svg: str


def plots(report: Report) -> dict[str, Plot]:
    """By code; what has nothing to show is not there."""
    with _ALONE:
        import matplotlib

        with matplotlib.rc_context(_STYLE):
            return {code: Plot(code, title, draw()) for code, title, draw in _drawn(report)}


def _drawn(report: Report) -> Iterator[tuple[str, str, Callable[[], str]]]:
    kinds = (("в срок", GOOD), ("с опозданием", BAD))
    if any(one.detected or one.on_time or one.late for one in report.series):
        yield "series", "Выявлено и отвечено в срок за восемь недель", lambda: _series(report)
    by_department: Bars = [
        (titles.department(report, d.department), (d.on_time, d.late)) for d in report.departments if d.on_time + d.late
    ]
    if by_department:
        yield "departments", "Шаги в срок и с опозданием по отделам", lambda: _bars(by_department, kinds)
    by_step: Bars = [(titles.step(s.step), (s.on_time, s.late)) for s in report.steps if s.on_time + s.late]
    if by_step:
        yield "steps", "В срок и с опозданием по шагам", lambda: _bars(by_step, kinds)
    waits: Bars = [
        (titles.ALARMS.get(a.kind, a.kind), tuple(t.total_seconds() / 60 for t in (a.median, a.longest)))
        for a in report.alarms
        if a.median is not None and a.longest is not None
    ]
    if waits:
        waited = (("медиана", GOOD), ("наибольшее", PALE))
        yield "alarms", "Минут от тревоги до человека", lambda: _bars(waits, waited, is_stacked=False)
    if looks := _looks(report):
        decided = (("подтверждено", GOOD), ("возвращено в работу", BAD), ("ждут", PALE))
        yield "looks", "Что решили люди", lambda: _bars(looks, decided)
    kept: Bars = [(titles.department(report, p.department), (p.kept, p.changed, p.abstained)) for p in report.proposals]
    if kept:
        compared = (("как предложено", GOOD), ("другой отдел", BAD), ("выбрал человек", PALE))
        yield "proposals", "Подтверждённые отделы и предложения программы", lambda: _bars(kept, compared)


def _looks(report: Report) -> Bars:
    e, s = report.exclusions, report.second_looks
    rows = (
        ("исключение", (e.confirmed, e.restored, e.waiting)),
        ("ответ не нужен", (s.confirmed, s.restored, s.waiting)),
    )
    return [] if report.scope.department or not any(sum(values) for _, values in rows) else rows


def _figure(height: float, columns: int = 1) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH, height), layout="constrained")
    axes = figure.subplots(1, columns, squeeze=False)[0]
    for one in axes:
        one.spines[["top", "right", "left"]].set_visible(False)
        one.tick_params(length=0)
    return figure, axes


def _series(report: Report) -> str:
    figure, (left, right) = _figure(2.1, 2)
    weeks = [one.week.partition("-W")[2].lstrip("0") for one in report.series]
    places = range(len(weeks))
    numbers = [one.detected for one in report.series]
    bars = left.bar(places, numbers, color=[PALE] * (len(weeks) - 1) + [PLAIN], width=0.7)
    left.bar_label(bars, [titles.number(n) if n else "" for n in numbers], padding=2)
    left.set_title("Выявлено сообщений", fontsize=8.5, loc="left")
    shares = [share(one.on_time, one.late) for one in report.series]
    known = [(place, 100 * value) for place, value in zip(places, shares, strict=True) if value is not None]
    for place, value in known:
        right.annotate(f"{value:.0f}", (place, value), (0, 5), textcoords="offset points", ha="center")
    drawn = [float("nan") if value is None else 100 * value for value in shares]
    right.plot(places, drawn, color=PLAIN, marker="o", markersize=4, linewidth=1.6, clip_on=False)
    right.set_ylim(0, 112)
    right.set_yticks([0, 50, 100])
    right.grid(axis="y", color="#e6eaed", linewidth=0.8)
    right.set_axisbelow(True)
    right.set_title("Ответов в срок, %", fontsize=8.5, loc="left")
    left.set_yticks([])
    left.set_ylim(0, max(*numbers, 1) * 1.15)
    for one in (left, right):
        one.set_xticks(places, weeks)
        one.set_xlim(-0.6, len(weeks) - 0.4)
        one.set_xlabel("неделя года")
    return _svg(figure)


def _bars(rows: Bars, kinds: Kinds, *, is_stacked: bool = True) -> str:
    """Lying bars, the first row at the top, each kind's number in or beside its bar."""
    figure, (axes,) = _figure(0.5 + len(rows) * (0.25 if is_stacked else 0.4))
    start = [0.0] * len(rows)
    height = 0.62 if is_stacked else 0.36
    most = max(sum(values) if is_stacked else max(values) for _, values in rows) or 1
    for at, (name, colour) in enumerate(kinds):
        values = [row[1][at] for row in rows]
        places = [place + (0 if is_stacked else (at - 0.5) * height) for place in range(len(rows))]
        axes.barh(places, values, left=start, height=height, color=colour, label=name)
        if is_stacked:
            _inside(axes, start, values, most, "white" if colour != PALE else INK)
            start = [a + b for a, b in zip(start, values, strict=True)]
        else:
            for place, value in zip(places, values, strict=True):
                axes.text(value + most / 100, place, _short(value), va="center")
    if is_stacked:
        for place, whole in enumerate(start):
            axes.text(whole + most / 100, place, _short(whole), va="center", fontweight="bold")
    axes.set_yticks(range(len(rows)), [row[0] for row in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlim(0, most * 1.08)
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    figure.legend(loc="outside lower left", ncols=len(kinds), frameon=False, handlelength=1, handleheight=0.9)
    return _svg(figure)


def _inside(axes: Any, start: Sequence[float], values: Sequence[float], most: float, colour: str) -> None:
    """Where there is room for it."""
    for place, (begin, value) in enumerate(zip(start, values, strict=True)):
        if value >= most * (0.012 + 0.013 * len(_short(value))):
            axes.text(begin + value / 2, place, _short(value), va="center", ha="center", color=colour)


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 10 or value == int(value) else f"{value:.1f}".replace(".", ",")


def _svg(figure: Any) -> str:
    """Without prologue and without names of groups, of which a page would have several alike."""
    kept = io.StringIO()
    figure.savefig(kept, format="svg", metadata=dict(_NAMELESS), transparent=True)
    found = _GROUP.sub("<g", _PROLOGUE.sub("", kept.getvalue()))
    return re.sub(r"<metadata>.*?</metadata>\s*", "", found, flags=re.DOTALL)

"""Decisions as a table on a screen or in a file, batch after batch under one heading.

From 120 columns on a post is one row; on a narrower screen the reasons and the text stand below the row.
Laid out by hand: a table of rich takes a millisecond a post.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest

import click
from rich.cells import cell_len, set_cell_size

from app import labels
from app.engine import Named
from app.outputs import Decided, department_label, place_label, track_label, why_label
from app.target import Target
from app.words import one_line
from records import Track, Verdict

_WIDE = 120
_GAP = "  "
_COLOURS = {Verdict.EXCLUDE: "red", Verdict.NO_ANSWER: "bright_black", Verdict.ANSWER: "green"}
_HEADINGS = ("№", "Вердикт", "Срок", "Отдел", "Место", "Почему", "Текст")
_NUMBER, _VERDICT, _TRACK = 0, 1, 2


class TableOutput:
    """``colours``: whether the target is a screen that shows them. A letter that its encoding lacks becomes «?»."""

    def __init__(self, target: Target, departments: Mapping[str, Named], width: int, *, colours: bool) -> None:
        self._target = target
        self._departments = departments
        self._width = width
        self._wide = width >= _WIDE
        self._widths = _wide_widths(width) if self._wide else _narrow_widths(width)
        self._colours = colours
        self._begun = False

    def write(self, batch: Sequence[Decided]) -> None:
        lines = [line for decided in batch for line in self._post(decided)]
        if not self._begun:
            lines[:0] = self._heading()
            self._begun = True
        self._target.write("".join(f"{line}\n" for line in lines).encode(self._target.encoding, "replace"))

    def _heading(self) -> Iterator[str]:
        for line in _row(_HEADINGS[: len(self._widths)], self._widths):
            yield self._styled(_joined(line), bold=True)

    def _post(self, decided: Decided) -> Iterator[str]:
        *cells, why, text = self._cells(decided)
        if self._wide:
            cells += [why, _cut(text, self._widths[-1])]
        for number, line in enumerate(_row(cells, self._widths)):
            yield _joined(self._coloured(line, decided) if not number else line)
        if not self._wide:
            yield from self._below(why, text)

    def _below(self, why: str, text: str) -> Iterator[str]:
        margin = " " * (self._widths[_NUMBER] + len(_GAP))
        room = self._width - len(margin)
        yield from (f"{margin}{line}" for line in _fitted(why, room) if line)
        yield margin + self._styled(_cut(text, room), fg="bright_black")

    def _cells(self, decided: Decided) -> tuple[str, ...]:
        decision = decided.decision
        return (
            str(decided.number),
            labels.VERDICTS[decision.verdict],
            track_label(decision),
            department_label(decision, self._departments).replace(" ?", "\u00a0?"),
            one_line(place_label(decision.place)),
            _why(decided),
            one_line(decided.post.text[: 4 * self._width]),
        )

    def _coloured(self, line: list[str], decided: Decided) -> list[str]:
        line[_VERDICT] = self._styled(line[_VERDICT], fg=_COLOURS[decided.decision.verdict])
        if decided.decision.track is Track.FOUR_HOURS:
            line[_TRACK] = self._styled(line[_TRACK], fg="red", bold=True)
        return line

    def _styled(self, text: str, fg: str | None = None, *, bold: bool | None = None) -> str:
        return click.style(text, fg=fg, bold=bold) if self._colours else text


def _why(decided: Decided) -> str:
    copies = len(decided.copies or ())
    repeats = f"повторов раньше: {copies}" if copies else ""
    return "; ".join(filter(None, (why_label(decided.decision), repeats)))


def _row(cells: Sequence[str], widths: Sequence[int]) -> Iterator[list[str]]:
    """Lines of a row: each cell within its width, as many lines as the longest needs."""
    wrapped = [_fitted(cell, width) for cell, width in zip(cells, widths, strict=True)]
    for number, line in enumerate(zip_longest(*wrapped, fillvalue="")):
        padded = [set_cell_size(part, width) for part, width in zip(line, widths, strict=True)]
        if not number:
            padded[_NUMBER] = line[_NUMBER].rjust(widths[_NUMBER])
        yield padded


def _fitted(cell: str, width: int) -> list[str]:
    return [cell] if cell_len(cell) <= width else textwrap.wrap(cell, width)


def _joined(line: Sequence[str]) -> str:
    return _GAP.join(line).rstrip()


def _cut(text: str, room: int) -> str:
    return text if cell_len(text) <= room else set_cell_size(text, room - 1).rstrip() + "…"


def _wide_widths(width: int) -> list[int]:
    """№, verdict, track, department, place, why, text: a place holds the longest name of a street."""
    fixed = [5, 10, 4, 22]
    left = width - sum(fixed) - len(_GAP) * 6
    place, why = max(left * 22 // 100, 19), left * 35 // 100
    return [*fixed, place, why, left - place - why]


def _narrow_widths(width: int) -> list[int]:
    """№, verdict, track, department, place."""
    fixed = [5, 10, 4]
    left = max(width - sum(fixed) - len(_GAP) * 4, 36)
    place = max(left * 40 // 100, 18)
    return [*fixed, left - place, place]

"""Spans of a text, asked many times: one bisection a question, so that work grows with the text alone."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable


class Spans:
    """Half-open spans; those that overlap are one."""

    def __init__(self, spans: Iterable[tuple[int, int]]) -> None:
        self._starts: list[int] = []
        self._stops: list[int] = []
        for start, stop in sorted(spans):
            if self._stops and start < self._stops[-1]:
                self._stops[-1] = max(stop, self._stops[-1])
            else:
                self._starts.append(start)
                self._stops.append(stop)

    def hold(self, start: int, stop: int) -> bool:
        """Whether one of them has all of it."""
        at = bisect_right(self._starts, start) - 1
        return at >= 0 and stop <= self._stops[at]

    def touch(self, start: int, stop: int) -> bool:
        """Whether one of them has a part of it."""
        at = bisect_left(self._starts, stop) - 1
        return at >= 0 and start < self._stops[at]

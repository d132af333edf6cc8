"""A progress bar on stderr, where that is a terminal: how many posts, how fast, how long still."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol, Self

from app.outputs import Decided, Output
from app.rejects import Nothing
from app.source import Source


class Bar(Protocol):
    """``hidden`` takes the bar off the screen while something else is written there."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *failure: object) -> None: ...

    def hidden(self) -> AbstractContextManager[None]: ...

    def begin(self) -> None:
        """What must be loaded is loaded: the clock of the posts starts."""
        ...

    def advance(self, posts: int, consumed: int) -> None: ...


class NoBar(Nothing):
    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        pass

    def begin(self) -> None:
        pass

    def advance(self, posts: int, consumed: int) -> None:
        pass


def progress_bar(size: int | None) -> Bar:
    """``size`` of the input in bytes, where it is known."""
    if not sys.stderr.isatty():
        return NoBar()
    from app.screen import ScreenBar

    return ScreenBar(size)


class Watched:
    """An output whose batches move the bar, which steps aside where both share the screen."""

    def __init__(self, output: Output, bar: Bar, source: Source, *, same_screen: bool) -> None:
        self._output = output
        self._bar = bar
        self._source = source
        self._screen = bar if same_screen else Nothing()

    def write(self, batch: Sequence[Decided]) -> None:
        with self._screen.hidden():
            self._output.write(batch)
        self._bar.advance(len(batch), self._source.consumed)

"""The progress bar itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.text import Text


class ScreenBar:
    """Goes by bytes read where the size is known, else counts posts only. ``clock`` gives seconds."""

    def __init__(
        self, size: int | None, console: Console | None = None, clock: Callable[[], float] | None = None
    ) -> None:
        known = (BarColumn(24), TaskProgressColumn(), _TimeLeft()) if size else (TimeElapsedColumn(),)
        self._progress = Progress(
            TextColumn("{task.description}"),
            *known,
            TextColumn("{task.fields[posts]} сообщ."),
            _Rate(),
            console=console or Console(stderr=True),
            get_time=clock,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._task = self._progress.add_task("Загружаю модели", start=False, total=size, posts=0)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self._progress.stop()

    @contextmanager
    def hidden(self) -> Iterator[None]:
        """What is written meanwhile stays above the bar."""
        self._progress.stop()
        try:
            yield
        finally:
            self._progress.start()

    def begin(self) -> None:
        self._progress.start_task(self._task)
        self._progress.update(self._task, description="Решаю")

    def advance(self, posts: int, consumed: int) -> None:
        done = self._progress.tasks[0].fields["posts"] + posts
        self._progress.update(self._task, completed=consumed, posts=done)


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        if not task.elapsed or not task.fields["posts"]:
            return Text("")
        return Text(f"{task.fields['posts'] / task.elapsed:,.0f}/с".replace(",", "\u202f"))


class _TimeLeft(ProgressColumn):
    def render(self, task: Task) -> Text:
        left = task.time_remaining
        return Text("" if left is None else f"осталось {int(left) // 60}:{int(left) % 60:02d}")

"""Input that could not be decided: each line with what is wrong and what to do; nothing is dropped in silence."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from typing import Protocol

from app.errors import say
from app.target import Target
from app.words import counted, one_line, shortened
from records import dump

_SHOWN = 20
_RAW_SHOWN = 70
_MORE = "; все сразу записывает --rejects ФАЙЛ"


@dataclass(frozen=True, slots=True)
class Rejection:
    """``line`` counts physical lines from 1; ``raw`` is the line itself."""

    line: int
    reason: str
    mend: str
    raw: str


class Screen(Protocol):
    """What stands on the screen and must step aside for a line of text."""

    def hidden(self) -> AbstractContextManager[None]: ...


class Nothing:
    def hidden(self) -> AbstractContextManager[None]:
        return nullcontext()


class Rejects:
    """Takes rejections to ``file`` as JSON lines, or shows the first twenty on stderr and counts the others.

    ``more`` says how to see those.
    """

    def __init__(
        self, name: str, file: Target | None = None, screen: Screen | None = None, *, more: str = _MORE
    ) -> None:
        self.count = 0
        self._more = more
        self._name = name
        self._file = file
        self._screen = screen or Nothing()

    def add(self, rejection: Rejection) -> None:
        self.count += 1
        if self._file is not None:
            self._file.write(f"{dump(asdict(rejection))}\n".encode("utf-8", "backslashreplace"))
        elif self.count <= _SHOWN:
            with self._screen.hidden():
                say(_shown(self._name, rejection))

    def close(self) -> None:
        if self._file is None and self.count > _SHOWN:
            rest = counted(self.count - _SHOWN, "строка", "строки", "строк")
            say(f"… и ещё {rest} с ошибками{self._more}")


def _shown(name: str, rejection: Rejection) -> str:
    where = f"{'стандартный ввод' if name == '-' else name}:{rejection.line}"
    lines = [f"{where}: {rejection.reason}", f"    как исправить: {rejection.mend}"]
    if raw := shortened(one_line(rejection.raw), _RAW_SHOWN):
        lines.insert(1, f"    {raw}")
    return "\n".join(lines)

"""A fault in a file that people edit: where it stands, what is wrong, how to mend it (in Russian)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_WIDEST = 100
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class Fault:
    """``line`` and ``column`` count from 1; 0 where a fault has no place. ``source`` is the text of the line."""

    file: str
    line: int
    column: int
    what: str
    mend: str
    source: str = ""
    warning: bool = False

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        shown = f"{where}: {'предупреждение: ' if self.warning else ''}{_shown(self.what, _LONGEST)}"
        if self.source:
            shown += self._excerpt()
        return f"{shown}\n    как исправить: {_shown(self.mend, _LONGEST)}"

    def _excerpt(self) -> str:
        """The line and a caret under the place; of a long line, what is around it."""
        place = self.column - 1
        first = max(0, min(place - _WIDEST // 2, len(self.source) - _WIDEST))
        cut = "…" if first else ""
        line = cut + _shown(self.source[first + len(cut) :], _WIDEST - len(cut))
        return f"\n    {line}\n    {' ' * (place - first)}^"


def _shown(text: str, most: int) -> str:
    """What moves the cursor of a terminal becomes a blank; what is too long is cut."""
    visible = "".join(c if c.isprintable() else " " for c in text[: most + 1])
    return visible if len(visible) <= most else visible[: most - 1] + "…"


class FaultsError(ValueError):
    """Every fault found, not the first alone."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))


def file_fault(path: Path | str, what: str, mend: str) -> Fault:
    return Fault(str(path), 0, 0, what, mend)

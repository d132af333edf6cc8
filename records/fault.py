"""A fault in a file that people edit: where it stands, what is wrong, how to mend it (in Russian)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


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
        shown = f"{where}: {'предупреждение: ' if self.warning else ''}{self.what}"
        if self.source:
            shown += f"\n    {self.source}\n    {' ' * (self.column - 1)}^"
        return f"{shown}\n    как исправить: {self.mend}"


class FaultsError(ValueError):
    """Every fault found, not the first alone."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))


def file_fault(path: Path | str, what: str, mend: str) -> Fault:
    return Fault(str(path), 0, 0, what, mend)

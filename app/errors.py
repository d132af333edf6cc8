"""What a command tells its user instead of a traceback."""

from __future__ import annotations

from typing import IO, Any

import click

DONE = 0
FAILED = 1
WRONG_USAGE = 2
SOME_REJECTED = 3


class UsageFault(click.ClickException):
    """Wrong usage or configuration; ``mend`` says what to do (both Russian)."""

    exit_code = WRONG_USAGE

    def __init__(self, what: str, mend: str) -> None:
        super().__init__(what)
        self.mend = mend

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(f"Ошибка: {self.message}\n    как исправить: {self.mend}", file=file, err=True)

"""What a command tells its user instead of a traceback."""

from __future__ import annotations

from contextlib import suppress
from typing import IO, Any

import click

from records.system import why

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


class AwayFault(UsageFault):
    """What the command needs is not there now, and may be later: whoever starts it may start it again."""

    exit_code = FAILED


class WriteFault(UsageFault):
    """What was being written cannot be: no fault of the call."""

    exit_code = FAILED

    def __init__(self, name: str, error: OSError) -> None:
        super().__init__(f"запись в {name} не удалась: {why(error)}", "проверьте место и права, выберите другой файл")


def say(text: str) -> None:
    """To stderr. Where that is full or its reader went away, the exit code alone must tell."""
    with suppress(OSError):
        click.echo(text, err=True)

"""What a command tells its user instead of a traceback."""

from __future__ import annotations

import errno
from contextlib import suppress
from typing import IO, Any

import click

DONE = 0
FAILED = 1
WRONG_USAGE = 2
SOME_REJECTED = 3

_WHY = {
    errno.ENOENT: "нет такого файла или папки",
    errno.EACCES: "нет прав",
    errno.EPERM: "нет прав",
    errno.EISDIR: "это папка",
    errno.ENOTDIR: "на пути к нему стоит файл, а не папка",
    errno.EROFS: "диск только для чтения",
    errno.ENOSPC: "на диске нет места",
    errno.EDQUOT: "место, отведённое на диске, кончилось",
    errno.EFBIG: "файл слишком велик",
    errno.ENAMETOOLONG: "слишком длинное имя",
    errno.ELOOP: "ссылки ведут по кругу",
    errno.EIO: "диск или устройство не отвечает",
    errno.ENXIO: "за этим именем никого нет",
    errno.EBADF: "он закрыт",
    errno.EBUSY: "он занят",
    errno.ETXTBSY: "он занят",
    errno.EMFILE: "открыто слишком много файлов",
    errno.ENFILE: "открыто слишком много файлов",
}


def why(error: OSError) -> str:
    """The reason in Russian, whatever the language of the machine."""
    code = error.errno or 0
    return _WHY.get(code) or f"ошибка системы {errno.errorcode.get(code, code)}"


class UsageFault(click.ClickException):
    """Wrong usage or configuration; ``mend`` says what to do (both Russian)."""

    exit_code = WRONG_USAGE

    def __init__(self, what: str, mend: str) -> None:
        super().__init__(what)
        self.mend = mend

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(f"Ошибка: {self.message}\n    как исправить: {self.mend}", file=file, err=True)


class WriteFault(UsageFault):
    """What was being written cannot be: no fault of the call."""

    exit_code = FAILED

    def __init__(self, name: str, error: OSError) -> None:
        super().__init__(f"запись в {name} не удалась: {why(error)}", "проверьте место и права, выберите другой файл")


def say(text: str) -> None:
    """To stderr. Where that is full or its reader went away, the exit code alone must tell."""
    with suppress(OSError):
        click.echo(text, err=True)

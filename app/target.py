"""Where an answer is written: a file that appears whole or not at all, the standard output, a pipe or a device."""

from __future__ import annotations

import os
import secrets
import stat
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import BinaryIO

import click

from app.errors import UsageFault, WriteFault
from records.system import why

_STANDARD = ("-", "/dev/stdout")
_DEVICES = ("/dev/", "/proc/")


class Target:
    """``encoding``: of text for people to read; data are in UTF-8 whatever it is.

    Raises: BrokenPipeError: its reader went away; WriteFault: what else may happen.
    """

    def __init__(self, stream: BinaryIO, name: str, encoding: str = "utf-8") -> None:
        self.encoding = encoding
        self._stream = stream
        self._name = name

    def write(self, data: bytes) -> None:
        """Through to the reader."""
        with _writing(self._name):
            self._stream.write(data)
            self._stream.flush()


def is_standard(path: str) -> bool:
    return path in _STANDARD


def standard_output() -> Target:
    return Target(click.get_binary_stream("stdout"), "стандартный вывод", sys.stdout.encoding)


def opened(path: str) -> AbstractContextManager[Target]:
    """Raises: UsageFault: it cannot be opened for writing."""
    if is_standard(path):
        return nullcontext(standard_output())
    return _in_place(path) if _is_device(path) else _whole(path)


def _is_device(path: str) -> bool:
    """Also ``/dev/fd/3``, which may well be a file: it is the caller's, who has put something there before."""
    try:
        return path.startswith(_DEVICES) or not stat.S_ISREG(Path(path).stat().st_mode)
    except OSError:
        return False


@contextmanager
def _in_place(path: str) -> Iterator[Target]:
    device = Path(path)
    with _opening(path):
        stream = device.open("ab")
    try:
        yield Target(stream, path)
    finally:
        with suppress(OSError):
            stream.close()


@contextmanager
def _whole(path: str) -> Iterator[Target]:
    """Written beside and put in its place when all is done; a link stays a link, and rights stay as they were."""
    place = Path(os.path.realpath(path))
    part = place.with_name(f".otklik-{secrets.token_hex(4)}.part")
    with _opening(path):
        before = _regular(place)
        stream = part.open("xb")
    try:
        try:
            yield Target(stream, path)
            with _writing(path):
                _keep_rights(stream, before)
                os.fsync(stream.fileno())
        finally:
            with suppress(OSError):
                stream.close()
        with _writing(path):
            part.replace(place)
    finally:
        part.unlink(missing_ok=True)


def _regular(place: Path) -> os.stat_result | None:
    """Raises: OSError: the file there may not be written, which a new file in its place would pass by."""
    try:
        with place.open("r+b") as stream:
            return os.fstat(stream.fileno())
    except FileNotFoundError:
        return None


def _keep_rights(stream: BinaryIO, before: os.stat_result | None) -> None:
    if before is not None:
        os.fchmod(stream.fileno(), stat.S_IMODE(before.st_mode))
        with suppress(PermissionError):
            os.fchown(stream.fileno(), before.st_uid, before.st_gid)


@contextmanager
def _opening(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        named = path or "файл без имени"
        raise UsageFault(f"{named} не открыть для записи: {why(error)}", "укажите другой файл") from None


@contextmanager
def _writing(name: str) -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise WriteFault(name, error) from None

"""A folder takes the place of ``var/``: prepared beside, exchanged in one step, the old one put aside.

Killed at any moment, what stands under the name is wholly the old or wholly the new. Nothing that was there is
deleted.
"""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from casebook.archive import BackupError, only_one, sync

_UNFINISHED = ".unfinished"
_AT_FDCWD, _EXCHANGE = -100, 2


def _beside(data: Path, what: str = "restoring") -> Path:
    return data.with_name(f"{data.name}.{what}")


@contextmanager
def beside(data: Path, what: str = "restoring") -> Iterator[Path]:
    """A new folder beside ``data`` (so named, on the same disk), for one process at a time; removed at the end unless
    it was put in place. What a killed run left in it is cleared away.

    Raises: BackupError: another process is at it, or something else is called so.
    """
    folder = _beside(data, what)
    if (folder / _UNFINISHED).exists() or (folder.is_dir() and is_empty(folder)):
        with _alone(folder):
            shutil.rmtree(folder)
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        raise BackupError(f"{folder}: уже есть", "посмотрите, что там, и переименуйте") from None
    with _alone(folder):
        (folder / _UNFINISHED).touch()
        try:
            yield folder
        finally:
            if (folder / _UNFINISHED).exists():
                shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    number = os.open(folder, os.O_RDONLY)
    try:
        only_one(number, folder)
        yield
    finally:
        os.close(number)


def left_behind(data: Path, now: datetime) -> Path | None:
    """Where a whole folder went that a run killed in its last step left beside ``data``: what was there before, or
    what was about to come there. Raises: BackupError: another process restores."""
    folder = _beside(data)
    if (folder / _UNFINISHED).exists() or is_empty(folder):
        return None
    with _alone(folder):
        aside = _free(data, now)
        folder.rename(aside)
    return aside


def put_in_place(folder: Path, data: Path, now: datetime) -> Path | None:
    """``folder`` becomes ``data``; where what was there lies now, if anything was.

    Raises: OSError.
    """
    _as_its_owner(folder, data)
    (folder / _UNFINISHED).unlink()
    sync(folder)
    try:
        aside = _put(folder, data, now)
    except OSError:
        (folder / _UNFINISHED).touch()
        raise
    sync(data.parent)
    return aside


def _put(folder: Path, data: Path, now: datetime) -> Path | None:
    if is_empty(data):
        folder.rename(data)
        return None
    aside = _free(data, now)
    if _exchanged(folder, data):
        with suppress(OSError):  # it stays beside under the name of the new, and is told by the next run
            folder.rename(aside)
            return aside
        return folder
    data.rename(aside)
    folder.rename(data)
    return aside


def is_empty(data: Path) -> bool:
    return not data.exists() or not any(data.iterdir())


def _free(data: Path, now: datetime) -> Path:
    aside = data.with_name(f"{data.name}.before-{now:%Y%m%dT%H%M%SZ}")
    number = 1
    while aside.exists():
        number += 1
        aside = data.with_name(f"{data.name}.before-{now:%Y%m%dT%H%M%SZ}-{number}")
    return aside


def _as_its_owner(folder: Path, data: Path) -> None:
    """root restores for whoever runs the service."""
    like = (data if data.exists() else data.parent).stat()
    if data.exists():
        folder.chmod(like.st_mode & 0o777)
    if os.geteuid() == 0:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, like.st_uid, like.st_gid)


def _exchanged(one: Path, other: Path) -> bool:
    """Both names in one step; false where the system cannot. Raises: OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    with suppress(AttributeError):
        if libc.renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _EXCHANGE) == 0:
            return True
        code = ctypes.get_errno()
        if code not in (errno.ENOSYS, errno.EINVAL):
            raise OSError(code, os.strerror(code), str(other))
    return False

"""The one file of a backup: a tar in gzip, written and read as a stream, in bounded memory.

Members, in this order: ``format``, ``journal.sqlite``, ``casebook.sqlite``, ``files/<two>/<SHA-256>`` …,
``manifest.json``. It is the last, so that a file that was cut has none. What a hand unpacks is what ``restore`` puts
in place. Nothing but plain files of these names is ever read from an archive.
"""

from __future__ import annotations

import fcntl
import gzip
import hashlib
import io
import os
import re
import shutil
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

FORMAT = 1
MARK, JOURNAL, CASEBOOK, MANIFEST = "format", "journal.sqlite", "casebook.sqlite", "manifest.json"
_FILE = re.compile(r"files/([0-9a-f]{2})/(\1[0-9a-f]{62})")
_LARGEST_NOTE = 16 * 2**20
_PIECE = 2**20
# Of texts in tables a quarter is left; photographs do not shrink.
_PACKED, _AS_IT_IS = 1, 0
_NEW = "сделайте копию заново или возьмите более раннюю"


class BackupError(Exception):
    """An archive that cannot be made, trusted or put in place. ``mend``: what to do (both Russian)."""

    def __init__(self, what: str, mend: str) -> None:
        super().__init__(what)
        self.mend = mend


@dataclass(frozen=True, slots=True)
class Written:
    """``sha256``: in hex; ``size``: bytes."""

    sha256: str
    size: int


class Writer:
    """Into a stream that the caller closes. ``at``: seconds since the epoch, the time of all members."""

    def __init__(self, stream: BinaryIO, at: float) -> None:
        self._stream, self._at = stream, at
        self._gzip: gzip.GzipFile | None = None
        self._level = _PACKED
        self._tar = tarfile.open(fileobj=_Sink(self._pass), mode="w|", format=tarfile.GNU_FORMAT)  # noqa: SIM115
        self.note(MARK, f"otklik-backup {FORMAT}\n".encode())

    def file(self, name: str, path: Path) -> Written:
        with path.open("rb") as source:
            return self._add(name, source, os.fstat(source.fileno()).st_size, _PACKED)

    def attachment(self, digest: str, data: bytes) -> None:
        self._add(f"files/{digest[:2]}/{digest}", io.BytesIO(data), len(data), _AS_IT_IS)

    def note(self, name: str, data: bytes) -> None:
        self._add(name, io.BytesIO(data), len(data), _PACKED)

    def close(self) -> None:
        self._tar.close()
        self._end()

    def _add(self, name: str, source: BinaryIO, size: int, level: int) -> Written:
        if level != self._level:
            self._end()
        self._level = level
        member = tarfile.TarInfo(name)
        member.size, member.mode, member.mtime = size, 0o600, int(self._at)
        hashed = _Hashed(source)
        self._tar.addfile(member, hashed)
        return Written(hashed.digest.hexdigest(), size)

    def _pass(self, data: bytes) -> None:
        """Members of gzip one after another are one file to whoever unpacks it."""
        self._gzip = self._gzip or gzip.GzipFile("", "wb", self._level, self._stream, mtime=0)
        self._gzip.write(data)

    def _end(self) -> None:
        if self._gzip is not None:
            self._gzip.close()
        self._gzip = None


class _Sink(io.RawIOBase):
    """What tarfile writes to."""

    def __init__(self, take: Callable[[bytes], None]) -> None:
        self._take = take

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self._take(data)
        return len(data)


class _Hashed(io.RawIOBase):
    """What tarfile reads from: its digest so far."""

    def __init__(self, source: BinaryIO) -> None:
        self._source, self.digest = source, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(size)
        self.digest.update(data)
        return data


@contextmanager
def whole(target: Path) -> Iterator[tuple[BinaryIO, Path]]:
    """A stream that becomes ``target`` at the end or never, readable by its owner alone; and a folder of its own
    beside, on the same disk. What a killed run left there is cleared away.

    Raises: BackupError: there is such a file, or another run writes it.
    """
    _absent(target)
    part, folder = target.with_name(f"{target.name}.part"), target.with_name(f"{target.name}.part.d")
    with os.fdopen(os.open(part, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW, 0o600), "wb") as stream:
        only_one(stream.fileno(), part)
        os.fchmod(stream.fileno(), 0o600)
        stream.truncate()
        try:
            _anew(folder)
            yield stream, folder
            stream.flush()
            os.fsync(stream.fileno())
            _absent(target)
            part.rename(target)
            sync(target.parent)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            part.unlink(missing_ok=True)


def _absent(target: Path) -> None:
    if target.exists():
        raise BackupError(f"{target}: уже есть", "назовите новый файл, например с датой: прежнюю копию не трогают")


def only_one(number: int, path: Path) -> None:
    """``number``: of an open file or folder, held until it is closed. Raises: BackupError."""
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise BackupError(f"{path}: его пишет другой процесс", "дождитесь его") from None


def _anew(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)


def sync(path: Path) -> None:
    """A file, or the names in a folder, outlive a power cut."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


# Reading


@dataclass(frozen=True, slots=True)
class Member:
    """``digest``: of an attachment, else empty. ``stream`` is read before the next member."""

    name: str
    size: int
    digest: str
    stream: BinaryIO


def read(path: Path, take: Callable[[Member], None]) -> None:
    """Each member in turn; then the whole file has been read and its checksums hold.

    Raises: BackupError: not an archive of ours, of a newer format, damaged, or with anything that has no place in it.
    """
    with path.open("rb") as file:
        if file.read(2) != b"\x1f\x8b":
            raise BackupError(f"{path}: это не копия otklik backup", "назовите файл, который сделал otklik backup")
    try:
        with gzip.open(path) as plain:
            with tarfile.open(fileobj=plain, mode="r|") as tar:
                _each(tar, take)
            while plain.read(_PIECE):
                pass
    except (EOFError, zlib.error, gzip.BadGzipFile, tarfile.TarError, ValueError, OverflowError) as error:
        raise BackupError(f"{path}: архив оборван или повреждён ({type(error).__name__})", _NEW) from None


def _each(tar: tarfile.TarFile, take: Callable[[Member], None]) -> None:
    names, last = set[str](), ""
    for number, info in enumerate(tar):
        member = _member(tar, info)
        if number == 0:
            _known(member)
        elif last == MANIFEST or member.name in names:
            raise BackupError(f"в архиве лишнее: {_shown(member.name)}", _NEW)
        else:
            take(member)
        names.add(member.name)
        last = member.name
        tar.members = []  # type: ignore[attr-defined]  # else all that went by is remembered
    if last != MANIFEST:
        raise BackupError("архив оборван: в нём нет оглавления", _NEW)


def _member(tar: tarfile.TarFile, info: tarfile.TarInfo) -> Member:
    stream = tar.extractfile(info) if info.type in (tarfile.REGTYPE, tarfile.AREGTYPE) else None
    found = _FILE.fullmatch(info.name)
    if stream is None or not (found or info.name in (MARK, JOURNAL, CASEBOOK, MANIFEST)):
        raise BackupError(f"в архиве то, чего в копии не бывает: {_shown(info.name)}", "это не копия otklik backup")
    return Member(info.name, info.size, found.group(2) if found else "", stream)  # type: ignore[arg-type]


def _known(member: Member) -> None:
    said = re.fullmatch(rb"otklik-backup (\d{1,9})\n", noted(member) if member.name == MARK else b"")
    if said is None:
        raise BackupError("это не копия otklik backup", "назовите файл, который сделал otklik backup")
    if int(said.group(1)) > FORMAT:
        raise BackupError(f"копия новее этой программы: формат {int(said.group(1))}", "обновите Отклик и повторите")


def noted(member: Member) -> bytes:
    if member.size > _LARGEST_NOTE:
        raise BackupError(f"в архиве {member.name} слишком велик", _NEW)
    return member.stream.read()


def _shown(name: str) -> str:
    return "".join(letter if letter.isprintable() else "·" for letter in name[:100])


def unpacked(member: Member, path: Path | None) -> Written:
    """Durable when it returns; the names in its folder are the caller's to sync. Without a path it is only read."""
    digest, size = hashlib.sha256(), 0
    with Path(os.devnull).open("wb") if path is None else path.open("xb") as file:
        while piece := member.stream.read(_PIECE):
            digest.update(piece)
            size += file.write(piece)
        file.flush()
        if path is not None:
            os.fsync(file.fileno())
    return Written(digest.hexdigest(), size)

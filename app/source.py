"""Bytes of a file or of the standard input, in the pieces in which they arrive.

``None`` among the pieces says «nothing more right now»: whoever gathers a batch lets it go instead of waiting.
"""

from __future__ import annotations

import errno
import os
import select
import stat
import zlib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import BinaryIO

import click

from app.errors import UsageFault
from records.system import why

Pieces = Iterator[bytes | None]
_PIECE = 1 << 18
_PATIENCE = 0.05
_GZIP = b"\x1f\x8b"
_FOREIGN = {
    b"PK\x03\x04": "это книга Excel, документ Word или архив zip, а не текст",
    b"\xd0\xcf\x11\xe0": "это книга Excel или документ Word, а не текст",
    b"%PDF": "это PDF, а не текст",
}
_HEAD = 4
AGAIN = "скачайте или скопируйте файл заново"


class CutError(Exception):
    """The input breaks off; everything readable was given before (``reason`` and ``mend`` in Russian)."""

    def __init__(self, reason: str, mend: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.mend = mend


class Source:
    """``size`` in bytes where it is known, ``consumed`` so far; ``name`` is the file name or «-»."""

    def __init__(self, stream: BinaryIO, name: str) -> None:
        self.name = name
        self.size = _size(stream)
        self.consumed = 0
        self._stream = stream

    def pieces(self) -> Pieces:
        """Unpacked bytes. Raises: CutError."""
        raw = self._raw()
        head = first_bytes(raw, _HEAD)
        for mark, what in _FOREIGN.items():
            if head.startswith(mark):
                raise CutError(what, "сохраните лист или текст как CSV (или простой текст) в UTF-8")
        pieces = chain(once_more(head, _HEAD), raw)
        yield from _unpacked(pieces) if head.startswith(_GZIP) else pieces

    def close(self) -> None:
        self._stream.close()

    def _raw(self) -> Pieces:
        while True:
            if self.consumed and not _ready(self._stream, _PATIENCE):
                yield None
                _ready(self._stream, None)
            try:
                piece = self._stream.read(_PIECE)
            except OSError as error:
                if error.errno == errno.EBADF:
                    raise UsageFault("стандартный ввод закрыт", "назовите файл или подайте его: < файл") from None
                raise CutError(f"чтение прервалось: {why(error)}", "проверьте диск и права на файл") from None
            if piece is None:
                continue
            if not piece:
                return
            self.consumed += len(piece)
            yield piece


def open_source(path: str) -> Source:
    """A file by its path, or the standard input for «-».

    Raises:
        UsageFault: it is missing, a folder, or may not be read.
    """
    if path == "-":
        stream = click.get_binary_stream("stdin")
        return Source(getattr(stream, "raw", stream), path)
    try:
        if Path(path).is_dir():
            raise UsageFault(f"{path or 'пустое имя'} — это папка", "назовите файл")
        return Source(Path(path).open("rb", buffering=0), path)
    except FileNotFoundError:
        raise UsageFault(f"нет файла {path}", "проверьте путь; «-» читает стандартный ввод") from None
    except OSError as error:
        raise UsageFault(f"{path} не читается: {why(error)}", "проверьте путь и права на файл") from None


def once_more(head: bytes, least: int) -> list[bytes | None]:
    """What ``first_bytes`` took, the pause included."""
    return [head] if len(head) >= least else [head, None]


def _size(stream: BinaryIO) -> int | None:
    try:
        found = os.fstat(stream.fileno())
    except OSError:
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None


def _ready(stream: BinaryIO, patience: float | None) -> bool:
    """Whether a read would return at once; true where that cannot be asked."""
    try:
        return bool(select.select([stream.fileno()], [], [], patience)[0])
    except (OSError, ValueError):
        return True


def first_bytes(pieces: Pieces, least: int) -> bytes:
    """At least so many bytes, or what there is before the input pauses or ends."""
    head = b""
    for piece in pieces:
        if piece is None:
            break
        head += piece
        if len(head) >= least:
            break
    return head


def _unpacked(pieces: Pieces) -> Pieces:
    """gzip undone, a piece at a time; several members in a row are one text, zeros after the last are padding."""
    member = zlib.decompressobj(wbits=31)
    started = False
    for piece in pieces:
        rest = piece or b""
        if piece is None:
            yield None
        while rest:
            if member.eof:
                rest, member, started = rest.lstrip(b"\0"), zlib.decompressobj(wbits=31), False
                if not rest:
                    break
            started = True
            yield from _inflated(member, rest)
            rest = member.unused_data
    if started and not member.eof:
        raise CutError("сжатый файл обрывается", AGAIN)


def _inflated(member: zlib._Decompress, data: bytes) -> Iterator[bytes]:
    """However much the data swells, no more than a piece of it is held."""
    found = b""
    while not member.eof and (data or len(found) == _PIECE):
        before = member.copy()
        try:
            found = member.decompress(data, _PIECE)
        except zlib.error:
            yield _readable(before, data)
            raise CutError("сжатый файл повреждён", AGAIN) from None
        if found:
            yield found
        data = member.unconsumed_tail


def _readable(member: zlib._Decompress, data: bytes) -> bytes:
    """What of the data unpacks before the damage."""
    found = []
    try:
        for byte in data:
            found.append(member.decompress(bytes([byte])))
    except zlib.error:
        pass
    return b"".join(found)

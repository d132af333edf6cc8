"""Bytes → numbered lines of text: UTF-8, windows-1251, or UTF-16 with its mark, told apart by the file itself.

Russian text in windows-1251 is practically never valid UTF-8, so each line that is valid UTF-8 is taken as such;
the others are windows-1251 unless the file has shown UTF-8 Cyrillic: then they are damaged.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from app.rejects import Rejection
from app.source import CutError, Pieces, first_bytes, once_more

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_LONGEST_MARK = 4
_CYRILLIC = re.compile("[\u0400-\u045f]")
_NOT_ASCII = re.compile("[^\x00-\x7f]")


@dataclass(frozen=True, slots=True)
class Line:
    """``number`` counts physical lines from 1."""

    number: int
    text: str


Lines = Iterator[Line | Rejection | None]


class Encoding:
    """Decodes the lines of one file."""

    def __init__(self) -> None:
        self.old = False
        self._utf8_seen = False

    def decode(self, row: bytes, around: bytes) -> str | None:
        """``None`` where the line is damaged; ``around`` is what else of the file is at hand."""
        try:
            text = row.decode("utf-8")
        except UnicodeDecodeError:
            return self._decode_old(row, around)
        if self.old and not row.isascii() and not _CYRILLIC.search(text):
            return self._decode_old(row, around)
        self._utf8_seen = self._utf8_seen or not row.isascii()
        return text

    def _decode_old(self, row: bytes, around: bytes) -> str | None:
        if self._utf8_seen or not (self.old or not _mostly_utf8(around)):
            return None
        try:
            text = row.decode("cp1251")
        except UnicodeDecodeError:
            return None
        self.old = True
        return text


def read_lines(pieces: Pieces, encoding: Encoding) -> Lines:
    """Lines without their ends, a rejection for each that cannot be read, ``None`` where the input pauses."""
    number = 0
    for rows in _rows(_unmarked(pieces)):
        if rows is None:
            yield None
            continue
        around = b"\n".join(rows.whole)
        for row in rows.whole:
            number += 1
            yield _line(number, row.removesuffix(b"\r"), around, encoding)
        if rows.cut is not None:
            raw = rows.rest.decode("cp1251" if encoding.old else "utf-8", "backslashreplace")
            yield Rejection(number + 1, rows.cut.reason, rows.cut.mend, raw)


def _line(number: int, row: bytes, around: bytes, encoding: Encoding) -> Line | Rejection:
    if 0 in row:
        wide = _looks_wide(row)
        reason = "похоже на UTF-16 без метки в начале файла" if wide else "в строке нулевой байт"
        mend = "пересохраните файл в UTF-8" if wide else "удалите нулевые байты"
        return Rejection(number, reason, mend, row.decode("utf-8", "backslashreplace"))
    text = encoding.decode(row, around)
    if text is None:
        reason = f"не UTF-8: негодный байт на месте {_bad_byte(row)}"
        return Rejection(number, reason, "пересохраните файл в UTF-8", row.decode("utf-8", "backslashreplace"))
    return Line(number, text)


def _looks_wide(row: bytes) -> bool:
    """Whether every other byte is that of the alphabet's number (0 Latin, 4 Cyrillic), as in UTF-16."""
    alphabets = max(half.count(0) + half.count(4) for half in (row[::2], row[1::2]))
    return alphabets > len(row) // 3


def _bad_byte(row: bytes) -> int:
    """Place of the first byte that is not UTF-8, from 1."""
    try:
        row.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start + 1
    return 1


def _mostly_utf8(sample: bytes) -> bool:
    text = sample.decode("utf-8", "replace")
    bad = text.count("\ufffd")
    return len(_NOT_ASCII.findall(text)) - bad > bad


@dataclass(frozen=True, slots=True)
class _Rows:
    """Whole lines that arrived together; ``cut`` and the ``rest`` of the broken line where the input breaks off."""

    whole: list[bytes]
    rest: bytes = b""
    cut: CutError | None = None


def _rows(pieces: Pieces) -> Iterator[_Rows | None]:
    unfinished: list[bytes] = []
    try:
        for piece in pieces:
            if piece is None:
                yield None
                continue
            head, *rows = piece.split(b"\n")
            unfinished.append(head)
            if rows:
                first = b"".join(unfinished)
                unfinished = [rows.pop()]
                yield _Rows([first, *rows])
    except CutError as cut:
        yield _Rows([], b"".join(unfinished), cut)
        return
    if last := b"".join(unfinished):
        yield _Rows([last])


def _unmarked(pieces: Pieces) -> Pieces:
    """UTF-8 without its mark; UTF-16 and UTF-32 with one become UTF-8. Other bytes pass as they are."""
    head = first_bytes(pieces, _LONGEST_MARK)
    mark, codec = next(((m, c) for m, c in _MARKS if head.startswith(m)), (b"", "utf-8"))
    rest = chain(once_more(head, _LONGEST_MARK), pieces)
    if mark:
        rest = chain([head[len(mark) :]], pieces)
    yield from rest if codec == "utf-8" else _as_utf8(rest, codec)


def _as_utf8(pieces: Pieces, codec: str) -> Pieces:
    """Halves of surrogate pairs stay in, as bytes that are not UTF-8: their lines are found damaged, the others not."""
    decoder = codecs.getincrementaldecoder(codec)("surrogatepass")
    for piece in pieces:
        yield None if piece is None else decoder.decode(piece).encode("utf-8", "surrogatepass")
    if decoder.getstate()[0]:
        raise CutError("файл обрывается на половине знака", "скачайте или скопируйте файл заново")

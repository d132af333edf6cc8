"""Bytes → numbered lines of text: UTF-8, a Russian code page, or UTF-16 with its mark, told apart by the file itself.

Russian text in a code page is practically never valid UTF-8, so each line that is valid UTF-8 is taken as such;
the others are in a code page unless the file has shown UTF-8 Cyrillic: then they are damaged.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

from app.codepages import CODE_PAGES, guess
from app.rejects import Rejection
from app.source import AGAIN, CutError, Pieces, first_bytes, once_more

LONGEST = 8 << 20
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_LONGEST_MARK = 4
_CYRILLIC = re.compile("[\u0400-\u045f]")
_ASCII = re.compile(b"[\x00-\x7f]+")
_ENOUGH = 4096
_SHOWN = 1000
_TOO_LONG = f"строка длиннее {LONGEST >> 20} МиБ"
_SHORTER = "одно сообщение — одна строка; массив JSON переделает jq -c '.[]' файл.json > файл.jsonl"


@dataclass(frozen=True, slots=True)
class Line:
    """``number`` counts physical lines from 1."""

    number: int
    text: str


Lines = Iterator[Line | Rejection | None]


class _Around:
    """Lines that arrived together: what is at hand to tell the encoding of one of them by."""

    def __init__(self, rows: Sequence[bytes]) -> None:
        self._rows = rows

    @cached_property
    def letters(self) -> bytes:
        """What is not ASCII of the beginning, words apart."""
        found = b""
        for row in self._rows:
            if not row.isascii():
                found += b" " + _ASCII.sub(b" ", row)
            if len(found) >= _ENOUGH:
                break
        return found[:_ENOUGH]

    @cached_property
    def mostly_utf8(self) -> bool:
        text = self.letters.decode("utf-8", "replace")
        bad = text.count("\ufffd")
        return sum(not c.isascii() for c in text) - bad > bad


class Encoding:
    """Decodes the lines of one file."""

    def __init__(self) -> None:
        self._page = ""
        self._sample = b""
        self._weighed: _Around | None = None
        self._utf8_seen = False

    @property
    def code_page(self) -> str:
        """Name of the code page that lines were taken for; empty where all was UTF-8 or UTF-16."""
        return CODE_PAGES.get(self._page, "")

    def decode(self, row: bytes, around: _Around) -> str | None:
        """``None`` where the line is damaged."""
        try:
            text = row.decode("utf-8")
        except UnicodeDecodeError:
            return self._decode_old(row, around)
        if self._utf8_seen or row.isascii():
            return text
        if _CYRILLIC.search(text):
            self._utf8_seen = not self._page
        elif self._page or not around.mostly_utf8:
            return self._decode_old(row, around)
        return text

    def shown(self, row: bytes) -> str:
        """A line that is not to be decided, as far as it can be read."""
        return row.decode(self._page or "utf-8", "backslashreplace")

    def _decode_old(self, row: bytes, around: _Around) -> str | None:
        if self._utf8_seen or not (self._page or not around.mostly_utf8):
            return None
        page = self._guessed(around)
        try:
            text = row.decode(page)
        except UnicodeDecodeError:
            return None
        self._page = page
        return text

    def _guessed(self, around: _Around) -> str:
        """The guess is made anew until enough has been seen: the first lines of a slow input may be a word or two."""
        if around is self._weighed or len(self._sample) >= _ENOUGH:
            return self._page or guess(self._sample)
        self._weighed = around
        self._sample = (self._sample + around.letters)[:_ENOUGH]
        return guess(self._sample)


def read_lines(pieces: Pieces, encoding: Encoding) -> Lines:
    """Lines without their ends, a rejection for each that cannot be read, ``None`` where the input pauses.

    A line of more than ``LONGEST`` bytes of UTF-8 is rejected and passed over without being held.
    """
    number = 0
    for part in _parts(_unmarked(pieces)):
        if part is None:
            yield None
        elif isinstance(part, _TooLong):
            number += 1
            yield Rejection(number, _TOO_LONG, _SHORTER, f"{encoding.shown(part.start)}…")
        elif isinstance(part, _Broken):
            yield Rejection(number + 1, part.cut.reason, part.cut.mend, encoding.shown(part.rest))
        else:
            around = _Around(part)
            for row in part:
                number += 1
                yield _line(number, row.removesuffix(b"\r"), around, encoding)


def _line(number: int, row: bytes, around: _Around, encoding: Encoding) -> Line | Rejection:
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


@dataclass(frozen=True, slots=True)
class _TooLong:
    start: bytes


@dataclass(frozen=True, slots=True)
class _Broken:
    """Where the input breaks off, and the ``rest`` of the line there."""

    rest: bytes
    cut: CutError


def _parts(pieces: Pieces) -> Iterator[list[bytes] | _TooLong | _Broken | None]:
    """Whole lines that arrived together, and what is not a whole line."""
    unfinished = [b""]  # empty while the rest of a line that is too long goes by
    size = 0
    try:
        for piece in pieces:
            if piece is None:
                yield None
                continue
            head, *rows = piece.split(b"\n")
            size += len(head)
            if size <= LONGEST:
                unfinished.append(head)
            elif unfinished:
                yield _TooLong(b"".join([*unfinished, head])[:_SHOWN])
                unfinished = []
            if rows:
                whole = [b"".join(unfinished)] if unfinished else []
                unfinished = [rows.pop()]
                size = len(unfinished[0])
                yield [*whole, *rows]
    except CutError as cut:
        yield _Broken(b"".join(unfinished), cut)
        return
    if last := b"".join(unfinished):
        yield [last]


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
        try:
            yield None if piece is None else decoder.decode(piece).encode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            raise CutError(f"дальше не {codec[:6].upper()}: знака с таким кодом нет", AGAIN) from None
    if decoder.getstate()[0]:
        raise CutError("файл обрывается на половине знака", AGAIN)

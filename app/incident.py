"""The CSV export of «Инцидент Менеджмент»: quoted fields over several lines, and the marks it leaves in a text."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum

from app.decoding import LONGEST, Line, Lines
from app.rejects import Rejection

TEXT_COLUMN = "Текст инцидента"
HEADER = "Исполнитель;Группа тем;Тема;Текст инцидента"
_SEPARATORS = ";,\t"
_MOST_LINES = 5_000
_FIELDS = {s: re.compile(rf'(?:"([^"]*(?:""[^"]*)*)"|([^{s}]*))({s}|\Z)') for s in _SEPARATORS}
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_ADDRESSED = re.compile(r"\A\s*\[(?:id|club|public)\d+(?::[^|\]]*)?\|[^\]]*\]\s*,?\s*")
_MENTION = re.compile(r"\[(?:id|club|public)\d+(?::[^|\]]{0,200})?\|([^\]]{0,200})\]")


@dataclass(frozen=True, slots=True)
class Row:
    """``number``: the line where the record begins; ``raw``: its lines as they stand in the file."""

    number: int
    fields: tuple[str, ...]
    raw: str


Rows = Iterator[Row | Rejection | None]


def clean(text: str) -> str:
    """Text of a post out of the text of the export: entities, ``<br>``, the leading quote, mentions.

    The person addressed at the very beginning goes; inside a text, or alone, the name stays without its link.
    """
    text = html.unescape(text.strip().removeprefix("'"))
    text = "\n".join(line.strip(" \t") for line in _BREAK.split(text))
    text = _ADDRESSED.sub("", text) or text
    return _MENTION.sub(r"\1", text).strip()


def text_column(header: Sequence[str]) -> int | None:
    """Number of the column with the text, from 0."""
    names = [" ".join(name.split()).casefold() for name in header]
    return names.index(TEXT_COLUMN.casefold()) if TEXT_COLUMN.casefold() in names else None


def is_header(line: str) -> bool:
    return text_column(_split(line, separator_of(line))) is not None


def separator_of(header: str) -> str:
    return max(_SEPARATORS, key=header.count)


class _End(Enum):
    """After the last line."""

    END = "end"


_Item = Line | Rejection | None | _End


def read_rows(lines: Lines, separator: str) -> Rows:
    """Records; where the quotes of one do not close, its first line is rejected and reading goes on with the next."""
    returned: list[_Item] = []
    record = _Record(separator)
    while (item := returned.pop() if returned else next(lines, _End.END)) is not _End.END or record.lines:
        if item is None:
            yield None
        elif isinstance(item, Line) and record.take(item):
            if record.complete:
                yield record.row()
                record = _Record(separator)
        elif record.lines:
            first, *rest = record.lines
            yield _broken(first)
            returned += [item, *reversed(rest)]
            record = _Record(separator)
        elif isinstance(item, Line):
            yield _broken(item)
        elif isinstance(item, Rejection):
            yield item


def _broken(line: Line) -> Rejection:
    reason = "кавычка в начале поля не закрыта как следует"
    mend = 'закройте её перед «;» или концом строки, кавычки внутри текста удвойте: ""'
    return Rejection(line.number, reason, mend, line.text)


@dataclass
class _Record:
    """Lines of one record; ``take`` refuses a line where quotes stand that cannot be."""

    separator: str
    lines: list[Line] = field(default_factory=list)
    inside: bool = False
    size: int = 0

    @property
    def complete(self) -> bool:
        return bool(self.lines) and not self.inside

    def take(self, line: Line) -> bool:
        inside = _quote_left_open(line.text, self.separator, self.inside)
        self.size += len(line.text)
        if inside is None or len(self.lines) >= _MOST_LINES or self.size > LONGEST:
            return False
        self.inside = inside
        self.lines.append(line)
        return True

    def row(self) -> Row:
        raw = "\n".join(line.text for line in self.lines)
        return Row(self.lines[0].number, tuple(_split(raw, self.separator)), raw)


def _quote_left_open(line: str, separator: str, inside: bool) -> bool | None:
    """Whether the line ends within quotes; ``None`` where a closing quote is followed by something else."""
    place = 0
    while True:
        if inside:
            place = line.find('"', place)
            if place < 0:
                return True
            following = line[place + 1 : place + 2]
            if following == '"':
                place += 2
                continue
            if following not in ("", separator):
                return None
            inside, place = False, place + 2
        if place >= len(line):
            return False
        if line[place] == '"':
            inside, place = True, place + 1
            continue
        place = line.find(separator, place) + 1
        if not place:
            return False


def _split(record: str, separator: str) -> list[str]:
    """Fields of a record whose quotes close; a quote inside a bare field is a letter like others."""
    fields: list[str] = []
    place, more = 0, True
    while more:
        match = _FIELDS[separator].match(record, place)
        assert match is not None  # a bare field may be empty
        fields.append(match[2] if match[1] is None else match[1].replace('""', '"'))
        place, more = match.end(), bool(match[3])
    return fields

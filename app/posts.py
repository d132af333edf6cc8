"""Lines → posts: JSON lines, plain lines, or the export of «Инцидент»; told apart by name or first line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import chain
from pathlib import PurePath

from app import incident
from app.decoding import Line, Lines
from app.rejects import Rejection
from records import Post, PostError, post_from_json, revision_of
from records.clock import now, stamp
from records.strict import json_object


class Format(StrEnum):
    JSONL = "jsonl"
    TEXT = "text"
    CSV = "csv"


@dataclass(frozen=True, slots=True)
class Accepted:
    """A post and the line where it begins."""

    line: int
    post: Post
    raw: str


Parsed = Iterator[Accepted | Rejection | None]
_BY_SUFFIX = {".jsonl": Format.JSONL, ".ndjson": Format.JSONL, ".csv": Format.CSV, ".txt": Format.TEXT}


def read_posts(lines: Lines, name: str, named: Format | None, *, keyed: bool = False) -> Parsed:
    """Posts in the order of the input; blank lines are passed over. The first that is not blank tells the format.

    ``keyed``: JSON without a key is refused; of text and CSV the key is derived all the same.
    """
    for item in lines:
        if isinstance(item, Line) and item.text.strip():
            yield from _read(item, lines, name, named, keyed=keyed)
            return
        if not isinstance(item, Line):
            yield item


def _read(first: Line, others: Lines, name: str, named: Format | None, *, keyed: bool) -> Parsed:
    kind = named or _BY_SUFFIX.get(PurePath(name.removesuffix(".gz")).suffix.lower()) or _detect(first.text)
    lines: Lines = chain([first], others)
    if kind is Format.CSV:
        return _from_csv(lines, incident.separator_of(first.text), Keys())
    if kind is Format.TEXT:
        return _from_lines(lines, Keys(), _from_text)
    return _from_lines(lines, Keys(), _from_keyed_json if keyed else _from_json)


class Keys:
    """Derived keys: hash of the text and its ordinal among equal texts."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def post(self, value: object, text: object) -> Post:
        """Raises: PostError."""
        if not isinstance(text, str) or (isinstance(value, Mapping) and value.get("key")):
            return post_from_json(value)
        revision = revision_of(text)
        post = post_from_json(value, key=f"file:{revision}-{self._counts[revision] + 1}")
        self._counts[revision] += 1
        return post


def _detect(first: str) -> Format:
    start = first.lstrip()
    if start.startswith(("{", "[{")) or start.rstrip() == "[":
        return Format.JSONL
    return Format.CSV if incident.is_header(first) else Format.TEXT


def _from_lines(lines: Lines, keys: Keys, read: Callable[[str, Keys], Post]) -> Parsed:
    for item in lines:
        if not isinstance(item, Line):
            yield item
        elif item.text.strip():
            try:
                yield Accepted(item.number, read(item.text, keys), item.text)
            except PostError as error:
                yield Rejection(item.number, error.reason, error.mend, item.text)


def _from_text(line: str, keys: Keys) -> Post:
    return keys.post({"text": line}, line)


def _from_json(line: str, keys: Keys) -> Post:
    """Raises: PostError."""
    value = json_object(line)
    return keys.post(value, value.get("text"))


def _from_keyed_json(line: str, _: Keys) -> Post:
    """Raises: PostError."""
    return post_from_json(json_object(line))


def detected(post: Post) -> Post:
    """Stamped now unless it was before: whoever accepts a post first starts its clocks."""
    return post if post.detected_at else replace(post, detected_at=stamp(now()))


def _from_csv(lines: Lines, separator: str, keys: Keys) -> Parsed:
    column: int | None = None
    width = 0
    for row in incident.read_rows(lines, separator):
        if not isinstance(row, incident.Row):
            yield row
        elif not any(value.strip() for value in row.fields):
            continue
        elif column is not None:
            yield _from_row(row, column, width, separator, keys)
        elif (column := incident.text_column(row.fields)) is not None:
            width = len(row.fields)
        else:
            yield _no_text_column(row)
            return


def _no_text_column(header: incident.Row) -> Rejection:
    reason = f"нет столбца «{incident.TEXT_COLUMN}»; остальные строки файла не читались"
    mend = f"первой строкой должны стоять названия столбцов: {incident.HEADER} (или укажите --in text)"
    return Rejection(header.number, reason, mend, header.raw)


def _from_row(row: incident.Row, column: int, width: int, separator: str, keys: Keys) -> Accepted | Rejection:
    """A text in the last column may hold the separator without quotes: nothing else can stand there."""
    fields = row.fields
    if len(fields) > width == column + 1:
        fields = (*fields[:column], separator.join(fields[column:]))
    if len(fields) != width:
        reason = f"столбцов {len(fields)}, а в заголовке {width}"
        mend = f"поле, внутри которого есть «{separator}» или перевод строки, возьмите в кавычки"
        return Rejection(row.number, reason, mend, row.raw)
    text = incident.clean(fields[column])
    try:
        return Accepted(row.number, keys.post({"text": text}, text), row.raw)
    except PostError as error:
        return Rejection(row.number, error.reason, error.mend, row.raw)

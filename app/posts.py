"""Lines → posts: JSON lines, plain lines, or the export of «Инцидент»; told apart by name or first line."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from pathlib import PurePath
from typing import Any, NoReturn

from app import incident
from app.decoding import Line, Lines
from app.rejects import Rejection
from records import Post, PostError, post_from_json, revision_of


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
_SYNTAX = {
    "Expecting value": "здесь ждут значение",
    "Expecting property name enclosed in double quotes": "имя поля пишут в двойных кавычках",
    "Expecting ':' delimiter": "после имени поля ждут двоеточие",
    "Expecting ',' delimiter": "между полями ждут запятую",
    "Unterminated string starting at": "кавычка не закрыта",
    "Invalid control character at": "управляющий знак внутри строки (перевод строки пишут \\n)",
    "Invalid \\escape": "негодная косая черта (саму её пишут \\\\)",
    "Invalid \\uXXXX escape": "негодный код \\u",
    "Extra data": "после объекта стоит лишнее",
    "Illegal trailing comma before end of object": "лишняя запятая перед «}»",
}
_ONE_A_LINE = 'одна строка — один объект: {"text": "…"}'


def read_posts(lines: Lines, name: str, named: Format | None) -> Parsed:
    """Posts in the order of the input; blank lines of text and JSON lines are passed over."""
    before, first = _first_line(lines)
    lines = chain(before, lines)
    kind = named or _BY_SUFFIX.get(PurePath(name.removesuffix(".gz")).suffix.lower()) or _detect(first)
    keys = Keys()
    if kind is Format.CSV:
        return _from_csv(lines, keys)
    return _from_lines(lines, keys, _from_json if kind is Format.JSONL else _from_text)


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


def _first_line(lines: Lines) -> tuple[list[Line | Rejection | None], str]:
    """The first line that is not blank, and all that was read to find it."""
    before: list[Line | Rejection | None] = []
    for item in lines:
        before.append(item)
        if isinstance(item, Line) and item.text.strip():
            return before, item.text
    return before, ""


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


def json_object(line: str) -> dict[str, Any]:
    """One strict JSON object: no key twice, no NaN.

    Raises:
        PostError: what is wrong, and where.
    """
    try:
        value = json.loads(line, object_pairs_hook=_without_repeats, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise _syntax_error(line, error) from None
    except RecursionError:
        raise PostError("слишком глубокая вложенность", _ONE_A_LINE) from None
    except PostError:
        raise
    except ValueError:
        raise PostError("слишком длинное число", "запишите его строкой, в кавычках") from None
    if not isinstance(value, dict):
        raise PostError("строка не является объектом JSON", _ONE_A_LINE)
    return value


def _syntax_error(line: str, error: json.JSONDecodeError) -> PostError:
    if line.strip() in ("[", "]") or line.startswith("[{"):
        return PostError("это массив JSON, а нужны строки JSON", "переделайте файл: jq -c '.[]' файл.json > файл.jsonl")
    said = _SYNTAX.get(error.msg.rstrip(":"), "ошибка записи")
    return PostError(f"это не JSON: {said} (знак {error.pos + 1})", _ONE_A_LINE)


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        repeated = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        raise PostError(f"поле {repeated} записано дважды", "оставьте одно")
    return found


def _no_constant(name: str) -> NoReturn:
    raise PostError(f"{name} — не число JSON", "запишите число или null")


def _from_csv(lines: Lines, keys: Keys) -> Parsed:
    column: int | None = None
    width = 0
    rows, separator = _rows(lines)
    for row in rows:
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


def _rows(lines: Lines) -> tuple[incident.Rows, str]:
    before, first = _first_line(lines)
    separator = incident.separator_of(first)
    return incident.read_rows(chain(before, lines), separator), separator


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

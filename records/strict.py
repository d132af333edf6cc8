"""One strict JSON object: what is wrong is said in Russian, with its place."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, NoReturn

from records.post import PostError

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


def json_object(line: str) -> dict[str, Any]:
    """One strict JSON object.

    Raises:
        PostError: what is wrong, and where.
    """
    value = json_value(line)
    if not isinstance(value, dict):
        raise PostError("строка не является объектом JSON", _ONE_A_LINE)
    return value


def json_value(line: str) -> Any:
    """Strict JSON: no key twice, no NaN.

    Raises:
        PostError: what is wrong, and where.
    """
    try:
        return json.loads(line, object_pairs_hook=_without_repeats, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise _syntax_error(line, error) from None
    except RecursionError:
        raise PostError("слишком глубокая вложенность", _ONE_A_LINE) from None
    except PostError:
        raise
    except ValueError:
        raise PostError("слишком длинное число", "запишите его строкой, в кавычках") from None


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

"""One mapping of a document asked key by key: whatever is wrong becomes a fault of the document.

The caller reads on with a harmless value, so that every fault of a file is found in one reading.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Any, TypeVar

from regulation.documents import Document, Step

Where = tuple[Step, ...]
Choice = TypeVar("Choice", bound=StrEnum)


class Fields:
    """``where`` is the path of the mapping; ``keys`` are all it may have."""

    def __init__(self, document: Document, where: Where, value: Any, keys: str) -> None:
        self.document = document
        self.where = where
        self._keys = keys.split()
        self._data: dict[Any, Any] = value if isinstance(value, dict) else {}
        if not isinstance(value, dict):
            self.fault(None, "здесь ждут «ключ: значение»", f"ключи: {', '.join(self._keys)}")
        for key in self._data:
            if key not in self._keys:
                self.fault(key, f"неизвестный ключ «{key}»", f"ключи: {', '.join(self._keys)}")

    def __contains__(self, key: str) -> bool:
        return self._data.get(key) is not None

    def fault(self, key: Any, what: str, mend: str, *inner: Step) -> None:
        where = self.where if key is None else (*self.where, key, *inner)
        self.document.fault(where, what, mend)

    def warn(self, key: str, what: str, mend: str) -> None:
        """What nobody can use, but what harms nobody."""
        self.document.fault((*self.where, key), what, mend, warning=True)

    def text(self, key: str, default: str | None = None) -> str:
        """A text with a letter or a digit in it; a fault where it is missing and has no default."""
        value = self._data.get(key)
        if value is None and default is not None:
            return default
        if value is None:
            self.fault(key, f"нет значения {key}", f"добавьте {key}: …")
            return ""
        if not isinstance(value, str):
            self.fault(key, f"{key}: ждут текст, а не {value!r}", "возьмите значение в кавычки")
            return ""
        if not any(map(str.isalnum, value)):
            self.fault(key, f"{key} пусто", f"напишите {key}")
        return value.strip()

    def flag(self, key: str) -> bool:
        value = self._data.get(key, False)
        if not isinstance(value, bool):
            self.fault(key, f"{key}: ждут true или false, а не {value!r}", f"{key}: true или {key}: false")
            return False
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts, empty where the key is missing."""
        return tuple(text for _, text in self.numbered_texts(key))

    def numbered_texts(self, key: str) -> Iterator[tuple[int, str]]:
        """The texts of a list with their places in it."""
        for number, value in self._items(key):
            if isinstance(value, str) and value.strip():
                yield number, value.strip()
            else:
                self.fault(key, f"{key}: ждут текст, а не {value!r}", "возьмите значение в кавычки", number)

    def choice(self, key: str, of: type[Choice], default: Choice) -> Choice:
        value = self._data.get(key, default)
        if value in list(of):
            return of(value)
        self.fault(key, f"{key}: неизвестное значение «{value}»", f"одно из: {', '.join(of)}")
        return default

    def entries(self, key: str, keys: str) -> Iterator[Fields]:
        """The mappings of a list."""
        for number, value in self._items(key):
            yield Fields(self.document, (*self.where, key, number), value, keys)

    def mapping(self, key: str) -> dict[Any, Any]:
        value = self._data.get(key, {})
        if isinstance(value, dict):
            return value
        self.fault(key, f"{key}: ждут «ключ: значение»", f"под {key} с отступом перечислите значения")
        return {}

    def _items(self, key: str) -> Iterator[tuple[int, Any]]:
        value = self._data.get(key)
        if value is not None and not isinstance(value, list):
            self.fault(key, f"{key}: ждут список, а не {value!r}", f"{key}: [одно, другое] или строки с «- »")
            return
        yield from enumerate(value or ())

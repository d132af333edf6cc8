"""Objects on the ground: «школа № 4», «детский сад «Ромашка»», «ФАП», «парк Победы»."""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass, replace
from enum import StrEnum

from language.morphology import lemma
from language.reading import Reading
from regulation.context import Candidate, Mention, Part, before, capital, word_at
from regulation.houses import counted
from regulation.names import gap

_NUMBER = re.compile(r"\s?(?:№|n|no|номер|#)?\.?\s?(\d{1,3})(?![\d:%]|\s?(?:лет|год|час|мин|руб|дн|чел|раз|класс))")
_QUOTED = re.compile(r"\s?[\"«„“]([^\"«»„“”\n]{2,40})[\"»”“]")
_NEARBY = frozenset("возле около у до от из напротив".split())
_SHORTEST_NAME = 3
_ORDINAL_ENDS = frozenset("я й ю ей ой ая ую".split())
_ORDINALS = {
    stem: number
    for number, stem in enumerate(
        "перв втор трет четверт пят шест седьм восьм девят десят одиннадцат двенадцат".split(), start=1
    )
}
_ORDINAL = re.compile(r"([а-я]+?)(?:ья|ьей|ью|ьего|ьем|ий|ая|ой|ую|ый|ом|ого|ому)")


class Alone(StrEnum):
    """Whether the word names a place by itself."""

    YES = "да"
    BESIDE = "место"
    NO = "нет"


@dataclass(frozen=True, slots=True)
class Thing:
    """A word for an object; ``taken``: words that are names of something else, never of this."""

    name: str
    alone: Alone
    numbered: bool
    quoted: bool
    bare: bool
    minor: bool
    not_before: frozenset[str]
    taken: Container[str]

    def read(self, here: Mention) -> Candidate | None:
        if here.next in self.not_before:
            return None
        named = self._number(here) or self._name(here)
        if named is not None:
            return named
        if self.alone is Alone.NO or (here.first > 1 and here.reading.norms[here.first - 2] == "как"):
            return None
        leaning = self.alone is Alone.BESIDE
        return here.candidate(Part.OBJECT, self.name, 1 if self.minor else 2, leaning=leaning)

    def _number(self, here: Mention) -> Candidate | None:
        if not self.numbered:
            return None
        reading = here.reading
        match = _NUMBER.match(reading.folded, reading.stops[here.last])
        if match:
            return self._named(here, f"№ {int(match[1])}", match.end())
        earlier = _number_before(reading, here.first)
        if earlier is None or earlier[0] < here.free:
            return None
        return self._named(replace(here, first=earlier[0]), f"№ {earlier[1]}", reading.stops[here.last])

    def _name(self, here: Mention) -> Candidate | None:
        reading = here.reading
        match = _QUOTED.match(reading.text, reading.stops[here.last]) if self.quoted else None
        if match and match[1].strip():
            return self._named(here, f"«{match[1].strip()}»", match.end())
        word = here.next if self.bare else ""
        if len(word) < _SHORTEST_NAME or word in self.taken or lemma(word) != word:
            return None
        if not capital(reading, here.last + 1):
            return None
        start, stop = reading.span(here.last + 1, here.last + 1)
        return self._named(here, f"«{reading.text[start:stop]}»", stop)

    def _named(self, here: Mention, name: str, stop: int) -> Candidate:
        last = word_at(here.reading, stop, here.last)
        return Candidate(Part.OBJECT, f"{self.name} {name}", last, here.reading.starts[here.first], stop, 3)


def _number_before(reading: Reading, at: int) -> tuple[int, int] | None:
    """«4 школа», «4-я школа», «в третьей школе»: the word where the number begins, and the number."""
    word = before(reading, at)
    if word.isdecimal() and len(word) < 4:
        counting = counted(reading.norms[at], int(word)) and before(reading, at - 1) not in _NEARBY
        return None if counting else (at - 1, int(word))
    if word in _ORDINAL_ENDS and at > 1 and gap(reading, at - 1) == "-":
        number = reading.norms[at - 2]
        return (at - 2, int(number)) if number.isdecimal() and len(number) < 4 else None
    match = _ORDINAL.fullmatch(word)
    return (at - 1, _ORDINALS[match[1]]) if match and match[1] in _ORDINALS else None

"""Objects on the ground: «школа № 4», «детский сад «Ромашка»», «ФАП», «парк Победы»."""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass
from enum import StrEnum

from language.morphology import lemma
from language.reading import Reading
from regulation.context import Candidate, Part, Phrase, before, capital, follows, gap, near, word_at
from regulation.houses import counted

_NUMBER = re.compile(r"\s?(?:№|n|no|номер|#)?\.?\s?(\d{1,3})(?![\d:%]|\s?(?:лет|год|час|мин|руб|дн|чел|раз|класс))")
_QUOTED = re.compile(r"\s?[\"«„“]([^\"«»„“”\n]{2,40})[\"»”“]")
_NEARBY = frozenset("возле около у до от из напротив".split())
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
    rest: Phrase
    alone: Alone
    numbered: bool
    quoted: bool
    bare: bool
    minor: bool
    not_before: frozenset[str]
    taken: Container[str]

    def read(self, reading: Reading, at: int, free: int) -> Candidate | None:
        last = follows(reading, at, self.rest)
        if last is None or (near(reading, last + 1) and reading.norms[last + 1] in self.not_before):
            return None
        named = self._number(reading, at, last, free) or self._name(reading, at, last)
        if named is not None:
            return named
        if self.alone is Alone.NO or (at > 1 and reading.norms[at - 2] == "как"):
            return None
        start, stop = reading.span(at, last)
        leaning = self.alone is Alone.BESIDE
        return Candidate(Part.OBJECT, self.name, at, last, start, stop, 1 if self.minor else 2, leaning=leaning)

    def _number(self, reading: Reading, at: int, last: int, free: int) -> Candidate | None:
        if not self.numbered:
            return None
        match = _NUMBER.match(reading.folded, reading.stops[last])
        if match:
            end = word_at(reading, match.end(), last)
            return self._named(reading, at, end, f"№ {int(match[1])}", match.end())
        earlier = _number_before(reading, at)
        if earlier is None or earlier[0] < free:
            return None
        return self._named(reading, earlier[0], last, f"№ {earlier[1]}", reading.stops[last])

    def _name(self, reading: Reading, at: int, last: int) -> Candidate | None:
        match = _QUOTED.match(reading.text, reading.stops[last]) if self.quoted else None
        if match and match[1].strip():
            end = word_at(reading, match.end(), last)
            return self._named(reading, at, end, f"«{match[1].strip()}»", match.end())
        if not self.bare or not near(reading, last + 1) or not capital(reading, last + 1):
            return None
        word = reading.norms[last + 1]
        if word in self.taken or len(word) < 3 or lemma(word) != word:
            return None
        start, stop = reading.span(last + 1, last + 1)
        return self._named(reading, at, last + 1, f"«{reading.text[start:stop]}»", stop)

    def _named(self, reading: Reading, first: int, last: int, name: str, stop: int) -> Candidate:
        return Candidate(Part.OBJECT, f"{self.name} {name}", first, last, reading.starts[first], stop, 3)


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

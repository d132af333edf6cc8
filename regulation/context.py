"""What stands around a word of a text: the preposition before it, the noun that would take it for an adjective."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Protocol

from language.morphology import forms, known, lemma
from language.reading import Reading, read

_ENDINGS = {
    "neut": re.compile(r"[ое]е$"),
    "masc": re.compile(r"(?:[ыи]й|ой)$"),
    "femn": re.compile(r"[ая]я$"),
}
_WHOLE = frozenset("весь вся все всю всей всего всем всему".split())
_CACHED = 20_000
_SHORTEST_AGREEING = 3


class Needs(StrEnum):
    """What confirms a name that is a common word too."""

    NOTHING = "ничего"
    PREPOSITION = "предлог"
    CAPITAL = "прописная"


class Part(StrEnum):
    SETTLEMENT = "settlement"
    STREET = "street"
    HOUSE = "house"
    OBJECT = "object"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A part of a place that the text may name: words ``first`` to ``last``, the better the higher its ``rank``.

    ``leaning``: names a place only beside a street or a settlement.
    """

    part: Part
    value: str
    first: int
    last: int
    start: int
    stop: int
    rank: int
    office: str | None = None
    house: Candidate | None = None
    leaning: bool = False


class Lead(Protocol):
    """A small named thing that answers or stays silent, asked at a word it waits for.

    Words before ``free`` already belong to another candidate.
    """

    def read(self, reading: Reading, at: int, free: int) -> Candidate | None: ...


Phrase = tuple[frozenset[str], ...]


def gender_of(word: str) -> str | None:
    """The gender of a name that is an adjective by its ending."""
    return next((gender for gender, ending in _ENDINGS.items() if ending.search(word)), None)


def inflected(word: str, case: str = "") -> frozenset[str]:
    """The forms of a name (in one case): of the gender it has, where it is an adjective; in its own number."""
    wanted = {case} - {""}
    gender = gender_of(word)
    if gender and (found := forms(word, frozenset(wanted | {"ADJF", "sing", gender}))):
        return found
    number = "sing" if word in forms(word, frozenset({"sing"})) else "plur"
    found = forms(word, frozenset(wanted | {number}))
    return found if case else found | {word}


def phrase(name: str) -> Phrase:
    """The forms of each word of a name: «Сухая Буйвола», «пр-т»."""
    return tuple(inflected(word) for word in read(name).norms)


def gap(reading: Reading, at: int) -> str:
    """What stands between the word and the one before it."""
    return reading.folded[reading.stops[at - 1] : reading.starts[at]] if at else ""


def near(reading: Reading, at: int, marks: str = "") -> bool:
    """Whether only spaces (and ``marks``) stand between the word and the one before it."""
    if not 0 < at < len(reading.norms):
        return False
    between = gap(reading, at)
    return between == " " or not between.strip(" \t\xa0" + marks)


def follows(reading: Reading, at: int, rest: Phrase) -> int | None:
    """The last word of a phrase whose first word stands at ``at``."""
    for words in rest:
        at += 1
        if not near(reading, at, "-–./") or reading.norms[at] not in words:
            return None
    return at


def before(reading: Reading, at: int, marks: str = "") -> str:
    """The word before, with nothing but spaces (and ``marks``) between; empty where there is none."""
    return reading.norms[at - 1] if near(reading, at, marks) else ""


def capital(reading: Reading, at: int) -> bool:
    """Written with a capital letter, and not wholly in capitals."""
    word = reading.text[reading.starts[at] : reading.stops[at]]
    return word[0].isupper() and not word[1:2].isupper()


def begins_clause(reading: Reading, at: int) -> bool:
    return not near(reading, at, "\"«'")


def stands_alone(reading: Reading, last: int, gender: str | None, *cases: str) -> bool:
    """Whether the next word is none that the name could be an adjective of («в горном воздухе»)."""
    if gender is None or not near(reading, last + 1):
        return True
    word = reading.norms[last + 1]
    return word in _WHOLE or not any(agrees(word, gender, case) for case in cases)


@lru_cache(maxsize=_CACHED)
def agrees(word: str, gender: str, case: str) -> bool:
    if len(word) < _SHORTEST_AGREEING or not known(word):
        return False
    return word in forms(lemma(word), frozenset({gender, case, "sing"}))


def word_at(reading: Reading, offset: int, at: int) -> int:
    """The last word, from ``at`` on, that begins before the offset."""
    while at + 1 < len(reading.starts) and reading.starts[at + 1] < offset:
        at += 1
    return at

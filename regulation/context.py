"""A name where it stands in a text: the preposition before it, the noun that would take it for an adjective."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Protocol

from language.morphology import forms, known, lemma
from language.reading import Reading
from regulation.names import near

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
    """A part of a place that the text may name, the better the higher its ``rank``; ``last``: the word it ends with.

    ``leaning``: names a place only beside a street or a settlement.
    """

    part: Part
    value: str
    last: int
    start: int
    stop: int
    rank: int
    office: str | None = None
    house: Candidate | None = None
    leaning: bool = False


@dataclass(frozen=True, slots=True)
class Mention:
    """Words ``first`` to ``last`` in the forms of a name; words before ``free`` belong to another candidate."""

    reading: Reading
    first: int
    last: int
    free: int = 0

    @property
    def words(self) -> list[str]:
        return self.reading.norms[self.first : self.last + 1]

    @property
    def capital(self) -> bool:
        return capital(self.reading, self.first)

    @property
    def begins_clause(self) -> bool:
        return not near(self.reading, self.first, "\"«'")

    @property
    def next(self) -> str:
        """The word behind, with nothing but spaces between; empty where there is none."""
        return self.reading.norms[self.last + 1] if near(self.reading, self.last + 1) else ""

    def before(self, marks: str = "") -> str:
        return before(self.reading, self.first, marks)

    def stands_alone(self, gender: str | None, *cases: str) -> bool:
        """Whether the next word is none that the name could be an adjective of («в горном воздухе»)."""
        word = self.next
        if gender is None or not word:
            return True
        return word in _WHOLE or not any(agrees(word, gender, case) for case in cases)

    def candidate(
        self, part: Part, value: str, rank: int, *, office: str | None = None, leaning: bool = False
    ) -> Candidate:
        start, stop = self.reading.span(self.first, self.last)
        return Candidate(part, value, self.last, start, stop, rank, office, leaning=leaning)


class Lead(Protocol):
    """A small named thing that answers or stays silent, asked where its name stands."""

    def read(self, here: Mention) -> Candidate | None: ...


def before(reading: Reading, at: int, marks: str = "") -> str:
    """The word before, with nothing but spaces (and ``marks``) between; empty where there is none."""
    return reading.norms[at - 1] if near(reading, at, marks) else ""


def capital(reading: Reading, at: int) -> bool:
    """Written with a capital letter, and not wholly in capitals."""
    word = reading.text[reading.starts[at] : reading.stops[at]]
    return word[0].isupper() and not word[1:2].isupper()


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

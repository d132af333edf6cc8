"""Settlements, their inhabitants and adjectives; quarters of the town."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from language.reading import Reading
from regulation.context import (
    Candidate,
    Needs,
    Part,
    Phrase,
    before,
    begins_clause,
    capital,
    follows,
    gap,
    near,
    stands_alone,
)

_PREPOSITIONS = frozenset("в во из до с под через около возле".split())
_QUARTER_PREPOSITIONS = frozenset("на с со по до в под за около возле из".split())
_LIVING = ("жив", "прожив", "жител", "живущ")
_QUOTES = "\"«„“'"


@dataclass(frozen=True, slots=True)
class Settlement:
    """A name of a settlement, from its first word on. ``locative``: forms that say where, not whither."""

    name: str
    office: str | None
    rest: Phrase
    locative: frozenset[str]
    nominative: str
    gender: str | None
    needs: Needs
    titles: Container[str]
    city: bool

    def read(self, reading: Reading, at: int, free: int) -> Candidate | None:
        last = follows(reading, at, self.rest)
        if last is None:
            return None
        titled = self._titled(reading, at)
        if not titled and self.needs is not Needs.NOTHING and not self._confirmed(reading, at, last):
            return None
        rank = self._rank(reading, at, last, titled)
        start, stop = reading.span(at, last)
        return Candidate(Part.SETTLEMENT, self.name, at, last, start, stop, rank, self.office)

    def _titled(self, reading: Reading, at: int) -> bool:
        """«посёлок Горный»; «с» is a village with a point or before a nominative, else a preposition."""
        word = before(reading, at, '.«"')
        if word == "с":
            return "." in gap(reading, at) or reading.norms[at] == self.nominative
        return bool(word) and word in self.titles

    def _confirmed(self, reading: Reading, at: int, last: int) -> bool:
        if any(mark in _QUOTES for mark in gap(reading, at)):
            return False
        high = capital(reading, at)
        preposition = before(reading, at)
        if preposition in _PREPOSITIONS or (preposition == "на" and self.gender is None):
            cased = high or (self.needs is Needs.PREPOSITION and preposition != "с")
            return cased and stands_alone(reading, last, self.gender, self._case(reading, last, preposition))
        bare = self.gender == "neut" and reading.norms[at] == self.nominative
        return bare and high and stands_alone(reading, last, self.gender, "nomn")

    def _case(self, reading: Reading, last: int, preposition: str) -> str:
        if preposition in ("в", "во", "на"):
            return "loct" if reading.norms[last] in self.locative else "accs"
        return "accs" if preposition in ("под", "через") else "gent"

    def _rank(self, reading: Reading, at: int, last: int, titled: bool) -> int:
        """Where something is comes before whence, and whence before whither; the village before the town."""
        preposition = before(reading, at)
        located = preposition in ("в", "во", "по", "на") and reading.norms[last] in self.locative
        return (4 if titled or located else 3 if preposition == "из" else 2) - self.city


@dataclass(frozen=True, slots=True)
class People:
    """Inhabitants and adjectives: «шангалинцы», «мартыновская школа».

    ``nouns``: where the adjective is a surname too («Высоцкий»), the words one of which must follow.
    """

    name: str
    office: str | None
    rest: Phrase
    nouns: Container[str] | None
    city: bool

    def read(self, reading: Reading, at: int, free: int) -> Candidate | None:
        last = follows(reading, at, self.rest)
        if last is None:
            return None
        if self.nouns is not None and not (near(reading, last + 1) and reading.norms[last + 1] in self.nouns):
            return None
        start, stop = reading.span(at, last)
        return Candidate(Part.SETTLEMENT, self.name, at, last, start, stop, 3 - self.city, self.office)


@dataclass(frozen=True, slots=True)
class Quarter:
    """A quarter of the town, told from the common word («детская горка») by what stands before it."""

    name: str
    rest: Phrase
    needs: Needs
    titles: Container[str]

    def read(self, reading: Reading, at: int, free: int) -> Candidate | None:
        last = follows(reading, at, self.rest)
        if last is None or not self._confirmed(reading, at):
            return None
        start, stop = reading.span(at, last)
        return Candidate(Part.OBJECT, self.name, at, last, start, stop, 1)

    def _confirmed(self, reading: Reading, at: int) -> bool:
        if self.needs is Needs.NOTHING or before(reading, at, '.«"') in self.titles:
            return True
        if begins_clause(reading, at) or before(reading, at) not in _QUARTER_PREPOSITIONS:
            return False
        living = any(word.startswith(_LIVING) for word in reading.norms[max(0, at - 4) : at])
        return living or capital(reading, at)

"""Settlements, their inhabitants and adjectives; quarters of the town."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

from regulation.context import Candidate, Mention, Needs, Part, capital
from regulation.names import gap

_PREPOSITIONS = frozenset("в во из до с под через около возле к ко".split())
_DATIVE = frozenset("к ко".split())
_QUARTER_PREPOSITIONS = frozenset("на с со по до в под за около возле из".split())
_LIVING = ("жив", "прожив", "жител", "живущ")
_QUOTES = "\"«„“'"


@dataclass(frozen=True, slots=True)
class Settlement:
    """A name of a settlement. ``titles``: words of the kind «посёлок»; ``nominative``: the first word of the name;
    ``gender``: of its last word, where that is an adjective; ``locative``: forms of the last word that say where,
    not whither; ``bare``: the nominative with a capital letter is enough."""

    name: str
    office: str | None
    city: bool
    needs: Needs
    titles: Container[str]
    nominative: str = ""
    gender: str | None = None
    locative: frozenset[str] = frozenset()
    bare: bool = False

    def read(self, here: Mention) -> Candidate | None:
        titled = self._titled(here)
        if not titled and self.needs is not Needs.NOTHING and not self._confirmed(here):
            return None
        return here.candidate(Part.SETTLEMENT, self.name, self._rank(here, titled), office=self.office)

    def _titled(self, here: Mention) -> bool:
        """«посёлок Горный»; «с» is a village with a point or before a nominative, else a preposition."""
        word = here.before('.«"')
        if word == "с":
            return "." in gap(here.reading, here.first) or here.words[0] == self.nominative
        return bool(word) and word in self.titles

    def _confirmed(self, here: Mention) -> bool:
        if any(mark in _QUOTES for mark in gap(here.reading, here.first)):
            return False
        if here.last > here.first and here.capital and capital(here.reading, here.last):
            return True
        preposition = here.before()
        if preposition in _PREPOSITIONS or (preposition == "на" and self.gender is None):
            cased = here.capital or (self.needs is Needs.PREPOSITION and preposition not in ("с", *_DATIVE))
            return cased and here.stands_alone(self.gender, self._case(here, preposition))
        nominative = self.bare and here.capital and here.words[0] == self.nominative
        return nominative and here.stands_alone(self.gender, "nomn")

    def _case(self, here: Mention, preposition: str) -> str:
        if preposition in ("в", "во", "на"):
            return "loct" if here.words[-1] in self.locative else "accs"
        if preposition in _DATIVE:
            return "datv"
        return "accs" if preposition in ("под", "через") else "gent"

    def _rank(self, here: Mention, titled: bool) -> int:
        """Where something is comes before whence, and whence before whither; the village before the town."""
        preposition = here.before()
        located = preposition in ("в", "во", "по", "на") and here.words[-1] in self.locative
        return (4 if titled or located else 3 if preposition == "из" else 2) - self.city


@dataclass(frozen=True, slots=True)
class People:
    """Inhabitants and adjectives: «шангалинцы», «мартыновская школа».

    ``nouns``: where the adjective is a surname too («Высоцкий»), the words one of which must follow.
    """

    name: str
    office: str | None
    city: bool
    nouns: Container[str] | None

    def read(self, here: Mention) -> Candidate | None:
        if self.nouns is not None and here.next not in self.nouns:
            return None
        return here.candidate(Part.SETTLEMENT, self.name, 3 - self.city, office=self.office)


@dataclass(frozen=True, slots=True)
class Quarter:
    """A quarter of the town, told from the common word («детская горка») by what stands before it."""

    name: str
    needs: Needs
    titles: Container[str]

    def read(self, here: Mention) -> Candidate | None:
        return here.candidate(Part.OBJECT, self.name, 1) if self._confirmed(here) else None

    def _confirmed(self, here: Mention) -> bool:
        if self.needs is Needs.NOTHING or here.before('.«"') in self.titles:
            return True
        if here.begins_clause or here.before() not in _QUARTER_PREPOSITIONS:
            return False
        earlier = here.reading.norms[max(0, here.first - 4) : here.first]
        return here.capital or any(word.startswith(_LIVING) for word in earlier)

"""Streets: those of the list by their forms, others by the word «улица» beside them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from language.morphology import forms, lemma
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
from regulation.houses import house_after

_SURE = frozenset("на по вдоль".split())
_CROSSING = frozenset("угол углу угла перекресток перекрестке перекрестка пересечение пересечении".split())
_LOOSE = frozenset("с со от до около возле у к через между перед".split())
_COMPLAINT = ("жал", "пожал", "заявл", "обид", "злит", "злюсь", "наде", "ссыла")
_MONTH = frozenset("января февраля марта апреля мая июня июля августа сентября октября ноября декабря".split())
_RANKS = frozenset("маршала генерала академика адмирала космонавта братьев героя героев лейтенанта капитана".split())
_NO_NAME = frozenset(
    "вся все наша наши моя ваша эта эти такая темная каждая любая другая соседняя своя когда почему где куда нет нету "
    "опять снова если или для что это они она дождь дети люди почти города села днем ночью утром вечером пора надо "
    "будет была были стоит темно грязно холодно жара мороз".split()
)
_OBLIQUE = re.compile(r"(?:[оеая]й|[ую]ю|[оеы]м|[ое]го|[ое]му)$")
_FEMININE = re.compile(r"(?:[ая]я|[ое]й|[ую]ю)$")
_NAMED = re.compile(r"(?:[ая]я|[ое]й|[ую]ю|[аяыи]|[ое]в|ко|[иы]х|[ое]го|[иы]й|[ое]м|[ое]му)$")
_LONGEST = 3


@dataclass(frozen=True, slots=True)
class Kind:
    """«улица», «переулок»: ``unlisted`` introduces names that are not in the list; ``short``: an abbreviation."""

    name: str
    rest: Phrase
    unlisted: bool
    short: bool

    def titles(self, street: str) -> str:
        return street if self.name == "улица" else f"{self.name} {street}"


@dataclass(frozen=True, slots=True)
class Street:
    """A street of the list. ``adjective``: «Телеграфная», else a genitive that never changes («Ленина», «Мира»)."""

    name: str
    kind: str
    rest: Phrase
    nominative: str
    adjective: bool
    needs: Needs
    kinds: Mapping[str, tuple[Kind, ...]]

    @property
    def dated(self) -> bool:
        return self.name[0].isdigit() and len(self.rest) == 1

    def read(self, reading: Reading, at: int, free: int) -> Candidate | None:
        last = follows(reading, at, self.rest)
        if last is None:
            return None
        kind, end = kind_after(reading, last, self.kinds)
        house = house_after(reading, end)
        rank = 3 if kind else self._rank(reading, at, last, house)
        if not rank:
            return None
        value = kind.titles(self.name) if kind else self.title()
        return _street(reading, value, at, end, rank, house)

    def title(self) -> str:
        return self.name if self.kind == "улица" else f"{self.kind} {self.name}"

    def _rank(self, reading: Reading, at: int, last: int, house: Candidate | None) -> int:
        """2 by a preposition or a house, 1 for a bare nominative, 0 for a word that is no street here."""
        if self.dated and not capital(reading, last):
            return 0
        if self.needs is Needs.CAPITAL and not capital(reading, at):
            return 0
        if house or self._introduced(reading, at, last):
            return 2
        return int(self.adjective and self._bare(reading, at, last))

    def _introduced(self, reading: Reading, at: int, last: int) -> bool:
        preposition = before(reading, at)
        high = capital(reading, last)
        sure = preposition in _SURE or preposition in _CROSSING
        if not sure and not (high and preposition in _LOOSE):
            return False
        if self.adjective:
            case = self._cases(reading, at, preposition)
            return reading.norms[at] != self.nominative and stands_alone(reading, last, "femn", *case)
        earlier = reading.norms[at - 2] if at > 1 else ""
        return not (earlier.startswith(_COMPLAINT) or (self.dated and earlier.isdigit()))

    def _cases(self, reading: Reading, at: int, preposition: str) -> tuple[str, ...]:
        if reading.norms[at].endswith(("ую", "юю")):
            return ("accs",)
        return ("loct", "datv") if preposition in ("на", "по", "к") else ("gent",)

    def _bare(self, reading: Reading, at: int, last: int) -> bool:
        """«Телеграфная, Бассейная без света»."""
        stands = self.needs is Needs.NOTHING and capital(reading, at) and reading.norms[at] == self.nominative
        return stands and begins_clause(reading, at) and stands_alone(reading, last, "femn", "nomn")


@dataclass(frozen=True, slots=True)
class StreetWord:
    """The word «улица» itself: the name behind it, or an unlisted one before it.

    ``settlements``: names that are no common words, by their first word: «улицы Донской Балки» is no street.
    """

    kind: Kind
    streets: Mapping[str, tuple[Street, ...]]
    settlements: Mapping[str, list[Phrase]]

    def read(self, reading: Reading, at: int, free: int) -> Candidate | None:
        last = follows(reading, at, self.kind.rest)
        if last is None:
            return None
        if near(reading, last + 1, ".:«\"'"):
            found = self._listed(reading, at, last + 1) or self._unlisted(reading, at, last + 1)
            if found:
                return found
        return self._turned(reading, at, last, free)

    def _listed(self, reading: Reading, at: int, name_at: int) -> Candidate | None:
        for street in self.streets.get(reading.norms[name_at], ()):
            last = follows(reading, name_at, street.rest)
            if last is not None:
                return _street(reading, self.kind.titles(street.name), at, last, 3, house_after(reading, last))
        return None

    def _unlisted(self, reading: Reading, at: int, first: int) -> Candidate | None:
        last = self._name_end(reading, first) if self.kind.unlisted else None
        rests = self.settlements.get(reading.norms[first], ())
        if last is None or any(follows(reading, first, rest) is not None for rest in rests):
            return None
        house = house_after(reading, last)
        if not (house or self.kind.short or capital(reading, first) or reading.norms[first].isdigit()):
            return None
        return _street(reading, self.kind.titles(self._name(reading, first, last)), at, last, 3, house)

    def _name_end(self, reading: Reading, first: int) -> int | None:
        """The last word of an unlisted name: «Тихая», «маршала Жукова», «8 Марта», «40 лет Победы»."""
        norms = reading.norms
        if norms[first].isdigit():
            return _numbered_end(reading, first)
        if norms[first] in _RANKS and near(reading, first + 1):
            return first + 1
        last = first
        while last + 1 < len(norms) and last - first < _LONGEST - 1 and self._goes_on(reading, last + 1):
            last += 1
        word = norms[last]
        return last if len(word) > 3 and _NAMED.search(word) and norms[first] not in _NO_NAME else None

    def _goes_on(self, reading: Reading, at: int) -> bool:
        """Further capitalised words of a name in the genitive («Розы Люксембург»)."""
        adjective = _FEMININE.search(reading.norms[at - 1]) is not None
        joined = near(reading, at, "-") and capital(reading, at) and capital(reading, at - 1)
        return joined and not adjective and reading.norms[at] not in _NO_NAME

    def _name(self, reading: Reading, first: int, last: int) -> str:
        if first == last and _OBLIQUE.search(reading.norms[first]):
            return nominative(reading.norms[first], "femn" if self.kind.name == "улица" else "masc")
        shown = reading.text[reading.starts[first] : reading.stops[last]]
        return " ".join(w if w == "лет" else w[:1].upper() + w[1:].lower() for w in shown.split())

    def _turned(self, reading: Reading, at: int, last: int, free: int) -> Candidate | None:
        """An unlisted name before its word: «на Тихой улице», «Тихая улица, 5»."""
        first = at - 1
        if first < free or not self.kind.unlisted or not near(reading, at) or not capital(reading, first):
            return None
        word = reading.norms[first]
        house = house_after(reading, last)
        known = _FEMININE.search(word) and word not in _NO_NAME and (house or not begins_clause(reading, first))
        if self.kind.name != "улица" or not known:
            return None
        return _street(reading, nominative(word, "femn"), first, last, 2, house)


def kind_after(reading: Reading, last: int, kinds: Mapping[str, tuple[Kind, ...]]) -> tuple[Kind | None, int]:
    """The word «улица» behind a name, and the last word of both."""
    if near(reading, last + 1):
        for kind in kinds.get(reading.norms[last + 1], ()):
            end = follows(reading, last + 1, kind.rest)
            if end is not None and not _begins_name(reading, end + 1):
                return kind, end
    return None, last


def _begins_name(reading: Reading, at: int) -> bool:
    """«на Ленина, ул. Мира»: the word belongs to the name behind it."""
    return near(reading, at, ".") and capital(reading, at) and "." in gap(reading, at)


def nominative(word: str, gender: str) -> str:
    """«Тихой» → «Тихая»; a genitive («Победы») stays as it is."""
    ending = ("ая", "яя") if gender == "femn" else ("ый", "ий", "ой")
    found = forms(lemma(word), frozenset({"ADJF", "sing", "nomn", gender}))
    return next((w for w in sorted(found) if w.endswith(ending)), word).capitalize()


def _numbered_end(reading: Reading, first: int) -> int | None:
    if not near(reading, first + 1):
        return None
    if reading.norms[first + 1] in _MONTH:
        return first + 1
    return first + 2 if reading.norms[first + 1] == "лет" and near(reading, first + 2) else None


def _street(reading: Reading, value: str, first: int, last: int, rank: int, house: Candidate | None) -> Candidate:
    start, stop = reading.span(first, last)
    end = house.last if house else last
    found = Candidate(Part.STREET, value, first, end, start, stop, rank + bool(house))
    return replace(found, house=house) if house else found

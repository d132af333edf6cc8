"""Streets: those of the list by their forms, others by the word «улица» beside them."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from language.morphology import forms, lemma
from language.reading import Reading
from regulation.context import Candidate, Mention, Needs, Part, agrees, capital
from regulation.houses import house_after
from regulation.names import Names, gap, near

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
_SHORTEST_NAME = 3


@dataclass(frozen=True, slots=True)
class Kind:
    """«улица», «переулок»: ``unlisted`` introduces names that are not in the list; ``short``: an abbreviation."""

    name: str
    unlisted: bool
    short: bool

    def titles(self, street: str) -> str:
        return street if self.name == "улица" else f"{self.name} {street}"


@dataclass(frozen=True, slots=True)
class Street:
    """A street of the list. ``nominative``: the first word of a name that is declined («Телеграфная», «Красный
    Октябрь»), nothing of one that never changes («Ленина», «Мира»); ``gender``: of its last word, where that is an
    adjective."""

    name: str
    kind: str
    nominative: str
    gender: str | None
    needs: Needs
    kinds: Names[Kind]

    def read(self, here: Mention) -> Candidate | None:
        kind, end = kind_after(here.reading, here.last, self.kinds)
        house = house_after(here.reading, end)
        rank = 3 if kind else self._rank(here, house)
        if not rank:
            return None
        return _street(replace(here, last=end), kind.titles(self.name) if kind else self.title(), rank, house)

    def title(self) -> str:
        return self.name if self.kind == "улица" else f"{self.kind} {self.name}"

    def _rank(self, here: Mention, house: Candidate | None) -> int:
        """2 by a preposition or a house, 1 for a bare nominative, 0 for a word that is no street here."""
        if self._dated(here) and not capital(here.reading, here.last):
            return 0
        if self.needs is Needs.CAPITAL and not here.capital:
            return 0
        if house or self._introduced(here):
            return 2
        return int(bool(self.nominative) and self._bare(here))

    def _dated(self, here: Mention) -> bool:
        return self.name[0].isdigit() and len(here.words) == 2

    def _introduced(self, here: Mention) -> bool:
        preposition = here.before()
        sure = preposition in _SURE or preposition in _CROSSING
        if not sure and not (preposition in _LOOSE and capital(here.reading, here.last)):
            return False
        if self.nominative:
            return here.words[0] != self.nominative and here.stands_alone(self.gender, *_cases(here, preposition))
        earlier = here.reading.norms[here.first - 2] if here.first > 1 else ""
        return not (earlier.startswith(_COMPLAINT) or (self._dated(here) and earlier.isdigit()))

    def _bare(self, here: Mention) -> bool:
        """«Телеграфная, Бассейная без света»."""
        stands = self.needs is Needs.NOTHING and here.capital and here.words[0] == self.nominative
        return stands and here.begins_clause and here.stands_alone(self.gender, "nomn")


def _cases(here: Mention, preposition: str) -> tuple[str, ...]:
    if here.words[-1].endswith(("ую", "юю")):
        return ("accs",)
    return ("loct", "datv") if preposition in ("на", "по", "к") else ("gent",)


@dataclass(frozen=True, slots=True)
class StreetWord:
    """The word «улица» itself: the name behind it, or an unlisted one before it.

    ``settlements``: names that are no common words: «улицы Донской Балки» is no street.
    """

    kind: Kind
    streets: Names[Street]
    settlements: Names[str]

    def read(self, here: Mention) -> Candidate | None:
        if near(here.reading, here.last + 1, ".:«\"'"):
            found = self._listed(here) or self._unlisted(here)
            if found:
                return found
        return self._turned(here)

    def _listed(self, here: Mention) -> Candidate | None:
        for street, last in self.streets.at(here.reading, here.last + 1):
            return _street(replace(here, last=last), self.kind.titles(street.name), 3, house_after(here.reading, last))
        return None

    def _unlisted(self, here: Mention) -> Candidate | None:
        reading, first = here.reading, here.last + 1
        last = _name_end(reading, first) if self.kind.unlisted else None
        if last is None or any(True for _ in self.settlements.at(reading, first)):
            return None
        house = house_after(reading, last)
        if not (house or self.kind.short or capital(reading, first) or reading.norms[first].isdigit()):
            return None
        return _street(replace(here, last=last), self.kind.titles(self._name(reading, first, last)), 3, house)

    def _name(self, reading: Reading, first: int, last: int) -> str:
        if first == last and _OBLIQUE.search(reading.norms[first]):
            return nominative(reading.norms[first], "femn" if self.kind.name == "улица" else "masc")
        shown = reading.text[reading.starts[first] : reading.stops[last]]
        return " ".join(w if w == "лет" else w[:1].upper() + w[1:].lower() for w in shown.split())

    def _turned(self, here: Mention) -> Candidate | None:
        """An unlisted name before its word: «на Тихой улице», «Тихая улица, 5»."""
        name = replace(here, first=here.first - 1)
        word = here.before()
        if name.first < here.free or self.kind.name != "улица" or not word or not name.capital:
            return None
        house = house_after(here.reading, here.last)
        if not _FEMININE.search(word) or word in _NO_NAME or not (house or not name.begins_clause):
            return None
        return _street(name, nominative(word, "femn"), 2, house)


def _name_end(reading: Reading, first: int) -> int | None:
    """The last word of an unlisted name: «Тихая», «маршала Жукова», «8 Марта», «40 лет Победы»."""
    norms = reading.norms
    if norms[first].isdigit():
        return _numbered_end(reading, first)
    if norms[first] in _RANKS and near(reading, first + 1):
        return first + 1
    last = first
    while last + 1 < len(norms) and last - first < _LONGEST - 1 and _goes_on(reading, last + 1):
        last += 1
    named = len(norms[last]) > _SHORTEST_NAME and (last > first or _NAMED.search(norms[last]))
    return last if named and norms[first] not in _NO_NAME else None


def _goes_on(reading: Reading, at: int) -> bool:
    """Further capitalised words of a name in the genitive («Розы Люксембург», «Зелёной Горки»)."""
    norms = reading.norms
    if not (near(reading, at, "-") and capital(reading, at) and capital(reading, at - 1)) or norms[at] in _NO_NAME:
        return False
    return _FEMININE.search(norms[at - 1]) is None or agrees(norms[at], "femn", "gent")


def kind_after(reading: Reading, last: int, kinds: Names[Kind]) -> tuple[Kind | None, int]:
    """The word «улица» behind a name, and the last word of both."""
    if near(reading, last + 1):
        for kind, end in kinds.at(reading, last + 1):
            if not _begins_name(reading, end + 1):
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


def _street(here: Mention, value: str, rank: int, house: Candidate | None) -> Candidate:
    """``here``: from the first word of the name (or of «улица») to the last of both, without the house."""
    found = here.candidate(Part.STREET, value, rank + bool(house))
    return replace(found, last=house.last, house=house) if house else found

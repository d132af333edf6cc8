"""The gazetteer: which settlement, street, house and object a text names, and whose territorial office that is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from language.morphology import forms
from language.reading import Reading, fold, read
from records import Place
from regulation.context import Candidate, Lead, Needs, Part, Phrase, gender_of, inflected, phrase
from regulation.documents import Document
from regulation.fields import Fields
from regulation.houses import House
from regulation.objects import Alone, Thing
from regulation.settlements import People, Quarter, Settlement
from regulation.streets import Kind, Street, StreetWord

_TOP = "offices settlements settlement_words quarter_words street_words streets quarters objects"
_SETTLEMENT = "name office also forms people needs note"
_OBJECT = "name words forms alone numbered quoted bare minor not_before"
_GROUND = (Part.SETTLEMENT, Part.STREET)
_HOUSE_WORDS = ("дом", "дома", "доме", "дому", "домом", "д")


@dataclass(frozen=True, slots=True)
class Office:
    """A territorial office."""

    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Named:
    """``value`` in its canonical form; ``start``, ``stop``: where the text names it."""

    value: str
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Found:
    """Only what the text names; ``office`` is that of the settlement."""

    settlement: Named | None = None
    street: Named | None = None
    house: Named | None = None
    object: Named | None = None
    office: str | None = None

    def place(self) -> Place:
        parts = (self.settlement, self.street, self.house, self.object)
        return Place(*(part.value if part else None for part in parts))


class Gazetteer:
    """``offices`` by code; ``settlements``: canonical names with their office's code or ``None``."""

    def __init__(
        self,
        offices: Mapping[str, Office],
        settlements: Mapping[str, str | None],
        leads: Mapping[str, tuple[Lead, ...]],
    ) -> None:
        self.offices = offices
        self.settlements = settlements
        self._leads = leads

    @property
    def centre(self) -> str:
        """The town from which departments act themselves: the first settlement of the file."""
        return next(iter(self.settlements), "")

    def find(self, reading: Reading) -> Found | None:
        """One walk over the words; the work is in the few that some lead waits for."""
        leads = self._leads
        found: list[Candidate] = []
        free = 0
        for at in [at for at, norm in enumerate(reading.norms) if norm in leads]:
            if at < free:
                continue
            for lead in leads[reading.norms[at]]:
                candidate = lead.read(reading, at, free)
                if candidate is not None:
                    found.append(candidate)
                    free = candidate.last + 1
                    break
        return _chosen(found) if found else None


def _chosen(found: list[Candidate]) -> Found | None:
    """Of each part the best candidate, the earliest of equals."""
    best: dict[Part, Candidate] = {}
    grounded = any(c.part in _GROUND for c in found)
    for candidate in found:
        rival = best.get(candidate.part)
        if (grounded or not candidate.leaning) and (rival is None or candidate.rank > rival.rank):
            best[candidate.part] = candidate
    if not best:
        return None
    settlement, street = best.get(Part.SETTLEMENT), best.get(Part.STREET)
    house = (street.house if street else None) or best.get(Part.HOUSE)
    office = settlement.office if settlement else None
    return Found(_named(settlement), _named(street), _named(house), _named(best.get(Part.OBJECT)), office)


def _named(candidate: Candidate | None) -> Named | None:
    return Named(candidate.value, candidate.start, candidate.stop) if candidate else None


def read_places(document: Document) -> Gazetteer:
    """The gazetteer of a document; what is wrong is left in ``document.faults``."""
    reader = _Reader(Fields(document, (), document.data, _TOP))
    return Gazetteer(reader.offices, reader.settlements, reader.leads())


class _Reader:
    """Collects leads by the word each waits for, in the order in which they are asked."""

    def __init__(self, top: Fields) -> None:
        self.offices: dict[str, Office] = {}
        self.settlements: dict[str, str | None] = {}
        self._leads: dict[str, list[Lead]] = defaultdict(list)
        self._kinds: dict[str, tuple[Kind, ...]] = {}
        self._streets: dict[str, tuple[Street, ...]] = {}
        self._settled: dict[str, list[Phrase]] = defaultdict(list)
        self._nouns: set[str] = set()
        self._taken: set[str] = set()
        self._read_offices(top)
        self._read_kinds(top)
        self._read_streets(top)
        self._read_objects(top)
        self._read_settlements(top)
        self._read_quarters(top)

    def leads(self) -> dict[str, tuple[Lead, ...]]:
        for word in _HOUSE_WORDS:
            self._leads[word].append(House())
        return {word: tuple(leads) for word, leads in self._leads.items()}

    def _wait(self, first: Iterable[str], lead: Lead) -> None:
        for word in first:
            self._leads[word].append(lead)

    def _read_offices(self, top: Fields) -> None:
        for fields in top.entries("offices", "code name source"):
            code = _once(fields, "code", self.offices)
            self.offices[code] = Office(code, fields.text("name"))

    def _read_kinds(self, top: Fields) -> None:
        for fields in top.entries("street_words", "name words unlisted"):
            name, unlisted = fields.text("name"), fields.flag("unlisted")
            for word in _needed(fields, "words"):
                first, *rest = _loose(word)
                kind = Kind(name, tuple(rest), unlisted, short=len(read(word).norms[0]) < 6 and word != name)
                for form in first:
                    self._kinds[form] = (*self._kinds.get(form, ()), kind)
                self._wait(first, StreetWord(kind, self._streets, self._settled))

    def _read_streets(self, top: Fields) -> None:
        names: set[str] = set()
        for fields in top.entries("streets", "name kind needs forms"):
            name = _once(fields, "name", names)
            names.add(name)
            norms = read(name).norms
            adjective = len(norms) == 1 and gender_of(norms[0]) == "femn"
            first, *rest = phrase(name) if adjective else [frozenset({norm}) for norm in norms] or [frozenset()]
            needs = fields.choice("needs", Needs, Needs.NOTHING)
            kind = fields.text("kind", "улица")
            street = Street(name, kind, tuple(rest), fold(name), adjective, needs, self._kinds)
            words = first | _folded(fields, "forms")
            for form in words:
                self._streets[form] = (*self._streets.get(form, ()), street)
            self._wait(words, street)

    def _read_objects(self, top: Fields) -> None:
        for fields in top.entries("objects", _OBJECT):
            things = [phrase(word) for word in _needed(fields, "words")]
            things += [(frozenset({form}),) for form in _folded(fields, "forms")]
            name, alone = fields.text("name"), fields.choice("alone", Alone, Alone.NO)
            numbered, quoted, bare, minor = (fields.flag(key) for key in ("numbered", "quoted", "bare", "minor"))
            never = _folded(fields, "not_before")
            for first, *rest in things:
                thing = Thing(name, tuple(rest), alone, numbered, quoted, bare, minor, never, self._taken)
                self._nouns |= first
                self._wait(first, thing)

    def _read_settlements(self, top: Fields) -> None:
        titles = _title_words(top, "settlement_words")
        for fields in top.entries("settlements", _SETTLEMENT):
            name = _once(fields, "name", self.settlements)
            office = fields.text("office", "") or None
            if office is not None and office not in self.offices:
                fields.fault("office", f"неизвестный отдел {office}", "возьмите код из списка offices")
            self.settlements[name] = office
            needs = fields.choice("needs", Needs, Needs.NOTHING)
            city = office is None and "note" not in fields
            own = self._names(fields, name, office, needs, titles, city)
            for word in fields.texts("people"):
                first, *rest = _loose(word)
                nouns = self._nouns if needs is not Needs.NOTHING and first & own else None
                self._wait(first, People(name, office, tuple(rest), nouns, city))

    def _names(
        self, fields: Fields, name: str, office: str | None, needs: Needs, titles: frozenset[str], city: bool
    ) -> frozenset[str]:
        """Leads for the name and its variants; all first words."""
        given = _folded(fields, "forms")
        known: set[str] = set()
        for variant in (name, *fields.texts("also")):
            norms = read(variant).norms
            if not norms:
                continue
            single = len(norms) == 1
            first, *rest = phrase(variant)
            locative = inflected(norms[-1], "loct") | {form for form in given if form.endswith(("е", "ах"))}
            gender = gender_of(norms[0]) if single else None
            lead = Settlement(name, office, tuple(rest), locative, norms[0], gender, needs, titles, city)
            words = (first | given) if single else first
            self._wait(words, lead)
            for word in words if needs is Needs.NOTHING else ():
                self._settled[word].append(tuple(rest))
            self._taken |= words
            known |= words
        return frozenset(known)

    def _read_quarters(self, top: Fields) -> None:
        titles = _title_words(top, "quarter_words")
        for fields in top.entries("quarters", "name forms needs"):
            name = fields.text("name")
            needs = fields.choice("needs", Needs, Needs.NOTHING)
            first, *rest = phrase(name) or (frozenset(),)
            self._wait(first | _folded(fields, "forms"), Quarter(name, tuple(rest), needs, titles))


def _once(fields: Fields, key: str, known: Iterable[str]) -> str:
    value = fields.text(key)
    if value and value in known:
        fields.fault(key, f"«{value}» уже есть", "удалите повтор")
    return value


def _needed(fields: Fields, key: str) -> tuple[str, ...]:
    """Words of an entry that must have some; those without a letter are a fault."""
    words = fields.texts(key)
    if not words:
        fields.fault(key, f"нет значения {key}", f"{key}: [слово, другое слово]")
    for number, word in enumerate(words):
        if not read(word).norms:
            fields.fault(key, f"«{word}» — не слово", "напишите слово буквами", number)
    return tuple(word for word in words if read(word).norms)


def _folded(fields: Fields, key: str) -> frozenset[str]:
    return frozenset(fold(word) for word in fields.texts(key))


def _loose(name: str) -> Phrase:
    """All forms of each word, in both numbers: «шангалинцы», «улиц»."""
    return tuple(forms(word) | {word} for word in read(name).norms) or (frozenset(),)


def _title_words(top: Fields, key: str) -> frozenset[str]:
    return frozenset(form for word in top.texts(key) for form in inflected(fold(word)))

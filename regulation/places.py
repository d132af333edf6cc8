"""The gazetteer: which settlement, street, house and object a text names, and whose territorial office that is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from language.reading import Reading, fold, read
from records import Place
from regulation.context import Candidate, Lead, Mention, Needs, Part
from regulation.documents import Document
from regulation.fields import Fields
from regulation.houses import House
from regulation.names import Names, declined, fixed, gender_of, inflected, is_another_word, loose
from regulation.objects import Alone, Thing
from regulation.settlements import People, Quarter, Settlement
from regulation.streets import Kind, Street, StreetWord

_TOP = "offices settlements settlement_words quarter_words street_words streets quarters objects"
_SETTLEMENT = "name office also forms people needs note"
_OBJECT = "name words forms alone numbered quoted bare minor not_before"
_GROUND = (Part.SETTLEMENT, Part.STREET)
_HOUSE_WORDS = frozenset("дом дома доме дому домом д".split())


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
        leads: Names[Lead],
    ) -> None:
        self.offices = offices
        self.settlements = settlements
        self._leads = leads

    @property
    def centre(self) -> str:
        """The town from which departments act themselves: the first settlement of the file."""
        return next(iter(self.settlements), "")

    def find(self, reading: Reading) -> Found | None:
        """One walk over the words; the work is in the few that begin a name."""
        leads, begins = self._leads, self._leads.by_word
        found: list[Candidate] = []
        free = 0
        for at in [at for at, norm in enumerate(reading.norms) if norm in begins]:
            if at < free:
                continue
            for lead, last in leads.at(reading, at):
                candidate = lead.read(Mention(reading, at, last, free))
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
    reader.look_for_idle_offices()
    return Gazetteer(reader.offices, reader.settlements, reader.leads)


class _Reader:
    """Collects leads by their names, in the order in which they are asked."""

    def __init__(self, top: Fields) -> None:
        self.offices: dict[str, Office] = {}
        self.settlements: dict[str, str | None] = {}
        self.leads: Names[Lead] = Names()
        self._office_fields: dict[str, Fields] = {}
        self._kinds: Names[Kind] = Names()
        self._streets: Names[Street] = Names()
        self._settled: Names[str] = Names()
        self._nouns: set[str] = set()
        self._taken: set[str] = set()
        self._read_offices(top)
        self._read_kinds(top)
        self._read_streets(top)
        self._read_objects(top)
        self._read_settlements(top)
        self._read_quarters(top)
        self.leads.add((_HOUSE_WORDS,), House())

    def _read_offices(self, top: Fields) -> None:
        for fields in top.entries("offices", "code name source"):
            code = _once(fields, "code", self.offices)
            self.offices[code] = Office(code, fields.text("name"))
            self._office_fields.setdefault(code, fields)

    def look_for_idle_offices(self) -> None:
        for code, fields in self._office_fields.items():
            if code and code not in self.settlements.values():
                what = f"у отдела {code} нет ни одного населённого пункта, его никогда не назовут"
                fields.warn(
                    "code", what, f"впишите office: {code} его населённым пунктам (settlements) или удалите отдел"
                )

    def _read_kinds(self, top: Fields) -> None:
        for fields in top.entries("street_words", "name words unlisted"):
            name, unlisted = fields.text("name"), fields.flag("unlisted")
            for word in _needed(fields, "words"):
                kind = Kind(name, unlisted, short=len(read(word).norms[0]) < 6 and word != name)
                self._kinds.add(loose(word), kind)
                self.leads.add(loose(word), StreetWord(kind, self._streets, self._settled))

    def _read_streets(self, top: Fields) -> None:
        names: set[str] = set()
        for fields in top.entries("streets", "name kind needs forms"):
            name = _once(fields, "name", names)
            names.add(name)
            norms = read(name).norms
            genders = [gender_of(norm) for norm in norms]
            changes = genders == ["femn"] or (len(norms) > 1 and genders[0] is not None)
            kind, needs = fields.text("kind", "улица"), fields.choice("needs", Needs, Needs.NOTHING)
            street = Street(name, kind, norms[0] if changes else "", genders[-1] if norms else None, needs, self._kinds)
            for phrase in (declined(name) if changes else fixed(name), *map(fixed, fields.texts("forms"))):
                self._streets.add(phrase, street)
                self.leads.add(phrase, street)

    def _read_objects(self, top: Fields) -> None:
        for fields in top.entries("objects", _OBJECT):
            name, alone = fields.text("name"), fields.choice("alone", Alone, Alone.NO)
            numbered, quoted, bare, minor = (fields.flag(key) for key in ("numbered", "quoted", "bare", "minor"))
            thing = Thing(name, alone, numbered, quoted, bare, minor, _folded(fields, "not_before"), self._taken)
            for phrase in (*map(declined, _needed(fields, "words")), *map(fixed, fields.texts("forms"))):
                self._nouns |= phrase[0]
                self.leads.add(phrase, thing)

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
            lead = Settlement(name, office, city, needs, titles)
            own = self._read_name(lead, name, fields.texts("forms"))
            for variant in fields.texts("also"):
                own |= self._read_name(lead, variant)
            for word in fields.texts("people"):
                people = loose(word)
                nouns = self._nouns if needs is not Needs.NOTHING and people and people[0] & own else None
                self.leads.add(people, People(name, office, city, nouns))

    def _read_name(self, lead: Settlement, name: str, forms: Sequence[str] = ()) -> frozenset[str]:
        """A name of a settlement, declined, and forms of it that the dictionary does not know; all first words."""
        norms = read(name).norms
        if not norms:
            return frozenset()
        other = len(norms) == 1 and is_another_word(norms[0])
        gender = gender_of(norms[-1])
        lead = replace(
            lead,
            needs=Needs.CAPITAL if other else lead.needs,
            nominative=norms[0],
            gender=gender,
            locative=inflected(norms[-1], "loct") | {fold(form) for form in forms if form.endswith(("е", "ах"))},
            bare=other or gender == "neut",
        )
        phrases = [declined(name), *map(fixed, forms)]
        words: frozenset[str] = frozenset().union(*(phrase[0] for phrase in phrases if phrase))
        for phrase in phrases:
            self.leads.add(phrase, lead)
            if lead.needs is Needs.NOTHING:
                self._settled.add(phrase, lead.name)
        self._taken |= words
        return words

    def _read_quarters(self, top: Fields) -> None:
        titles = _title_words(top, "quarter_words")
        for fields in top.entries("quarters", "name forms needs"):
            name = fields.text("name")
            quarter = Quarter(name, fields.choice("needs", Needs, Needs.NOTHING), titles)
            for phrase in (declined(name), *map(fixed, fields.texts("forms"))):
                self.leads.add(phrase, quarter)


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


def _title_words(top: Fields, key: str) -> frozenset[str]:
    return frozenset(form for word in top.texts(key) for form in inflected(fold(word)))

"""The rule book: every YAML of ``rules/``, checked by its own examples when it is loaded.

A file says what its rules speak for: ``ground`` (point 15), ``alarm``, ``review`` or ``reason`` (of the 4-hour
track), with a code of ``records``. A rule::

    - name: threat.violence_self
      says: «автор обещает насилие от первого лица»
      level: sure                # sure excludes; suspect shows the words to a person
      any: ["@kill/1per+futr"]   # phrases (``rules.matchers``), one of which must stand
      with: ["@target"]          # and one of these, in the same sentence
      unless: ["если бы"]        # and none of these, in the same sentence
      within: post               # sentence (default) or post: where ``with`` and ``unless`` are looked for
      hits: ["[убью] тебя"]      # must be found, at this span
      passes: ["убил подвеску"]  # must stay silent
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from language import Reading, read
from records import AlarmKind, Fault, FaultsError, Ground, ReasonCode, ReviewCode
from regulation.documents import Document, load
from regulation.fields import Fields
from rules.matchers import Phrase, PhraseError, PhraseIndex, PhraseParser
from rules.unmasked import Unmasked

Code = Ground | AlarmKind | ReviewCode | ReasonCode
KINDS: Mapping[str, type[StrEnum]] = {
    "ground": Ground,
    "alarm": AlarmKind,
    "review": ReviewCode,
    "reason": ReasonCode,
}
_RULE_KEYS = "name says level any with unless within hits passes"
_FILE_KEYS = " ".join((*KINDS, "sets", "rules"))
_LEVELS = ("sure", "suspect")
_SCOPES = ("sentence", "post")
_LANGUAGE = "см. язык фраз в rules/matchers.py"


@dataclass(frozen=True, slots=True)
class Rule:
    """A small named thing that answers or stays silent."""

    name: str
    says: str
    kind: str
    code: Code
    sure: bool
    phrases: tuple[Phrase, ...]
    required: tuple[Phrase, ...]
    forbidden: tuple[Phrase, ...]
    whole_post: bool

    def allows(self, standing: Standing, sentence: int) -> bool:
        """Whether ``with`` and ``unless`` let the rule speak for a hit in a sentence."""
        where = None if self.whole_post else sentence
        if self.required and not any(standing.has(p, where) for p in self.required):
            return False
        return not any(standing.has(p, where) for p in self.forbidden)


@dataclass(frozen=True, slots=True)
class Found:
    """What a rule found: ``code`` of its ground, alarm, review or reason; offsets in the text."""

    rule: str
    code: Code
    sure: bool
    start: int
    stop: int


class Standing:
    """Which guard phrases stand in which sentences of a text."""

    def __init__(self, guards: PhraseIndex, reading: Reading) -> None:
        numbers = reading.sentences
        self._found = {(guards.phrases[number], numbers[first]) for number, first, _ in guards.find(reading)}
        self._anywhere = {phrase for phrase, _ in self._found}

    def has(self, phrase: Phrase, sentence: int | None) -> bool:
        return phrase in self._anywhere if sentence is None else (phrase, sentence) in self._found


class RuleBook:
    """All rules at once. ``version``: first 12 hex digits of the SHA-256 over the files."""

    def __init__(self, rules: tuple[Rule, ...], unmasked: Unmasked, version: str) -> None:
        self.rules = rules
        self.version = version
        self._unmasked = unmasked
        self.says = {r.name: r.says for r in rules} | {r.name: r.says for r in unmasked.rules}
        self._owner = [number for number, rule in enumerate(rules) for _ in rule.phrases]
        self._index = PhraseIndex([phrase for rule in rules for phrase in rule.phrases])
        self._guards = PhraseIndex([phrase for rule in rules for phrase in (*rule.required, *rule.forbidden)])

    @classmethod
    def load(cls, folder: Path) -> RuleBook:
        """Read every ``*.yaml`` of the folder.

        Raises:
            FaultsError: with each fault of each file: syntax, unknown codes, phrases that cannot be read,
                examples that fail.
        """
        reader = _Reader()
        paths = sorted(folder.glob("*.yaml"))
        if not paths:
            raise FaultsError([Fault(str(folder), 0, 0, "нет ни одного файла правил", "верните rules/*.yaml")])
        for path in paths:
            reader.read(path)
        if reader.faults:
            raise FaultsError(reader.faults)
        version = hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()[:12]
        book = cls(tuple(reader.rules), reader.unmasked, version)
        faults = list(reader.failing(book))
        if faults:
            raise FaultsError(faults)
        return book

    def find(self, text: str) -> tuple[Found, ...]:
        return self.search(read(text))

    def search(self, reading: Reading) -> tuple[Found, ...]:
        """Everything the rules find, in the order of the text; of one rule, spans that overlap are one."""
        found = [
            Found(name, Ground.OBSCENITY, sure, start, stop) for name, start, stop, sure in self._unmasked.find(reading)
        ]
        ends: dict[str, int] = {}
        standing: Standing | None = None
        for number, first, last in self._index.find(reading):
            rule = self.rules[self._owner[number]]
            start, stop = reading.span(first, last)
            if start < ends.get(rule.name, -1):
                continue
            if rule.required or rule.forbidden:
                standing = standing or Standing(self._guards, reading)
                if not rule.allows(standing, reading.sentences[first]):
                    continue
            ends[rule.name] = stop
            found.append(Found(rule.name, rule.code, rule.sure, start, stop))
        found.sort(key=lambda f: (f.start, f.stop, f.rule))
        return tuple(found)


class _Reader:
    """Collects rules and faults over the files."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []
        self.faults: list[Fault] = []
        self.unmasked: Unmasked = Unmasked.empty()
        self._examples: list[tuple[Document, tuple[str | int, ...], str, str]] = []
        self._names: set[str] = set()

    def read(self, path: Path) -> None:
        try:
            document = load(path)
        except FaultsError as error:
            self.faults.extend(error.faults)
            return
        if not isinstance(document.data, dict) or not isinstance(document.data.get("rules"), list):
            document.fault((), "в файле нет списка rules", "начните со строки «rules:» и перечислите правила")
        elif any("patterns" in rule for rule in document.data["rules"] if isinstance(rule, dict)):
            self._read_unmasked(document)
        else:
            self._read_phrases(document)
        self.faults.extend(document.faults)

    def _read_unmasked(self, document: Document) -> None:
        if self.unmasked.rules:
            document.fault((), "второй файл с шаблонами (patterns)", "соберите шаблоны в одном файле")
            return
        self.unmasked = Unmasked.from_document(document)
        for number, rule in enumerate(self.unmasked.rules):
            if rule.name in self._names:
                document.fault(("rules", number, "name"), f"правило «{rule.name}» уже есть", "дайте другое имя")
            self._names.add(rule.name)

    def _read_phrases(self, document: Document) -> None:
        data = document.data
        fields = Fields(document, (), data, _FILE_KEYS)
        speaks = [(kind, data[kind]) for kind in KINDS if kind in data]
        if len(speaks) != 1 or speaks[0][1] not in list(KINDS[speaks[0][0]]):
            document.fault((), "не сказано, о чём правила", f"один ключ из {', '.join(KINDS)} с кодом из records")
            return
        kind, value = speaks[0]
        parser = PhraseParser(self._sets(document, fields))
        for number, entry in enumerate(data["rules"]):
            rule = self._rule(document, ("rules", number), entry, kind, KINDS[kind](value), parser)
            if rule is not None:
                self.rules.append(rule)

    def _sets(self, document: Document, fields: Fields) -> dict[str, tuple[str, ...]]:
        """The sets of a file; of words that cannot be read, a fault each and no more of them."""
        members = fields.mapping("sets")
        named = Fields(document, ("sets",), members, " ".join(map(str, members)))
        sets = {name: named.texts(name) for name in members}
        parser = PhraseParser(sets)
        for name, words in sets.items():
            for word in words:
                try:
                    parser.check(word, name)
                except PhraseError as error:
                    place = [str(member).strip() for member in members[name]].index(word)
                    document.fault(("sets", name, place), str(error), _LANGUAGE)
                    sets[name] = tuple(w for w in sets[name] if w != word)
        return sets

    def _rule(
        self, document: Document, where: tuple[str | int, ...], entry: Any, kind: str, code: Any, parser: PhraseParser
    ) -> Rule | None:
        before = len(document.faults)
        if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
            document.fault(where, "у правила нет имени", "добавьте name: <основание>.<что ищет>")
            return None
        fields = Fields(document, where, entry, _RULE_KEYS)
        if entry["name"] in self._names:
            document.fault((*where, "name"), f"правило «{entry['name']}» уже есть", "дайте другое имя")
        self._names.add(entry["name"])
        for key, allowed in (("level", _LEVELS), ("within", _SCOPES)):
            if entry.get(key, allowed[0]) not in allowed:
                document.fault((*where, key), f"{key}: {entry[key]}", f"одно из: {', '.join(allowed)}")
        for key in ("any", "hits", "passes"):
            if not entry.get(key):
                document.fault(where, f"у правила нет {key}", f"добавьте список {key}")
        parts = {key: self._phrases(fields, key, parser) for key in ("any", "with", "unless")}
        for key in ("hits", "passes"):
            for i, line in enumerate(fields.texts(key)):
                self._examples.append((document, (*where, key, i), entry["name"], line))
        says = fields.text("says", "")
        if len(document.faults) > before:
            return None
        return Rule(
            name=entry["name"],
            says=says,
            kind=kind,
            code=code,
            sure=entry.get("level", "sure") == "sure",
            phrases=parts["any"],
            required=parts["with"],
            forbidden=parts["unless"],
            whole_post=entry.get("within") == "post",
        )

    def _phrases(self, fields: Fields, key: str, parser: PhraseParser) -> tuple[Phrase, ...]:
        phrases = []
        for i, source in enumerate(fields.texts(key)):
            try:
                phrases.append(parser.parse(source))
            except PhraseError as error:
                fields.fault(key, str(error), _LANGUAGE, i)
        return tuple(phrases)

    def failing(self, book: RuleBook) -> Iterator[Fault]:
        """A fault for each example that the loaded book does not honour."""
        for document, where, name, line in self._examples:
            start, stop = line.find("["), line.find("]") - 1
            text = line.replace("[", "").replace("]", "")
            spans = [(f.start, f.stop) for f in book.find(text) if f.rule == name]
            if "hits" in where and not 0 <= start < stop:
                yield document.fault(where, "в примере не отмечено, что найти", "возьмите его в скобки: «вы [дурак]»")
            elif "hits" in where and (start, stop) not in spans:
                shown = ", ".join(f"«{text[a:b]}»" for a, b in spans) or "ничего"
                yield document.fault(where, f"правило {name} нашло {shown}", "исправьте правило или пример")
            elif "passes" in where and spans:
                a, b = spans[0]
                yield document.fault(
                    where, f"правило {name} сработало на «{text[a:b]}»", "исправьте правило или пример"
                )
        yield from self.unmasked.failing()

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
from records import AlarmKind, Fault, FaultsError, Ground, ReasonCode, ReviewCode, file_fault
from regulation.documents import Document, load
from regulation.fields import Fields
from rules.matchers import Phrase, PhraseError, PhraseIndex, PhraseParser, vocabulary
from rules.misspelt import Misspelt
from rules.unmasked import Unmasked

Code = Ground | AlarmKind | ReviewCode | ReasonCode
KINDS: Mapping[str, type[StrEnum]] = {
    "ground": Ground,
    "alarm": AlarmKind,
    "review": ReviewCode,
    "reason": ReasonCode,
}
_REASONS = (ReasonCode.ACCIDENT, ReasonCode.OUTAGE, ReasonCode.VULNERABLE)
# Which file speaks for which code: what only rules can see. An author's own threat is ground and alarm in one.
_EXPECTED: Mapping[tuple[str, str], str] = {
    **{("ground", code): f"{code}.yaml" for code in Ground},
    **{("alarm", code): f"alarm_{code}.yaml" for code in AlarmKind if code is not AlarmKind.THREAT},
    **{("reason", code): f"reason_{code}.yaml" for code in _REASONS},
    **{("review", code): f"{code}.yaml" for code in (ReviewCode.QUOTE, ReviewCode.RUDE, ReviewCode.WISH)},
    ("review", ReviewCode.ANSWER_DOUBT): "asks.yaml",
}
_RULE_KEYS = "name says level any with unless within hits passes"
_FILE_KEYS = " ".join((*KINDS, "sets", "rules"))
_LEVELS = ("sure", "suspect")
_SCOPES = ("sentence", "post")
_MARK = "возьмите его в скобки: «вы [дурак]»"
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
    """In which sentences of a text the guard phrases stand: each is looked for when a rule asks."""

    def __init__(self, guards: PhraseIndex, reading: Reading) -> None:
        self._reading = reading
        self._anchors = guards.anchors(reading)
        self._found: dict[Phrase, set[int]] = {}

    def has(self, phrase: Phrase, sentence: int | None) -> bool:
        if phrase not in self._anchors or not phrase.may_stand(self._reading):
            return False
        if phrase not in self._found:
            spans = [phrase.around(self._reading, place) for place in self._anchors[phrase]]
            self._found[phrase] = {self._reading.sentences[span[0]] for span in spans if span is not None}
        found = self._found[phrase]
        return bool(found) if sentence is None else sentence in found


class RuleBook:
    """All rules at once. ``version``: first 12 hex digits of the SHA-256 over the files."""

    def __init__(self, rules: tuple[Rule, ...], unmasked: Unmasked, version: str) -> None:
        self.rules = rules
        self.version = version
        self._unmasked = unmasked
        self.says = {r.name: r.says for r in rules} | {r.name: r.says for r in unmasked.rules}
        self._owner = [number for number, rule in enumerate(rules) for _ in rule.phrases]
        self._index = PhraseIndex([phrase for rule in rules for phrase in rule.phrases])
        guards = dict.fromkeys(phrase for rule in rules for phrase in (*rule.required, *rule.forbidden))
        self._guards = PhraseIndex(tuple(guards))
        words, _ = vocabulary((*self._index.phrases, *guards))
        abuse = [phrase for rule in rules if rule.kind == "ground" for phrase in rule.phrases]
        self._misspelt = Misspelt(words, *vocabulary(abuse))

    @classmethod
    def load(cls, folder: Path, *, whole: bool = False) -> RuleBook:
        """Read every ``*.yaml`` of the folder.

        ``whole``: a code of the contract that no rule speaks for is a fault too.

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
        book = cls(tuple(reader.rules), reader.unmasked, "")
        faults = [*reader.faults, *reader.failing(book)]
        if whole:
            faults.extend(reader.missing(folder))
        if faults:
            raise FaultsError(faults)
        book.version = hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()[:12]
        return book

    def find(self, text: str) -> tuple[Found, ...]:
        return self.search(read(text))

    def search(self, reading: Reading) -> tuple[Found, ...]:
        """Everything the rules find, in the order of the text; of one rule, spans that overlap are one."""
        found = [
            Found(name, Ground.OBSCENITY, sure, start, stop) for name, start, stop, sure in self._unmasked.find(reading)
        ]
        reading = self._misspelt.mend(reading)
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
        self._spoken: set[tuple[str, str]] = set()
        self._unread: set[str] = set()
        self._patterns_hold = False

    def read(self, path: Path) -> None:
        try:
            document = load(path)
        except FaultsError as error:
            self.faults.extend(error.faults)
            self._unread.add(path.name)
            return
        if not isinstance(document.data, dict) or not isinstance(document.data.get("rules"), list):
            document.fault((), "в файле нет списка rules", "начните со строки «rules:» и перечислите правила")
            self._unread.add(path.name)
        elif document.data.get("ground") == Ground.OBSCENITY or _has_patterns(document.data["rules"]):
            self._read_unmasked(document)
        else:
            self._read_phrases(document)
        self.faults.extend(document.faults)

    def missing(self, folder: Path) -> Iterator[Fault]:
        """A fault for each code of the contract that no file speaks for; files that cannot be read are left out."""
        for (kind, code), name in _EXPECTED.items():
            if (kind, code) not in self._spoken and name not in self._unread:
                what = f"нет ни одного правила для «{kind}: {code}»"
                yield file_fault(folder / name, what, f"верните файл {name} со строкой «{kind}: {code}» и его правила")

    def _read_unmasked(self, document: Document) -> None:
        if self.unmasked.rules:
            document.fault((), "второй файл с шаблонами (patterns)", "соберите шаблоны в одном файле")
            return
        self.unmasked = Unmasked.from_document(document)
        self._patterns_hold = not document.faults
        for number, entry in enumerate(document.data["rules"]):
            if isinstance(entry, dict) and "name" in entry:
                self._spoken.add(("ground", Ground.OBSCENITY))
                self._enter(document, ("rules", number), entry)

    def _read_phrases(self, document: Document) -> None:
        data = document.data
        fields = Fields(document, (), data, _FILE_KEYS)
        speaks = [(kind, data[kind]) for kind in KINDS if kind in data]
        if len(speaks) != 1 or speaks[0][1] not in list(KINDS[speaks[0][0]]):
            document.fault((), "не сказано, о чём правила", f"один ключ из {', '.join(KINDS)} с кодом из records")
            speaks = [("review", ReviewCode.RUDE)]  # read on, for the other faults of the file
        elif data["rules"]:
            self._spoken.add(speaks[0])
        kind, value = speaks[0]
        parser = PhraseParser(self._sets(document, fields))
        trusted, earlier = not document.faults, len(self._examples)
        for number, entry in enumerate(data["rules"]):
            rule = self._rule(document, ("rules", number), entry, kind, KINDS[kind](value), parser)
            if rule is not None:
                self.rules.append(rule)
        if not trusted:  # words are missing from the sets, examples would be blamed for it
            del self._examples[earlier:]

    def _enter(self, document: Document, where: tuple[str | int, ...], entry: Mapping[Any, Any]) -> bool:
        """What is asked of rules of both kinds: a name of its own, examples that stand once, hits with their span.

        Returns whether the name is its own: examples are told from those of other rules by it.
        """
        name = str(entry.get("name"))
        own = name not in self._names
        if not own:
            document.fault((*where, "name"), f"правило «{name}» уже есть", "дайте другое имя")
        self._names.add(name)
        seen: set[str] = set()
        for key in ("hits", "passes"):
            lines = entry.get(key)
            for i, line in enumerate(lines if isinstance(lines, list) else ()):
                if not isinstance(line, str):
                    continue
                if line in seen:
                    document.fault((*where, key, i), "такой пример у правила уже есть", "удалите повтор")
                elif key == "hits" and not 0 <= line.find("[") < line.rfind("]") - 1:
                    document.fault((*where, key, i), "в примере не отмечено, что найти", _MARK)
                seen.add(line)
        return own

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
        if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
            document.fault(where, "у правила нет имени", "добавьте name: <основание>.<что ищет>")
            return None
        fields = Fields(document, where, entry, _RULE_KEYS)
        own = self._enter(document, where, entry)
        before = len(document.faults)
        for key, allowed in (("level", _LEVELS), ("within", _SCOPES)):
            if entry.get(key, allowed[0]) not in allowed:
                document.fault((*where, key), f"{key}: {entry[key]}", f"одно из: {', '.join(allowed)}")
        for key in ("any", "hits", "passes"):
            if not entry.get(key):
                document.fault(where, f"у правила нет {key}", f"добавьте список {key}")
        parts = {key: self._phrases(fields, key, parser) for key in ("any", "with", "unless")}
        examples = [((*where, key, i), line) for key in ("hits", "passes") for i, line in fields.numbered_texts(key)]
        says = fields.text("says", "")
        if not own or len(document.faults) > before:
            return None
        self._examples += [(document, place, entry["name"], line) for place, line in examples]
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
        """A fault for each example that the loaded book does not honour, and that is not known for another fault."""
        told = {(fault.file, fault.line, fault.column) for fault in self.faults}
        for fault in self._failing(book):
            if (fault.file, fault.line, fault.column) not in told:
                yield fault

    def _failing(self, book: RuleBook) -> Iterator[Fault]:
        for document, where, name, line in self._examples:
            start, stop = line.find("["), line.find("]") - 1
            text = line.replace("[", "").replace("]", "")
            spans = [(f.start, f.stop) for f in book.find(text) if f.rule == name]
            if "hits" in where and (start, stop) not in spans:
                shown = ", ".join(f"«{text[a:b]}»" for a, b in spans) or "ничего"
                yield document.fault(where, f"правило {name} нашло {shown}", "исправьте правило или пример")
            elif "passes" in where and spans:
                a, b = spans[0]
                yield document.fault(
                    where, f"правило {name} сработало на «{text[a:b]}»", "исправьте правило или пример"
                )
        if self._patterns_hold:
            yield from self.unmasked.failing()


def _has_patterns(rules: list[Any]) -> bool:
    return any("patterns" in rule for rule in rules if isinstance(rule, dict))

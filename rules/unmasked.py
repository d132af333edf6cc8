"""Rules that look through disguises: patterns over words as they are meant, not as they are written.

A rule of such a file (``rules/obscenity.yaml``)::

    - name: obscenity.huy
      says: «корень «хуй» и производные»
      patterns: ["^<pre>хуй"]     # found for sure: the post is excluded
      unsure: ["^х\\*\\*+$"]      # perhaps: a person looks first
      hits: ["иди [нах*й] уже"]   # must be found, at this span
      passes: ["страхуй"]         # must stay silent

``inside`` are patterns for words of more than 32 letters. ``parts`` are pieces of patterns (``<pre>``). Patterns
see a folded word as it is and with its repeated letters as one; ``*`` is a hidden letter. A word of the dictionary is
found only when its lemma is in ``lemmas`` or the form itself in ``always``; ``clean`` are other words to pass by;
``translit`` says how the words are spelt in Latin letters: of Latin words only these are read as Russian.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from language import Candidate, Reading, candidates, read
from language.morphology import forms, known, lemma
from records import Fault, Ground
from regulation.documents import Document
from regulation.fields import Fields
from rules.alternatives import Sieve, alternatives_of

Found = tuple[str, int, int, bool]
_REMEMBERED = 100_000
_LONG = 32
_BLANKS = re.compile(r"\s+")
_WORDS = re.compile(r"[а-я]+")
_NEXT_WORD = re.compile(r"\W{1,3}([а-я]+)")
_LATIN_MASKED = re.compile(r"[a-z]+[*#@%]+[a-z]+")
_LATIN_DIGITS = str.maketrans({"1": "i", "!": "i", "3": "z", "6": "b", "0": "o", "4": "ch", "9": "ya", "@": "a"})
_NOT_LETTERS = re.compile(r"[^a-z']")
_INITIAL = re.compile(r"[А-ЯЁ]\.?\s?[А-ЯЁ][а-яё]+(?:-[А-Яа-яё]+)?")
_PART = re.compile(r"<([a-z]+)>")
_REPEATED = re.compile(r"(.)\1+")
_FILE_KEYS = "ground parts lemmas always clean translit rules"
_RULE_KEYS = "name says patterns unsure inside hits passes"
_DEEPEST = 20


@dataclass(frozen=True, slots=True)
class UnmaskedRule:
    """``sure`` and ``unsure``: compiled patterns, ``None`` where a rule has none of the kind."""

    name: str
    says: str
    sure: re.Pattern[str] | None
    unsure: re.Pattern[str] | None
    inside: re.Pattern[str] | None = None
    hits: tuple[str, ...] = ()
    passes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Exceptions:
    """What decides beside the patterns; the fields are the keys of the file."""

    lemmas: frozenset[str] = frozenset()
    always: frozenset[str] = frozenset()
    clean: re.Pattern[str] | None = None
    translit: re.Pattern[str] | None = None


class Unmasked:
    """Verdicts are remembered for each distinct word: an ordinary post costs one set difference."""

    def __init__(self, rules: Sequence[UnmaskedRule], exceptions: Exceptions, document: Document | None = None) -> None:
        self.rules = tuple(rules)
        patterns = [p.pattern for rule in self.rules for p in (rule.sure, rule.unsure) if p]
        self._sieve = Sieve([part for pattern in patterns for part in alternatives_of(pattern)])
        self._exceptions = exceptions
        self._document = document
        self._common = sorted(exceptions.always)
        self._always_asked = exceptions.always.union(*map(forms, exceptions.lemmas))
        self._silent: set[str] = set()
        self._verdicts: dict[str, tuple[str, bool]] = {}

    @classmethod
    def empty(cls) -> Unmasked:
        return cls((), Exceptions())

    @classmethod
    def from_document(cls, document: Document) -> Unmasked:
        """Compile the rules of a file; what cannot be compiled becomes a fault of the document."""
        return _Compiler(document).compiled()

    def find(self, reading: Reading) -> list[Found]:
        """``(rule, start, stop, sure)`` in text order; spans do not overlap."""
        if not self.rules:
            return []
        found = self._in_words(reading)
        loose: list[Found] = []
        for hit, split in self._in_disguises(reading):
            (loose if split else found).append(hit)
        if not found and not loose:
            return []
        firm = _without_overlaps(found)
        return _without_overlaps([*firm, *_beside(_without_overlaps(loose, shortest=True), firm)])

    def judge(self, word: str) -> tuple[str, bool] | None:
        """The rule that a plain word (or a reading with ``*``) falls under, and whether it is sure."""
        if word in self._silent:
            return None
        verdict = self._verdicts.get(word)
        if verdict is None:
            verdict = self._judge(word)
            if len(word) <= _LONG:
                self._remember(word, verdict)
        return verdict

    def failing(self) -> Iterator[Fault]:
        """A fault for each example that the rules do not honour."""
        for number, rule in enumerate(self.rules):
            for kind, lines in (("hits", rule.hits), ("passes", rule.passes)):
                for i, line in enumerate(lines):
                    what = self._failure(rule, kind, line)
                    if what and self._document:
                        where = ("rules", number, kind, i)
                        yield self._document.fault(where, what, "исправьте правило или пример")

    def check(self) -> list[str]:
        """The failing examples in words, for rules that come from no file."""
        examples = [(r, kind, line) for r in self.rules for kind in ("hits", "passes") for line in getattr(r, kind)]
        return [f"{line}: {what}" for rule, kind, line in examples if (what := self._failure(rule, kind, line))]

    def _failure(self, rule: UnmaskedRule, kind: str, line: str) -> str | None:
        text, span = marked(line) if kind == "hits" else (line, None)
        found = self.find(read(text))
        spans = [(start, stop) for name, start, stop, _ in found if name == rule.name]
        if span is not None:
            shown = ", ".join(f"«{text[a:b]}»" for a, b in spans) or "ничего"
            return None if span in spans else f"правило {rule.name} нашло {shown}"
        shown = ", ".join(f"«{text[start:stop]}» ({name})" for name, start, stop, _ in found)
        return f"найдено {shown}" if found else None

    def _in_words(self, reading: Reading) -> list[Found]:
        unheard = reading.distinct - self._silent
        spoken = {word: verdict for word in unheard if (verdict := self.judge(word))}
        if not spoken:
            return []
        return [
            (spoken[word][0], start, stop, spoken[word][1])
            for word, start, stop in zip(reading.norms, reading.starts, reading.stops, strict=True)
            if word in spoken
        ]

    def _in_disguises(self, reading: Reading) -> Iterator[tuple[Found, bool]]:
        """Each hit, and whether it was put together from words: such ones yield to all others."""
        for candidate in candidates(reading):
            letters = candidate.letters
            if len(letters) < 3:
                letters += _next_word(reading.folded, candidate.stop)
            verdict = self.judge(letters)
            if verdict and not self._is_foreign(reading, candidate) and self._is_likely(reading, candidate):
                sure = verdict[1] and candidate.sure
                if verdict[1] or not (candidate.how == "keyboard" or _is_punctuated(reading, candidate)):
                    yield (verdict[0], candidate.start, candidate.stop, sure), candidate.how == "split"

    def _is_foreign(self, reading: Reading, candidate: Candidate) -> bool:
        """Latin letters throughout that are not spelt as Russians spell these words in Latin."""
        written = reading.folded[candidate.start : candidate.stop]
        if candidate.how == "keyboard" or not written.isascii():
            return False
        if candidate.how == "masked":
            return _LATIN_MASKED.fullmatch(written) is None
        translit = self._exceptions.translit
        spelt = _NOT_LETTERS.sub("", written.translate(_LATIN_DIGITS))
        return translit is not None and translit.search(spelt) is None

    def _is_likely(self, reading: Reading, candidate: Candidate) -> bool:
        """Keys of another layout must give a usual form; what is put together must not hold a word found already."""
        if candidate.how == "keyboard":
            written = reading.folded[candidate.start : candidate.stop]
            return self._is_usual(candidate) or _is_typed(candidate.letters, written)
        if candidate.how in ("mixed", "translit"):
            return True
        if _INITIAL.fullmatch(reading.text, candidate.start, candidate.stop):
            return False
        parts = _WORDS.findall(reading.folded, candidate.start, candidate.stop)
        together = candidate.how == "split" or (candidate.how == "spaced" and bool(parts) and len(parts[0]) > 1)
        if together and len(parts) > 2 and self.judge("".join(parts[1:])):
            return False
        shortest = 3 if candidate.how == "masked" and len(parts) > 1 else 0
        return not any(len(part) > shortest and self.judge(part) for part in parts)

    def _is_usual(self, candidate: Candidate) -> bool:
        return known(candidate.letters) or candidate.letters in self._exceptions.always

    def _remember(self, word: str, verdict: tuple[str, bool] | None) -> None:
        if len(self._silent) + len(self._verdicts) > _REMEMBERED:
            self._silent.clear()
            self._verdicts.clear()
        if verdict is None:
            self._silent.add(word)
        else:
            self._verdicts[word] = verdict

    def _judge(self, word: str) -> tuple[str, bool] | None:
        once = _REPEATED.sub(r"\1", word) if _REPEATED.search(word) else word
        if len(once) > _LONG:
            return self._match_inside(once)
        if self._is_clean(word, once):
            return None
        verdict = self._match(word) if len(word) <= _LONG else None
        form = word if verdict else once
        if verdict is None and once != word:
            verdict = self._match(once)
        if verdict is None and "*" in word:
            return self._match_common(word)
        if verdict is None or form in self._exceptions.always:
            return verdict
        for plain in (word, form) if "*" not in word else ():
            if known(plain):
                return verdict if lemma(plain) in self._exceptions.lemmas else None
        clean = self._exceptions.clean
        return None if clean and clean.fullmatch(form) else verdict

    def _is_clean(self, word: str, once: str) -> bool:
        """Whether the dictionary alone tells, faster than the patterns do."""
        if word in self._always_asked or once in self._exceptions.always:
            return False
        return len(word) <= _LONG and known(word)

    def _match_common(self, word: str) -> tuple[str, bool] | None:
        """A word with hidden letters that is one of the usual forms when each ``*`` is one letter."""
        visible = len(word) - word.count("*")
        if visible < 2 or visible * 2 < len(word):
            return None
        form = next((form for form in self._common if fits(word, form)), None)
        verdict = self._match(form) if form else None
        return (verdict[0], verdict[1] and visible > 2) if verdict else None

    def _match(self, word: str) -> tuple[str, bool] | None:
        if not self._sieve.passes(word):
            return None
        for rule in self.rules:
            if rule.sure and rule.sure.search(word):
                return rule.name, True
        for rule in self.rules:
            if rule.unsure and rule.unsure.search(word):
                return rule.name, False
        return None

    def _match_inside(self, word: str) -> tuple[str, bool] | None:
        for rule in self.rules:
            if rule.inside and rule.inside.search(word):
                return rule.name, True
        return None


def fits(word: str, form: str) -> bool:
    """Whether the word is the form, where each ``*`` of it may be any letter."""
    return len(word) == len(form) and all(shown in ("*", meant) for shown, meant in zip(word, form, strict=True))


def _is_punctuated(reading: Reading, candidate: Candidate) -> bool:
    """``е,у``: two letters with a mark between them are more likely just that."""
    return candidate.stop - candidate.start == 3 and reading.folded[candidate.start + 1] in ".,:;'\"-"


def _beside(loose: list[Found], firm: list[Found]) -> Iterator[Found]:
    """The loose hits that overlap none of the firm ones, which are in text order."""
    starts = [start for _, start, _, _ in firm]
    for hit in loose:
        before = bisect_left(starts, hit[2])
        if not before or firm[before - 1][2] <= hit[1]:
            yield hit


def _is_typed(letters: str, written: str) -> bool:
    """Long enough, can be pronounced, and no punctuation around a word was read as a letter."""
    vowels = sum(letters.count(v) for v in "аеиоуыэюя")
    return len(letters) > 4 and 4 * vowels >= len(letters) and written[0] not in "[`'\"" and written[-1].isalpha()


def _next_word(folded: str, stop: int) -> str:
    """The word after a reading that is too short to speak for itself, ``_`` before it."""
    following = _NEXT_WORD.match(folded, stop)
    return f"_{following[1]}" if following else "_"


def marked(line: str) -> tuple[str, tuple[int, int]]:
    """The text of an example and the span between its first ``[`` and its last ``]``."""
    start, stop = line.find("["), line.rfind("]")
    return line[:start] + line[start + 1 : stop] + line[stop + 1 :], (start, stop - 1)


def _without_overlaps(found: list[Found], *, shortest: bool = False) -> list[Found]:
    """In text order; of spans that overlap the sure one stays, then the earlier, then the longer (or shorter)."""
    kept: list[Found] = []
    for hit in sorted(found, key=lambda f: (f[1], not f[3], f[2] if shortest else -f[2])):
        if not kept or hit[1] >= kept[-1][2]:
            kept.append(hit)
        elif hit[3] and not kept[-1][3]:
            kept[-1] = hit
    return kept


class _Compiler:
    """Reads one document; faults stay in it."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._file = Fields(document, (), document.data, _FILE_KEYS)
        parts = self._file.mapping("parts")
        named = Fields(document, ("parts",), parts, " ".join(map(str, parts)))
        self._parts = {name: named.text(name) for name in parts}

    def compiled(self) -> Unmasked:
        if self._file.text("ground") != Ground.OBSCENITY:
            self._file.fault("ground", "шаблоны (patterns) бывают только у мата", "ground: obscenity")
        entries = enumerate(self._document.data.get("rules") or ())
        rules = [rule for number, entry in entries if (rule := self._rule(number, entry))]
        exceptions = Exceptions(
            lemmas=frozenset(self._file.text("lemmas", "").split()),
            always=frozenset(self._file.text("always", "").split()),
            clean=self._pattern(self._file, "clean"),
            translit=self._pattern(self._file, "translit"),
        )
        return Unmasked(rules, exceptions, self._document)

    def _rule(self, number: int, entry: Any) -> UnmaskedRule | None:
        where = ("rules", number)
        if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
            self._document.fault(where, "у правила нет имени", "добавьте name: <основание>.<что ищет>")
            return None
        fields = Fields(self._document, where, entry, _RULE_KEYS)
        for key in ("patterns", "hits", "passes"):
            if not entry.get(key):
                self._document.fault(where, f"у правила нет {key}", f"добавьте список {key}")
        return UnmaskedRule(
            name=entry["name"],
            says=fields.text("says", ""),
            sure=self._pattern(fields, "patterns"),
            unsure=self._pattern(fields, "unsure"),
            inside=self._pattern(fields, "inside"),
            hits=fields.texts("hits"),
            passes=fields.texts("passes"),
        )

    def _pattern(self, fields: Fields, key: str) -> re.Pattern[str] | None:
        """All sources as one pattern; blanks in a source are left out."""
        whole: list[str] = []
        for i, source in enumerate(fields.texts(key)):
            try:
                spelt = self._spelt(source)
                re.compile(spelt)
            except re.error as error:
                fields.fault(key, f"шаблон не читается: {error}", "проверьте скобки и имена в <…>", i)
            else:
                whole += alternatives_of(spelt)
        return re.compile("|".join(whole)) if whole else None

    def _spelt(self, source: str, depth: int = 0) -> str:
        """Raises: re.error: a part is not there, or stands within itself."""

        def part(name: re.Match[str]) -> str:
            if name[1] not in self._parts:
                raise re.error(f"нет части <{name[1]}>")
            if depth == _DEEPEST:
                raise re.error(f"часть <{name[1]}> стоит внутри себя")
            return f"(?:{self._spelt(self._parts[name[1]], depth + 1)})"

        return _PART.sub(part, _BLANKS.sub("", source))

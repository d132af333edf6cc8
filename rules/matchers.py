"""Phrases over the words of a text: how a rule says what it looks for.

A phrase is elements with blanks between them::

    дурак              any form of the lemma
    =дурак             this form alone
    дурач*             words that begin so
    убить/1per+futr    forms of the lemma with these grammemes (OpenCorpora)
    @kin               any word of the set «kin» (sets are lists of such alternatives)
    @kill/1per+futr    the same with grammemes
    глупый|тупой       alternatives
    вы?                may be absent
    !не                the word here is none of these (takes no word)
    ..  ...            up to two, up to six further words
    ^  $               the sentence begins, ends here

A phrase lies within one sentence. Each phrase has an anchor, its rarest element: only where the anchor stands
is anything compared, so that a text costs one dictionary look-up a word, and each anchor a bounded amount.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from language import Reading
from language.morphology import forms
from language.reading import fold

GAPS = {"..": 2, "...": 6}
_ALTERNATIVE = re.compile(r"(?P<kind>[@=]?)(?P<body>[\w-]+)(?P<star>\*?)(?:/(?P<grammemes>[\w+]+))?")
# The commonest words of posts, the commonest first: a phrase is not to be tried wherever one of them stands.
_COMMON = (
    "в и не на а с что по как у это за я все то нет так к до но уже от когда для только еще если бы или почему мне "
    "нас будет из же есть меня мы кто где ли вы было вот там о г очень тоже лет они надо да просто ни он сегодня его "
    "нам вам без чтобы даже нужно при раз вас люди после через она во ребенка детей такой быть какой со тут под мой "
    "твой ваш наш свой тот этот весь сам один тебе тебя ее их нету"
).split()
_COMMONNESS = {word: len(_COMMON) - place for place, word in enumerate(_COMMON)}


class PhraseError(ValueError):
    """A phrase that cannot be read."""


@dataclass(frozen=True, slots=True)
class Element:
    """``words``: exact folded forms; ``stems``: beginnings. ``gap`` > 0: up to so many words of any kind."""

    words: frozenset[str] = frozenset()
    stems: tuple[str, ...] = ()
    optional: bool = False
    negated: bool = False
    gap: int = 0
    edge: str = ""

    def accepts(self, word: str) -> bool:
        return word in self.words or (bool(self.stems) and word.startswith(self.stems))


@dataclass(frozen=True, slots=True, eq=False)
class Phrase:
    """``source`` as written; ``anchor``: the element that must be there; what stands on both sides, from it outward.

    ``needed``: words of another element, one of which must stand in the text too; ``None`` where there is no such one.
    """

    source: str
    anchor: Element
    behind: tuple[Element, ...]
    ahead: tuple[Element, ...]
    needed: frozenset[str] | None = None

    def may_stand(self, reading: Reading) -> bool:
        """Asked before ``around``: most anchors stand alone."""
        return self.needed is None or not self.needed.isdisjoint(reading.distinct)

    def around(self, reading: Reading, place: int) -> tuple[int, int] | None:
        """First and last word of the phrase whose anchor is the word ``place``; the nearest reading wins."""
        first, last = reading.sentence_of(place)
        stop = _walk(reading.norms, self.ahead, place, 1, last)
        if stop is None:
            return None
        start = _walk(reading.norms, self.behind, place, -1, first)
        return None if start is None else (start, stop)


def _walk(norms: Sequence[str], elements: Sequence[Element], place: int, step: int, end: int) -> int | None:
    """Match ``elements`` outward from the word ``place``, up to the word ``end``; the last word taken, or ``None``."""
    for number, element in enumerate(elements):
        if element.gap:
            return _walk_gap(norms, elements[number + 1 :], place, step, end, element.gap)
        inside = place != end
        if element.edge:
            if inside:
                return None
        elif element.negated:
            if inside and element.accepts(norms[place + step]):
                return None
        elif inside and element.accepts(norms[place + step]):
            if element.optional:
                found = _walk(norms, elements[number + 1 :], place + step, step, end)
                if found is not None:
                    return found
            else:
                place += step
        elif not element.optional:
            return None
    return place


def _walk_gap(norms: Sequence[str], rest: Sequence[Element], place: int, step: int, end: int, most: int) -> int | None:
    for _ in range(most + 1):
        found = _walk(norms, rest, place, step, end)
        if found is not None or place == end:
            return found
        place += step
    return None


Sets = Mapping[str, Sequence[str]]


class PhraseParser:
    """Reads phrases that share sets; an element or a phrase that comes again is read once."""

    def __init__(self, sets: Sets) -> None:
        self._sets = sets
        self._elements: dict[str, Element] = {}
        self._phrases: dict[str, Phrase] = {}

    def parse(self, source: str) -> Phrase:
        """Read a phrase.

        Raises:
            PhraseError: an element is no element, a set is unknown, or nothing in the phrase can be its anchor.
        """
        if source not in self._phrases:
            self._phrases[source] = _phrase(source, tuple(map(self._element, source.split())))
        return self._phrases[source]

    def check(self, word: str, name: str) -> None:
        """Raises: PhraseError: ``word`` cannot be a member of the set ``name``."""
        _add(word, self._sets, "", set(), [], (name,))

    def _element(self, part: str) -> Element:
        if part not in self._elements:
            self._elements[part] = _element(part, self._sets)
        return self._elements[part]


def parse(source: str, sets: Sets) -> Phrase:
    """One phrase alone; see :meth:`PhraseParser.parse`."""
    return PhraseParser(sets).parse(source)


def _phrase(source: str, elements: tuple[Element, ...]) -> Phrase:
    anchors = [i for i, e in enumerate(elements) if (e.words or e.stems) and not (e.optional or e.negated)]
    if not anchors:
        raise PhraseError(f"во фразе «{source}» нет слова, на котором она держится")
    at, *others = sorted(anchors, key=lambda i: _commonness(elements[i]))
    needed = next((elements[i].words for i in others if not elements[i].stems), None)
    return Phrase(source, elements[at], elements[:at][::-1], elements[at + 1 :], needed)


def _commonness(element: Element) -> tuple[int, int]:
    commonest = max((_COMMONNESS.get(word, 0) for word in element.words), default=0)
    return (commonest, len(element.words) + 50 * len(element.stems))


def _element(part: str, sets: Sets) -> Element:
    if part in GAPS:
        return Element(gap=GAPS[part])
    if part in ("^", "$"):
        return Element(edge=part)
    negated, optional = part.startswith("!"), part.endswith("?")
    words: set[str] = set()
    stems: list[str] = []
    for alternative in part.removeprefix("!").removesuffix("?").split("|"):
        _add(alternative, sets, "", words, stems)
    if not words and not stems:
        raise PhraseError(f"у «{part}» нет ни одной формы")
    return Element(frozenset(words), tuple(dict.fromkeys(stems)), optional, negated)


def _add(
    alternative: str, sets: Sets, grammemes: str, words: set[str], stems: list[str], inside: tuple[str, ...] = ()
) -> None:
    """``inside``: the sets that are being read, the outermost first."""
    match = _ALTERNATIVE.fullmatch(alternative)
    if match is None:
        raise PhraseError(f"«{alternative}» — не слово фразы")
    grammemes = match["grammemes"] or grammemes
    body = fold(match["body"])
    if match["kind"] == "@":
        if match["body"] not in sets:
            raise PhraseError(f"нет набора слов «{match['body']}»")
        if match["body"] in inside:
            raise PhraseError(f"набор «{match['body']}» содержит сам себя")
        for inner in sets[match["body"]]:
            _add(inner, sets, grammemes, words, stems, (*inside, match["body"]))
    elif match["star"]:
        stems.append(body)
    elif match["kind"] == "=":
        words.add(body)
    else:
        words.update(forms(body, frozenset(grammemes.split("+")) if grammemes else frozenset()))


def vocabulary(phrases: Iterable[Phrase]) -> tuple[set[str], set[str]]:
    """All words that the phrases name: those in full, and the beginnings."""
    words: set[str] = set()
    stems: set[str] = set()
    for element in {element for p in phrases for element in (p.anchor, *p.behind, *p.ahead)}:
        words.update(element.words)
        stems.update(element.stems)
    return words, stems


class PhraseIndex:
    """Many phrases, asked at once: which of them stand where in a text."""

    def __init__(self, phrases: Sequence[Phrase]) -> None:
        self._by_word: dict[str, list[int]] = {}
        self._by_stem: dict[str, list[int]] = {}  # beginnings of stems too, which hold nothing
        self.phrases = tuple(phrases)
        for number, phrase in enumerate(phrases):
            for word in phrase.anchor.words:
                self._by_word.setdefault(word, []).append(number)
            for stem in phrase.anchor.stems:
                self._by_stem.setdefault(stem, []).append(number)
        self._lengths = sorted({len(stem) for stem in self._by_stem})
        for stem in list(self._by_stem):
            for length in self._lengths:
                self._by_stem.setdefault(stem[:length], [])
        self._cache: dict[str, tuple[int, ...]] = {}

    def find(self, reading: Reading) -> Iterator[tuple[int, int, int]]:
        """``(number of the phrase, first word, last word)`` for each place where a phrase stands."""
        for place, numbers in self._anchored(reading):
            for number in numbers:
                phrase = self.phrases[number]
                found = phrase.around(reading, place) if phrase.may_stand(reading) else None
                if found is not None:
                    yield (number, *found)

    def anchors(self, reading: Reading) -> dict[Phrase, list[int]]:
        """The words around which a phrase may stand; nothing of phrases whose anchor is not there."""
        found: dict[Phrase, list[int]] = {}
        for place, numbers in self._anchored(reading):
            for number in numbers:
                found.setdefault(self.phrases[number], []).append(place)
        return found

    def _anchored(self, reading: Reading) -> Iterator[tuple[int, tuple[int, ...]]]:
        """The words that are anchors, with the phrases they hold."""
        cache = self._cache
        for place, word in enumerate(reading.norms):
            numbers = cache.get(word)
            if numbers is None:
                numbers = self._held_by(word)
            if numbers:
                yield place, numbers

    def _held_by(self, word: str) -> tuple[int, ...]:
        numbers = list(self._by_word.get(word, ()))
        for length in self._lengths:
            held = self._by_stem.get(word[:length])
            if held is None:
                break
            numbers += held
        if len(self._cache) > 200_000:
            self._cache.clear()
        self._cache[word] = found = tuple(sorted(set(numbers)))
        return found

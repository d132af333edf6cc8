"""Names by the forms of their words: how each is declined, and which of them stand at a word of a text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Generic, TypeVar

from language.morphology import forms, known
from language.reading import Reading, read

Phrase = tuple[frozenset[str], ...]
Declensions = tuple[tuple[re.Pattern[str], str, str], ...]
Meaning = TypeVar("Meaning")

_GENDERS = {
    "neut": re.compile(r"[ое]е$"),
    "masc": re.compile(r"(?:[ыи]й|ой)$"),
    "femn": re.compile(r"[ая]я$"),
}
_NUMBERS = ("sing", "plur")
# The end of a nominative, the ends of all its cases, those of the locative alone.
_NOUNS = (
    (re.compile(r"(?<=и)я$"), "я и ю ей", "и"),
    (re.compile(r"(?<=и)е$"), "е я ю ем и", "и"),
    (re.compile(r"а$"), "а ы и е у ой ою ей ею", "е"),
    (re.compile(r"я$"), "я и е ю ей ею", "е"),
    (re.compile(r"о$"), "о а у ом е", "о е"),
    (re.compile(r"е$"), "е я а ю у ем", "е"),
    (re.compile(r"[ыи]$"), "ы и ов ей ам ям ами ями ах ях", "ах ях"),
    (re.compile(r"[ьй]$"), "ь й я ю ем е и ью", "е и"),
    (re.compile(r"(?<=[бвгджзклмнпрстфхцчшщ])$"), " а у ом ем е", "е"),
)
_ADJECTIVES = (
    (re.compile(r"(?<=[гкх])ий$"), "ий ого ому им ом", "ом"),
    (re.compile(r"ий$"), "ий его ему им ем", "ем"),
    (re.compile(r"ый$"), "ый ого ому ым ом", "ом"),
    (re.compile(r"ой$"), "ой ого ому ым им ом", "ом"),
    (re.compile(r"(?<=[жчшщ])ая$"), "ая ой ей ую ою ею", "ой ей"),
    (re.compile(r"ая$"), "ая ой ую ою", "ой"),
    (re.compile(r"яя$"), "яя ей юю ею", "ей"),
    (re.compile(r"ое$"), "ое ого ому ым им ом", "ом"),
    (re.compile(r"ее$"), "ее его ему им ем", "ем"),
)
_SHORTEST_DECLINED = 3


class Names(Generic[Meaning]):
    """What each name means, by its first word; of several that begin alike, in the order they were added."""

    def __init__(self) -> None:
        self.by_word: dict[str, list[tuple[Phrase, Meaning]]] = {}

    def add(self, name: Phrase, meaning: Meaning) -> None:
        """A name without words stands nowhere."""
        for word in name[0] if name else ():
            self.by_word.setdefault(word, []).append((name[1:], meaning))

    def at(self, reading: Reading, first: int) -> Iterator[tuple[Meaning, int]]:
        """Each name that begins at the word: its meaning and its last word."""
        for rest, meaning in self.by_word.get(reading.norms[first], ()):
            last = _follows(reading, first, rest)
            if last is not None:
                yield meaning, last


def _follows(reading: Reading, at: int, rest: Phrase) -> int | None:
    """The last word of a name whose first word stands at ``at``."""
    for words in rest:
        at += 1
        if not near(reading, at, "-–./") or reading.norms[at] not in words:
            return None
    return at


def gap(reading: Reading, at: int) -> str:
    """What stands between the word and the one before it."""
    return reading.folded[reading.stops[at - 1] : reading.starts[at]] if at else ""


def near(reading: Reading, at: int, marks: str = "") -> bool:
    """Whether only spaces (and ``marks``) stand between the word and the one before it."""
    if not 0 < at < len(reading.norms):
        return False
    between = gap(reading, at)
    return between == " " or not between.strip(" \t\xa0" + marks)


def gender_of(word: str) -> str | None:
    """The gender of a name that is an adjective by its ending."""
    return next((gender for gender, ending in _GENDERS.items() if ending.search(word)), None)


def declined(name: str) -> Phrase:
    """The forms of each word of a name in the nominative: «Сухая Буйвола», «пр-т»."""
    return tuple(inflected(word) for word in read(name).norms)


def fixed(name: str) -> Phrase:
    """The words of a name that never changes: «Карла Маркса»."""
    return tuple(frozenset({word}) for word in read(name).norms)


def loose(name: str) -> Phrase:
    """All forms of each word, in both numbers: «шангалинцы», «улиц»."""
    return tuple(forms(word) | {word} for word in read(name).norms)


def inflected(word: str, case: str = "") -> frozenset[str]:
    """The forms of a nominative (in one case): of the gender it has, where it is an adjective; in its own number.

    What the dictionary does not know as a nominative («Буйвола»), or may take for another («Большая» of «больший»),
    is declined by its ending.
    """
    wanted = {case} - {""}
    gender = gender_of(word)
    if gender and (found := forms(word, frozenset({"ADJF", "sing", gender} | wanted))):
        return found | _by_ending(word, _ADJECTIVES, locative=case == "loct")
    number = _number(word)
    found = forms(word, frozenset({number} | wanted)) if number else frozenset()
    if not (number and known(word)):
        found |= _by_ending(word, _NOUNS, locative=case == "loct")
    return found if case else found | {word}


def is_another_word(word: str) -> bool:
    """Whether the dictionary knows the name as another word's form alone: «Буйвола» of «буйвол»."""
    return known(word) and gender_of(word) is None and _number(word) is None


def _number(word: str) -> str | None:
    """The number whose nominative the word is."""
    return next((n for n in _NUMBERS if word in forms(word, frozenset({n, "nomn"}))), None)


def _by_ending(word: str, declensions: Declensions, *, locative: bool) -> frozenset[str]:
    if len(word) < _SHORTEST_DECLINED:
        return frozenset()
    for nominative, endings, where in declensions:
        if found := nominative.search(word):
            stem = word[: found.start()]
            return frozenset(stem + ending for ending in (where if locative else endings).split(" "))
    return frozenset()

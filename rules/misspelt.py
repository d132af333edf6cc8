"""Words of the rules as people misspell them: by ear, with stretched letters, with letters hidden or pulled apart.

Only what the dictionary does not know is taken for another word, and only for one that the rules name: so a rule hears
«зодушу» and «убъюююю» without a list of every way to write them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher

from language import Candidate, Reading, apart, candidates, replaced
from language.lookalikes import HIDDEN
from language.morphology import known
from rules.unmasked import fits

_REPEATED = re.compile(r"([а-я])\1+")
_TOGETHER = tuple(
    pair.split()
    for pair in ("тс ц", "тьс ц", "дс ц", "сч щ", "зч щ", "жч щ", "чн шн", "жы жи", "шы ши", "жю жу", "шю шу")
)
_SIGNS = str.maketrans("", "", "ъь")
# Consonants that sound alike before another one or at the end; «в» makes none voiceless or voiced.
_VOICED = re.compile(r"[бвгджз](?=[бгджзкпстфхцчшщ]|\b)")
_VOICELESS = dict(zip("бвгджз", "пфктшс", strict=True))
# Vowels that are mistaken for each other where no stress falls on them. Where it falls is not known, so words in which
# such vowels differ are the same to the ear, and the nearest in spelling is taken.
_MISTAKEN = str.maketrans("оеэыя", "аииии")
# In a shorter word the vowels are half of what tells it from others; a word of three letters is too little itself.
_MISTAKEN_FROM, _LEAST, _MOST = 5, 4, 64
_LEAST_SHOWN = 3
_MOST_HIDDEN = 3
_LEAST_PULLED_APART = 5

_HIDING = re.compile(rf"[^\W_]+(?:[{re.escape(HIDDEN)}]+[^\W_]+)+")
_NAME = re.compile(r"[А-ЯЁ][а-яё]+")
_SENTENCE_BEGINS = re.compile(r"(?:^|[.!?…\n])[^\w,;:]*\Z")
_WHOLE = ("mixed", "separated", "spaced")
_LEAST_LIKENESS = 0.7
_REMEMBERED = 100_000


def sounds(words: Sequence[str]) -> list[str]:
    """How folded words sound, roughly: what is misspelt by ear sounds as the word itself. All are heard at once."""
    if not words:
        return []
    text = _REPEATED.sub(r"\1", "\n".join(words))
    for written, heard in _TOGETHER:
        text = text.replace(written, heard)
    text = _VOICED.sub(lambda letter: _VOICELESS[letter[0]], text.translate(_SIGNS))
    exact, mistaken = (_REPEATED.sub(r"\1", spelt).split("\n") for spelt in (text, text.translate(_MISTAKEN)))
    return [m if len(m) >= _MISTAKEN_FROM else e for e, m in zip(exact, mistaken, strict=True)]


class Misspelt:
    """``words`` of the rules; ``abuse``: those whose letters people hide and pull apart, ``stems``: with which more of
    it begins.
    """

    def __init__(self, words: Iterable[str], abuse: Iterable[str], stems: Iterable[str]) -> None:
        self._words = frozenset(word for word in words if len(word) >= _LEAST)
        self._abuse = frozenset(abuse)
        self._by_edges: dict[tuple[str, str, int], list[str]] = {}
        for word in sorted(self._abuse):
            self._by_edges.setdefault((word[0], word[-1], len(word)), []).append(word)
        self._stems = tuple(sorted(stem for stem in stems if len(stem) >= _LEAST))
        self._stems_by_letter: dict[str, list[str]] = {}
        for stem in self._stems:
            self._stems_by_letter.setdefault(stem[0], []).append(stem)
        # Words of one sound with a blank between them: so many lists would be looked through for garbage at the start.
        self._by_sound: dict[str, str] = {}
        ordered = sorted(self._words)
        for sound, word in zip(sounds(ordered), ordered, strict=True):
            alike = self._by_sound.get(sound)
            self._by_sound[sound] = word if alike is None else f"{alike} {word}"
        self._plain: set[str] = set()

    def mend(self, reading: Reading) -> Reading:
        """The reading with misspelt words of the rules put right; the same object where there is none."""
        found = apart(self._found(reading))
        return replaced(reading, found) if found else reading

    def _found(self, reading: Reading) -> Iterator[Candidate]:
        read_already: set[tuple[int, int]] | None = None
        for candidate in candidates(reading):
            meant = self._meant(reading, candidate)
            if meant is None:
                continue
            if read_already is None:
                spans = zip(reading.norms, reading.starts, reading.stops, strict=True)
                read_already = {(start, stop) for word, start, stop in spans if self._is_right(word)}
            if (candidate.start, candidate.stop) not in read_already:
                yield Candidate(meant, candidate.start, candidate.stop, candidate.how, True)
        unheard = reading.distinct - self._plain
        wrong = {word: meant for word in unheard if (meant := self._heard(word))} if unheard else {}
        if wrong:
            for word, start, stop in zip(reading.norms, reading.starts, reading.stops, strict=True):
                if word in wrong and not _is_name(reading.text, start, stop):
                    yield Candidate(wrong[word], start, stop, "misspelt", True)

    def _is_right(self, word: str) -> bool:
        return word in self._words or known(word) or word.startswith(self._stems)

    def _heard(self, word: str) -> str | None:
        """The word that is meant by one that the dictionary does not know: of those that sound so, the nearest."""
        meant = None
        if len(word) >= _LEAST and word not in self._words and not known(word):
            once = _REPEATED.sub(r"\1", word)
            alike = self._by_sound.get(sounds([once])[0], "").split(" ") if len(once) <= _MOST else []
            likeness, nearest = max(((_likeness(once, other), other) for other in alike), default=(0.0, ""))
            meant = nearest if likeness >= _LEAST_LIKENESS and not word.startswith(self._stems) else None
        if meant is None and len(word) <= _MOST:
            if len(self._plain) > _REMEMBERED:
                self._plain.clear()
            self._plain.add(word)
        return meant

    def _meant(self, reading: Reading, candidate: Candidate) -> str | None:
        """The word that a disguised place reads as."""
        letters = candidate.letters
        if not candidate.sure:
            return None
        if candidate.how == "masked":
            shown = reading.folded[candidate.start : candidate.stop]
            return self._unmasked(letters) if _HIDING.fullmatch(shown) else None
        if candidate.how == "split":
            return letters if len(letters) >= _LEAST_PULLED_APART and letters in self._abuse else None
        return letters if letters in self._words and candidate.how in _WHOLE else None

    def _unmasked(self, letters: str) -> str | None:
        """The word that the letters fit, where ``*`` is one letter, or else two or three."""
        shown = len(letters) - letters.count("*")
        if shown < _LEAST_SHOWN or len(letters) > _MOST or "*" in (letters[0], letters[-1]):
            return None
        most = _MOST_HIDDEN if shown > _LEAST_SHOWN else 1
        spelt = (letters.replace("*", "*" * hidden) for hidden in range(1, most + 1))
        return next(filter(None, map(self._fitting, spelt)), None)

    def _fitting(self, letters: str) -> str | None:
        """Of words and stems whose edges stand, so that few are compared."""
        head, tail = letters[: letters.find("*")], letters[letters.rfind("*") + 1 :]
        for word in self._by_edges.get((letters[0], letters[-1], len(letters)), ()):
            if word.startswith(head) and word.endswith(tail) and fits(letters, word):
                return word
        after = next(place for place in range(len(head), len(letters)) if letters[place] != "*")
        for stem in self._stems_by_letter.get(letters[0], ()):
            begins_so = stem.startswith(head[: len(stem)]) and stem[after : after + 1] in ("", letters[after])
            if begins_so and fits(letters[: len(stem)], stem):
                return stem + letters[len(stem) :].replace("*", "")
        return None


def _likeness(word: str, other: str) -> float:
    return SequenceMatcher(None, word, other).ratio()


def _is_name(text: str, start: int, stop: int) -> bool:
    """A capital within a sentence: names are in no dictionary, and sound like anything."""
    return _NAME.fullmatch(text, start, stop) is not None and not _SENTENCE_BEGINS.search(
        text, max(0, start - 20), start
    )

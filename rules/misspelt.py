"""Words of the rules as people misspell them: by ear, with stretched letters, with a letter hidden.

Only what the dictionary does not know is looked at, and only for words that the rules themselves name: so a rule hears
«зодушу» and «убъюююю» without a list of every way to write them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from language import Candidate, Reading, candidates, replaced
from language.morphology import known

_REPEATED = re.compile(r"([а-я])\1+")
_TOGETHER = tuple(pair.split() for pair in ("тс ц", "тьс ц", "дс ц", "сч щ", "зч щ", "жч щ", "чн шн", "жы жи", "шы ши"))
_SIGNS = str.maketrans("", "", "ъь")
# Consonants that sound alike before another one or at the end; vowels where no stress falls on them.
_VOICED = re.compile(r"[бвгджз](?=[бвгджзкпстфхцчшщ]|\b)")
_VOICELESS = dict(zip("бвгджз", "пфктшс", strict=True))
_UNSTRESSED = str.maketrans("оеэыя", "аииии")
_VOWELS = str.maketrans("", "", "бвгджзйклмнпрстфхцчшщ")
_LEAST, _MOST = 4, 64
_LEAST_SHOWN = 3
_LEAST_LATIN = 5
_REMEMBERED = 100_000


def sounds(words: Sequence[str]) -> list[str]:
    """How folded words sound, roughly: what is misspelt by ear sounds as the word itself. All are heard at once."""
    text = _REPEATED.sub(r"\1", "\n".join(words))
    for written, heard in _TOGETHER:
        text = text.replace(written, heard)
    text = _VOICED.sub(lambda letter: _VOICELESS[letter[0]], text.translate(_SIGNS))
    stressed, unstressed = (_REPEATED.sub(r"\1", spelt).split("\n") for spelt in (text, text.translate(_UNSTRESSED)))
    vowels = text.translate(_VOWELS).split("\n")
    return [u if len(v) > 1 else s for s, u, v in zip(stressed, unstressed, vowels, strict=True)]


class Misspelt:
    """``words`` of the rules, and ``stems`` with which others of their words begin."""

    def __init__(self, words: Iterable[str], stems: Iterable[str]) -> None:
        self._stems = tuple(stems)
        self._words = frozenset(word for word in words if len(word) >= _LEAST)
        ordered = sorted(self._words)
        self._by_sound = dict(zip(reversed(sounds(ordered)), reversed(ordered), strict=True))
        self._by_shape: dict[tuple[int, str], list[str]] = {}
        for word in ordered:
            self._by_shape.setdefault((len(word), word[-1]), []).append(word)
        self._plain: set[str] = set()

    def mend(self, reading: Reading) -> Reading:
        """The reading with misspelt words of the rules put right; the same object where there is none."""
        found = sorted(self._found(reading), key=lambda c: (c.start, -c.stop))
        apart: list[Candidate] = []
        for candidate in found:
            if not apart or candidate.start >= apart[-1].stop:
                apart.append(candidate)
        return replaced(reading, apart) if apart else reading

    def _found(self, reading: Reading) -> Iterator[Candidate]:
        for candidate in candidates(reading):
            meant = self._meant(candidate)
            if meant is not None:
                yield Candidate(meant, candidate.start, candidate.stop, candidate.how, True)
        unheard = reading.distinct - self._plain
        wrong = {word: meant for word in unheard if (meant := self._heard(word))} if unheard else {}
        if wrong:
            for word, start, stop in zip(reading.norms, reading.starts, reading.stops, strict=True):
                if word in wrong:
                    yield Candidate(wrong[word], start, stop, "misspelt", True)

    def _heard(self, word: str) -> str | None:
        if len(word) > _MOST:
            return None
        may_be = len(word) >= _LEAST and word not in self._words and not known(word)
        meant = self._by_sound.get(*sounds([word])) if may_be else None
        if meant is not None and word.startswith(self._stems):
            meant = None
        if meant is None:
            if len(self._plain) > _REMEMBERED:
                self._plain.clear()
            self._plain.add(word)
        return meant

    def _meant(self, candidate: Candidate) -> str | None:
        """The word that a disguised place reads as."""
        letters = candidate.letters
        if candidate.how == "masked":
            return self._unmasked(letters)
        least = _LEAST_LATIN if candidate.how in ("translit", "keyboard") else _LEAST
        may_be = candidate.sure and candidate.how != "split" and len(letters) >= least
        return letters if may_be and letters in self._words else None

    def _unmasked(self, letters: str) -> str | None:
        """The word that the letters fit, where ``*`` is one letter."""
        if len(letters) - letters.count("*") < _LEAST_SHOWN or letters[-1] == "*":
            return None
        alike = self._by_shape.get((len(letters), letters[-1]), ())
        beginning = letters[: letters.find("*")]
        pattern = re.compile(letters.replace("*", "."))
        return next((word for word in alike if word.startswith(beginning) and pattern.fullmatch(word)), None)

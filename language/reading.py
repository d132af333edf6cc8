"""The words of a text, folded, with their offsets and sentences: read once, looked at by every stage.

A word is a run of letters or of digits. Folding keeps one character for one, so that every offset is an
offset of the text itself: lower case, ё→е. Invisible characters and combining marks inside a word are left
out of its folded form (``за́мок`` → ``замок``), й and ё written as two code points are put together.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise, repeat

INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e01ef"
)
_MARKS = "\u0300-\u036f\u0483-\u0487"
_WORD = re.compile(r"[^\W\d_]+|\d+")
_MARKED_WORD = re.compile(rf"(?![{INVISIBLE}])[^\W\d_](?:[{INVISIBLE}{_MARKS}]*[^\W\d_])*[{_MARKS}]*|\d+")
_SENTENCE_END = re.compile(r"[.!?…\n;\U0001F300-\U0001FAFF]")
_NOT_PLAIN = re.compile(rf"[{INVISIBLE}{_MARKS}]")
_LEFT_OUT = re.compile(rf"[{INVISIBLE}{_MARKS}]+")


@dataclass(frozen=True)
class Reading:
    """``folded`` has the length of ``text``; the four lists run in parallel, one entry a word."""

    text: str
    folded: str
    norms: list[str]
    starts: list[int]
    stops: list[int]

    @cached_property
    def distinct(self) -> frozenset[str]:
        """Its words, each once."""
        return frozenset(self.norms)

    @cached_property
    def _limits(self) -> list[int]:
        """The first word of each sentence, then the number of all words."""
        begins = {0, len(self.starts)}
        for end in _SENTENCE_END.finditer(self.folded):
            following = bisect_left(self.starts, end.start())
            if not following or self.stops[following - 1] <= end.start():
                begins.add(following)
        return sorted(begins)

    @cached_property
    def sentences(self) -> list[int]:
        """The number of its sentence, for each word."""
        numbers: list[int] = []
        for number, (first, after) in enumerate(pairwise(self._limits)):
            numbers.extend(repeat(number, after - first))
        return numbers

    def sentence_of(self, place: int) -> tuple[int, int]:
        """First and last word of the sentence in which the word stands."""
        number = self.sentences[place]
        return self._limits[number], self._limits[number + 1] - 1

    def span(self, first: int, last: int) -> tuple[int, int]:
        """Offsets of the words ``first`` to ``last``, both included."""
        return self.starts[first], self.stops[last]


def fold(text: str) -> str:
    """Lower case and ё→е, one character for one."""
    folded = text.lower()
    if len(folded) != len(text):
        folded = "".join(low if len(low := c.lower()) == 1 else c for c in text)
    return folded.replace("ё", "е")


def plain(word: str) -> str:
    """A folded word without marks and invisible characters; й and ё of two code points put together."""
    composed = unicodedata.normalize("NFC", _NOT_PLAIN.sub(_keep_breve, word))
    return _LEFT_OUT.sub("", composed).replace("ё", "е")


def _keep_breve(mark: re.Match[str]) -> str:
    return mark[0] if mark[0] in "\u0306\u0308" else ""


def read(text: str) -> Reading:
    folded = fold(text)
    marked = _NOT_PLAIN.search(folded) is not None
    found = list((_MARKED_WORD if marked else _WORD).finditer(folded))
    norms = [plain(match[0]) if marked else match[0] for match in found]
    return Reading(text, folded, norms, [match.start() for match in found], [match.end() for match in found])

"""The words of a text, folded, with their offsets and sentences: read once, looked at by every stage.

A word is a run of letters or of digits. Folding keeps one character for one, so that every offset is an
offset of the text itself: lower case, ё→е. Invisible characters and combining marks inside a word are left
out of its folded form (``за́мок`` → ``замок``), й and ё written as two code points are put together.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cached_property

INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e01ef"
)
_MARKS = "\u0300-\u036f\u0483-\u0487"
_WORD = re.compile(rf"(?![{INVISIBLE}])[^\W\d_](?:[{INVISIBLE}{_MARKS}]*[^\W\d_])*[{_MARKS}]*|\d+")
_SENTENCE_END = re.compile(r"[.!?…\n;]|[\U0001F300-\U0001FAFF]")
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
    def sentences(self) -> list[int]:
        """The number of its sentence, for each word."""
        numbers, number, last = [], 0, 0
        for start, stop in zip(self.starts, self.stops, strict=True):
            if start > last and _SENTENCE_END.search(self.folded, last, start):
                number += 1
            numbers.append(number)
            last = stop
        return numbers

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
    norms: list[str] = []
    starts: list[int] = []
    stops: list[int] = []
    marked = _NOT_PLAIN.search(folded) is not None
    for match in _WORD.finditer(folded):
        word = match[0]
        norms.append(plain(word) if marked else word)
        starts.append(match.start())
        stops.append(match.end())
    return Reading(text, folded, norms, starts, stops)

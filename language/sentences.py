"""Sentences by razdel, which knows abbreviations and initials that end in a full stop («ул.», «кв. 3», «И. О.»)."""

from __future__ import annotations

import re
from typing import Any

from razdel.rule import JOIN, SPLIT
from razdel.segmenters.sentenize import RULES, SentSegmenter
from razdel.segmenters.sokr import INITIALS, SOKRS

_ENDS = frozenset(".!?")
_LAST_WORD = re.compile(r"[а-яё]{2,}\Z", re.IGNORECASE)
_CAPITAL = re.compile(r"\s+[А-ЯЁ][а-яё]")
_SHORTENED = SOKRS | INITIALS


def sentences(text: str) -> tuple[tuple[int, int], ...]:
    """Spans of the sentences, in order; blanks between them belong to none."""
    return tuple((part.start, part.stop) for part in _segmenter(text))


def _plain(split: Any) -> str | None:
    """What needs none of razdel's rules, which are slow: no blank, no end; a word, a mark, a word with a capital."""
    if not split.right[:1].isspace():
        return str(JOIN)
    if split.delimiter in _ENDS and _CAPITAL.match(split.right):
        word = _LAST_WORD.search(split.left)
        if word and word[0].lower() not in _SHORTENED:
            return str(SPLIT)
    return None


_segmenter = SentSegmenter(rules=[_plain, *(rule.function for rule in RULES)])

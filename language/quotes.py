"""What somebody else said: in quotation marks, or after «сказала дословно:»."""

from __future__ import annotations

import re

_PAIRS = {"«": "»", "„": "“”", "“": "”", '"': '"', "‹": "›"}
_MARK = re.compile('[«»„“”"‹›]')
_LONGEST = 600
_REPORTED = re.compile(
    r"\b(?<!я )(?:сказал[аи]?|ответил[аи]?|кричал[аи]?|крикнул[аи]?|написал[аи]?|заявил[аи]?|говор(?:ит|ят)"
    r"|отвеча(?:ет|ют)|дословно|цитирую)\b[^.!?\n:]{0,40}:([^.!?\n]{1,600})",
    re.IGNORECASE,
)


def quoted(text: str) -> tuple[tuple[int, int], ...]:
    """Spans of others' words, in order and apart from each other; the marks are left out.

    A mark that never closes opens nothing; a straight mark after a digit is an inch or a second. Reported
    speech without marks runs from the colon to the end of its sentence (policy ``p15_quote``).
    """
    spans = _in_marks(text)
    if ":" in text:
        spans += [match.span(1) for match in _REPORTED.finditer(text)]
        spans = _apart(sorted(spans))
    return tuple(spans)


def _apart(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans that meet or lie in each other, made one."""
    apart: list[tuple[int, int]] = []
    for start, stop in spans:
        if apart and start <= apart[-1][1]:
            apart[-1] = (apart[-1][0], max(stop, apart[-1][1]))
        else:
            apart.append((start, stop))
    return apart


def _in_marks(text: str) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    start, closing = -1, ""
    for match in _MARK.finditer(text):
        place, char = match.start(), match[0]
        if start >= 0 and place - start > _LONGEST:
            start = -1
        if start >= 0 and char in closing:
            spans.append((start, place))
            start = -1
        elif start < 0 and char in _PAIRS and not (char == '"' and place and text[place - 1].isdigit()):
            start, closing = place + 1, _PAIRS[char]
    return spans

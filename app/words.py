"""Text for the screen: numbers and nouns in agreement, nothing that moves a terminal's cursor."""

from __future__ import annotations

import re

from records.counting import counted, grouped

__all__ = ["counted", "grouped", "harmless", "one_line", "shortened"]

_MOVES = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_LINE_BREAKS = "\n\r\t\v\f\x85\u2028\u2029"


def one_line(text: str) -> str:
    """Line breaks and runs of spaces become one space."""
    return harmless(" ".join(text.translate(dict.fromkeys(map(ord, _LINE_BREAKS), " ")).split()))


def harmless(text: str) -> str:
    """Control and direction marks of somebody's text (an escape sequence too) become «·», one for one."""
    return _MOVES.sub("·", text)


def shortened(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"

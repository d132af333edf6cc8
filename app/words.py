"""Text for the screen: numbers and nouns in agreement, nothing that moves a terminal's cursor."""

from __future__ import annotations

import re

_MOVES = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_LINE_BREAKS = "\n\r\t\v\f\x85\u2028\u2029"


def counted(number: int, one: str, few: str, many: str) -> str:
    """``counted(22, "строка", "строки", "строк")`` → «22 строки»."""
    tens, units = number % 100, number % 10
    if units == 1 and tens != 11:
        noun = one
    elif units in (2, 3, 4) and tens not in (12, 13, 14):
        noun = few
    else:
        noun = many
    return f"{grouped(number)} {noun}"


def grouped(number: int) -> str:
    """Thousands apart: «12 345»."""
    return f"{number:,}".replace(",", "\u202f")


def one_line(text: str) -> str:
    """Line breaks and runs of spaces become one space."""
    return harmless(" ".join(text.translate(dict.fromkeys(map(ord, _LINE_BREAKS), " ")).split()))


def harmless(text: str) -> str:
    """Control and direction marks of somebody's text (an escape sequence too) become «·», one for one."""
    return _MOVES.sub("·", text)


def shortened(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"

"""Numbers and nouns in agreement, in Russian."""

from __future__ import annotations


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

"""Text that a spreadsheet takes for text (owasp.org: CSV injection)."""

from __future__ import annotations

import re

_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
_BREAKS = re.compile(r"[\t\r\n\v\f\x85\u2028\u2029]+")
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


def one_line(text: str) -> str:
    """Breaks and tabs become a space, what cannot be seen a dot: a cell holds neither."""
    return _UNSEEN.sub("·", _BREAKS.sub(" ", text))


def inert(text: str) -> str:
    """An apostrophe stands before what would begin a formula, whatever invisible came before it."""
    cell = one_line(text)
    return f"'{cell}" if cell.lstrip(" \u00a0\ufeff\u200b·").startswith(_FORMULA) else cell

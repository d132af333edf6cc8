"""Pages by cursor: where the page before ended, so that what changes meanwhile neither repeats nor hides a row."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from desk.problems import Code, Problem

MOST, USUAL = 200, 50


def cursor(*place: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(place, separators=(",", ":")).encode()).decode().rstrip("=")


def place(written: str | None, *kinds: type) -> list[Any] | None:
    """The values that a cursor holds; ``None``: from the start. Raises: Problem: not one of ours."""
    if not written:
        return None
    try:
        found = json.loads(base64.urlsafe_b64decode(written + "=" * (-len(written) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        found = None
    fits = isinstance(found, list) and len(found) == len(kinds)
    if not fits or not all(type(value) is kind for value, kind in zip(found, kinds, strict=True)):
        raise bad_cursor()
    if any(isinstance(value, int) and not -(2**62) < value < 2**62 for value in found):
        raise bad_cursor()
    return list(found)


def bad_cursor() -> Problem:
    return Problem(
        Code.UNSUITABLE,
        "негодный cursor",
        "A bad cursor: take next of the page before.",
        "возьмите next предыдущей страницы",
    )

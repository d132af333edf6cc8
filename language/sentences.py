"""Sentences by razdel, which knows abbreviations and initials that end in a full stop («ул.», «кв. 3», «И. О.»)."""

from __future__ import annotations

import razdel


def sentences(text: str) -> tuple[tuple[int, int], ...]:
    """Spans of the sentences, in order; blanks between them belong to none."""
    return tuple((part.start, part.stop) for part in razdel.sentenize(text))

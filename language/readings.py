"""What a run of letter-like characters may stand for, read as Russian: the likeliest forms first."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice, product

from language.lookalikes import LOOKS, SOUNDS, SYLLABLES
from language.morphology import known

CYRILLIC = re.compile(r"[а-я]+")
LATIN = re.compile(r"[a-z]")
RUSSIAN = re.compile(r"[а-я]")
LONGEST_RUN = 64
LONGEST_WORD = 24
_VARIANTS = 24
_DIGIT_HEAD = re.compile(r"(\d)(.*)")
_PI = re.compile(r"^3\.?14(?=[^\W\d])|π")


@dataclass(frozen=True, slots=True)
class Candidate:
    """``letters``: a possible plain reading, folded, ``*`` for a hidden letter; ``start``, ``stop``: code points.

    ``how``: mixed, separated, spaced, split, masked, translit, keyboard; misspelt
    (``rules.misspelt``). ``sure`` is false where much is guessed.
    """

    letters: str
    start: int
    stop: int
    how: str
    sure: bool


@lru_cache(maxsize=4096)
def readings(raw: str) -> tuple[str, ...]:
    """Plain Cyrillic forms that a run of letter-like characters may stand for, the likeliest first."""
    raw = _PI.sub("пи", raw)
    if CYRILLIC.fullmatch(raw):
        return (raw,)
    if len(raw) > LONGEST_RUN or not (LATIN.search(raw) or RUSSIAN.search(raw)) or _is_numbered(raw):
        return ()
    forms = _latin_readings(raw) if not RUSSIAN.search(raw) else _mixed_readings(raw)
    return tuple(dict.fromkeys(form for form in forms if CYRILLIC.fullmatch(form)))


def _is_numbered(raw: str) -> bool:
    """``3а``, ``12этаж``, ``дом5``, ``а123вв``: a number written beside its word."""
    if re.search(r"\d\d", raw):
        return True
    head = _DIGIT_HEAD.match(raw)
    if head and (len(head[2]) < 2 or (known(head[2]) and len(head[2]) > 2)):
        return True
    stem = raw.rstrip("0123456789")
    return stem != raw and (len(raw) - len(stem) > 1 or known(stem) or len(stem) < 2)


def _mixed_readings(raw: str) -> Iterator[str]:
    yield "".join(LOOKS.get(c, c)[0] for c in raw)
    yield "".join(SOUNDS.get(c, c)[0] for c in raw)
    options = [dict.fromkeys(LOOKS.get(c, c) + SOUNDS.get(c, "")) for c in raw]
    for letters in islice(product(*options), _VARIANTS):
        yield "".join(letters)


def _latin_readings(raw: str) -> Iterator[str]:
    options: list[tuple[str, ...]] = []
    place = 0
    while place < len(raw):
        size = next((n for n in (4, 3, 2) if raw[place : place + n] in SYLLABLES), 1)
        part = raw[place : place + size]
        after_consonant = part == "y" and place > 0 and raw[place - 1] not in "aeiouy"
        options.append(SYLLABLES[part] if size > 1 else tuple("ыуй" if after_consonant else SOUNDS.get(part, part)))
        place += size
    for letters in islice(product(*options), _VARIANTS):
        yield "".join(letters)
    if all(c in LOOKS for c in raw):
        yield "".join(LOOKS[c][0] for c in raw)


def likeliest(raw: str, keep: str = "") -> str:
    """The likeliest letter for each character, by sight or, where nothing is Cyrillic, by sound."""
    table = LOOKS if RUSSIAN.search(raw) else SOUNDS
    return "".join(c if c in keep else table.get(c, c)[0] for c in raw)

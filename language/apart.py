"""Words pulled apart by blanks: ``х у й``, ``пи здец``. Long runs of single letters are read in windows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from language.lookalikes import visible
from language.morphology import known
from language.reading import Reading
from language.readings import CYRILLIC, LONGEST_WORD, Candidate, readings

SINGLE_WORDS = frozenset("аиоувксяжб")
_REMEMBERED = 100_000
_RUN = re.compile(r"(?<!\w)[^\W_](?:\W{1,3}[^\W_](?!\w)){2,}")
_SPACED = re.compile(r"[ \n\t\xa0][^\W_]\W{1,3}[^\W_]\W{1,3}[^\W_](?!\w)")
_NARROW_GAP = re.compile(r"[\s.\-_*~'\"]{1,2}")
_CLAUSE_END = re.compile(r"[,;:!?()]")
_SHORT_BEFORE = re.compile(r"(?<!\w)([а-я]{2,4})\W{1,3}\Z")
_PREPOSITIONS = frozenset(
    "а и о у в к с я до на по за не ни от об из при про под над для без во со ко то же бы ли "
    "ее ей их им мы вы ты он мне те та ну да".split()
)
_plain_words: set[str] = set()
_strange_words: set[str] = set()


def pulled_apart(reading: Reading) -> Iterator[Candidate]:
    """Single letters with blanks between them, and words put together with their neighbours."""
    if _SPACED.search(" " + reading.folded):
        yield from _spaced(reading.folded)
    yield from _split(reading)


def _spaced(folded: str) -> Iterator[Candidate]:
    """``х у й``, ``п р и р е ж у``: single letters with like blanks between them, and the short word before them."""
    for run in _RUN.finditer(folded):
        places = [i for i in range(run.start(), run.end()) if folded[i].isalnum()]
        if not _is_pulled_apart(folded, places):
            continue
        for part in _at_clauses(folded, places):
            for first in range(0, max(1, len(part) - LONGEST_WORD // 2), LONGEST_WORD // 2):
                yield from _spaced_window(folded, part[first : first + LONGEST_WORD])
        before = _SHORT_BEFORE.search(folded, max(0, run.start() - 8), run.start())
        if before:
            letters = before[1] + "".join(folded[i] for i in places[:LONGEST_WORD])
            yield Candidate(letters, before.start(1), places[:LONGEST_WORD][-1] + 1, "spaced", True)


def _is_pulled_apart(folded: str, places: list[int]) -> bool:
    """Not a row of numbers, nor initials after a word of one letter: ``в 3-м``, ``и А. Б.``"""
    if sum(folded[i].isdigit() for i in places) * 3 >= len(places):
        return False
    dotted = {"." in folded[a:b] for a, b in pairwise(places[:4])}
    return len(dotted) == 1 or len(places) > 4


def _at_clauses(folded: str, places: list[int]) -> Iterator[list[int]]:
    """Parts of a run: a comma ends a word of the dictionary (``п и з д е ц, а``), else it is a disguise too."""
    part = places[:1]
    for here, there in pairwise(places):
        if 2 < len(part) <= LONGEST_WORD and _CLAUSE_END.search(folded, here, there):
            letters = visible("".join(folded[i] for i in part))[0]
            if known(letters):
                yield part
                part = []
        part.append(there)
    yield part


def _spaced_window(folded: str, places: list[int]) -> Iterator[Candidate]:
    for skipped in range(min(3, len(places) - 2)):
        raw = "".join(folded[i] for i in places[skipped:])
        if skipped and folded[places[skipped - 1]] not in _PREPOSITIONS:
            return
        for letters in () if raw.isdigit() else readings(visible(raw)[0]):
            yield Candidate(letters, places[skipped], places[-1] + 1, "spaced", True)
            if known(letters):
                return


def _split(reading: Reading) -> Iterator[Candidate]:
    """``ху й``, ``пи здец``: a word that the dictionary does not know, put together with its neighbours."""
    unheard = reading.distinct - _plain_words
    strange = {word for word in unheard if word in _strange_words or not _is_plain_word(word)} if unheard else unheard
    if not strange:
        return
    for i, word in enumerate(reading.norms):
        if word in strange:
            for first, last in _around(reading, i):
                yield from _put_together(reading, first, last)


def _around(reading: Reading, i: int) -> Iterator[tuple[int, int]]:
    """First and last word of the groups of two and three that hold the word ``i``, with narrow gaps only."""
    last = len(reading.norms) - 1
    left = i > 0 and _may_be_parts(reading, i - 1)
    right = i < last and _may_be_parts(reading, i)
    if left:
        yield i - 1, i
        if right:
            yield i - 1, i + 1
        if i > 1 and _may_be_parts(reading, i - 2):
            yield i - 2, i
    if right:
        yield i, i + 1
        if i + 1 < last and _may_be_parts(reading, i + 1):
            yield i, i + 2


def _may_be_parts(reading: Reading, i: int) -> bool:
    """Whether the words ``i`` and ``i + 1`` stand close, and one of them is short."""
    one, other = reading.norms[i], reading.norms[i + 1]
    near = reading.starts[i + 1] - reading.stops[i] < 3 and (len(one) < 5 or len(other) < 5)
    return near and one not in _PREPOSITIONS


def _is_plain_word(word: str) -> bool:
    plain = len(word) > 7 or word in SINGLE_WORDS or not CYRILLIC.fullmatch(word) or (len(word) > 1 and known(word))
    if len(_plain_words) + len(_strange_words) > _REMEMBERED:
        _plain_words.clear()
        _strange_words.clear()
    (_plain_words if plain else _strange_words).add(word)
    return plain


def _put_together(reading: Reading, first: int, last: int) -> Iterator[Candidate]:
    parts = reading.norms[first : last + 1]
    letters = "".join(parts)
    if len(letters) > 14 or (len(parts) > 2 and len(letters) > 10):
        return
    if not CYRILLIC.fullmatch(letters) or not _fall_apart(parts):
        return
    folded, starts, stops = reading.folded, reading.starts, reading.stops
    if starts[first] and folded[starts[first] - 1] in "0123456789-.":
        return
    gaps = [folded[stops[i] : starts[i + 1]] for i in range(first, last)]
    if any(gap[0] == "." and len(part) == 1 for gap, part in zip(gaps, parts, strict=False)):
        return
    if all(map(_NARROW_GAP.fullmatch, gaps)):
        sure = not any(len(p) > 3 and known(p) for p in parts)
        if sure or not any("." in gap for gap in gaps):
            yield Candidate(letters, starts[first], stops[last], "split", sure)


def _fall_apart(parts: list[str]) -> bool:
    """Whether the parts are no words by themselves: a lone letter beside a dictionary word explains itself."""
    if max(map(len, parts)) == 1:
        return False
    lone = [p for p in parts if len(p) == 1]
    if len(lone) != 1 or len(parts) > 2:
        return True
    return lone[0] not in _PREPOSITIONS and not any(len(p) > 2 and known(p) for p in parts)

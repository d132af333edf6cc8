"""Disguised words read plainly: look-alikes, digits, separators, hidden letters, translit, another keyboard layout.

Nothing here knows which words are sought: ``candidates`` says what a disguised place may read as, and the caller
judges. Morphology decides what needs no reading: a chunk made of dictionary words is plain, however it is punctuated.
A chunk is what stands between two blanks; what chunks and words turned out to be is remembered, so that ordinary
text costs two set differences and one search. Work is linear in the length of the text: giant chunks and long runs
of single letters are read in overlapping windows.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

from language.apart import SINGLE_WORDS, pulled_apart
from language.lookalikes import HIDDEN, KEYS, after_marks, visible
from language.morphology import known
from language.reading import Reading, plain
from language.readings import CYRILLIC, LATIN, LONGEST_RUN, LONGEST_WORD, RUSSIAN, Candidate, likeliest, readings

_REMEMBERED = 100_000
_KEPT = "_disguises"
_BOLD = 1000
_CHUNK = re.compile(r"\S+")
_PLAIN = re.compile(r"""[«"„“'(\[—–-]*[а-я]+[.,!?:;]?[!?»"”')\]—–-]*[.,]?|[0-9.,:;!?()%+/№-]+""")
_UNSPACED = re.compile(r"[а-я]{2,}(?:[.,:;?()/-][а-я]{2,})+[.,:;?]?")
_LETTERS = re.compile(r"[а-я]+")
_NOT_TEXT = re.compile(r"://|^www\.|^@[a-z0-9_.]+\W*$|^[!-~]*[a-z0-9_-]+\.(?:ru|com|org|net|me|su|io|info|gov)\b")
_PIECE = re.compile(r"(?:[@$€](?=[а-я]))?[^\W_]+(?:[@$€!|]+[^\W_]+)*")
_STRONG = re.compile(r"""(?:[^\s.,:;!?()\[\]<>«»/\\"'–—-]|\.{2,}(?=\w))+(?:…|\.{2,})?""")
_MARKUP = re.compile(r"(?:[^\w*]|_)*(?:\*\*(?!\*))?_*")
_MASK = re.compile(rf"(?<=[^\W_])(?:[^\w\s.]|_|\.{{2,}})+(?=[^\W_])|[{HIDDEN}…]+|\.{{2,}}")
_KEYED = re.compile(r"[a-z\[\]{};',.`:\"]+")
_BANG = re.compile(r"([а-я]{3,})!(?=[а-я])")
_HIDING_GAP = re.compile(r"[.,:;_*'’\"–—-]{1,2}")
_WHOLE = ("mixed", "separated", "spaced")


_plain_chunks: set[str] = set()
_read_chunks: dict[str, tuple[Candidate, ...]] = {}


def candidates(reading: Reading) -> Iterator[Candidate]:
    """Possible plain readings of what is disguised; nothing for words that are written plainly.

    The reading keeps them, as it keeps its sentences: several stages ask.
    """
    found: tuple[Candidate, ...] | None = vars(reading).get(_KEPT)
    if found is None:
        found = vars(reading)[_KEPT] = tuple(_candidates(reading))
    return iter(found)


def _candidates(reading: Reading) -> Iterator[Candidate]:
    yield from _in_chunks(reading.folded)
    yield from pulled_apart(reading)


def mend(reading: Reading) -> Reading:
    """The reading with disguised dictionary words put in plain; the same object where there is none."""
    wholes = [c for c in candidates(reading) if c.how in _WHOLE and c.sure and len(c.letters) > 2 and known(c.letters)]
    return replaced(reading, apart(wholes)) if wholes else reading


def apart(found: Iterable[Candidate]) -> list[Candidate]:
    """In the order of the text; of those that overlap the earlier, then the longer one."""
    kept: list[Candidate] = []
    for candidate in sorted(found, key=lambda c: (c.start, -c.stop, c.how == "masked")):
        if not kept or candidate.start >= kept[-1].stop:
            kept.append(candidate)
    return kept


def replaced(reading: Reading, mended: list[Candidate]) -> Reading:
    """The reading with each of the candidates (in order, apart) as one word, in place of those it is made of."""
    words = [(m.letters, m.start, m.stop) for m in mended]
    begins = [m.start for m in mended]
    for word in zip(reading.norms, reading.starts, reading.stops, strict=True):
        before = bisect_left(begins, word[2])
        if not before or mended[before - 1].stop <= word[1]:
            words.append(word)
    words.sort(key=lambda w: w[1])
    norms, starts, stops = ([w[0] for w in words], [w[1] for w in words], [w[2] for w in words])
    return Reading(reading.text, reading.folded, norms, starts, stops)


def _in_chunks(folded: str) -> Iterator[Candidate]:
    odd = {chunk for chunk in set(folded.split()).difference(_plain_chunks) if _undone(chunk)}
    for chunk, shift in _places(folded, odd) if odd else ():
        closes_bold = chunk.endswith("**") and folded.count("**", max(0, shift - _BOLD), shift) % 2
        for found in _undone(chunk.rstrip("*") if closes_bold else chunk):
            yield Candidate(found.letters, found.start + shift, found.stop + shift, found.how, found.sure)


def _places(folded: str, chunks: set[str]) -> Iterator[tuple[str, int]]:
    """Where the chunks stand; a single one is looked for without splitting the text again."""
    if len(chunks) == 1 and folded.count(chunk := next(iter(chunks))) == 1:
        yield chunk, folded.find(chunk)
        return
    for place in _CHUNK.finditer(folded):
        if place[0] in chunks:
            yield place[0], place.start()


def _undone(chunk: str) -> tuple[Candidate, ...]:
    if len(chunk) > LONGEST_RUN:
        return _undone_giant(chunk)
    found = _read_chunks.get(chunk)
    if found is None:
        found = () if _is_plain(chunk) else tuple(dict.fromkeys(_undo(chunk)))
        _remember(chunk, found)
    return found


def _is_plain(chunk: str) -> bool:
    """A word and its punctuation, or words of the dictionary without a blank between them: ``дорога,потом``."""
    if _PLAIN.fullmatch(chunk):
        return True
    return _UNSPACED.fullmatch(chunk) is not None and all(map(known, _LETTERS.findall(chunk)))


def _remember(chunk: str, found: tuple[Candidate, ...]) -> None:
    if len(_plain_chunks) + len(_read_chunks) > _REMEMBERED:
        _plain_chunks.clear()
        _read_chunks.clear()
    if found:
        _read_chunks[chunk] = found
    else:
        _plain_chunks.add(chunk)


def _undone_giant(chunk: str) -> tuple[Candidate, ...]:
    if CYRILLIC.fullmatch(chunk) or "://" in chunk:
        return ()
    found: dict[Candidate, None] = {}
    for start in range(0, len(chunk), LONGEST_RUN // 2):
        for c in _undone_window(chunk[start : start + LONGEST_RUN]):
            found[replace(c, start=c.start + start, stop=c.stop + start)] = None
    return tuple(found)


@lru_cache(maxsize=256)
def _undone_window(window: str) -> tuple[Candidate, ...]:
    return tuple(dict.fromkeys(_undo(window)))


@dataclass(frozen=True, slots=True)
class _Piece:
    """A run of letter-like characters of a chunk: ``raw`` as it is seen, where it stands in the chunk."""

    raw: str
    start: int
    stop: int
    odd: bool

    @property
    def word(self) -> bool:
        return not self.odd and ((len(self.raw) > 1 and known(self.raw)) or self.raw in SINGLE_WORDS)


def _undo(chunk: str) -> Iterator[Candidate]:
    """All readings of one chunk, offsets counted from its beginning."""
    if _NOT_TEXT.search(chunk):
        return
    text, at = visible(chunk)
    text = _BANG.sub(lambda m: m[1] + "," if known(m[1]) else m[0], text)
    pieces = [
        _Piece(
            raw := m[0],
            start := at[m.start()],
            stop := after_marks(chunk, at[m.end() - 1] + 1),
            _odd(raw, chunk[start:stop]),
        )
        for m in _PIECE.finditer(text)
    ]
    if not any(LATIN.search(p.raw) or RUSSIAN.search(p.raw) for p in pieces):
        return
    for piece in pieces:
        if piece.odd:
            yield from _read_piece(piece)
    if len(pieces) > 1:
        yield from _joined(chunk, pieces)
    yield from _masked(text, at)
    if LATIN.search(chunk):
        yield from _keyed(chunk)


def _odd(raw: str, written: str) -> bool:
    return not CYRILLIC.fullmatch(raw) or (raw != written and raw != plain(written))


def _read_piece(piece: _Piece) -> Iterator[Candidate]:
    latin = not RUSSIAN.search(piece.raw)
    for letters in readings(piece.raw):
        sure = not latin or len(piece.raw) > 3
        yield Candidate(letters, piece.start, piece.stop, "translit" if latin else "mixed", sure)


def _joined(chunk: str, pieces: list[_Piece]) -> Iterator[Candidate]:
    """Pieces with separators between them read as one word, or each separator as a hidden letter."""
    for group in _groups(pieces):
        raw, span = "".join(p.raw for p in group), (group[0].start, group[-1].stop)
        if len(raw) > LONGEST_WORD:
            continue
        for letters in readings(raw):
            yield Candidate(letters, *span, "separated", len(letters) > 2)
        gaps = {chunk[p.stop : q.start] for p, q in pairwise(group)}
        if len(group) <= 4 and all(map(_HIDING_GAP.fullmatch, gaps)) and RUSSIAN.search(raw):
            hidden = "*".join(likeliest(p.raw) for p in group)
            yield Candidate(hidden, *span, "masked", len(hidden) - hidden.count("*") > 3)


def _groups(pieces: list[_Piece]) -> Iterator[list[_Piece]]:
    """Runs of pieces that no dictionary word explains: whole, between words, single letters, neighbours."""
    seen: set[tuple[int, int]] = set()
    for run in (pieces, *_split_at(pieces, _is_boundary), *_split_at(pieces, lambda p: len(p.raw) > 1)):
        if not _may_be_one_word(run):
            continue
        for group in (run, *map(list, pairwise(run))) if 2 < len(run) != _singles(run) else (run,):
            span = (group[0].start, group[-1].stop)
            if span not in seen and (len(group) > 2 or _may_be_one_word(group)):
                seen.add(span)
                yield group


def _may_be_one_word(run: list[_Piece]) -> bool:
    if len(run) < 2:
        return False
    letters = sum(not p.raw.isdigit() for p in run)
    if letters * 2 < len(run) or (run[0].raw.isdigit() and not _is_pi(run)):
        return False
    singles = _singles(run)
    if len(run) == 2 and singles == 1 and any(len(p.raw) > 2 and p.word for p in run):
        return False
    if not any(RUSSIAN.search(p.raw) for p in run):
        return singles == len(run)
    return singles > 2 or not all(p.word for p in run)


def _is_pi(run: list[_Piece]) -> bool:
    return run[0].raw == "3" and run[1].raw.startswith("14")


def _singles(run: list[_Piece]) -> int:
    return sum(len(p.raw) == 1 for p in run)


def _is_boundary(piece: _Piece) -> bool:
    return (len(piece.raw) > 2 and piece.word) or (piece.raw.isdigit() and len(piece.raw) > 2)


def _split_at(pieces: list[_Piece], is_boundary: object) -> list[list[_Piece]]:
    runs: list[list[_Piece]] = [[]]
    for piece in pieces:
        if callable(is_boundary) and is_boundary(piece):
            runs.append([])
        else:
            runs[-1].append(piece)
    return runs


def _masked(text: str, at: list[int]) -> Iterator[Candidate]:
    """``п***ц``, ``бл@ть``, ``п🌟здец``: what stands for letters, inside a word or at its edge."""
    for token in _STRONG.finditer(text):
        body = _MARKUP.sub("", token[0], count=1)
        if token[0][0] in "*_~" and token[0][-1] == token[0][0]:
            body = body.strip("*_~")
        if not _MASK.search(body) or not _is_masked_word(body):
            continue
        letters = likeliest(_MASK.sub(lambda m: "*" * min(len(m[0]), 6), body), keep="*")
        letters = re.sub(r"[^а-я*]", "", letters)
        start = token.start() + token[0].find(body)
        stop = start + len(body)
        if "*" in letters and letters.strip("*"):
            yield Candidate(letters, at[start], at[stop - 1] + 1, "masked", len(letters) - letters.count("*") > 1)


def _is_masked_word(body: str) -> bool:
    """Footnote stars, formulas and code are none."""
    if not RUSSIAN.search(body):
        return len(re.sub("[^a-z]", "", body)) > 2
    parts = [p for p in _MASK.split(body) if p]
    if len(parts) == 1:
        return not (known(parts[0]) and (body[0] in "*#@" or len(parts[0]) > 3))
    return any(c in body for c in HIDDEN) or not any(len(p) > 3 and known(p) for p in parts)


def _keyed(chunk: str) -> Iterator[Candidate]:
    """Latin keys pressed for the Cyrillic letters that lie on them."""
    for token in _KEYED.finditer(chunk):
        if len(token[0]) < 3 or not LATIN.search(token[0]):
            continue
        whole = token[0].lstrip("\"'")
        for keys in dict.fromkeys((whole.strip(".:;'\"]}`"), whole.rstrip(",.:;'\"]}`"), whole, token[0])):
            start = token.start() + token[0].index(keys)
            if len(keys) > 2:
                yield Candidate(keys.translate(KEYS), start, start + len(keys), "keyboard", True)

"""Near copies among the posts of a run, found as they go by.

Multi-index hashing (Norouzi, Punjani, Fleet: Fast Search in Hamming Space, CVPR 2012): of two signatures of 64 bits
that differ in at most 7, one of four quarters differs in at most one bit; only such signatures are compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import merge
from itertools import groupby, islice

from app.engine import most_bits
from records import Decision

MOST = 100
_QUARTERS, _BITS = 4, 16
_FLIPS = (0, *(1 << bit for bit in range(_BITS)))


class Copies:
    """Each post is asked for once, in order. Signatures and posts are numbered as they come."""

    def __init__(self) -> None:
        self._most_bits = most_bits()
        self._keys: list[str] = []
        self._signatures: dict[int, list[int]] = {}
        self._listed: list[int] = []
        self._like: list[dict[int, list[int]]] = [{} for _ in range(_QUARTERS)]

    def of(self, decision: Decision) -> tuple[str, ...]:
        """Keys of the earliest posts that this one nearly repeats, ``MOST`` at most: more would tell nothing new."""
        signature = int(decision.fingerprint, 16)
        posts = merge(*(self._signatures[near] for near in islice(self._near(signature), MOST)))
        found = tuple(self._keys[number] for number in islice(posts, MOST))
        self._add(signature, decision.key)
        return found

    def _near(self, signature: int) -> Iterator[int]:
        """Earlier signatures that differ in few bits, in order."""
        lists = (
            like.get(quarter ^ flip)
            for like, quarter in zip(self._like, _quarters(signature), strict=True)
            for flip in _FLIPS
        )
        for number, _ in groupby(merge(*filter(None, lists))):
            other = self._listed[number]
            if (other ^ signature).bit_count() <= self._most_bits:
                yield other

    def _add(self, signature: int, key: str) -> None:
        if signature not in self._signatures:
            self._signatures[signature] = []
            for like, quarter in zip(self._like, _quarters(signature), strict=True):
                like.setdefault(quarter, []).append(len(self._listed))
            self._listed.append(signature)
        if len(self._signatures[signature]) < MOST:
            self._signatures[signature].append(len(self._keys))
        self._keys.append(key)


def _quarters(signature: int) -> Iterator[int]:
    return (signature >> _BITS * number & (1 << _BITS) - 1 for number in range(_QUARTERS))

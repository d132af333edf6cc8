"""Near-duplicate signature: 64-bit simhash over words and pairs of words.

Charikar, Similarity estimation techniques from rounding algorithms, STOC 2002. Two posts are likely copies
where few bits differ. A pure function of the text.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np

from language import Reading

NEAR = 6
_BANDS = 8


@lru_cache(maxsize=100_000)
def _hash(word: str) -> int:
    return int.from_bytes(hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def fingerprint(reading: Reading) -> str:
    """16 hex digits; of a text without words, the signature of its characters."""
    words = np.fromiter(map(_hash, reading.norms or [reading.folded]), dtype=np.uint64)
    pairs = words[:-1] * np.uint64(0x9E3779B97F4A7C15) + words[1:]
    bits = np.unpackbits(np.concatenate([words, pairs]).view(np.uint8).reshape(-1, 8), axis=1)
    value = np.packbits(2 * bits.sum(axis=0, dtype=np.int64) > bits.shape[0])
    return value.tobytes().hex()


def near(one: str, other: str) -> bool:
    return (int(one, 16) ^ int(other, 16)).bit_count() <= NEAR


def link(fingerprints: Sequence[str]) -> Iterator[tuple[int, ...]]:
    """For each post in order, the numbers of the earlier posts that it nearly repeats.

    Signatures that differ in at most 6 of 64 bits share at least one of 8 bytes: only those are compared.
    """
    bands: list[dict[str, list[int]]] = [{} for _ in range(_BANDS)]
    for number, value in enumerate(fingerprints):
        keys = [value[2 * b : 2 * b + 2] for b in range(_BANDS)]
        seen = {n for band, key in zip(bands, keys, strict=True) for n in band.get(key, ())}
        yield tuple(sorted(n for n in seen if near(fingerprints[n], value)))
        for band, key in zip(bands, keys, strict=True):
            band.setdefault(key, []).append(number)

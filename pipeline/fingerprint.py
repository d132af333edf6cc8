"""Near-duplicate signature: 64-bit simhash over words and pairs of words.

Charikar, Similarity estimation techniques from rounding algorithms, STOC 2002. Two posts are likely copies
where few bits differ. A pure function of the text.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache

import numpy as np

from language import Reading


@lru_cache(maxsize=100_000)
def _hash(word: str) -> bytes:
    return hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest()


def fingerprint(reading: Reading) -> str:
    """16 hex digits; of a text without words, the signature of its characters."""
    words = np.frombuffer(b"".join(map(_hash, reading.norms or [reading.folded])), dtype="<u8")
    pairs = words[:-1] * np.uint64(0x9E3779B97F4A7C15) + words[1:]
    bits = np.unpackbits(np.concatenate([words, pairs]).view(np.uint8)).reshape(-1, 64)
    narrow = np.uint8 if len(bits) <= 255 else np.uint32  # counted in bytes where they suffice: twice as fast
    value = np.packbits(bits.sum(axis=0, dtype=narrow) > len(bits) // 2)
    return value.tobytes().hex()

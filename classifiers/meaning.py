"""What words mean: natasha's word vectors, brought down to 64 dimensions of eight bits each.

Centred and projected on their principal axes, which keeps 41 % of the variance and, between two authors'
sentences, decides as well as or better than all 300 (``docs/decisions/0003-features.md``). A word is found by
the CRC-32 of its UTF-8: the artefact holds numbers alone.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from classifiers.features import WORD_WEIGHT, Vocabulary

DIMENSIONS = 64
WEIGHT = 0.4
_SAMPLE = 5


def key_of(word: str) -> int:
    return zlib.crc32(word.encode("utf-8", "surrogatepass"))


class Meaning:
    """``keys``: sorted uint32; ``codes``: ``(words, 64)`` int8; a vector is ``codes * scale``."""

    def __init__(self, keys: np.ndarray, codes: np.ndarray, scale: float) -> None:
        self._keys, self._codes, self._scale = keys, codes, scale

    @classmethod
    def learn(cls, words: Sequence[str], vectors: np.ndarray) -> Meaning:
        """Principal axes of a fifth of the vectors; of words with one key, the first stays."""
        centre = vectors.mean(axis=0)
        axes = np.linalg.svd(vectors[::_SAMPLE] - centre, full_matrices=False)[2][:DIMENSIONS]
        flat = (vectors - centre) @ axes.T
        keys, first = np.unique(np.array([key_of(word) for word in words], dtype=np.uint32), return_index=True)
        scale = float(np.quantile(np.abs(flat), 0.9995)) / 127
        codes = np.clip(np.round(flat[first] / scale), -127, 127).astype(np.int8)
        return cls(keys, codes, scale)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Meaning:
        return cls(values["keys"], values["codes"], float(values["scale"]))

    def values(self) -> dict[str, Any]:
        return {"keys": self._keys, "codes": self._codes, "scale": self._scale}

    def rows(self, words: Sequence[str], vocabulary: Vocabulary) -> np.ndarray:
        """``(words, 64)`` float32, weighted by inverse document frequency; zeros for unknown words."""
        keys = np.array([key_of(word) for word in words], dtype=np.uint32)
        at = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        known = self._keys[at] == keys
        weights = np.array([vocabulary.weight_of(word) for word in words], dtype=np.float32) / WORD_WEIGHT
        return np.asarray(self._codes[at] * (self._scale * known * weights)[:, None], dtype=np.float32)


def unit(sums: np.ndarray) -> np.ndarray:
    """Each text's direction, as heavy as meaning weighs beside the word features."""
    return np.asarray(WEIGHT * sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-6), dtype=np.float32)

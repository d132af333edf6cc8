"""What a trained network is computed with, apart from what trains it: what decides loads fast."""

from __future__ import annotations

import numpy as np

SCALE = 3.0
BLOCK = 32


def softmax(scores: np.ndarray) -> np.ndarray:
    shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True))


def in_blocks(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """``left @ right`` in blocks of one size: a row's product is the same in whatever batch it comes."""
    out = np.empty((len(left), right.shape[1]), dtype=np.float32)
    block = np.zeros((BLOCK, left.shape[1]), dtype=np.float32)
    for first in range(0, len(left), BLOCK):
        part = left[first : first + BLOCK]
        block[: len(part)] = part
        out[first : first + BLOCK] = (block @ right)[: len(part)]
    return out

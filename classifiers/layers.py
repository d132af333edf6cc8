"""What a trained network is computed with, apart from what trains it: what decides loads fast."""

from __future__ import annotations

import numpy as np

SCALE = 3.0
BLOCK = 32


def softmax(scores: np.ndarray) -> np.ndarray:
    shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True))


def in_blocks(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """``left @ right``, float32: a row's product is the same in whatever batch it comes, on whatever processor.

    Blocks of one size let BLAS choose the same kernel. Some of its kernels still add up a row in an order that depends
    on its place in the block; in double precision that is lost when the sum is rounded.
    """
    out = np.empty((len(left), right.shape[1]), dtype=np.float32)
    block, double = np.zeros((BLOCK, left.shape[1])), right.astype(np.float64)
    for first in range(0, len(left), BLOCK):
        part = left[first : first + BLOCK]
        block[: len(part)] = part
        out[first : first + BLOCK] = (block @ double)[: len(part)]
    return out

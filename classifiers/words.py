"""The word table: what each word seen so far contributes to every linear score, computed once and kept."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import numpy as np
import scipy.sparse as sp

from classifiers.features import Numbers, Vocabulary, counted
from classifiers.meaning import DIMENSIONS, Meaning, unit

_MOST_WORDS = 60_000
_ROWS = 32_768


class WordTable:
    """Linear scores and meanings of texts. ``columns``: ``(features, scores)``, one for each linear score wanted.

    A score of a text does not depend on what else is in the batch, nor on the order in which words were met:
    sums run over the words of the text in their own order.
    """

    def __init__(self, vocabulary: Vocabulary, columns: np.ndarray, meaning: Meaning) -> None:
        self._vocabulary = vocabulary
        self._meaning = meaning
        self._columns = np.ascontiguousarray(columns, dtype=np.float32)
        self._forget()

    def _forget(self) -> None:
        self._numbers = Numbers()
        self._learnt = 0
        self._rows = np.zeros((_ROWS, self._columns.shape[1] + DIMENSIONS + 1), dtype=np.float32)

    def scores(self, posts: Sequence[Sequence[str]]) -> tuple[np.ndarray, np.ndarray]:
        """``(posts, scores)`` and ``(posts, 64)``, float32; zeros for a text without known features."""
        if len(self._numbers) > _MOST_WORDS:
            self._forget()
        columns, values, ends = counted(map(self._vocabulary.with_pairs, posts), self._numbers)
        self._learn()
        counts, shape = np.array(values, dtype=np.float32), (len(posts), len(self._rows))
        sums = sp.csr_matrix((counts, columns, ends), shape=shape) @ self._rows
        squares = sp.csr_matrix((counts * counts, columns, ends), shape=shape) @ self._rows[:, -1:]
        lengths = np.sqrt(squares.ravel())
        linear = sums[:, : -DIMENSIONS - 1] / np.maximum(lengths, 1e-6)[:, None]
        return np.asarray(linear, dtype=np.float32), unit(sums[:, -DIMENSIONS - 1 : -1])

    def _learn(self) -> None:
        """Fill the rows of the words that were numbered since the last time."""
        first, count = self._learnt, len(self._numbers)
        if first == count:
            return
        words = list(islice(reversed(self._numbers), count - first))[::-1]
        while count > len(self._rows):
            self._rows = np.concatenate([self._rows, np.zeros_like(self._rows)])
        phi = self._vocabulary.rows(words)
        phi.sort_indices()
        rows = self._rows[first:count]
        rows[:, : -DIMENSIONS - 1] = phi @ self._columns
        rows[:, -DIMENSIONS - 1 : -1] = self._meaning.rows(words, self._vocabulary)
        rows[:, -1] = np.asarray(phi.multiply(phi).sum(axis=1)).ravel()
        self._learnt = count

    def contributions(self, words: Sequence[str], column: int) -> np.ndarray:
        """What each of the words (all of a text scored last) adds to one of its linear scores."""
        numbers = np.fromiter(map(self._numbers.__getitem__, words), dtype=np.intp, count=len(words))
        self._learn()
        # Asked for each post: ``take`` of a flat view is several times faster than an index of rows and columns.
        flat, width = self._rows.ravel(), self._rows.shape[1]
        length = float(np.sqrt(flat.take(numbers * width + (width - 1)).sum()))
        return np.asarray(flat.take(numbers * width + column) / max(length, 1e-6))

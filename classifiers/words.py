"""The word table: what each word seen so far contributes to every linear score, computed once and kept."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp

from classifiers.features import Vocabulary, counted
from classifiers.meaning import DIMENSIONS, Meaning, unit

_MOST_WORDS = 60_000


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
        self._index: dict[str, int] = {}
        self._rows = np.zeros((1024, self._columns.shape[1] + DIMENSIONS + 1), dtype=np.float32)

    def scores(self, posts: Sequence[Sequence[str]]) -> tuple[np.ndarray, np.ndarray]:
        """``(posts, scores)`` and ``(posts, 64)``, float32; zeros for a text without known features."""
        if len(self._index) > _MOST_WORDS:
            self._forget()
        index = self._index
        columns: list[int] = []
        values: list[float] = []
        ends = [0]
        fresh: list[str] = []
        for word, value in counted(posts):
            if not value:
                ends.append(len(columns))
                continue
            number = index.get(word)
            if number is None:
                number = index[word] = len(index)
                fresh.append(word)
            columns.append(number)
            values.append(value)
        if fresh:
            self._learn(fresh)
        counts, shape = np.array(values, dtype=np.float32), (len(posts), len(self._rows))
        sums = sp.csr_matrix((counts, columns, ends), shape=shape) @ self._rows
        squares = sp.csr_matrix((counts * counts, columns, ends), shape=shape) @ self._rows[:, -1:]
        lengths = np.sqrt(squares.ravel())
        linear = sums[:, : -DIMENSIONS - 1] / np.maximum(lengths, 1e-6)[:, None]
        return np.asarray(linear, dtype=np.float32), unit(sums[:, -DIMENSIONS - 1 : -1])

    def _learn(self, words: list[str]) -> None:
        first = len(self._index) - len(words)
        while len(self._index) > len(self._rows):
            self._rows = np.concatenate([self._rows, np.zeros_like(self._rows)])
        phi = self._vocabulary.rows(words)
        phi.sort_indices()
        rows = self._rows[first : first + len(words)]
        rows[:, : -DIMENSIONS - 1] = phi @ self._columns
        rows[:, -DIMENSIONS - 1 : -1] = self._meaning.rows(words, self._vocabulary)
        rows[:, -1] = np.asarray(phi.multiply(phi).sum(axis=1)).ravel()

    def contributions(self, words: Sequence[str], column: int) -> np.ndarray:
        """What each of the words (all of a text scored last) adds to one of its linear scores."""
        fresh = [word for word in dict.fromkeys(words) if word not in self._index]
        self._index.update({word: len(self._index) + i for i, word in enumerate(fresh)})
        if fresh:
            self._learn(fresh)
        numbers = [self._index[word] for word in words]
        length = float(np.sqrt(self._rows[numbers, -1].sum()))
        return np.asarray(self._rows[numbers, column] / max(length, 1e-6))

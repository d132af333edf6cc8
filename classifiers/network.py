"""A small network over the word features: one hidden layer, one softmax for each labelled question.

Its first layer is linear in the words, so that a word's share of it is computed once (``classifiers.words``).
Trained by Adam (Kingma and Ba, 2015) with word dropout (Iyyer et al., Deep Unordered Composition, ACL 2015),
dropout on the hidden layer and label smoothing, since the labels are noisy.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import scipy.sparse as sp
from sklearn.base import BaseEstimator

from classifiers.features import Corpus, Matrix
from classifiers.layers import SCALE, softmax


class Network(BaseEstimator):  # type: ignore[misc]
    """``heads``: name of a question → number of its classes. Labels of -1 are unknown and cost nothing."""

    def __init__(
        self,
        heads: Mapping[str, int],
        hidden: int = 256,
        epochs: int = 12,
        batch: int = 192,
        rate: float = 1e-3,
        word_dropout: float = 0.35,
        dropout: float = 0.5,
        smoothing: float = 0.1,
        seed: int = 0,
    ) -> None:
        self.heads = heads
        self.hidden = hidden
        self.epochs = epochs
        self.batch = batch
        self.rate = rate
        self.word_dropout = word_dropout
        self.dropout = dropout
        self.smoothing = smoothing
        self.seed = seed

    def fit(self, corpus: Corpus, rows: np.ndarray, labels: Mapping[str, np.ndarray], weights: np.ndarray) -> Network:
        """``rows`` of the corpus to learn from; ``labels`` and ``weights`` over the whole corpus."""
        random = np.random.default_rng(self.seed)
        self._start(random, corpus.phi.shape[1])
        for epoch in range(self.epochs):
            rate = self.rate * (1 - epoch / self.epochs) + 5e-5
            order = random.permutation(rows)
            for first in range(0, len(order), self.batch):
                batch = order[first : first + self.batch]
                self._step(random, corpus, batch, labels, weights, rate)
        del self._first, self._second
        return self

    def _start(self, random: np.random.Generator, features: int) -> None:
        hidden = self.hidden
        shapes = {"embed": (random.standard_normal((features, hidden)) * 0.05), "bias": np.zeros(hidden)}
        for name, classes in self.heads.items():
            shapes[f"{name}.weights"] = random.standard_normal((hidden, classes)) * np.sqrt(2 / hidden)
            shapes[f"{name}.bias"] = np.zeros(classes)
        self.arrays_ = {name: value.astype(np.float32) for name, value in shapes.items()}
        self._first = {name: np.zeros_like(value) for name, value in self.arrays_.items()}
        self._second = {name: np.zeros_like(value) for name, value in self.arrays_.items()}
        self._steps = 0

    def _input(self, random: np.random.Generator, corpus: Corpus, batch: np.ndarray) -> Matrix:
        bag = corpus.bag[batch]
        bag.data = bag.data * (random.random(len(bag.data)) > self.word_dropout)
        lengths = np.sqrt(bag.multiply(bag) @ corpus.squares)
        return sp.diags((SCALE / np.maximum(lengths, 1e-6)).astype(np.float32)) @ (bag @ corpus.phi)

    def _step(
        self,
        random: np.random.Generator,
        corpus: Corpus,
        batch: np.ndarray,
        labels: Mapping[str, np.ndarray],
        weights: np.ndarray,
        rate: float,
    ) -> None:
        arrays = self.arrays_
        inputs = self._input(random, corpus, batch)
        before = inputs @ arrays["embed"] + arrays["bias"]
        kept = (random.random(before.shape) > self.dropout).astype(np.float32) / (1 - self.dropout)
        hidden = np.maximum(before, 0) * kept
        slopes: dict[str, np.ndarray] = {}
        back = np.zeros_like(hidden)
        for name in self.heads:
            error = self._error(name, hidden, labels[name][batch], weights[batch])
            slopes[f"{name}.weights"] = hidden.T @ error
            slopes[f"{name}.bias"] = error.sum(axis=0)
            back += error @ arrays[f"{name}.weights"].T
        inner = back * kept * (before > 0)
        slopes["bias"] = inner.sum(axis=0)
        touched, inputs.indices = np.unique(inputs.indices, return_inverse=True)
        narrow = sp.csr_matrix((inputs.data, inputs.indices, inputs.indptr), shape=(len(batch), len(touched)))
        slopes["embed"] = np.asarray(narrow.T @ inner, dtype=np.float32)
        self._adam(slopes, rate, touched)

    def _error(self, name: str, hidden: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> np.ndarray:
        arrays = self.arrays_
        error = softmax(hidden @ arrays[f"{name}.weights"] + arrays[f"{name}.bias"])
        error -= self.smoothing / error.shape[1]
        error[np.arange(len(labels)), np.maximum(labels, 0)] -= 1 - self.smoothing
        error *= ((labels >= 0) * weights / len(labels))[:, None]
        return error.astype(np.float32)

    def _adam(self, slopes: dict[str, np.ndarray], rate: float, touched: np.ndarray) -> None:
        """Of the embedding, only the rows of features in the batch move (lazy Adam): four times faster."""
        self._steps += 1
        fresh, old = 1 - 0.9**self._steps, 1 - 0.999**self._steps
        for name, slope in slopes.items():
            rows = touched if name == "embed" else slice(None)
            first = 0.9 * self._first[name][rows] + 0.1 * slope
            second = 0.999 * self._second[name][rows] + 0.001 * slope * slope
            self._first[name][rows] = first
            self._second[name][rows] = second
            self.arrays_[name][rows] -= (rate / fresh) * first / (np.sqrt(second / old) + 1e-8)

    def predict_proba(self, vectors: Matrix, head: str) -> np.ndarray:
        """``(posts, classes)`` for rows of ``Corpus.vectors``."""
        hidden = np.maximum(SCALE * (vectors @ self.arrays_["embed"]) + self.arrays_["bias"], 0)
        return softmax(hidden @ self.arrays_[f"{head}.weights"] + self.arrays_[f"{head}.bias"])

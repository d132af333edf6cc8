"""What a department says of itself: its competence and example sentences, as three similarities.

Nothing here is trained on a department's own posts, so a department added to ``regulation/`` is ranked at once.
``likeness`` compares words with the centroid of the profile, less what all profiles share (Rocchio, 1971);
``kinship`` compares the network's hidden layer, whitened by the spread within departments (Fisher, 1936);
``sense`` compares the directions of meaning (``classifiers.meaning``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from classifiers.features import Corpus, Matrix, Vocabulary, tokens
from classifiers.layers import in_blocks
from classifiers.meaning import Meaning, unit
from language import read
from regulation import Department

_SENTENCE = re.compile(r"[^.;!?]+")


def profile_of(department: Department, most_examples: int | None = None) -> list[str]:
    """Its examples, the sentences of its competence, and the words for what it owns."""
    parts = [part.strip() for part in _SENTENCE.findall(department.competence)]
    owned = [" ".join(department.owns)] if department.owns else []
    return [*department.examples[:most_examples], *filter(None, parts), *owned]


class Profiles:
    """Departments by their own words. ``codes`` in the order of the columns.

    ``embed``: ``(features, hidden)``, the linear part of the network's layer.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        texts: Mapping[str, Sequence[str]],
        embed: np.ndarray,
        space: Space,
        meaning: Meaning,
    ) -> None:
        self.codes = tuple(texts)
        owners = np.repeat(np.arange(len(texts)), [len(part) for part in texts.values()])
        corpus = Corpus(vocabulary, [tokens(read(text)) for part in texts.values() for text in part])
        rows = corpus.vectors()
        self.likeness = self._centroids(rows, owners)
        self.kinship = _means(space.place(np.asarray(rows @ embed)), owners)
        self.sense = _means(unit(corpus.bag @ meaning.rows(corpus.words, vocabulary)), owners)

    @staticmethod
    def _centroids(rows: Matrix, owners: np.ndarray) -> np.ndarray:
        """``(features, departments)``."""
        means = np.stack([np.asarray(rows[owners == d].mean(axis=0)).ravel() for d in range(owners.max() + 1)])
        return np.asarray((_unit(means) - _unit(means).mean(axis=0)).T, dtype=np.float32)


def _means(places: np.ndarray, owners: np.ndarray) -> np.ndarray:
    """``(departments, dimensions)``: the direction of each department's sentences together."""
    return _unit(np.stack([places[owners == d].mean(axis=0) for d in range(owners.max() + 1)]))


class Space:
    """The network's hidden layer, whitened."""

    def __init__(self, bias: np.ndarray, scale: float, mean: np.ndarray, whiten: np.ndarray) -> None:
        self._bias, self._scale = bias, scale
        self._mean, self._whiten = mean, whiten

    def place(self, linear: np.ndarray) -> np.ndarray:
        """Unit vectors ``(posts, hidden)`` from the linear part of the layer."""
        hidden = np.maximum(self._scale * linear + self._bias, 0)
        return _unit(in_blocks(hidden - self._mean, self._whiten))

    @staticmethod
    def spread(hidden: np.ndarray, labels: np.ndarray, shrink: float = 0.3) -> tuple[np.ndarray, np.ndarray]:
        """Mean over classes and the whitening of the spread within them (shrunk towards a sphere)."""
        classes = np.unique(labels)
        means = {c: hidden[labels == c].mean(axis=0) for c in classes}
        inner = hidden - np.stack([means[c] for c in labels])
        spread = inner.T @ inner / len(hidden)
        spread = (1 - shrink) * spread + shrink * np.trace(spread) / len(spread) * np.eye(len(spread))
        values, axes = np.linalg.eigh(spread)
        whiten = axes / np.sqrt(values) @ axes.T
        return np.mean(list(means.values()), axis=0).astype(np.float32), whiten.astype(np.float32)


def _unit(rows: np.ndarray) -> np.ndarray:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9), dtype=np.float32)

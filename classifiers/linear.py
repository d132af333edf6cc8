"""Linear models over the word features: one yes-or-no question each, or one score a class."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.svm import LinearSVC

from classifiers.binary import Binary
from classifiers.features import Matrix


def fit_binary(
    vectors: Matrix, meanings: np.ndarray, labels: np.ndarray, weights: np.ndarray, *, cost: float, folds: int = 3
) -> tuple[Binary, np.ndarray]:
    """Train on all rows, calibrate on margins of rows left out; returns those margins too."""
    features = vectors.shape[1]
    vectors = sp.hstack([vectors, sp.csr_matrix(meanings)]).tocsr()
    margins = np.zeros(len(labels))
    for train, test in StratifiedKFold(folds, shuffle=True, random_state=0).split(vectors, labels):
        margins[test] = vectors[test] @ _svm(vectors[train], labels[train], weights[train], cost)
    sigmoid = LogisticRegression(C=100.0).fit(margins[:, None], labels, sample_weight=weights)
    final = _svm(vectors, labels, weights, cost)
    return Binary(final[:features], final[features:], float(sigmoid.coef_[0, 0]), float(sigmoid.intercept_[0])), margins


def _svm(vectors: Matrix, labels: np.ndarray, weights: np.ndarray, cost: float) -> np.ndarray:
    model = LinearSVC(C=cost, fit_intercept=False, class_weight="balanced", random_state=0)
    return np.asarray(model.fit(vectors, labels, sample_weight=weights).coef_[0], dtype=np.float32)


def fit_classes(vectors: Matrix, labels: np.ndarray, weights: np.ndarray, classes: int, *, cost: float) -> np.ndarray:
    """``(features + 1, classes)`` float32: one against the rest; last row: intercepts (-1 for a class without rows)."""
    model = LinearSVC(C=cost, random_state=0).fit(vectors, labels, sample_weight=weights)
    out = np.zeros((vectors.shape[1] + 1, classes), dtype=np.float32)
    out[-1] = -1.0
    out[:-1, model.classes_] = model.coef_.T
    out[-1, model.classes_] = model.intercept_
    return out

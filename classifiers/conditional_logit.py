"""The weights of the router: a conditional logit (McFadden, 1974), fitted on posts that no voice was trained on."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize

from classifiers.layers import softmax
from classifiers.router import PROFILE_VOICES, Router

# Held fixed: heard on posts left out, by models of two thirds of the posts, the margin is given too little (0.3).
MARGIN_WEIGHT = 1.0
BIAS_PENALTY = 1e-3


def fit(voices: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> Router:
    """Fit all weights. ``labels``: numbers of departments; ``weights`` of the posts."""
    known, bias = _fit_known(voices, labels, weights)
    return Router(known, bias, _fit_profile(voices, labels, voices @ known + bias))


def _fit_known(voices: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    rows = np.arange(len(labels))
    share = weights / weights.sum()
    margins, others = MARGIN_WEIGHT * voices[:, :, 0], voices[:, :, 1:]

    departments, heard = others.shape[1:]

    def loss(both: np.ndarray) -> tuple[float, np.ndarray]:
        w, bias = both[:heard], both[heard:]
        pull = softmax(margins + others @ w + bias)
        value = -(share * np.log(pull[rows, labels] + 1e-12)).sum() + 1e-4 * (w @ w) + BIAS_PENALTY * (bias @ bias)
        pull[rows, labels] -= 1
        pull *= share[:, None]
        slopes = [np.einsum("nd,ndk->k", pull, others) + 2e-4 * w, pull.sum(axis=0) + 2 * BIAS_PENALTY * bias]
        return value, np.concatenate(slopes)

    start = np.concatenate([np.ones(heard), np.zeros(departments)])
    fitted = minimize(loss, start, jac=True, method="L-BFGS-B").x
    return np.concatenate([[MARGIN_WEIGHT], fitted[:heard]]), fitted[heard:]


def _fit_profile(voices: np.ndarray, labels: np.ndarray, base: np.ndarray) -> np.ndarray:
    """Each department in turn is heard through its profile alone, the others (``base``: scores) as they are."""
    random = np.random.default_rng(0)
    own, others = [], []
    for department in range(voices.shape[1]):
        mine = np.flatnonzero(labels == department)
        rest = np.flatnonzero(labels != department)
        own.append(random.choice(mine, min(60, len(mine)), replace=False))
        others.append(random.choice(rest, 120, replace=False))
    parts = np.concatenate([np.concatenate([a, b]) for a, b in zip(own, others, strict=True)])
    hidden = np.repeat(np.arange(voices.shape[1]), [len(a) + len(b) for a, b in zip(own, others, strict=True)])
    rows = np.arange(len(parts))
    inputs = np.concatenate([voices[parts, hidden][:, PROFILE_VOICES], np.ones((len(parts), 1))], axis=1)
    rest_scores = base[parts].copy()
    rest_scores[rows, hidden] = -np.inf
    rest_total = np.log(np.exp(rest_scores).sum(axis=1))
    is_own = labels[parts] == hidden

    def loss(w: np.ndarray) -> float:
        mine = inputs @ w
        total = np.logaddexp(mine, rest_total)
        return float(-(np.where(is_own, mine, rest_total) - total).mean() + 1e-4 * (w @ w))

    return np.asarray(minimize(loss, np.array([5.0, 5.0, 5.0, 0.0]), method="L-BFGS-B").x)

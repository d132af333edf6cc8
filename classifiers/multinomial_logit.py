"""The weights of ``classifiers.topics``, fitted on posts that the network was not trained on."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize

from classifiers.layers import softmax
from classifiers.topics import FLOOR, Topics, evidence_of

PENALTY = 3e-5
STEPS = 150


def fit(network: np.ndarray, meanings: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> Topics:
    """``network``: probabilities ``(posts, topics)``; ``labels``: numbers of topics; ``weights`` of the posts.

    Penalised likelihood: without evidence the network is believed as it is.
    """
    said, evidence = np.log(network + FLOOR), evidence_of(network, meanings).astype(np.float64)
    classes, rows, share = network.shape[1], np.arange(len(labels)), weights / weights.sum()
    start = np.zeros(1 + classes * (1 + evidence.shape[1]))
    start[0] = 1.0

    def parts(w: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        return float(w[0]), w[1 : 1 + classes], w[1 + classes :].reshape(-1, classes)

    def loss(w: np.ndarray) -> tuple[float, np.ndarray]:
        trust, bias, table = parts(w)
        pull = softmax(trust * said + bias + evidence @ table)
        value = -(share * np.log(pull[rows, labels] + 1e-12)).sum() + PENALTY * (w[1:] @ w[1:])
        pull[rows, labels] -= 1
        pull *= share[:, None]
        slopes = [[(pull * said).sum()], pull.sum(axis=0), (evidence.T @ pull).ravel()]
        return float(value), np.concatenate(slopes) + 2 * PENALTY * np.concatenate([[0.0], w[1:]])

    trust, bias, table = parts(minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": STEPS}).x)
    return Topics(trust, bias.astype(np.float32), table.astype(np.float32))

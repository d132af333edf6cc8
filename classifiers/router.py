"""Several voices about a department, made one probability.

A conditional logit (McFadden, 1974): the score of a department is a weighted sum of what each voice says of
it, the probabilities are the softmax over departments. Trained departments are heard through every voice,
a department known only from ``regulation/`` through its profile, with weights of its own. The weights are
fitted on posts that none of the voices was trained on (``classifiers.conditional_logit``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from classifiers.layers import softmax

VOICES = ("margin", "network", "topic", "likeness", "kinship", "sense")
TOPIC = VOICES.index("topic")
PROFILE_VOICES = (3, 4, 5)
FLOOR = 1e-3


@dataclass(frozen=True, slots=True)
class Router:
    """``weights`` over ``VOICES`` and ``bias`` of each department that is trained; ``profile`` over the voices of the
    profile and a constant, for those that are not.

    ``noise``: the share of posts whose label says nothing of the text; nobody is surer than that allows.
    """

    weights: np.ndarray
    bias: np.ndarray
    profile: np.ndarray
    noise: float = 0.0

    def scores(self, voices: np.ndarray, trained: np.ndarray) -> np.ndarray:
        """``voices``: ``(posts, departments, voices)``; ``trained``: for each department; ``(posts, departments)``."""
        known = voices @ self.weights + self.bias
        by_profile = voices[:, :, PROFILE_VOICES] @ self.profile[:-1] + self.profile[-1]
        return np.asarray(np.where(trained, known, by_profile))

    def probabilities(self, voices: np.ndarray, trained: np.ndarray) -> np.ndarray:
        clean = softmax(self.scores(voices, trained))
        return np.asarray((1 - self.noise) * clean + self.noise / clean.shape[1])


def voices_of(
    margins: np.ndarray,
    network: np.ndarray,
    topics: np.ndarray,
    likeness: np.ndarray,
    kinship: np.ndarray,
    sense: np.ndarray,
) -> np.ndarray:
    """Stack the voices, each ``(posts, departments)``; probabilities as logarithms."""
    return np.stack([margins, loud(network), loud(topics), likeness, kinship, sense], axis=2)


def loud(probabilities: np.ndarray) -> np.ndarray:
    """As a voice says it; what is all but impossible is not shouted down."""
    return np.asarray(np.log(probabilities + FLOOR))

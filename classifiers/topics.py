"""What a post is about: the network's word, weighed anew.

A multinomial logit over what the network says of the topics and the meaning of the words (stacked generalisation:
Wolpert, 1992). The network mixes some topics and names others too rarely; on posts that it was not trained on this can
be seen, and mended (``classifiers.multinomial_logit``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from classifiers.layers import in_blocks, softmax
from classifiers.meaning import WEIGHT

FLOOR = 1e-6


@dataclass(frozen=True, slots=True)
class Topics:
    """``trust`` in the logarithms of the network; ``bias``: ``(topics,)``; ``weights``: ``(evidence, topics)``."""

    trust: float
    bias: np.ndarray
    weights: np.ndarray

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Topics:
        return cls(float(values["trust"]), values["bias"], values["weights"])

    def values(self) -> dict[str, Any]:
        return {"trust": self.trust, "bias": self.bias, "weights": self.weights}

    def probabilities(self, network: np.ndarray, meanings: np.ndarray) -> np.ndarray:
        """``(posts, topics)``. ``network``: as many probabilities; ``meanings``: ``(posts, 64)``."""
        scores = self.trust * np.log(network + FLOOR) + self.bias
        return softmax(scores + in_blocks(evidence_of(network, meanings), self.weights))


def evidence_of(network: np.ndarray, meanings: np.ndarray) -> np.ndarray:
    """``(posts, evidence)``: roots of the network's probabilities, and the direction of the words' meaning."""
    return np.concatenate([np.sqrt(network), meanings / WEIGHT], axis=1).astype(np.float32)

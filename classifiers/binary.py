"""A trained yes-or-no question, without what it takes to train one: what decides loads fast."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Binary:
    """A yes-or-no question: margin over word features and meaning, probability by Platt's sigmoid (Platt, 1999)."""

    weights: np.ndarray
    meaning: np.ndarray
    slope: float
    offset: float

    def probability(self, margins: np.ndarray) -> np.ndarray:
        return np.asarray(1 / (1 + np.exp(-(self.slope * margins + self.offset))))

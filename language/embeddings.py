"""Word vectors of natasha (navec, news, 250,000 words, 300 dimensions), for training alone.

What decides carries what was learned of them (``classifiers.meaning``), so that it loads in a moment.
"""

from __future__ import annotations

import numpy as np


def word_vectors() -> tuple[list[str], np.ndarray]:
    """Folded words and their unit vectors ``(words, 300)``, float32."""
    from natasha import NewsEmbedding

    from language.reading import fold

    embedding = NewsEmbedding()
    words = [word for word in embedding.vocab.words if word.isalpha()]
    vectors = np.stack([embedding[word] for word in words])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return [fold(word) for word in words], vectors.astype(np.float32)

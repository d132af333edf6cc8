"""Topics weighed anew: what the network mixes is mended, what it does not is left, whatever stands beside a post."""

from __future__ import annotations

import numpy as np

from classifiers import multinomial_logit
from classifiers.layers import softmax
from classifiers.meaning import DIMENSIONS
from classifiers.topics import Topics, evidence_of

TOPICS, POSTS = 6, 1_200


def made() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A network that is right but for its first two topics, which it takes for each other."""
    random = np.random.default_rng(3)
    labels = np.arange(POSTS) % TOPICS
    said = np.where(labels < 2, 1 - labels, labels)
    network = softmax(random.standard_normal((POSTS, TOPICS)) + 4.0 * np.eye(TOPICS)[said])
    return network.astype(np.float32), random.standard_normal((POSTS, DIMENSIONS)).astype(np.float32) * 0.05, labels


def test_what_the_network_mixes_is_mended() -> None:
    network, meanings, labels = made()
    learnt, left_out = slice(0, POSTS // 2), slice(POSTS // 2, POSTS)
    weights = np.ones(POSTS // 2)
    fitted = multinomial_logit.fit(network[learnt], meanings[learnt], labels[learnt], weights)
    found = fitted.probabilities(network[left_out], meanings[left_out])
    assert np.allclose(found.sum(axis=1), 1, atol=1e-5)
    assert (network[left_out].argmax(axis=1) == labels[left_out]).mean() < 0.7
    assert (found.argmax(axis=1) == labels[left_out]).mean() > 0.9
    again = multinomial_logit.fit(network[learnt], meanings[learnt], labels[learnt], weights)
    assert (again.trust, again.bias.tobytes()) == (fitted.trust, fitted.bias.tobytes())
    assert again.weights.tobytes() == fitted.weights.tobytes()


def test_without_weights_the_network_is_believed() -> None:
    network, meanings, _ = made()
    width = evidence_of(network, meanings).shape[1]
    plain = Topics(1.0, np.zeros(TOPICS, dtype=np.float32), np.zeros((width, TOPICS), dtype=np.float32))
    assert np.allclose(plain.probabilities(network, meanings), network, atol=1e-4)
    kept = Topics.of(plain.values())
    assert np.array_equal(kept.probabilities(network, meanings), plain.probabilities(network, meanings))


def test_a_post_has_the_same_topics_in_whatever_batch_it_comes() -> None:
    network, meanings, labels = made()
    fitted = multinomial_logit.fit(network, meanings, labels, np.ones(POSTS))
    together = fitted.probabilities(network[:70], meanings[:70])
    for place in (0, 31, 69):
        alone = fitted.probabilities(network[place : place + 1], meanings[place : place + 1])
        assert np.array_equal(alone[0], together[place])

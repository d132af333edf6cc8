"""The register of models: one line each. A new yes-or-no question is a line here, its answers in
``classifiers.material``, and a stage of ``pipeline`` that asks it.

Thresholds are where a probability becomes a word; ``make train`` writes them into the cards, and only the
cards are read afterwards. Chosen on the held-out folds and the trials (``make eval``), never on what the
models were trained on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Entry:
    """``what``: Russian, for the card. ``question``: whether it answers yes or no (``classifiers.binary``)."""

    what: str
    thresholds: Mapping[str, float] = field(default_factory=dict)
    question: bool = False


REGISTER: Mapping[str, Entry] = {
    "words": Entry("признаки слов: формы и буквосочетания"),
    "meaning": Entry("значения слов: векторы natasha в 64 измерениях"),
    "network": Entry("сеть: тема и отдел"),
    "topics": Entry("тема: сеть, выслушанная заново"),
    "department": Entry("линейный классификатор отделов"),
    "router": Entry("сведение голосов об отделе", {"propose": 0.6, "noise": 0.025}),
    "needs_answer": Entry("нужен ли ответ", {"silent": 0.36, "sure": 0.75, "asks": 0.1}, question=True),
    # even_prior: the topic's prior at which half of the posts are urgent; prior_weight: what it adds to the text's
    # log-odds; text_bias: how far the text must go beyond even odds to be believed; least_prior: of a topic named as
    # the reason; sure_sentence: of one sentence that speaks for the whole post.
    "urgency": Entry(
        "срок 4 часа",
        {
            "urgent": 0.5,
            "doubt": 0.34,
            "even_prior": 0.24,
            "prior_weight": 4.0,
            "text_bias": -2.6,
            "least_prior": 0.3,
            "sure_sentence": 0.97,
        },
        question=True,
    ),
    "urgent_topic": Entry("тема, срочная сама по себе («да» карты тем)", question=True),
    "insult": Entry("оскорбление людей", {"sure": 0.99, "suspect": 0.7, "doubt": 0.1}, question=True),
    "threat": Entry("угроза автора", {"sure": 0.75, "suspect": 0.5, "doubt": 0.04}, question=True),
    "danger": Entry("опасность сейчас", {"alarm": 0.45, "doubt": 0.06}, question=True),
    "crisis": Entry("человек в беде", {"alarm": 0.3}, question=True),
}
QUESTIONS = tuple(name for name, entry in REGISTER.items() if entry.question)

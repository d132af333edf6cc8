"""A post under decision: what was read, found and predicted about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from classifiers.predictor import Predictor
from language import Reading
from pipeline.spans import Spans
from records import Post
from regulation import Found as PlaceFound
from regulation import Regulation, Urgency
from rules import Found


@dataclass(frozen=True, slots=True)
class Voices:
    """What the models say of one post: probabilities over departments, topics, and of each question.

    ``prior``: of the topic being urgent, sometimes urgent, never.
    """

    predictor: Predictor
    departments: np.ndarray
    topics: np.ndarray
    prior: Mapping[Urgency, float]
    answers: Mapping[str, float]

    def threshold(self, model: str, name: str) -> float:
        return self.predictor.thresholds[model][name]


@dataclass(slots=True)
class Matter:
    """``quoted``: what somebody else said; ``rules``: all that the rule book found, in order."""

    post: Post
    reading: Reading
    tokens: list[str]
    rules: tuple[Found, ...]
    quoted: Spans
    place: PlaceFound | None
    regulation: Regulation
    voices: Voices = field(init=False)

    def of(self, code: object) -> Iterator[Found]:
        return (found for found in self.rules if found.code is code)

    @property
    def is_foreign(self) -> bool:
        """Most words have no Cyrillic letter (translit, a wrong keyboard): the models cannot read them."""
        norms = self.reading.norms
        readable = len([word for word in norms if "а" <= word[0] <= "я"])
        return 2 * readable < len(norms) and 2 * readable < len([word for word in norms if not word[0].isdigit()])

    def is_quoted(self, start: int, stop: int) -> bool:
        return self.quoted.hold(start, stop)

    def text(self, start: int, stop: int) -> str:
        return self.post.text[start:stop]

    def loudest_word(self, question: str) -> tuple[int, int]:
        """The span of the word that says most for «yes»; the text must have words."""
        reading = self.reading
        spoken = self.voices.predictor.question_contributions(self.tokens[: len(reading.norms)], question)
        loudest = int(np.argmax(spoken))
        return reading.span(loudest, loudest)

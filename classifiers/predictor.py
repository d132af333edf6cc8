"""All models of the shelf as one: texts in, predictions out, a batch at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from classifiers import shelf
from classifiers.binary import Binary
from classifiers.features import Vocabulary
from classifiers.layers import SCALE, in_blocks, softmax
from classifiers.meaning import Meaning
from classifiers.profiles import Profiles, Space, profile_of
from classifiers.register import QUESTIONS
from classifiers.router import Router, voices_of
from classifiers.topics import Topics
from classifiers.words import WordTable
from records import FaultsError, file_fault
from regulation import Department, TopicEntry


@dataclass(frozen=True)
class Predictions:
    """Rows are texts, columns departments or topics; ``answers``: of each question, one for each text."""

    departments: np.ndarray
    topics: np.ndarray
    answers: Mapping[str, np.ndarray]


class Predictor:
    """``codes``: departments in ranking columns; ``topic_names``; ``thresholds``: from the cards, by model."""

    def __init__(
        self,
        artefacts: Mapping[str, shelf.Artefact],
        departments: Mapping[str, Department],
        topics: Mapping[str, TopicEntry],
    ) -> None:
        self.versions = {name: artefact.version for name, artefact in artefacts.items()}
        self.thresholds: dict[str, Mapping[str, float]] = {
            name: artefact.card.get("thresholds", {}) for name, artefact in artefacts.items()
        }
        self.codes = tuple(departments)
        self._network = artefacts["network"].values
        self.topic_names = tuple(self._network["topics"])
        self.topic_urgency = [topics[name].urgency if name in topics else None for name in self.topic_names]
        self._binaries = {name: _binary(artefacts[name].values) for name in QUESTIONS}
        routing = artefacts["router"].values
        self._topics = Topics.of(artefacts["topics"].values)
        biases = dict(zip(routing["codes"], routing["bias"].tolist(), strict=True))
        bias = np.array([biases.get(code, 0.0) for code in self.codes])
        self._router = Router(routing["weights"], bias, routing["profile"], self.thresholds["router"]["noise"])
        vocabulary = vocabulary_of(artefacts["words"])
        embed = shelf.unpack(self._network["embed"])
        linear = artefacts["department"].values
        self._space = Space(self._network["bias"], SCALE, self._network["mean"], self._network["whiten"])
        meaning = Meaning.of(artefacts["meaning"].values)
        texts = {code: profile_of(department) for code, department in departments.items()}
        profiles = Profiles(vocabulary, texts, embed, self._space, meaning)
        self._kinship, self._sense = profiles.kinship, profiles.sense
        self._align(list(linear["codes"]), list(self._network["departments"]), topics)
        margins = np.zeros((len(vocabulary), len(self.codes)), dtype=np.float32)
        margins[:, self.trained] = shelf.unpack(linear["weights"])[:, self._linear_columns]
        self._intercepts = np.zeros(len(self.codes), dtype=np.float32)
        self._intercepts[self.trained] = linear["intercepts"][self._linear_columns]
        binary = np.stack([self._binaries[name].weights for name in QUESTIONS], axis=1)
        self._hidden = embed.shape[1]
        columns = np.concatenate([embed, margins, profiles.likeness, binary], axis=1)
        self._table = WordTable(vocabulary, columns, meaning)
        self._meaning = np.stack([self._binaries[name].meaning for name in QUESTIONS], axis=1)

    @classmethod
    def load(cls, folder: Path, departments: Mapping[str, Department], topics: Mapping[str, TopicEntry]) -> Predictor:
        """Raises :class:`records.FaultsError` for a model that is missing, damaged or foreign."""
        return cls.of(shelf.load_all(folder), folder, departments, topics)

    @classmethod
    def of(
        cls,
        artefacts: Mapping[str, shelf.Artefact],
        folder: Path,
        departments: Mapping[str, Department],
        topics: Mapping[str, TopicEntry],
    ) -> Predictor:
        """Of models that were loaded from ``folder``. Raises: FaultsError: they do not belong together."""
        faults = [
            file_fault(
                folder / name,
                "модель обучена на других признаках слов (words)",
                "обучите все модели вместе: make train",
            )
            for name, artefact in artefacts.items()
            if artefact.card.get("words", artefacts["words"].version) != artefacts["words"].version
        ]
        if faults:
            raise FaultsError(faults)
        try:
            return cls(artefacts, departments, topics)
        except (KeyError, IndexError, TypeError, ValueError) as error:
            what = f"модели не сходятся между собой: {type(error).__name__}: {error}"
            raise FaultsError([file_fault(folder, what, "обучите все модели вместе: make train")]) from error

    def _align(self, linear: list[str], network: list[str], topics: Mapping[str, TopicEntry]) -> None:
        """Columns of the models for the departments of the regulation; topics to departments as the regulation says."""
        known = [code in linear and code in network for code in self.codes]
        self.trained = np.array(known)
        self._linear_columns = [linear.index(code) for code, k in zip(self.codes, known, strict=True) if k]
        self._network_columns = [network.index(code) for code, k in zip(self.codes, known, strict=True) if k]
        self._topic_to_department = np.zeros((len(self.topic_names), len(self.codes)), dtype=np.float32)
        for row, name in enumerate(self.topic_names):
            entry = topics.get(name)
            if entry is not None and entry.department in self.codes:
                self._topic_to_department[row, self.codes.index(entry.department)] = 1

    def predict(self, posts: Sequence[Sequence[str]]) -> Predictions:
        """``posts``: tokens of each text (``features.tokens``)."""
        count, start = len(self.codes), self._hidden
        scores, meanings = self._table.scores(posts)
        hidden = np.maximum(SCALE * scores[:, :start] + self._network["bias"], 0)
        spoken = softmax(in_blocks(hidden, self._network["topic.weights"]) + self._network["topic.bias"])
        topics = self._topics.probabilities(spoken, meanings)
        by_network = np.zeros((len(posts), count))
        outputs = softmax(in_blocks(hidden, self._network["department.weights"]) + self._network["department.bias"])
        by_network[:, self.trained] = outputs[:, self._network_columns]
        voices = voices_of(
            scores[:, start : start + count] + self._intercepts,
            by_network,
            in_blocks(topics, self._topic_to_department),
            scores[:, start + count : start + 2 * count],
            in_blocks(self._space.place(scores[:, :start]), self._kinship.T),
            in_blocks(meanings, self._sense.T),
        )
        last = scores[:, start + 2 * count :] + in_blocks(meanings, self._meaning)
        answers = {name: self._binaries[name].probability(last[:, i]) for i, name in enumerate(QUESTIONS)}
        return Predictions(self._router.probabilities(voices, self.trained), topics, answers)

    def contributions(self, words: Sequence[str], department: str) -> np.ndarray:
        """How much each word (of a text just predicted) speaks for the department: margin, or likeness if untrained."""
        number = self.codes.index(department)
        offset = 0 if self.trained[number] else len(self.codes)
        return self._table.contributions(words, self._hidden + offset + number)

    def question_contributions(self, words: Sequence[str], question: str) -> np.ndarray:
        column = self._hidden + 2 * len(self.codes) + QUESTIONS.index(question)
        return self._table.contributions(words, column)


def vocabulary_of(artefact: shelf.Artefact) -> Vocabulary:
    return Vocabulary(artefact.values["names"].split("\n"), artefact.values["weights"])


def _binary(values: Mapping[str, Any]) -> Binary:
    weights = shelf.unpack(values["weights"])[:, 0]
    return Binary(weights, values["meaning"], float(values["slope"]), float(values["offset"]))

"""Whose is it: a proposal for a person to confirm, or an honest abstention."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from classifiers.predictor import Predictor
from language.sentences import sentences
from pipeline.matter import Matter
from records import Also, Evidence, Route, Topic

RUNNERS_UP = 3
EVIDENCE_WORDS = 4
LEAST_WORDS = 4
SURE_OF_ALSO = 0.7
MOST_SENTENCES = 40
LONGEST = 20_000
Span = tuple[int, int]


def propose_route(matter: Matter, further: Further) -> Route | None:
    """``None`` only where there is nothing to rank: a text without words."""
    if not matter.reading.norms:
        return None
    predictor = matter.voices.predictor
    probabilities = matter.voices.departments
    order = np.argsort(-probabilities, kind="stable")[: RUNNERS_UP + 1]
    code = predictor.codes[order[0]]
    department = matter.regulation.departments[code]
    best = float(probabilities[order[0]])
    return Route(
        department=code,
        probability=best,
        proposed=best >= matter.voices.threshold("router", "propose"),
        office=matter.place.office if department.offices and matter.place is not None else None,
        external=department.external,
        runners_up=tuple((predictor.codes[i], float(probabilities[i])) for i in order[1:]),
        topic=_topic(matter),
        also=tuple(Also(other, start, stop) for other, start, stop in further.questions if other != code),
        evidence=tuple(_evidence(matter, code)),
    )


def _topic(matter: Matter) -> Topic:
    names, probabilities = matter.voices.predictor.topic_names, matter.voices.topics
    order = np.argsort(-probabilities, kind="stable")[: RUNNERS_UP + 1]
    ranked = [(names[i], float(probabilities[i])) for i in order]
    return Topic(*ranked[0], runners_up=tuple(ranked[1:]))


def _evidence(matter: Matter, code: str) -> Iterator[Evidence]:
    reading = matter.reading
    spoken = matter.voices.predictor.contributions(matter.tokens[: len(reading.norms)], code)
    seen: set[str] = set()
    for place in np.argsort(-spoken, kind="stable"):
        if spoken[place] <= 0 or len(seen) == EVIDENCE_WORDS:
            return
        if reading.norms[place] not in seen:
            seen.add(reading.norms[place])
            start, stop = reading.span(place, place)
            yield Evidence(matter.text(start, stop), start, stop, float(spoken[place]))


@dataclass(frozen=True, slots=True)
class Further:
    """What single sentences of a post say: ``questions`` for other departments, the most urgent one's probability."""

    questions: tuple[tuple[str, int, int], ...] = ()
    urgency: float = 0.0


def further_questions(matters: Sequence[Matter], predictor: Predictor) -> list[Further]:
    """For each post; its sentences are asked all at once, so that several questions do not dilute each other."""
    spans = [list(_sentences(matter)) for matter in matters]
    parts = [m.tokens[first : last + 1] for m, own in zip(matters, spans, strict=True) for first, last in own]
    if not parts:
        return [Further() for _ in matters]
    predictions = predictor.predict(parts)
    departments, urgency = predictions.departments, predictions.answers["urgency"]
    found, row = [], 0
    for matter, own in zip(matters, spans, strict=True):
        rows = slice(row, row + len(own))
        found.append(
            Further(_questions(matter, own, departments[rows], predictor), float(urgency[rows].max(initial=0.0)))
        )
        row += len(own)
    return found


def _questions(
    matter: Matter, spans: Sequence[Span], departments: np.ndarray, predictor: Predictor
) -> tuple[tuple[str, int, int], ...]:
    found: dict[str, Span] = {}
    for (first, last), probabilities in zip(spans, departments, strict=True):
        best = int(probabilities.argmax())
        if probabilities[best] >= SURE_OF_ALSO:
            found.setdefault(predictor.codes[best], matter.reading.span(first, last))
    return tuple((code, start, stop) for code, (start, stop) in found.items())


def _sentences(matter: Matter) -> Iterator[Span]:
    """First and last word of the sentences of four words or more, in posts that have at least two."""
    reading = matter.reading
    if len(reading.norms) < 2 * LEAST_WORDS:
        return
    spans = sentences(matter.post.text[:LONGEST])
    if len(spans) < 2:
        return
    for start, stop in spans[:MOST_SENTENCES]:
        first, after = bisect_left(reading.starts, start), bisect_left(reading.starts, stop)
        if after - first >= LEAST_WORDS:
            yield first, after - 1

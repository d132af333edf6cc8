"""Whose is it: a proposal for a person to confirm, or an honest abstention."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

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
    (code, best), *others = _best(predictor.codes, matter.voices.departments)
    department = matter.regulation.departments[code]
    return Route(
        department=code,
        probability=best,
        proposed=best >= matter.voices.threshold("router", "propose"),
        office=matter.place.office if department.offices and matter.place is not None else None,
        external=department.external,
        runners_up=tuple(others),
        topic=_topic(matter),
        also=tuple(Also(other, start, stop) for other, start, stop in further.questions if other != code),
        evidence=tuple(_evidence(matter, code)),
    )


def _topic(matter: Matter) -> Topic:
    (name, probability), *others = _best(matter.voices.predictor.topic_names, matter.voices.topics)
    return Topic(name, probability, runners_up=tuple(others))


def _best(names: Sequence[str], probabilities: np.ndarray) -> list[tuple[str, float]]:
    """The likeliest and those after it, of equals the first; to sort all the topics would take longer."""
    left = probabilities.copy()
    found = []
    for _ in range(min(RUNNERS_UP + 1, len(left))):
        number = int(left.argmax())
        found.append((names[number], float(left[number])))
        left[number] = -1.0
    return found


def _evidence(matter: Matter, code: str) -> Iterator[Evidence]:
    reading = matter.reading
    spoken = matter.voices.predictor.contributions(matter.tokens[: len(reading.norms)], code)
    weights = spoken.tolist()
    seen: set[str] = set()
    for place in np.argsort(-spoken, kind="stable").tolist():
        if weights[place] <= 0 or len(seen) == EVIDENCE_WORDS:
            return
        if reading.norms[place] not in seen:
            seen.add(reading.norms[place])
            start, stop = reading.span(place, place)
            yield Evidence(matter.text(start, stop), start, stop, weights[place])


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
    best = predictions.departments.argmax(axis=1).tolist()
    sure = (predictions.departments.max(axis=1) >= SURE_OF_ALSO).tolist()
    codes = [predictor.codes[number] if is_sure else None for number, is_sure in zip(best, sure, strict=True)]
    sayings = zip(codes, predictions.answers["urgency"].tolist(), strict=True)
    return [_further(m, own, list(islice(sayings, len(own)))) for m, own in zip(matters, spans, strict=True)]


def _further(matter: Matter, spans: Sequence[Span], sayings: Sequence[tuple[str | None, float]]) -> Further:
    """``sayings``: of each sentence, the department that it is surely for, and how urgent it is."""
    found: dict[str, Span] = {}
    for (first, last), (code, _) in zip(spans, sayings, strict=True):
        if code is not None:
            found.setdefault(code, matter.reading.span(first, last))
    questions = tuple((code, start, stop) for code, (start, stop) in found.items())
    return Further(questions, max((urgency for _, urgency in sayings), default=0.0))


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

"""Point 15: obscenity, insult, the author's own threat; and the alarms, which are looked for whatever the verdict.

What a rule or a model is sure of excludes; what lies between sure and silent goes to a person with its words
marked; what stands in quotation marks is somebody else's (policy ``p15_quote``).
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.matter import Matter
from pipeline.spans import Spans
from records import Alarm, AlarmKind, Ground, Hit, Review, ReviewCode
from rules import Found

LEAST_WORDS = 3
MODELS = {Ground.INSULT: "insult", Ground.THREAT: "threat"}
ALARM_MODELS = {AlarmKind.DANGER: "danger", AlarmKind.CRISIS: "crisis"}
# Words that a rule knows and the contract spares: a model alone does not exclude for them.
SPARED = frozenset({ReviewCode.RUDE, ReviewCode.WISH})
SUSPECTED = {
    Ground.OBSCENITY: ReviewCode.SUSPECTED_OBSCENITY,
    Ground.INSULT: ReviewCode.SUSPECTED_INSULT,
    Ground.THREAT: ReviewCode.SUSPECTED_THREAT,
}


def weigh_grounds(matter: Matter) -> tuple[tuple[Hit, ...], tuple[Review, ...]]:
    """Grounds that exclude, and what a person must look at instead."""
    hits: list[Hit] = []
    reviews: list[Review] = []
    for found in matter.rules:
        if isinstance(found.code, Ground):
            _sort(matter, found, hits, reviews)
        elif isinstance(found.code, ReviewCode) and found.code is not ReviewCode.ANSWER_DOUBT:
            reviews.append(_review(matter, found, found.code))
    for ground, model in MODELS.items():
        _ask(matter, ground, model, hits, reviews)
    said = Spans((h.start, h.stop) for h in hits if h.start is not None and h.stop is not None)
    return tuple(hits), tuple(review for review in reviews if not _said_already(review, said))


def _said_already(review: Review, said: Spans) -> bool:
    """Whether what is suspected lies in what is sure."""
    suspected = review.code in SUSPECTED.values() and review.start is not None and review.stop is not None
    return suspected and said.touch(review.start or 0, review.stop or 0)


def _sort(matter: Matter, found: Found, hits: list[Hit], reviews: list[Review]) -> None:
    ground = Ground(found.code)
    if matter.is_quoted(found.start, found.stop):
        reviews.append(_review(matter, found, ReviewCode.QUOTE))
    elif found.sure and not _doubted(matter, ground):
        hits.append(Hit(ground, found.rule, found.start, found.stop, matter.text(found.start, found.stop)))
    else:
        reviews.append(_review(matter, found, SUSPECTED[ground]))


def _doubted(matter: Matter, ground: Ground) -> bool:
    """The model of the ground thinks otherwise: what a rule alone would exclude goes to a person."""
    model = MODELS.get(ground)
    return model is not None and matter.voices.answers[model] < matter.voices.threshold(model, "doubt")


def _review(matter: Matter, found: Found, code: ReviewCode) -> Review:
    return Review(code, found.rule, found.start, found.stop, matter.text(found.start, found.stop))


def _ask(matter: Matter, ground: Ground, model: str, hits: list[Hit], reviews: list[Review]) -> None:
    """The model speaks where the rules of its ground were silent; a word or two say too little for it."""
    probability = matter.voices.answers[model]
    if probability < matter.voices.threshold(model, "suspect") or any(h.ground == ground for h in hits):
        return
    if len(matter.reading.norms) < LEAST_WORDS or matter.is_foreign:
        return
    start, stop = matter.loudest_word(model)
    text = matter.text(start, stop)
    spoken = {found.code for found in matter.rules if found.start < stop and start < found.stop}
    if Ground.OBSCENITY in spoken:
        return
    if matter.is_quoted(start, stop):
        reviews.append(Review(ReviewCode.QUOTE, f"model:{model}", start, stop, text))
    elif spoken.isdisjoint(SPARED) and probability >= matter.voices.threshold(model, "sure"):
        hits.append(Hit(ground, f"model:{model}", start, stop, text))
    elif not hits and not any(r.code == SUSPECTED[ground] for r in reviews):
        reviews.append(Review(SUSPECTED[ground], f"model:{model}", start, stop, text))


def weigh_alarms(matter: Matter, grounds: tuple[Hit, ...]) -> tuple[Alarm, ...]:
    alarms = [Alarm(AlarmKind.THREAT, h.rule, h.start, h.stop, h.text) for h in grounds if h.ground is Ground.THREAT]
    for kind in AlarmKind:
        alarms.extend(_raised(matter, kind))
    return tuple(alarms)


def _raised(matter: Matter, kind: AlarmKind) -> Iterator[Alarm]:
    silent = True
    for found in matter.of(kind):
        if found.sure and _believed(matter, kind) and not matter.is_quoted(found.start, found.stop):
            silent = False
            yield Alarm(kind, found.rule, found.start, found.stop, matter.text(found.start, found.stop))
    model = ALARM_MODELS.get(kind)
    if silent and model and _model_alarms(matter, model):
        start, stop = matter.loudest_word(model)
        yield Alarm(kind, f"model:{model}", start, stop, matter.text(start, stop))


def _believed(matter: Matter, kind: AlarmKind) -> bool:
    """A rule that the model contradicts raises no alarm; of a crisis no model is asked."""
    model = ALARM_MODELS.get(kind)
    if model is None or kind is AlarmKind.CRISIS:
        return True
    return matter.voices.answers[model] >= matter.voices.threshold(model, "doubt")


def _model_alarms(matter: Matter, model: str) -> bool:
    """Whether the model alone is enough to wake people at night."""
    loud = matter.voices.answers[model] >= matter.voices.threshold(model, "alarm")
    return loud and len(matter.reading.norms) >= LEAST_WORDS and not matter.is_foreign

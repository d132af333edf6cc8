"""The 4-hour track (point 8, policy ``fast_track_criteria``): the topic is a prior, the text confirms."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from pipeline.matter import Matter
from records import Alarm, AlarmKind, Reason, ReasonCode, Review, ReviewCode, Significance
from regulation import Urgency as TopicUrgency

FAST_ALARMS = (AlarmKind.DANGER, AlarmKind.CRISIS)
ALARM_PROBABILITY = 0.95
MODEL = "urgency"


@dataclass(frozen=True, slots=True)
class Urgency:
    fast: bool
    significance: Significance
    reviews: tuple[Review, ...] = ()


def weigh_urgency(matter: Matter, alarms: tuple[Alarm, ...], loudest_sentence: float) -> Urgency:
    """The loudest of topic, text and alarm decides: an error towards urgency is the cheaper one."""
    voices = matter.voices
    threshold = partial(voices.threshold, MODEL)
    prior = voices.prior
    by_topic = prior[TopicUrgency.YES] + voices.answers["urgent_topic"] if matter.reading.norms else 0.0
    loudest = loudest_sentence if loudest_sentence >= threshold("sure_sentence") else 0.0
    text = min(max(voices.answers["urgency"], loudest, 1e-6), 1 - 1e-6)
    by_text = math.log(text / (1 - text)) + threshold("prior_weight") * by_topic + threshold("text_bias")
    probability = max(by_topic / (by_topic + threshold("even_prior")), 1 / (1 + math.exp(-by_text)))
    alarmed = [alarm for alarm in alarms if alarm.kind in FAST_ALARMS]
    if alarmed:
        probability = max(probability, ALARM_PROBABILITY)
    fast = probability >= threshold("doubt")
    doubt = fast and probability < threshold("urgent")
    reviews = (Review(ReviewCode.URGENT_DOUBT, "model:urgency"),) if doubt else ()
    reasons = _reasons(matter, alarmed, prior) if fast else ()
    return Urgency(fast, Significance(probability, reasons), reviews)


def topic_priors(urgencies: Sequence[TopicUrgency | None], topics: np.ndarray) -> list[dict[TopicUrgency, float]]:
    """For each row of ``topics``: the probability that the topic is urgent, sometimes urgent, never.

    Added up in the order of the topics, so that nothing depends on what else is in the batch.
    """
    sums = {
        urgency: np.where([own is urgency for own in urgencies], topics, 0.0).cumsum(axis=1, dtype=np.float64)[:, -1]
        for urgency in TopicUrgency
    }
    return [{urgency: float(of_posts[row]) for urgency, of_posts in sums.items()} for row in range(len(topics))]


def _reasons(matter: Matter, alarmed: list[Alarm], prior: Mapping[TopicUrgency, float]) -> tuple[Reason, ...]:
    reasons = [Reason(ReasonCode.DANGER, alarm.text, alarm.start, alarm.stop) for alarm in alarmed]
    for found in matter.rules:
        if isinstance(found.code, ReasonCode):
            reasons.append(Reason(found.code, matter.text(found.start, found.stop), found.start, found.stop))
    predictor = matter.voices.predictor
    least = matter.voices.threshold(MODEL, "least_prior")
    wanted = TopicUrgency.YES if reasons or prior[TopicUrgency.YES] >= least else TopicUrgency.SOMETIMES
    if matter.reading.norms and prior[wanted] >= least:
        urgent = [i for i, urgency in enumerate(predictor.topic_urgency) if urgency is wanted]
        likeliest = max(urgent, key=lambda i: float(matter.voices.topics[i]))
        reasons.append(Reason(ReasonCode.TOPIC, predictor.topic_names[likeliest], None, None))
    if not reasons and matter.reading.norms:
        start, stop = matter.loudest_word("urgency")
        reasons.append(Reason(ReasonCode.DANGER, matter.text(start, stop), start, stop))
    return tuple(reasons)

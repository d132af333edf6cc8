"""The 4-hour track (point 8, policy ``fast_track_criteria``): the topic is a prior, the text confirms."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pipeline.matter import Matter
from records import Alarm, AlarmKind, Reason, ReasonCode, Review, ReviewCode, Significance
from regulation import Urgency as TopicUrgency

FAST_ALARMS = (AlarmKind.DANGER, AlarmKind.CRISIS)
ALARM_PROBABILITY = 0.95
LEAST_PRIOR = 0.3
SURE_SENTENCE = 0.97
# Chosen on Perm fold 8 and the trials: the prior at which half of the posts are urgent, what the prior adds to
# the text's log-odds, and how far the text must go beyond even odds to be believed alone.
EVEN_PRIOR, PRIOR_WEIGHT, TEXT_BIAS = 0.27, 4.0, -2.6


@dataclass(frozen=True, slots=True)
class Urgency:
    fast: bool
    significance: Significance
    reviews: tuple[Review, ...] = ()


def weigh_urgency(matter: Matter, alarms: tuple[Alarm, ...], loudest_sentence: float) -> Urgency:
    """The loudest of topic, text and alarm decides: an error towards urgency is the cheaper one."""
    voices = matter.voices
    prior = _prior(matter)
    by_topic = prior[TopicUrgency.YES] + voices.answers["urgent_topic"] if matter.reading.norms else 0.0
    loudest = loudest_sentence if loudest_sentence >= SURE_SENTENCE else 0.0
    text = min(max(voices.answers["urgency"], loudest, 1e-6), 1 - 1e-6)
    by_text = math.log(text / (1 - text)) + PRIOR_WEIGHT * by_topic + TEXT_BIAS
    probability = max(by_topic / (by_topic + EVEN_PRIOR), 1 / (1 + math.exp(-by_text)))
    alarmed = [alarm for alarm in alarms if alarm.kind in FAST_ALARMS]
    if alarmed:
        probability = max(probability, ALARM_PROBABILITY)
    fast = probability >= voices.threshold("urgency", "doubt")
    doubt = fast and probability < voices.threshold("urgency", "urgent")
    reviews = (Review(ReviewCode.URGENT_DOUBT, "model:urgency"),) if doubt else ()
    reasons = _reasons(matter, alarmed, prior) if fast else ()
    return Urgency(fast, Significance(probability, reasons), reviews)


def _prior(matter: Matter) -> dict[TopicUrgency, float]:
    """The probability that the topic is urgent, sometimes urgent, never."""
    prior = dict.fromkeys(TopicUrgency, 0.0)
    for urgency, probability in zip(matter.voices.predictor.topic_urgency, matter.voices.topics.tolist(), strict=True):
        if urgency is not None:
            prior[urgency] += probability
    return prior


def _reasons(matter: Matter, alarmed: list[Alarm], prior: dict[TopicUrgency, float]) -> tuple[Reason, ...]:
    reasons = [Reason(ReasonCode.DANGER, alarm.text, alarm.start, alarm.stop) for alarm in alarmed]
    for found in matter.rules:
        if isinstance(found.code, ReasonCode):
            reasons.append(Reason(found.code, matter.text(found.start, found.stop), found.start, found.stop))
    predictor = matter.voices.predictor
    wanted = TopicUrgency.YES if reasons or prior[TopicUrgency.YES] >= LEAST_PRIOR else TopicUrgency.SOMETIMES
    if matter.reading.norms and prior[wanted] >= LEAST_PRIOR:
        urgent = [i for i, urgency in enumerate(predictor.topic_urgency) if urgency is wanted]
        likeliest = max(urgent, key=lambda i: float(matter.voices.topics[i]))
        reasons.append(Reason(ReasonCode.TOPIC, predictor.topic_names[likeliest], None, None))
    if not reasons and matter.reading.norms:
        start, stop = matter.loudest_word("urgency")
        reasons.append(Reason(ReasonCode.DANGER, matter.text(start, stop), start, stop))
    return tuple(reasons)

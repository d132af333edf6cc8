"""Is an answer owed (policy ``needs_response``)? The dear error is silence: in doubt, an answer and a person."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.matter import Matter
from records import Alarm, AlarmKind, Ground, Hit, Review, ReviewCode, Verdict

FEW_WORDS = 2


@dataclass(frozen=True, slots=True)
class Response:
    verdict: Verdict
    reviews: tuple[Review, ...] = ()


def weigh_response(matter: Matter, grounds: tuple[Hit, ...], alarms: tuple[Alarm, ...]) -> Response:
    """Point 15 first, save for a person in crisis (policy ``p15_suicide``); then whether an answer is owed."""
    crisis = any(alarm.kind is AlarmKind.CRISIS for alarm in alarms)
    threatens = any(hit.ground is Ground.THREAT for hit in grounds)
    if grounds and (threatens or not crisis):
        return Response(Verdict.EXCLUDE)
    if crisis:
        first = next(alarm for alarm in alarms if alarm.kind is AlarmKind.CRISIS)
        return Response(Verdict.ANSWER, (Review(ReviewCode.CRISIS, first.rule, first.start, first.stop, first.text),))
    if matter.post.attachments and len(matter.reading.norms) <= FEW_WORDS:
        return Response(Verdict.ANSWER, (Review(ReviewCode.ATTACHMENT_ONLY, "policy:needs_response"),))
    if not matter.reading.norms and "?" not in matter.post.text:
        return Response(Verdict.NO_ANSWER)
    if matter.is_foreign:
        return Response(Verdict.ANSWER, (Review(ReviewCode.ANSWER_DOUBT, "policy:needs_response"),))
    probability = matter.voices.answers["needs_answer"]
    if matter.reading.norms and probability >= matter.voices.threshold("needs_answer", "sure"):
        return Response(Verdict.ANSWER)
    if not matter.reading.norms or probability >= matter.voices.threshold("needs_answer", "silent") or alarms:
        return Response(Verdict.ANSWER, (Review(ReviewCode.ANSWER_DOUBT, "model:needs_answer"),))
    asks = next((found for found in matter.of(ReviewCode.ANSWER_DOUBT)), None)
    if asks is not None and probability >= matter.voices.threshold("needs_answer", "asks"):
        text = matter.text(asks.start, asks.stop)
        return Response(Verdict.ANSWER, (Review(ReviewCode.ANSWER_DOUBT, asks.rule, asks.start, asks.stop, text),))
    return Response(Verdict.NO_ANSWER)

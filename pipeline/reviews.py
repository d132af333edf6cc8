"""What else a person must look at first."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.matter import Matter
from pipeline.urgency import FAST_ALARMS, Urgency
from records import Alarm, Review, ReviewCode, Route, Verdict

SHORT = 12


def remaining_reviews(
    matter: Matter, verdict: Verdict, alarms: tuple[Alarm, ...], urgency: Urgency, route: Route | None
) -> Iterator[Review]:
    if verdict is Verdict.EXCLUDE:
        emergency = next((alarm for alarm in alarms if alarm.kind in FAST_ALARMS), None)
        if emergency is not None:
            yield Review(ReviewCode.EMERGENCY_EXCLUDED, emergency.rule, emergency.start, emergency.stop, emergency.text)
        elif urgency.significance.probability >= matter.voices.threshold("urgency", "urgent"):
            yield Review(ReviewCode.EMERGENCY_EXCLUDED, "model:urgency")
    if verdict is not Verdict.ANSWER:
        return
    if _lacks_address(matter, route):
        yield Review(ReviewCode.NO_ADDRESS, "policy:no_address")
    if route is not None and not route.proposed:
        yield Review(ReviewCode.LOW_CONFIDENCE, "model:router")


def _lacks_address(matter: Matter, route: Route | None) -> bool:
    """A short complaint about something that stands somewhere, without a word of where (policy ``no_address``)."""
    if route is None or matter.place is not None or not matter.regulation.departments[route.department].located:
        return False
    return len(matter.reading.norms) <= SHORT

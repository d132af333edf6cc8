"""Near copies of a post among recent cases, by fingerprint.

Two signatures of 64 bits that differ in at most six share one of seven parts whole (the pigeonhole): only cases that
share a part are compared.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

from django.db.models import Q

from casebook.decree import Decree
from casebook.models import Band, Case
from records.fingerprints import NEAR, near

_EDGES = [round(64 * part / (NEAR + 1)) for part in range(NEAR + 2)]


def bands(fingerprint: str) -> list[int]:
    value = int(fingerprint, 16)
    return [(value >> low) & ((1 << (high - low)) - 1) for low, high in pairwise(_EDGES)]


def remember(case: Case) -> None:
    Band.objects.bulk_create(
        Band(case=case, number=number, value=value, detected_at=case.detected_at)
        for number, value in enumerate(bands(case.fingerprint))
    )


def alike(case: Case, within: timedelta) -> list[Case]:
    """Cases of near copies detected at most so long before or after this one, the first opened first. After: decisions
    come in order for each key only."""
    shared = Q()
    for number, value in enumerate(bands(case.fingerprint)):
        shared |= Q(number=number, value=value)
    span = (case.detected_at - within, case.detected_at + within)
    recent = Band.objects.filter(shared, detected_at__range=span)
    found = Case.objects.filter(pk__in=recent.exclude(case__key=case.key).values("case")).order_by("ordinal")
    return [other for other in found if near(other.fingerprint, case.fingerprint)]


def link(decree: Decree, case: Case) -> None:
    """Put a new case in the group of its near copies; whether they are many enough in time is ``resonance``."""
    days = decree.policy("duplicates", "same_author_days")
    others = alike(case, timedelta(days=days))
    if not others:
        return
    case.group = others[0].group or others[0]
    hours = timedelta(hours=decree.policy("fast_track_criteria", "resonance_hours"))
    case.resonance = _most_authors(case, others, hours) >= decree.policy("fast_track_criteria", "resonance_count")


def _most_authors(case: Case, others: list[Case], span: timedelta) -> int:
    """The most authors within any span that holds this case."""
    every = [case, *others]
    begins = [one.detected_at for one in every if case.detected_at - span <= one.detected_at <= case.detected_at]
    return max(
        len({one.author or one.key for one in every if begin <= one.detected_at <= begin + span}) for begin in begins
    )

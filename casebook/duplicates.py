"""Near copies of a post among recent cases, by fingerprint.

Two signatures of 64 bits that differ in at most six share one of seven parts whole (the pigeonhole): only cases that
share a part are compared.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, NamedTuple

from django.db.models import Q

from casebook.decree import Decree
from casebook.lists import words
from casebook.models import Band, Case
from cases.clocks import ClockName
from records.fingerprints import NEAR, near

# Parts looked at, seven a copy: enough to count authors and to find the group, however many copies a flood brings.
_MOST = 350
_NUMBER = re.compile(r"\d+")
_EDGES = [round(64 * part / (NEAR + 1)) for part in range(NEAR + 2)]


def bands(fingerprint: str) -> list[int]:
    value = int(fingerprint, 16)
    return [(value >> low) & ((1 << (high - low)) - 1) for low, high in pairwise(_EDGES)]


def remember(case: Case) -> None:
    Band.objects.bulk_create(
        Band(case=case, number=number, value=value, detected_at=case.detected_at)
        for number, value in enumerate(bands(case.fingerprint))
    )


class Copy(NamedTuple):
    """What is asked of a case like another one."""

    pk: int
    key: str
    fingerprint: str
    author: str
    detected_at: datetime
    group_id: int | None


def alike(case: Case, within: timedelta) -> list[Copy]:
    """Near copies detected at most so long before or after this one, the first opened first; of a flood of copies, the
    latest. After: decisions come in order for each key only."""
    shared = Q()
    for number, value in enumerate(bands(case.fingerprint)):
        shared |= Q(number=number, value=value)
    span = (case.detected_at - within, case.detected_at + within)
    recent = Band.objects.filter(shared, detected_at__range=span).order_by("-detected_at")
    keys = set(recent.values_list("case", flat=True)[:_MOST])
    rows = Case.objects.filter(pk__in=keys).order_by("ordinal").values_list(*Copy._fields)
    found = (Copy(*row) for row in rows)
    return [one for one in found if one.key != case.key and near(one.fingerprint, case.fingerprint)]


def link(decree: Decree, case: Case) -> list[Copy]:
    """Put a case in the group of its near copies, which are returned; whether they are many enough in time is
    ``resonance``. A case that others are grouped by stays their first, whatever it was edited to."""
    others = alike(case, timedelta(days=decree.policy("duplicates", "same_author_days")))
    if not others:
        return []
    heads = [one.group_id or one.pk for one in others]
    if case.pk is None or not Case.objects.filter(group=case).exists():
        case.group_id = next((head for head in heads if head != case.pk), None)
    hours = timedelta(hours=decree.policy("fast_track_criteria", "resonance_hours"))
    case.resonance = _most_authors(case, others, hours) >= decree.policy("fast_track_criteria", "resonance_count")
    return others


def repeated(decree: Decree, case: Case, others: Sequence[Copy], post: Mapping[str, Any]) -> Case | None:
    """The earliest of the copies that this post says again: of the same author in the same network (the digest of an
    author holds both), still to be answered, and with all that the post says (policy ``duplicates``)."""
    if not case.author or decree.policy("duplicates", "same_author_restarts"):
        return None
    before = [one.pk for one in others if one.author == case.author and one.detected_at <= case.detected_at]
    waiting = Case.objects.filter(pk__in=before, clocks__name=ClockName.ANSWER, clocks__stopped_at=None)
    for first in waiting.order_by("detected_at", "ordinal"):
        said = words(first)["post"]
        if said is not None and _facts(post) <= _facts(said):
            return first
    return None


def _facts(post: Mapping[str, Any]) -> set[str]:
    """What may be new in near copies: numbers (of houses, days, a phone), and attachments."""
    numbers = {number.lstrip("0") for number in _NUMBER.findall(post["text"])}
    return numbers | {str(one.get("url") or one.get("type")) for one in post.get("attachments") or ()}


def _most_authors(case: Case, others: Sequence[Copy], span: timedelta) -> int:
    """The most authors within any span that holds this case."""
    every = sorted([(case.detected_at, _author(case)), *((one.detected_at, _author(one)) for one in others)])
    within, begin, most = Counter[str](), 0, 0
    for moment, author in every:
        within[author] += 1
        while moment - every[begin][0] > span:
            within[every[begin][1]] -= 1
            begin += 1
        if every[begin][0] <= case.detected_at <= moment:
            most = max(most, sum(1 for count in within.values() if count))
    return most


def _author(one: Case | Copy) -> str:
    return one.author or one.key

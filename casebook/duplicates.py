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

from django.db import connection

from casebook.decree import Decree
from casebook.lists import words
from casebook.models import Band, Case
from cases.clocks import ClockName
from records.fingerprints import NEAR, near

_MOST = 50  # copies looked at for each band: enough to count authors and to find the group
_OF_ONE = """SELECT * FROM (SELECT case_id FROM casebook_band WHERE value = %s AND detected_at BETWEEN %s AND %s
ORDER BY detected_at DESC LIMIT %s) AS latest"""
_LATEST = " UNION ALL ".join([_OF_ONE] * (NEAR + 1))
_NUMBER = re.compile(r"\d+")
_WIDEST = 10  # bits of the widest part
_EDGES = [round(64 * part / (NEAR + 1)) for part in range(NEAR + 2)]


def bands(fingerprint: str) -> list[int]:
    """Each part with its number before it."""
    value = int(fingerprint, 16)
    return [
        number << _WIDEST | (value >> low) & ((1 << (high - low)) - 1)
        for number, (low, high) in enumerate(pairwise(_EDGES))
    ]


def remember(case: Case) -> None:
    values = bands(case.fingerprint)
    Band.objects.bulk_create(Band(case=case, value=value, detected_at=case.detected_at) for value in values)


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
    rows = Case.objects.filter(pk__in=_sharing(case, within)).order_by("ordinal").values_list(*Copy._fields)
    found = (Copy(*row) for row in rows)
    return [one for one in found if one.key != case.key and near(one.fingerprint, case.fingerprint)]


def _sharing(case: Case, within: timedelta) -> set[int]:
    """Cases that share a band: the latest of each, which the index gives without a look at the others, however many
    there are. The ORM has no limit within a union on SQLite."""
    adapt = connection.ops.adapt_datetimefield_value
    first, last = adapt(case.detected_at - within), adapt(case.detected_at + within)
    values = [value for band in bands(case.fingerprint) for value in (band, first, last, _MOST)]
    with connection.cursor() as cursor:
        cursor.execute(_LATEST, values)
        return {key for (key,) in cursor.fetchall()}


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


def earlier(case: Case, others: Sequence[Copy]) -> list[int]:
    """Copies that the author of a case wrote before it in the same network (the digest of an author holds both)."""
    if not case.author:
        return []
    return [one.pk for one in others if one.author == case.author and one.detected_at <= case.detected_at]


def repeated(decree: Decree, keys: Sequence[int], post: Mapping[str, Any]) -> Case | None:
    """The first of an author's cases (``earlier``) that is still to be answered and has all that this post says
    (policy ``duplicates``)."""
    if decree.policy("duplicates", "same_author_restarts"):
        return None
    waiting = Case.objects.filter(pk__in=keys, clocks__name=ClockName.ANSWER, clocks__stopped_at=None)
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
    within, begin, authors, most = Counter[str](), 0, 0, 0
    for moment, author in every:
        within[author] += 1
        authors += within[author] == 1
        while moment - every[begin][0] > span:
            within[every[begin][1]] -= 1
            authors -= within[every[begin][1]] == 0
            begin += 1
        if every[begin][0] <= case.detected_at <= moment:
            most = max(most, authors)
    return most


def _author(one: Case | Copy) -> str:
    return one.author or one.key

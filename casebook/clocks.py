"""Stored clocks. Each keeps by which count it was made and from what, so that any can be counted anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

import cases
from casebook.decree import Decree
from casebook.events import record
from casebook.models import Case, Clock
from cases import Clocks
from records import Track
from records.clock import stamp

Counted = Mapping[str, Any]  # {"by": a key of COUNTS, and the moments it counts from}


def _at(counted: Counted, name: str) -> datetime:
    return datetime.fromisoformat(counted[name])


def _publication(clocks: Clocks, counted: Counted) -> cases.Clock:
    return clocks.publication(_at(counted, "at"), count(clocks, counted["answer"]))


COUNTS: Mapping[str, Callable[[Clocks, Counted], cases.Clock]] = {
    "dispatch": lambda clocks, c: clocks.dispatch(_at(c, "at")),
    "return": lambda clocks, c: clocks.returning(_at(c, "at")),
    "draft": lambda clocks, c: clocks.draft(_at(c, "at"), Track(c["track"])),
    "answer": lambda clocks, c: clocks.answer(_at(c, "at"), Track(c["track"])),
    "raised_draft": lambda clocks, c: clocks.raised(_at(c, "at"), _at(c, "now"))[0],
    "raised_answer": lambda clocks, c: clocks.raised(_at(c, "at"), _at(c, "now"))[1],
    "restored_draft": lambda clocks, c: clocks.restored(_at(c, "at"), Track(c["track"]), _at(c, "now"))[0],
    "restored_answer": lambda clocks, c: clocks.restored(_at(c, "at"), Track(c["track"]), _at(c, "now"))[1],
    "rework": lambda clocks, c: clocks.rework(_at(c, "at"), count(clocks, c["answer"])),
    "approval": lambda clocks, c: clocks.approval(_at(c, "at")),
    "publication": _publication,
    "final_draft": lambda clocks, c: clocks.final_draft(_at(c, "at")),
    "final": lambda clocks, c: clocks.final(_at(c, "at")),
}


def count(clocks: Clocks, counted: Counted) -> cases.Clock:
    return COUNTS[counted["by"]](clocks, counted)


def start(decree: Decree, case: Case, by: str, at: datetime, **given: Any) -> Clock:
    """Start a clock, or count a running one of the same name anew."""
    counted = {"by": by, "at": stamp(at), **given}
    clock = count(decree.clocks, counted)
    values = {
        "started_at": clock.started_at,
        "due": clock.due,
        "limit": clock.limit,
        "why": clock.why,
        "point": clock.point,
        "counted": counted,
    }
    kept, _ = Clock.objects.update_or_create(case=case, name=clock.name, stopped_at=None, defaults=values)
    return kept


def start_answering(decree: Decree, case: Case) -> None:
    """Clocks that detection starts (points 5, 7, 8, 9)."""
    at = case.detected_at
    start(decree, case, "dispatch", at)
    for by in ("draft", "answer"):
        start(decree, case, by, at, track=case.track)


def count_anew(decree: Decree, case: Case, how: str, now: datetime) -> None:
    """Draft and answer of a case that was ``raised`` or ``restored`` now."""
    for name in ("draft", "answer"):
        start(decree, case, f"{how}_{name}", case.detected_at, track=case.track, now=stamp(now))


def running(case: Case, name: str) -> Clock | None:
    return Clock.objects.filter(case=case, name=name, stopped_at=None).first()


def last(case: Case, name: str) -> Clock | None:
    return Clock.objects.filter(case=case, name=name).order_by("-id").first()


def stop(case: Case, now: datetime, *names: str) -> None:
    """Stop the named clocks, or all."""
    found = Clock.objects.filter(case=case, stopped_at=None)
    (found.filter(name__in=names) if names else found).update(stopped_at=now)


def nearest(case: Case) -> datetime | None:
    return Clock.objects.filter(case=case, stopped_at=None).order_by("due").values_list("due", flat=True).first()


def differing(decree: Decree) -> Iterator[tuple[Clock, cases.Clock]]:
    """Running clocks that would be counted otherwise today: after a change of calendar or policy, or of a row."""
    for clock in Clock.objects.filter(stopped_at=None).select_related("case").order_by("id").iterator():
        fresh = count(decree.clocks, clock.counted)
        if (fresh.due, fresh.limit) != (clock.due, clock.limit):
            yield clock, fresh


def misdated() -> Iterator[Case]:
    """Cases whose ``due`` is not that of their nearest running clock."""
    for case in Case.objects.order_by("id").iterator():
        if case.due != nearest(case):
            yield case


def recompute(decree: Decree, now: datetime) -> int:
    """Count the running clocks of all cases anew and record which changed; returns how many cases did."""
    changed: dict[int, list[tuple[Clock, cases.Clock]]] = {}
    for clock, fresh in differing(decree):
        changed.setdefault(clock.case.pk, []).append((clock, fresh))
    for pk, pairs in changed.items():
        _recount(pk, pairs, decree, now)
    return len(changed)


@transaction.atomic
def _recount(pk: int, pairs: list[tuple[Clock, cases.Clock]], decree: Decree, now: datetime) -> None:
    case = Case.objects.select_for_update().get(pk=pk)
    moved = {clock.name: {"was": stamp(clock.due), "is": stamp(fresh.due)} for clock, fresh in pairs}
    body = {"regulation": decree.regulation.version, "clocks": moved}
    for clock, fresh in pairs:
        Clock.objects.filter(pk=clock.pk, stopped_at=None).update(due=fresh.due, limit=fresh.limit, why=fresh.why)
    case.due = nearest(case)
    record(case, "recounted", actor="system", role="system", now=now, body=body)
    case.save()

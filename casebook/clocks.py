"""Stored clocks. Each keeps by which count it was made and from what, so that any can be counted anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Min, Q

import cases.clocks
from casebook.decree import Decree
from casebook.events import record
from casebook.models import Case, Clock
from cases.clocks import Clocks
from records import Track
from records.clock import stamp

Counted = Mapping[str, Any]  # {"by": a key of COUNTS, and the moments it counts from}


def _at(counted: Counted, name: str) -> datetime:
    return datetime.fromisoformat(counted[name])


def _publication(clocks: Clocks, counted: Counted) -> cases.clocks.Clock:
    return clocks.publication(_at(counted, "at"), count(clocks, counted["answer"]))


def _raised(clocks: Clocks, counted: Counted) -> tuple[cases.clocks.Clock, cases.clocks.Clock]:
    least = next((_at(counted, kind) for kind in ("restored", "repeated") if kind in counted), None)
    return clocks.raised(_at(counted, "at"), _at(counted, "now"), least)


COUNTS: Mapping[str, Callable[[Clocks, Counted], cases.clocks.Clock]] = {
    "dispatch": lambda clocks, c: clocks.dispatch(_at(c, "at")),
    "return": lambda clocks, c: clocks.returning(_at(c, "at")),
    "draft": lambda clocks, c: clocks.draft(_at(c, "at"), Track(c["track"])),
    "answer": lambda clocks, c: clocks.answer(_at(c, "at"), Track(c["track"])),
    "raised_draft": lambda clocks, c: _raised(clocks, c)[0],
    "raised_answer": lambda clocks, c: _raised(clocks, c)[1],
    "restored_draft": lambda clocks, c: clocks.restored(_at(c, "at"), Track(c["track"]), _at(c, "now"))[0],
    "restored_answer": lambda clocks, c: clocks.restored(_at(c, "at"), Track(c["track"]), _at(c, "now"))[1],
    "repeated_draft": lambda clocks, c: clocks.repeated(_at(c, "at"), Track(c["track"]), _at(c, "now"))[0],
    "repeated_answer": lambda clocks, c: clocks.repeated(_at(c, "at"), Track(c["track"]), _at(c, "now"))[1],
    "rework": lambda clocks, c: clocks.rework(_at(c, "at"), count(clocks, c["answer"])),
    "approval": lambda clocks, c: clocks.approval(_at(c, "at")),
    "publication": _publication,
    "final_draft": lambda clocks, c: clocks.final_draft(_at(c, "at")),
    "final": lambda clocks, c: clocks.final(_at(c, "at")),
}


def count(clocks: Clocks, counted: Counted) -> cases.clocks.Clock:
    return COUNTS[counted["by"]](clocks, counted)


def start(decree: Decree, case: Case, by: str, at: datetime | str, **given: Any) -> Clock:
    """Start a clock, or count a running one of the same name anew."""
    counted = {"by": by, "at": at if isinstance(at, str) else stamp(at), **given}
    clock, values = values_of(decree, counted)
    kept, _ = Clock.objects.update_or_create(case=case, name=clock.name, stopped_at=None, defaults=values)
    return kept


def values_of(decree: Decree, counted: Counted) -> tuple[cases.clocks.Clock, dict[str, Any]]:
    """The clock of a count, and the columns of its row."""
    clock = count(decree.clocks, counted)
    return clock, {
        "started_at": clock.started_at,
        "due": clock.due,
        "limit": clock.limit,
        "why": clock.why,
        "point": clock.point,
        "counted": counted,
        "look_at": clock.started_at,
    }


def answering(decree: Decree, case: Case, first: datetime | None = None) -> list[Clock]:
    """Clocks that detection starts (points 5, 7, 8, 9), not yet kept: the case may be new.

    ``first``: the detection of the post that this one repeats, whose term it has (policy ``duplicates``).
    """
    at, track = stamp(case.detected_at), case.track
    counts: list[Counted] = [{"by": "dispatch", "at": at}]
    for name in ("draft", "answer"):
        own = {"by": name, "at": at, "track": track}
        counts.append({"by": f"repeated_{name}", "at": stamp(first), "track": track, "now": at} if first else own)
    return [Clock(case=case, name=clock.name, **values) for clock, values in map(partial(values_of, decree), counts)]


def count_anew(decree: Decree, case: Case, how: str, now: datetime) -> None:
    """Draft and answer of a case that was ``restored``, ``raised`` or ``lowered`` now.

    Of the last two only what still runs: a draft that was given is not asked for again. What was restored before, or
    repeats another post, stays counted from there.
    """
    began = counted_from(case)
    for name in ("draft", "answer"):
        given = {"track": case.track, "now": stamp(now)}
        if how == "restored":
            start(decree, case, f"restored_{name}", began, **given)
        elif clock := running(case, name):
            kind, back = _least(clock.counted)
            if how == "raised":
                start(decree, case, f"raised_{name}", began, **given, **({kind: back} if back else {}))
            elif back:
                start(decree, case, f"{kind}_{name}", began, **{**given, "now": back})
            else:
                start(decree, case, name, began, track=case.track)


def _least(counted: Counted) -> tuple[str, str | None]:
    """What gave the count a least moment: ``restored`` or ``repeated``, and when."""
    for kind in ("restored", "repeated"):
        if counted["by"].startswith(kind):
            return kind, counted["now"]
        if kind in counted:
            return kind, counted[kind]
    return "", None


def counted_from(case: Case) -> datetime:
    """What the term of the answer counts from: the detection of the post or, where it repeats another, of that."""
    answer = last(case, "answer")
    return _at(answer.counted, "at") if answer else case.detected_at


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


def differing(decree: Decree, case: Case | None = None) -> Iterator[tuple[Clock, cases.clocks.Clock]]:
    """Running clocks (``case``: of one) that would be counted otherwise today: after a change of calendar or policy,
    or of a row."""
    silent = Clocks(decree.clocks.working, decree.clocks.terms, silent=True)
    found = Clock.objects.filter(stopped_at=None, **({"case": case} if case else {}))
    for pk, due, limit, counted in found.order_by("id").values_list("pk", "due", "limit", "counted").iterator():
        fresh = count(silent, counted)
        if (fresh.due, fresh.limit) != (due, limit):
            yield Clock.objects.select_related("case").get(pk=pk), count(decree.clocks, counted)


def misdated() -> Iterator[Case]:
    """Cases whose ``due`` is not that of their nearest running clock."""
    least = Min("clocks__due", filter=Q(clocks__stopped_at=None))
    every = Case.objects.annotate(least=least).order_by("id").values_list("pk", "due", "least")
    for pk, due, nearest_due in every.iterator():
        if due != nearest_due:
            yield Case.objects.get(pk=pk)


def recompute(decree: Decree, now: datetime) -> int:
    """Count the running clocks of all cases anew and record which changed; returns how many cases did."""
    wrong = {clock.case.pk for clock, _ in differing(decree)} | {case.pk for case in misdated()}
    return sum(_recount(pk, decree, now) for pk in sorted(wrong))


@transaction.atomic
def _recount(pk: int, decree: Decree, now: datetime) -> bool:
    """Counted under the lock: a move may have been made since the difference was seen."""
    case = Case.objects.select_for_update().get(pk=pk)
    pairs = list(differing(decree, case))
    if not pairs and case.due == nearest(case):
        return False
    moved = {clock.name: {"was": stamp(clock.due), "is": stamp(fresh.due)} for clock, fresh in pairs}
    body = {"regulation": decree.regulation.version, "clocks": moved}
    for clock, fresh in pairs:
        values = {"due": fresh.due, "limit": fresh.limit, "why": fresh.why, "look_at": fresh.started_at}
        Clock.objects.filter(pk=clock.pk, stopped_at=None).update(**values)
    case.due = nearest(case)
    record(case, "recounted", actor="system", role="system", now=now, body=body)
    case.save()
    return True

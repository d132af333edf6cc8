"""What a report is counted from: a few queries over all cases of a span, and whose a case was at a moment."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.db.models.fields.json import KT

from casebook.models import Alarm, Case, Clock, Event, Verdict
from casebook.report import NOBODY, Scope
from cases.clocks import ClockName
from cases.lifecycle import MoveName, State

ANSWERING = (ClockName.ANSWER, ClockName.FINAL)
# Events that stop clocks whose step was not done: all of a case, or some.
_ENDING = (MoveName.WITHDRAW, MoveName.UNPUBLISHABLE, MoveName.MERGE)
_JUDGED = ("judged_anew", "proposed")  # by which no answer may be owed any more
_SOME: Mapping[str, tuple[ClockName, ...]] = {
    MoveName.PUBLISH_UNAPPROVED: (ClockName.APPROVAL, ClockName.DRAFT, ClockName.FINAL_DRAFT)
}
# How a case that waits for a person's word leaves its state.
_LEAVING = (MoveName.CONFIRM_EXCLUSION, MoveName.CONFIRM_NO_ANSWER, MoveName.RESTORE, MoveName.WITHDRAW)
_TOLD = (
    *(MoveName.CONFIRM, MoveName.RETURN, MoveName.PUBLISH, MoveName.PUBLISH_UNAPPROVED, MoveName.REPLY),
    *(MoveName.CONFIRM_EXCLUSION, MoveName.CONFIRM_NO_ANSWER, MoveName.RESTORE, MoveName.RAISE, MoveName.LOWER),
)


@dataclass(frozen=True, slots=True)
class Span:
    """Of a report: ``first``, where its series begins; its week from ``begin``; what is known is what was by ``as_of``
    (all UTC, half-open)."""

    first: datetime
    begin: datetime
    as_of: datetime

    def holds(self, moment: datetime) -> bool:
        """In the week."""
        return self.begin <= moment < self.as_of


@dataclass(frozen=True, slots=True)
class Seen:
    """A post (its first case)."""

    case: int
    network: str
    detected_at: datetime
    second_look: bool


@dataclass(frozen=True, slots=True)
class Told:
    """An event; ``was``: the state before it; ``returns``: of the case before it."""

    case: int
    number: int
    kind: str
    at: datetime
    body: Mapping[str, Any]
    was: str
    returns: int
    part: int
    track: str
    detected_at: datetime
    second_look: bool


@dataclass(frozen=True, slots=True)
class Run:
    """A clock. ``end``: its last moment; ``stopped``: when its step was done, ``None`` while it runs as of the report;
    ``cancelled``: it stopped because nothing was left to do."""

    case: int
    number: int
    key: str
    name: str
    point: str
    started: datetime
    end: datetime
    stopped: datetime | None
    cancelled: bool

    def is_late(self, as_of: datetime) -> bool:
        return (self.stopped or as_of) > self.end


def posts(span: Span) -> list[Seen]:
    """Of the whole series."""
    found = Case.objects.filter(part=0, detected_at__gte=span.first, detected_at__lt=span.as_of)
    return [Seen(*row) for row in found.values_list("pk", "network", "detected_at", "second_look")]


def verdicts(span: Span) -> dict[int, tuple[int, str, str]]:
    """The decision in force as of the report, else the first: ``(its row, verdict, track)`` by post of the week."""
    found = Verdict.objects.filter(
        case__part=0, case__detected_at__gte=span.begin, case__detected_at__lt=span.as_of
    ).order_by("id")
    latest: dict[int, tuple[int, str, str]] = {}
    for case, pk, verdict, track, at in found.values_list("case", "pk", "verdict", "track", "at"):
        if at < span.as_of or case not in latest:
            latest[case] = (pk, verdict, track)
    return latest


def grounds(span: Span, excluded: Mapping[int, int]) -> Iterator[frozenset[str]]:
    """Codes of each excluded post (``excluded``: the row of its decision, by case); empty where they are not kept.

    From the event of the decision; one recorded by an older version does not tell, so from the decision itself, until
    its words are erased.
    """
    week = {"case__part": 0, "case__detected_at__gte": span.begin, "case__detected_at__lt": span.as_of}
    judged = Event.objects.filter(kind__in=("opened", "judged_anew", "proposed"), body__verdict="exclude", **week)
    told: dict[tuple[int, str, str], Any] = {
        (case, body.get("revision"), body.get("versions")): body.get("grounds")
        for case, body in judged.values_list("case", "body").iterator()
    }
    rows = Verdict.objects.filter(verdict="exclude", **week).values_list("pk", "case", "revision", "versions")
    known = {pk: told.get((case, revision, versions)) for pk, case, revision, versions in rows}
    silent = {pk for pk in excluded.values() if known.get(pk) is None}
    kept = _kept_grounds(week) if silent else {}
    for pk in excluded.values():
        found = known.get(pk)
        yield frozenset(kept.get(pk, ()) if found is None else found)


def _kept_grounds(week: Mapping[str, Any]) -> dict[int, set[str]]:
    rows = Verdict.objects.filter(verdict="exclude", text__erased_at=None, **week)
    bodies = rows.values_list("pk", "text__body__decision__grounds")
    return {pk: {hit["ground"] for hit in hits or ()} for pk, hits in bodies.iterator()}


def recalled() -> set[tuple[int, int]]:
    """Events that never were: ``(case, number)``."""
    rows = Event.objects.filter(kind="recalled").values_list("case", "body").iterator()
    return {(case, body["recalled"]) for case, body in rows}


def events(span: Span, undone: set[tuple[int, int]]) -> list[Told]:
    """Moves of the week."""
    moves = Event.objects.filter(kind__in=_TOLD, at__gte=span.begin, at__lt=span.as_of).order_by("id")
    found = moves.annotate(was=KT("before__state"), turns=KT("before__returns"))
    rows = found.values_list(
        *("case", "number", "kind", "at", "body", "was", "turns"),
        *("case__part", "case__track", "case__detected_at", "case__second_look"),
    )
    made = (
        Told(case, number, kind, at, body, was or "", int(turns or 0), *more)
        for case, number, kind, at, body, was, turns, *more in rows.iterator()
    )
    return [one for one in made if (one.case, one.number) not in undone]


def _of_report(span: Span) -> QuerySet[Clock]:
    """Clocks that stopped, or whose last moment passed, in the week, or that run; of the answers, all of the series."""
    week = {"gte": span.begin, "lt": span.as_of}
    done = Q(**{f"stopped_at__{by}": moment for by, moment in week.items()})
    due = Q(**{f"due__{by}": moment for by, moment in week.items()})
    limit = Q(**{f"limit__{by}": moment for by, moment in week.items()})
    runs = Q(stopped_at=None) | Q(stopped_at__gte=span.as_of)
    answered = Q(name__in=ANSWERING, stopped_at__gte=span.first, stopped_at__lt=span.as_of)
    return Clock.objects.filter(done | due | limit | runs | answered, started_at__lt=span.as_of)


def clocks(span: Span) -> list[Run]:
    ended = _ended(span)
    rows = _of_report(span).values_list(
        *("case", "case__ordinal", "case__key", "name", "point", "started_at", "due", "limit", "stopped_at")
    )
    found = []
    for case, number, key, name, point, started, due, limit, stopped in rows.order_by("id").iterator():
        known = stopped if stopped and stopped < span.as_of else None
        cancelled = known is not None and name in ended.get((case, known), ())
        found.append(Run(case, number, key, name, point, started, limit or due, known, cancelled))
    return found


def _ended(span: Span) -> dict[tuple[int, datetime], tuple[str, ...]]:
    """Clocks that a move stopped without their step being done, by case and moment."""
    judged = Q(kind__in=_JUDGED, body__verdict__in=("exclude", "no_answer"))
    found = Event.objects.filter(Q(kind__in=(*_ENDING, *_SOME)) | judged, at__gte=span.first, at__lt=span.as_of)
    every = tuple(ClockName)
    return {(case, at): _SOME.get(kind, every) for case, kind, at in found.values_list("case", "kind", "at")}


def alarms(span: Span) -> list[tuple[int, str, datetime, datetime, datetime | None]]:
    """``(case, kind, raised, due, acknowledged as of the report)`` of the week."""
    found = Alarm.objects.filter(raised_at__gte=span.begin, raised_at__lt=span.as_of).order_by("id")
    rows = found.values_list("case", "kind", "raised_at", "due", "acknowledged_at")
    return [(*row[:4], row[4] if row[4] and row[4] < span.as_of else None) for row in rows]


def proposed(span: Span) -> dict[int, list[tuple[datetime, str, bool]]]:
    """Of decisions on cases confirmed in the week: ``(when, department, whether it was proposed)``, in order."""
    confirmed = Event.objects.filter(kind=MoveName.CONFIRM, at__gte=span.begin, at__lt=span.as_of)
    rows = Verdict.objects.filter(case__in=confirmed.values("case")).order_by("id")
    found = defaultdict[int, list[tuple[datetime, str, bool]]](list)
    for case, at, department, is_sure in rows.values_list("case", "at", "department", "proposed"):
        found[case].append((at, department, is_sure))
    return found


def waiting(span: Span, state: State, **more: Any) -> QuerySet[Case]:
    """Cases in ``state`` as of the report: those in it, and those that a later move took out of it. (One that a later
    edit of its post took out is missed.)"""
    left = Event.objects.filter(kind__in=_LEAVING, at__gte=span.as_of, before__state=state).values("case")
    return Case.objects.filter(Q(state=state) | Q(pk__in=left), opened_at__lt=span.as_of, **more)


class Whose:
    """The department (and office) that a case was with at a moment, by its confirmations."""

    def __init__(self, span: Span, undone: set[tuple[int, int]], scope: Scope) -> None:
        """Of all cases that the other queries of the same span tell of."""
        self._scope = scope
        moved = Event.objects.filter(kind__in=(*_TOLD, "alarm"), at__gte=span.begin, at__lt=span.as_of).values("case")
        seen = Q(case__detected_at__gte=span.first, case__detected_at__lt=span.as_of)
        told = Q(case__in=_of_report(span).values("case")) | Q(case__in=moved) | seen
        confirmed = Event.objects.filter(told, kind=MoveName.CONFIRM, at__lt=span.as_of).order_by("id")
        self._moments = defaultdict[int, list[datetime]](list)
        self._places = defaultdict[int, list[tuple[str, str]]](list)
        for case, number, at, body in confirmed.values_list("case", "number", "at", "body").iterator():
            if (case, number) not in undone:
                self._moments[case].append(at)
                self._places[case].append((body["department"], body["office"]))

    def department(self, case: int, at: datetime) -> str:
        return self._place(case, at)[0]

    def is_seen(self, case: int, at: datetime, department: str | None = None) -> bool:
        """Whether it is of the scope. ``department``: whose it was, where an event says it."""
        if not self._scope.department:
            return True
        mine, office = self._place(case, at)
        mine = mine if department is None else department
        return mine == self._scope.department and self._scope.office in ("", office)

    def _place(self, case: int, at: datetime) -> tuple[str, str]:
        before = bisect_right(self._moments.get(case, ()), at)
        return self._places[case][before - 1] if before else (NOBODY, "")

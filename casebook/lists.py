"""What lists and pages ask of the tables; every list obeys who asks."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import F, Q, QuerySet

from casebook.models import Alarm, Case, Clock, Coexecutor, Event, User
from casebook.turn import latest_verdict
from cases.lifecycle import OF_A_DEPARTMENT
from records.clock import stamped


def cards(
    user: User, *, state: str | None = None, department: str | None = None, late_at: datetime | None = None
) -> QuerySet[Case]:
    """Cases that the user may see, the nearest deadline first, those without one last."""
    found = of(user)
    if state:
        found = found.filter(state=state)
    if department:
        found = found.filter(department=department)
    if late_at:
        found = found.filter(due__lt=late_at)
    return found.order_by(F("due").asc(nulls_last=True), "ordinal")


def of(user: User) -> QuerySet[Case]:
    """Cases that the user may see; as ``casebook.moves.sees``, of all at once."""
    found = Case.objects.all()
    if user.role not in OF_A_DEPARTMENT:
        return found
    helped = Coexecutor.objects.filter(department=user.department).values("case")
    found = found.filter(Q(department=user.department) | Q(pk__in=helped))
    return found.filter(office=user.office) if user.office else found


def copies(case: Case, user: User) -> QuerySet[Case]:
    """Cases of near copies of its post that the user may see."""
    head = case.group_id or case.pk
    return of(user).filter(Q(pk=head) | Q(group=head)).exclude(pk=case.pk).order_by("ordinal")


def events(user: User) -> QuerySet[Event]:
    """Events of cases that the user may see, as they were recorded."""
    found = Event.objects.select_related("case").order_by("id")
    return found.filter(case__in=of(user)) if user.role in OF_A_DEPARTMENT else found


def alarms(user: User) -> QuerySet[Alarm]:
    """Alarms of cases that the user may see."""
    found = Alarm.objects.select_related("case")
    return found.filter(case__in=of(user)) if user.role in OF_A_DEPARTMENT else found


def words(case: Case) -> dict[str, Any]:
    """The post and its latest decision; both ``None`` after erasure."""
    body = latest_verdict(case).text.body or {"post": None, "decision": None}
    return {"post": body["post"], "decision": body["decision"]}


def open_alarms() -> QuerySet[Alarm]:
    return Alarm.objects.filter(acknowledged_at=None).select_related("case").order_by("raised_at")


def clocks(case: Case) -> list[dict[str, Any]]:
    """The clocks of a case, as every JSON shows them."""
    return [_clock(one) for one in case.clocks.order_by("id")]


def _clock(one: Clock) -> dict[str, Any]:
    moments = {name: stamped(getattr(one, name)) for name in ("started_at", "due", "limit", "stopped_at")}
    return {"name": one.name, **moments, "why": one.why, "point": one.point}

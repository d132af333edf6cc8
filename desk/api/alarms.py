"""Alarms: open until a named person acknowledges them."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Path, Query, Router

from casebook.alarms import acknowledge
from casebook.lists import alarms
from casebook.models import Alarm
from desk import idempotency, paging
from desk.access import Scope
from desk.api.answers import json_answer
from desk.api.guard import caller, guarded
from desk.problems import Code, Problem
from desk.schemas import AlarmOut, Alarms, Cursor
from desk.wiring import desk

router = Router(tags=["alarms"])


@router.get("/alarms", **guarded(Scope.ALARMS_READ, Alarms))
def list_alarms(
    request: HttpRequest,
    all: Annotated[bool, Query(description="those acknowledged too")] = False,
    cursor: Cursor | None = None,
    limit: Annotated[int, Query(ge=1, le=paging.MOST)] = paging.USUAL,
) -> dict[str, Any]:
    """Alarms of cases that the caller may see, the oldest first."""
    found = alarms(caller(request).user).order_by("id")
    if not all:
        found = found.filter(acknowledged_at=None)
    if place := paging.place(cursor, int):
        found = found.filter(pk__gt=place[0])
    rows = list(found[: limit + 1])
    return {
        "items": [_alarm(one) for one in rows[:limit]],
        "next": paging.cursor(rows[limit - 1].pk) if len(rows) > limit else None,
    }


@router.post("/alarms/{id}/acknowledgement", **guarded(Scope.ALARMS_ACKNOWLEDGE, AlarmOut))
def acknowledge_alarm(request: HttpRequest, id: Annotated[int, Path(ge=1, le=2**62)]) -> HttpResponse:
    """Acknowledge one: it is told no more. Once: who comes second learns who was first (409)."""
    user, now = caller(request).user, desk().now()

    def do() -> tuple[int, Any]:
        found = alarms(user).filter(pk=id).first()
        if found is None:
            raise Problem(Code.NOT_FOUND, f"тревоги {id} нет", f"No alarm {id}.")
        done = acknowledge(found.case.ordinal, found.kind, acting_user=user, now=now, alarm=id)
        return 200, AlarmOut(**_alarm(done)).model_dump(mode="json")

    status, body, replayed = idempotency.once(user, idempotency.key_of(request), idempotency.digest(request), now, do)
    return json_answer(status, body, replayed=replayed)


def _alarm(one: Alarm) -> dict[str, Any]:
    return {
        "id": one.pk,
        "case": one.case.ordinal,
        "kind": one.kind,
        "raised_at": one.raised_at,
        "due": one.due,
        "acknowledged_at": one.acknowledged_at,
        "acknowledged_by": one.acknowledged_by or None,
    }

"""Undo: what a case was before a move, in codes and times, and how it is put back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from casebook import clocks
from casebook.decree import Decree
from casebook.models import Case, Clock, Coexecutor
from records.clock import stamped

FIELDS = ("state", "track", "department", "office", "external", "returns", "interim", "draft_number", "resonance")
MOMENTS = ("accepted_at",)
KEYS = ("executor_id", "owner_id")


def snapshot(case: Case) -> dict[str, Any]:
    running = Clock.objects.filter(case=case, stopped_at=None).order_by("id")
    return {
        **{name: getattr(case, name) for name in (*FIELDS, *KEYS)},
        **{name: stamped(getattr(case, name)) for name in MOMENTS},
        "running": {str(clock.pk): clock.counted for clock in running},
        "clocks": list(Clock.objects.filter(case=case).order_by("id").values_list("pk", flat=True)),
        "coexecutors": sorted(Coexecutor.objects.filter(case=case).values_list("department", flat=True)),
    }


def put_back(decree: Decree, case: Case, before: dict[str, Any]) -> None:
    for name in (*FIELDS, *KEYS):
        setattr(case, name, before[name])
    for name in MOMENTS:
        setattr(case, name, datetime.fromisoformat(before[name]) if before[name] else None)
    Clock.objects.filter(case=case).exclude(pk__in=before["clocks"]).delete()
    for pk, counted in before["running"].items():
        _, values = clocks.values_of(decree, counted)
        Clock.objects.filter(pk=int(pk)).update(stopped_at=None, **values)
    Coexecutor.objects.filter(case=case).exclude(department__in=before["coexecutors"]).delete()

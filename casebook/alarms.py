"""Alarms: records of their own, opened whatever the verdict, told and told again until a named person answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from casebook.decree import Decree
from casebook.events import record
from casebook.models import Alarm, Case, User
from casebook.notices import of_alarm, say
from cases.lifecycle import MoveError, Refusal
from records import AlarmKind


def raise_alarms(decree: Decree, case: Case, revision: str, alarms: Sequence[Mapping[str, Any]], now: datetime) -> None:
    """One of each kind; the console is told in the same transaction."""
    for kind in dict.fromkeys(str(alarm["kind"]) for alarm in alarms):
        if Alarm.objects.filter(case=case, kind=kind, acknowledged_at=None).exists():
            continue
        count = decree.clocks.crisis if kind == AlarmKind.CRISIS else decree.clocks.alarm
        moments = {"raised_at": now, "due": count(now).due, "look_at": now}
        alarm, is_new = Alarm.objects.get_or_create(case=case, revision=revision, kind=kind, defaults=moments)
        if is_new:
            record(case, "alarm", actor="system", role="system", now=now, body={"alarm": kind, "revision": revision})
            say([of_alarm(alarm, now)], now)


def acknowledge(ordinal: int, kind: str, *, acting_user: User, now: datetime, alarm: int | None = None) -> Alarm:
    """``alarm``: its row; else the latest of the kind.

    Raises:
        MoveError: no such alarm waits, or another person was first.
    """
    with transaction.atomic():
        case = Case.objects.select_for_update().filter(ordinal=ordinal).first()
        of_kind = Alarm.objects.select_for_update().filter(case=case, kind=kind).order_by("-id")
        found = (of_kind.filter(pk=alarm) if alarm else of_kind).first() if case else None
        if case is None or found is None:
            raise MoveError(
                f"у карточки {ordinal} нет тревоги {kind}",
                "посмотрите: otklik alarm list",
                f"Case {ordinal} has no alarm {kind}.",
                Refusal.NOT_FOUND,
            )
        if found.acknowledged_at:
            raise MoveError(
                f"тревогу уже принял {found.acknowledged_by}",
                "ничего делать не нужно",
                f"The alarm was acknowledged by {found.acknowledged_by}.",
                Refusal.CHANGED,
            )
        found.acknowledged_at, found.acknowledged_by = now, acting_user.code
        found.save()
        seconds = round((now - found.raised_at).total_seconds())
        body = {"alarm": kind, "after_seconds": seconds}
        record(case, "alarm_acknowledged", actor=acting_user.code, role=acting_user.role, now=now, body=body)
        case.save()
    return found

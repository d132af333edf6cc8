"""Events to ``cases.events``: at least once, in order for each case. The event row is the outbox row."""

from __future__ import annotations

import json
from datetime import datetime

from casebook.events import message_of
from casebook.models import Event
from journal import Journal, Message
from records.messages import CASES

BATCH = 500


def relay(journal: Journal, now: datetime, limit: int = BATCH) -> int:
    """Publish the oldest events that wait; returns how many. Killed between the two steps, it publishes them again.

    Raises:
        JournalError: the carrier cannot be had; the events wait.
    """
    waiting = list(Event.objects.filter(relayed_at=None).select_related("case").order_by("id")[:limit])
    if not waiting:
        return 0
    journal.append(CASES, [_message(event) for event in waiting])
    Event.objects.filter(pk__in=[event.pk for event in waiting]).update(relayed_at=now)
    return len(waiting)


def _message(event: Event) -> Message:
    value = json.dumps(message_of(event), ensure_ascii=False).encode()
    return Message(str(event.case.ordinal).encode(), value)

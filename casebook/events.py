"""Events: append-only, chained by digest within a case, and the openings of all cases in one chain.

An event holds ids, codes, times and digests; words of people lie in ``Text``, which can be emptied without breaking
a chain.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from casebook.models import Case, Event, Ledger, Text
from records.clock import stamp


def digest_of(value: Any) -> str:
    """SHA-256 of the canonical JSON."""
    written = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(written.encode("utf-8", "surrogatepass")).hexdigest()


def keep(kind: str, body: Mapping[str, Any], now: datetime) -> Text:
    """Words of people, in the one row that can be erased."""
    text = unkept(kind, body, now)
    text.save(force_insert=True)
    return text


def unkept(kind: str, body: Mapping[str, Any], now: datetime) -> Text:
    """As ``keep``, for the caller to save."""
    said = storable(dict(body))
    return Text(kind=kind, body=said, digest=digest_of(said), created_at=now)


def storable(value: Any) -> Any:
    """As PostgreSQL can hold it: a zero character and half of a surrogate pair become the sign of replacement."""
    if isinstance(value, str):
        return value.replace("\0", "\ufffd").encode("utf-8", "surrogatepass").decode("utf-8", "replace")
    if isinstance(value, Mapping):
        return {storable(key): storable(item) for key, item in value.items()}
    return [storable(item) for item in value] if isinstance(value, list | tuple) else value


def record(
    case: Case,
    kind: str,
    *,
    actor: str,
    role: str,
    now: datetime,
    body: Mapping[str, Any],
    before: Mapping[str, Any] | None = None,
    saved: bool = True,
) -> Event:
    """The next event of a case whose row is locked; the case is saved by the caller, and so is the event if not
    ``saved``."""
    previous = _last_digest(case) if case.version else ""
    case.version += 1
    event = Event(
        case=case, number=case.version, kind=kind, at=now, actor=actor, role=role, body=dict(body), before=before
    )
    event.digest = chained(previous, event)
    if saved:
        event.save(force_insert=True)
    return event


def _last_digest(case: Case) -> str:
    return Event.objects.values_list("digest", flat=True).get(case=case, number=case.version)


def chained(previous: str, event: Event) -> str:
    said = [event.number, event.kind, _utc(event.at), event.actor, event.role, event.body, event.before]
    return digest_of([previous, event.case.ordinal, *said])


def opening(previous: str, case: Case) -> str:
    """What a case was when it was opened; never changes."""
    return digest_of([previous, case.ordinal, case.key, case.part, _utc(case.detected_at), _utc(case.opened_at)])


def _utc(moment: datetime) -> str:
    """As every database gives it back."""
    return stamp(moment.astimezone(UTC))


class Numbering:
    """Gives new cases their numbers. The first one locks the ledger until the transaction ends: cases are opened one
    after another. ``save`` once they are all open."""

    def __init__(self) -> None:
        self._ledger: Ledger | None = None

    def give(self, case: Case) -> None:
        if self._ledger is None:
            self._ledger, _ = Ledger.objects.select_for_update().get_or_create(id=1)
        case.ordinal = self._ledger.cases + 1
        case.opening = opening(self._ledger.digest, case)
        self._ledger.cases, self._ledger.digest = case.ordinal, case.opening

    def save(self) -> None:
        if self._ledger is not None:
            self._ledger.save()


def message_of(event: Event) -> dict[str, Any]:
    """The value of ``cases.events``."""
    return {
        "schema": 1,
        "event_id": f"{event.case.ordinal}-{event.number}",
        "case": str(event.case.ordinal),
        "number": event.number,
        "kind": event.kind,
        "at": _utc(event.at),
        "actor": event.actor,
        "role": event.role,
        "body": event.body,
    }

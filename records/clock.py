"""The one reader of the clock: everything else is handed a moment."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    return datetime.now(UTC)


def stamp(moment: datetime) -> str:
    """ISO 8601 with the zone, to the millisecond."""
    return moment.isoformat(timespec="milliseconds")


def stamped(moment: datetime | None) -> str | None:
    """``stamp`` of a moment that may not be there."""
    return stamp(moment) if moment else None

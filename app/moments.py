"""Moments as people write them."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from app.errors import UsageFault
from app.words import harmless

MOMENT = "момент пишется так: 2026-11-20T16:40 (местное время) или с поясом: 2026-11-20T13:40Z"


def read_moment(written: str, zone: ZoneInfo) -> datetime:
    """In ``zone``, which a moment without one is taken to be in. Raises: UsageFault."""
    try:
        moment = datetime.fromisoformat(written)
        return moment.astimezone(zone) if moment.tzinfo else moment.replace(tzinfo=zone)
    except (ValueError, OverflowError):
        raise UsageFault(f"не момент: {harmless(written[:60])}", MOMENT) from None

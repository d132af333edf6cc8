"""An ISO week, as a report counts it: Monday 00:00 to the next Monday 00:00 in the zone of the decree's clocks; and
working time between many moments."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from cases.calendar import DAY, WorkingTime

DAYS = timedelta(days=7)
_WRITTEN = re.compile(r"([0-9]{4})-[Ww]([0-9]{1,2})")
FIRST_YEAR, LAST_YEAR = 2000, 2999


class WeekError(Exception):
    """Not a week that can be reported on; ``mend`` says what to do (both Russian)."""

    def __init__(self, what: str, mend: str) -> None:
        super().__init__(what)
        self.mend = mend


@dataclass(frozen=True, slots=True, order=True)
class Week:
    """``monday``: its first day. The year of a week is that of its Thursday: 1 January 2027 is in 2026-W53."""

    monday: date

    @classmethod
    def read(cls, written: str) -> Week:
        """``2026-W48``. Raises: WeekError."""
        found = _WRITTEN.fullmatch(written.strip())
        mend = "неделя пишется так: 2026-W48 (год и номер недели по ISO 8601)"
        if found is None:
            raise WeekError(f"не неделя: {written.strip()[:20]!a}", mend)
        year, number = int(found[1]), int(found[2])
        if not FIRST_YEAR <= year <= LAST_YEAR:
            raise WeekError(f"года {year} в отчётах нет", mend)
        try:
            return cls(date.fromisocalendar(year, number, 1))
        except ValueError:
            last = date(year, 12, 28).isocalendar().week  # the 28th is always in the last week
            raise WeekError(f"в {year} году нет недели {number}", f"последняя — {year}-W{last}") from None

    @classmethod
    def of(cls, moment: datetime, zone: ZoneInfo) -> Week:
        day = moment.astimezone(zone).date()
        return cls(day - timedelta(days=day.weekday()))

    @classmethod
    def last_full(cls, now: datetime, zone: ZoneInfo) -> Week:
        return cls.of(now, zone).before(1)

    @property
    def name(self) -> str:
        year, number, _ = self.monday.isocalendar()
        return f"{year}-W{number:02}"

    def before(self, weeks: int) -> Week:
        return Week(self.monday - weeks * DAYS)

    def span(self, zone: ZoneInfo) -> tuple[datetime, datetime]:
        """Half-open, in UTC."""
        begin, end = (datetime.combine(day, time.min, tzinfo=zone) for day in (self.monday, self.monday + DAYS))
        return begin.astimezone(UTC), end.astimezone(UTC)


def measured(working: WorkingTime) -> Callable[[datetime, datetime], timedelta]:
    """``working.measure`` for thousands of pairs: whole days between two dates are walked through once."""

    def midnight(day: date) -> datetime:
        return datetime.combine(day, time.min, tzinfo=working.zone)

    @cache
    def between(first: date, last: date) -> timedelta:
        return working.measure(midnight(first), midnight(last))

    def measure(start: datetime, stop: datetime) -> timedelta:
        first, last = start.astimezone(working.zone).date() + DAY, stop.astimezone(working.zone).date()
        if first >= last:
            return working.measure(start, stop)
        return working.measure(start, midnight(first)) + between(first, last) + working.measure(midnight(last), stop)

    return measure

"""Working time: which hours are worked, and arithmetic over them.

Intervals are half-open. Of two moments with no working time between them (17:00 and 08:00 of the next day) the
earlier is the answer, in adding and in subtracting (policy ``deadline_boundary``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from cases.errors import NoWorkingTimeError, UnknownYearError
from regulation import Day, DayKind, Days

DAY = timedelta(days=1)
NOTHING = timedelta(0)
LONGEST_SEARCH = 400
WEEKEND = (6, 7)
Interval = tuple[time, time]
Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Week:
    """``intervals``: of each ISO weekday that is worked; a worked day off takes those of the day it was swapped for,
    and where that is not known, ``ordinary``."""

    intervals: Mapping[int, tuple[Interval, ...]]
    ordinary: tuple[Interval, ...]
    short_by: timedelta


class WorkingTime:
    """Takes and gives moments with a zone; counts in the wall time of ``zone``."""

    def __init__(self, days: Days, week: Week, zone: ZoneInfo) -> None:
        self.zone = zone
        self._days = days
        self._week = week
        self._years: dict[int, Mapping[date, Day]] = {}
        self._spans: dict[date, tuple[Span, ...]] = {}

    def add(self, moment: datetime, amount: timedelta) -> datetime:
        """The earliest moment by which ``amount`` of working time has passed.

        Raises:
            ValueError: ``amount`` is not positive, or the moment has no zone.
            UnknownYearError: the count leads into a year without data.
        """
        left = _positive(amount)
        start = self._local(moment)
        for begins, ends in self._forward(start):
            room = ends - begins
            if left <= room:
                return self._shown(begins + left)
            left -= room
        raise NoWorkingTimeError

    def subtract(self, moment: datetime, amount: timedelta) -> datetime:
        """The earliest moment from which ``amount`` of working time passes until ``moment``. Raises: as ``add``."""
        left = _positive(amount)
        for begins, ends in self._backward(self._local(moment)):
            room = ends - begins
            if left < room:
                return self._shown(ends - left)
            left -= room
        raise NoWorkingTimeError

    def measure(self, start: datetime, stop: datetime) -> timedelta:
        """Working time between two moments; negative where ``stop`` is the earlier. Raises: UnknownYearError."""
        if stop < start:
            return -self.measure(stop, start)
        first, last = self._local(start), self._local(stop)
        total, day = NOTHING, first.date()
        while day <= last.date():
            for begins, ends in self.spans(day):
                total += max(min(ends, last) - max(begins, first), NOTHING)
            day += DAY
        return total

    def working_from(self, moment: datetime) -> datetime:
        """The moment itself in working time, else the first working moment after it."""
        for begins, _ in self._forward(self._local(moment)):
            return self._shown(begins)
        raise NoWorkingTimeError

    def works(self, moment: datetime) -> bool:
        local = self._local(moment)
        return any(begins <= local < ends for begins, ends in self.spans(local.date()))

    def end_of_day(self, moment: datetime, number: int) -> datetime:
        """The end of the working day that is the ``number``-th after the day of ``moment``."""
        day = self._local(moment).date()
        self.day(day)
        for _ in range(LONGEST_SEARCH + number):
            day += DAY
            spans = self.spans(day)
            number -= bool(spans)
            if number == 0:
                return self._shown(spans[-1][1])
        raise NoWorkingTimeError

    def day(self, day: date) -> Day | None:
        """How a day differs from an ordinary week, if it does. Raises: UnknownYearError."""
        if day.year not in self._years:
            try:
                self._years[day.year] = self._days.of(day.year)
            except KeyError:
                raise UnknownYearError(day.year) from None
        return self._years[day.year].get(day)

    def spans(self, day: date) -> tuple[Span, ...]:
        """The worked intervals of a day, in wall time. Raises: UnknownYearError."""
        found = self._spans.get(day)
        if found is None:
            found = self._spans[day] = tuple(self._worked(day))
        return found

    def _worked(self, day: date) -> Iterator[Span]:
        differs = self.day(day)
        if differs is None:
            return iter(_on(day, self._usual(day)))
        if differs.kind is DayKind.OFF:
            return iter(())
        worked = _on(day, self._usual(differs.instead or day))
        if not worked and (differs.kind is DayKind.WORK or day.isoweekday() in WEEKEND):
            worked = _on(day, self._week.ordinary)
        return iter(worked if differs.kind is DayKind.WORK else _shortened(worked, self._week.short_by))

    def _usual(self, day: date) -> tuple[Interval, ...]:
        return self._week.intervals.get(day.isoweekday(), ())

    def _forward(self, start: datetime) -> Iterator[Span]:
        """Working intervals after a moment, the first from the moment itself where it is worked."""
        day = start.date()
        for _ in range(LONGEST_SEARCH):
            for begins, ends in self.spans(day):
                if ends > start:
                    yield max(begins, start), ends
            day += DAY

    def _backward(self, stop: datetime) -> Iterator[Span]:
        day = stop.date()
        for _ in range(LONGEST_SEARCH):
            for begins, ends in reversed(self.spans(day)):
                if begins < stop:
                    yield begins, min(ends, stop)
            day -= DAY

    def _local(self, moment: datetime) -> datetime:
        if moment.tzinfo is None:
            raise ValueError("у момента нет часового пояса")
        return moment.astimezone(self.zone).replace(tzinfo=None)

    def _shown(self, local: datetime) -> datetime:
        return local.replace(tzinfo=self.zone)


def _positive(amount: timedelta) -> timedelta:
    if amount <= NOTHING:
        raise ValueError("отсчитывают время больше нуля")
    return amount


def _on(day: date, intervals: tuple[Interval, ...]) -> list[Span]:
    return [(datetime.combine(day, begins), datetime.combine(day, ends)) for begins, ends in intervals]


def _shortened(spans: list[Span], by: timedelta) -> list[Span]:
    """Without the last ``by`` of the worked time."""
    kept = list(spans)
    while kept and by > NOTHING:
        begins, ends = kept.pop()
        if ends - begins > by:
            kept.append((begins, ends - by))
        by -= min(by, ends - begins)
    return kept

"""Federal holidays and moved days by year, from the library ``holidays`` (0.107 or newer: older ones have 2026 wrong).

The library says which days are off and which Saturdays are worked; which days are an hour shorter is the Labour Code:
the eve of a holiday (art. 95), and a worked Saturday that was swapped for such an eve.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta
from functools import cache

from regulation.days import Day, DayKind, Scope

# Labour Code, art. 112.
_HOLIDAYS = frozenset({*((1, day) for day in range(1, 9)), (2, 23), (3, 8), (5, 1), (5, 9), (6, 12), (11, 4)})
_MOVED_FROM = re.compile(r"перенесено с (\d\d)\.(\d\d)\.(\d{4})")
_EVE = "предпраздничный день"


@cache
def years() -> frozenset[int]:
    """Years whose moved days the library knows: of the others it has the holidays alone, which would be a guess."""
    from holidays.countries.russia import RussiaStaticHolidays as Moved

    return frozenset({*Moved.special_public_holidays, *Moved.special_public_holidays_observed})


@cache
def federal_days(year: int) -> Mapping[date, Day]:
    """Days of the year that differ from an ordinary week. Raises: KeyError: the library does not know the year."""
    if year not in years():
        raise KeyError(year)
    from holidays import country_holidays

    calendar = country_holidays("RU", years=year, language="ru")
    off = {day: Day(DayKind.OFF, name, Scope.FEDERAL) for day, name in calendar.items()}
    worked = {_moved_from(day.name): when for when, day in off.items() if _moved_from(day.name)}
    saturdays = {
        day: _saturday(day, worked.get(day)) for day in calendar.weekend_workdays if day.year == year and day not in off
    }
    eves = {day: Day(DayKind.SHORT, _EVE, Scope.FEDERAL) for day in _eves(year) if _works(day, off)}
    return {**eves, **saturdays, **off}


def _moved_from(name: str) -> date | None:
    found = _MOVED_FROM.search(name)
    return date(int(found[3]), int(found[2]), int(found[1])) if found else None


def _saturday(day: date, swapped_for: date | None) -> Day:
    """A worked Saturday is as long as the day it was swapped for."""
    if swapped_for is None:
        return Day(DayKind.WORK, "рабочий день", Scope.FEDERAL)
    name = f"рабочий день вместо {swapped_for:%d.%m}"
    if _is_eve(swapped_for):
        return Day(DayKind.SHORT, f"{name}, предпраздничного", Scope.FEDERAL, swapped_for)
    return Day(DayKind.WORK, name, Scope.FEDERAL, swapped_for)


def _eves(year: int) -> list[date]:
    days = (date(year, 1, 1) + timedelta(days=n) for n in range(366))
    return [day for day in days if day.year == year and _is_eve(day)]


def _is_eve(day: date) -> bool:
    after = day + timedelta(days=1)
    return (after.month, after.day) in _HOLIDAYS


def _works(day: date, off: Mapping[date, Day]) -> bool:
    return day not in off and day.isoweekday() <= 5

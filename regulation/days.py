"""Days that differ from the ordinary week: those of the region come first, then the country's.

The country's come from a library (``regulation.federal``), loaded when a year is first asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from regulation.documents import Document
from regulation.fields import Fields

DECEMBER = 12


class DayKind(StrEnum):
    OFF = "нерабочий"
    SHORT = "сокращённый"
    WORK = "рабочий"


class Scope(StrEnum):
    REGIONAL = "regional"
    FEDERAL = "federal"


@dataclass(frozen=True, slots=True)
class Day:
    """``instead``: of a worked day off, the day it was swapped for, where that is known."""

    kind: DayKind
    name: str
    scope: Scope
    instead: date | None = None


class Days:
    """The days of every year that is known. ``regional`` comes before ``federal``, and that before the library."""

    def __init__(self, regional: Mapping[date, Day], federal: Mapping[date, Day]) -> None:
        self._regional = regional
        self._federal = federal
        self._own_years = frozenset(day.year for day in federal)

    def knows(self, year: int) -> bool:
        from regulation.federal import years

        return year in self._own_years or year in years()

    def missed(self, today: date) -> int | None:
        """The next year, where nothing is known of it in December, when clocks soon lead into it."""
        return today.year + 1 if today.month == DECEMBER and not self.knows(today.year + 1) else None

    def of(self, year: int) -> Mapping[date, Day]:
        """Days of the year that differ from the ordinary week. Raises: KeyError: nothing is known of the year."""
        from regulation.federal import federal_days

        federal = self._federal if year in self._own_years else federal_days(year)
        return {day: found for day, found in {**federal, **self._regional}.items() if day.year == year}


def read_days(document: Document) -> Days:
    fields = Fields(document, (), document.data, " ".join(Scope))
    found: dict[Scope, dict[date, Day]] = {scope: {} for scope in Scope}
    for scope in Scope:
        for day, entry in fields.mapping(scope).items():
            if _is_date(day):
                found[scope][day] = _day(Fields(document, (scope, day), entry, "kind name"), scope)
            else:
                fields.fault(scope, f"«{day}» — не дата", "дата пишется без кавычек: 2026-05-09", day)
    return Days(found[Scope.REGIONAL], found[Scope.FEDERAL])


def _is_date(value: Any) -> bool:
    return isinstance(value, date) and not isinstance(value, datetime)


def _day(fields: Fields, scope: Scope) -> Day:
    if "kind" not in fields:
        fields.fault("kind", "нет значения kind", f"kind: одно из {', '.join(DayKind)}")
    return Day(fields.choice("kind", DayKind, DayKind.OFF), fields.text("name"), scope)

"""Days that differ from the ordinary week: federal ones and those of the region, which come first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from regulation.documents import Document
from regulation.fields import Fields


class DayKind(StrEnum):
    OFF = "нерабочий"
    SHORT = "сокращённый"
    WORK = "рабочий"


class Scope(StrEnum):
    REGIONAL = "regional"
    FEDERAL = "federal"


@dataclass(frozen=True, slots=True)
class Day:
    kind: DayKind
    name: str
    scope: Scope


def read_days(document: Document) -> dict[date, Day]:
    """By date; where the region and the country both name a day, the region's word stands."""
    fields = Fields(document, (), document.data, " ".join(Scope))
    found: dict[date, Day] = {}
    for scope in Scope:
        for day, entry in fields.mapping(scope).items():
            if _is_date(day):
                found.setdefault(day, _day(Fields(document, (scope, day), entry, "kind name"), scope))
            else:
                fields.fault(scope, f"«{day}» — не дата", "дата пишется без кавычек: 2026-05-09", day)
    return found


def _is_date(value: Any) -> bool:
    return isinstance(value, date) and not isinstance(value, datetime)


def _day(fields: Fields, scope: Scope) -> Day:
    if "kind" not in fields:
        fields.fault("kind", "нет значения kind", f"kind: одно из {', '.join(DayKind)}")
    return Day(fields.choice("kind", DayKind, DayKind.OFF), fields.text("name"), scope)

"""Russian words of a report, and how it writes numbers and times."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from casebook.report import NOBODY, Report
from cases.titles import CLOCKS
from records.counting import grouped

NBSP, THIN, NONE = "\u00a0", "\u202f", "—"
NETWORKS: Mapping[str, str] = {
    "vk": "ВКонтакте",
    "ok": "Одноклассники",
    "telegram": "Telegram",
    "file": "из файла",
    "http": "по HTTP",
}
GROUNDS: Mapping[str, str] = {
    "obscenity": "нецензурная брань",
    "insult": "оскорбление",
    "threat": "угроза",
    "": "не сохранилось",
}
ALARMS: Mapping[str, str] = {
    "threat": "угроза",
    "danger": "опасность",
    "crisis": "человек в беде",
    "crime": "преступление",
}
TERMS: Mapping[str, str] = {"8h": f"8{NBSP}часов", "4h": f"4{NBSP}часа", "final": "окончательный, после промежуточного"}
TRACKS: Mapping[str, str] = {"8h": f"8{NBSP}часов", "4h": f"4{NBSP}часа", "": "все"}
UNASSIGNED = "отдел не назначен"
_MONTHS = "января февраля марта апреля мая июня июля августа сентября октября ноября декабря".split()


def department(report: Report, code: str) -> str:
    return UNASSIGNED if code == NOBODY else report.name(code)


def step(name: str) -> str:
    return CLOCKS.get(name, name)


def whose(report: Report) -> str:
    if not report.scope.department:
        return "Все отделы"
    office = f", территориальный отдел {report.scope.office}" if report.scope.office else ""
    return f"{report.name(report.scope.department)}{office}"


def days(report: Report) -> str:
    """«16–22 ноября 2026 года», naming month and year twice where they differ."""
    first, last = report.begin.date(), (report.end - timedelta(days=1)).date()
    one, other = _MONTHS[first.month - 1], _MONTHS[last.month - 1]
    if first.year != last.year:
        return f"{_day(first.day, one, first.year)} – {_day(last.day, other, last.year)}"
    if one != other:
        return f"{first.day}{NBSP}{one} – {_day(last.day, other, last.year)}"
    return f"{first.day}–{_day(last.day, other, last.year)}"


def _day(day: int, month: str, year: int) -> str:
    return f"{day}{NBSP}{month} {year}{NBSP}года"


def moment(value: datetime) -> str:
    return f"{value:%d.%m.%Y}{NBSP}{value:%H:%M}"


def number(value: int) -> str:
    return grouped(value)


def share(value: float | None) -> str:
    """One digit after the comma, but never 100 % (nor 0 %) of what is not all (or nothing)."""
    if value is None:
        return NONE
    rounded = round(100 * value, 1)
    if rounded in (0, 100) and value not in (0, 1):
        rounded = 0.1 if value < 0.5 else 99.9
    written = f"{rounded:.1f}".removesuffix(".0").replace(".", ",")
    return f"{written}{NBSP}%"


def span(value: timedelta | None) -> str:
    """«2 ч 30 мин»; less than a minute is «менее минуты»."""
    if value is None:
        return NONE
    minutes = round(value.total_seconds() / 60)
    if minutes == 0:
        return "менее минуты" if value else f"0{NBSP}мин"
    hours, rest = divmod(minutes, 60)
    parts = [f"{grouped(hours)}{NBSP}ч" if hours else "", f"{rest}{NBSP}мин" if rest else ""]
    return NBSP.join(filter(None, parts))

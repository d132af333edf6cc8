"""Why a clock is due when it is, in words a lawyer can check: «8 рабочих часов от 20.11 16:40 = 23.11 16:40; …»."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from itertools import groupby

from cases.calendar import DAY, WorkingTime
from cases.terms import Term
from records.counting import counted
from regulation import DayKind

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


class Reasons:
    def __init__(self, working: WorkingTime) -> None:
        self._working = working

    def counted(self, term: Term, start: datetime, due: datetime, point: str) -> str:
        parts = [f"{amount(term)} от {self._shown(start)} = {self._shown(due)}"]
        if term.working:
            if not self._working.works(start):
                begins = self._shown(self._working.working_from(start))
                parts.append(f"нерабочее время, отсчёт с {begins}")
            parts += self._days_between(start, due)
        return "; ".join([*parts, f"п. {point}"])

    def days(self, posted: datetime, number: int, due: datetime, point: str) -> str:
        days = counted(number, "рабочий день", "рабочих дня", "рабочих дней")
        parts = [f"{days} со следующего после {self._local(posted):%d.%m} = {self._shown(due)}"]
        return "; ".join([*parts, *self._days_between(posted, due), f"п. {point}"])

    def before(self, term: Term, end: datetime, due: datetime, point: str) -> str:
        return f"за {amount(term)} до {self._shown(end)} = {self._shown(due)}; п. {point}"

    def with_limit(self, why: str, limit: datetime) -> str:
        return f"{why}; предел {self._shown(limit)}"

    def cut(self, why: str, due: datetime) -> str:
        return f"{why}; не позже срока ответа {self._shown(due)}"

    def shared(self, why: str) -> str:
        return f"{why}; срок первого сообщения: автор повторяет его"

    def moved(self, why: str, usual: datetime, due: datetime, now: datetime, what: str) -> str:
        """Both moments, where the second is not the first."""
        if usual == due:
            return why
        return f"{why}; {what} {self._shown(now)}: вместо {self._shown(usual)} — {self._shown(due)}"

    def _days_between(self, start: datetime, due: datetime) -> list[str]:
        """Days that are not ordinary, from the day of one moment to that of the other."""
        first, last = self._local(start).date(), self._local(due).date()
        days = (first + n * DAY for n in range((last - first).days + 1))
        named = ((day, self._name(day)) for day in days)
        runs = groupby(named, key=lambda item: item[1])
        return [f"{_dates([day for day, _ in run])} {name}" for name, run in ((n, list(r)) for n, r in runs) if name]

    def _name(self, day: date) -> str:
        differs = self._working.day(day)
        if self._working.spans(day):
            return f"{differs.kind} день" if differs is not None else ""
        if differs is None or differs.kind is not DayKind.OFF or day.isoweekday() > 5:
            return "выходные"
        return differs.name.partition(",")[0]

    def _shown(self, moment: datetime) -> str:
        local = self._local(moment)
        return f"{local:%d.%m %H:%M:%S}" if local.second else f"{local:%d.%m %H:%M}"

    def _local(self, moment: datetime) -> datetime:
        return moment.astimezone(self._working.zone)


class Silence(Reasons):
    """Says nothing: to count many clocks for their moments alone."""

    def counted(self, term: Term, start: datetime, due: datetime, point: str) -> str:
        return ""

    def days(self, posted: datetime, number: int, due: datetime, point: str) -> str:
        return ""

    def before(self, term: Term, end: datetime, due: datetime, point: str) -> str:
        return ""

    def shared(self, why: str) -> str:
        return ""

    def moved(self, why: str, usual: datetime, due: datetime, now: datetime, what: str) -> str:
        return ""


def amount(term: Term) -> str:
    """«8 рабочих часов», «30 рабочих минут», «15 минут»."""
    return counted(*_units(term))


def _units(term: Term) -> tuple[int, str, str, str]:
    hours, rest = divmod(term.amount, HOUR)
    nouns = ("час", "часа", "часов") if not rest else ("минута", "минуты", "минут")
    number = hours if not rest else term.amount // MINUTE
    adjectives = ("рабочий" if not rest else "рабочая", "рабочих", "рабочих")
    one, few, many = (f"{a} {n}" if term.working else n for a, n in zip(adjectives, nouns, strict=True))
    return number, one, few, many


def _dates(days: list[date]) -> str:
    """«21.11», «21–22.11», «31.12–08.01»."""
    first, last = days[0], days[-1]
    if first == last:
        return f"{first:%d.%m}"
    return f"{first:%d}–{last:%d.%m}" if first.month == last.month else f"{first:%d.%m}–{last:%d.%m}"

"""What the calendar cannot answer. Light to import: the command line words these for every command."""

from __future__ import annotations


class CalendarError(Exception):
    """``what`` and how to ``mend`` it (both Russian)."""

    def __init__(self, what: str, mend: str) -> None:
        super().__init__(f"{what}\n    как исправить: {mend}")
        self.what = what
        self.mend = mend


class UnknownYearError(CalendarError):
    """The calendar has no data for a year; nothing is guessed."""

    def __init__(self, year: int) -> None:
        mend = (
            "обновите библиотеку holidays либо впишите все отличные дни года в раздел federal файла "
            "regulation/calendar.yaml"
        )
        super().__init__(f"нет календаря на {year} год", mend)
        self.year = year


class NoWorkingTimeError(CalendarError):
    """No working time within more than a year: the week of the policy ``work_hours`` must be wrong."""

    def __init__(self) -> None:
        super().__init__("за год нет рабочего времени", "проверьте work_hours в regulation/policies.yaml")

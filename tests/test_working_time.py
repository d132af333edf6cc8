"""Working time: laws that hold over any calendar, and a slow count by the minute that agrees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cases.calendar import Interval, Week, WorkingTime
from cases.errors import NoWorkingTimeError, UnknownYearError
from cases.terms import interval, working_time
from regulation import Day, DayKind, Days, Regulation
from regulation.days import Scope

FOLDER = Path(__file__).parent.parent / "regulation"
MOSCOW = ZoneInfo("Europe/Moscow")
ZONES = (MOSCOW, ZoneInfo("UTC"), ZoneInfo("Asia/Vladivostok"), ZoneInfo("America/New_York"))
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
INSTANT = timedelta(microseconds=1)

few = settings(max_examples=40)

# Around a New Year: a week and more of random days, ordinary weeks on both sides.
FIRST, LAST = date(2030, 12, 23), date(2031, 1, 9)
# One day of each year makes the year known.
KNOWN = {date(year, 1, 1): Day(DayKind.OFF, "Новый год", Scope.FEDERAL) for year in (2029, 2030, 2031, 2032)}


# Random calendars


@dataclass(frozen=True)
class Office:
    """A calendar as drawn: what the reference reads; ``working`` is the code under test."""

    week: Week
    days: Mapping[date, Day]
    working: WorkingTime

    def minutes(self, day: date) -> list[int]:
        """Worked minutes of a day, by their numbers from midnight."""
        found = self.days.get(day)
        if found is not None and found.kind is DayKind.OFF:
            return []
        model = found.instead if found is not None and found.instead else day
        worked = _minutes(self.week.intervals.get(model.isoweekday(), ()))
        if found is not None and not worked and (found.kind is DayKind.WORK or day.isoweekday() > 5):
            worked = _minutes(self.week.ordinary)
        short = found is not None and found.kind is DayKind.SHORT
        return worked[: max(len(worked) - self.week.short_by // MINUTE, 0)] if short else worked


def _minutes(intervals: tuple[Interval, ...]) -> list[int]:
    edges = [(a.hour * 60 + a.minute, b.hour * 60 + b.minute) for a, b in intervals]
    return [minute for minute in range(24 * 60) if any(a <= minute < b for a, b in edges)]


@st.composite
def intervals(draw: st.DrawFn) -> tuple[Interval, ...]:
    """One to three intervals of one to three hours; some touch, one may begin at midnight."""
    found, at = [], 0
    for gap, length in draw(st.lists(st.tuples(st.integers(0, 290), st.integers(60, 180)), min_size=1, max_size=3)):
        begins, ends = at + gap, at + gap + length
        found.append((time(*divmod(begins, 60)), time(*divmod(ends, 60))))
        at = ends
    return tuple(found)


@st.composite
def offices(draw: st.DrawFn) -> Office:
    """Any week, with Saturdays or Sundays worked or Fridays shorter, and a fortnight of off, short and worked days."""
    ordinary = draw(intervals())
    worked = draw(st.sets(st.integers(1, 7), min_size=2))
    week = dict.fromkeys(worked, ordinary) | draw(st.dictionaries(st.integers(1, 7), intervals(), max_size=2))
    within = st.dates(FIRST, LAST)
    day = st.builds(Day, st.sampled_from(DayKind), st.just("особый"), st.just(Scope.FEDERAL), st.none() | within)
    days = KNOWN | draw(st.dictionaries(within, day, max_size=12))
    short_by = timedelta(minutes=draw(st.sampled_from((60, 30, 200))))
    return _office(Week(week, ordinary, short_by), days)


def _office(week: Week, days: Mapping[date, Day]) -> Office:
    return Office(week, days, WorkingTime(Days({}, days), week, MOSCOW))


@st.composite
def moments(draw: st.DrawFn) -> datetime:
    """With seconds, in any zone; whole hours often, for there the edges are."""
    day = draw(st.dates(FIRST, LAST))
    seconds = draw(st.integers(0, 24 * 3600 - 1) | st.integers(0, 23).map(lambda hour: hour * 3600))
    return (datetime.combine(day, time(), MOSCOW) + timedelta(seconds=seconds)).astimezone(draw(st.sampled_from(ZONES)))


amounts = st.integers(1, 10 * 3600).map(lambda seconds: timedelta(seconds=seconds)) | st.integers(1, 10).map(
    lambda hours: timedelta(hours=hours)
)


# Laws


@few
@given(office=offices(), moment=moments(), amount=amounts)
def test_what_was_added_is_measured_back(office: Office, moment: datetime, amount: timedelta) -> None:
    due = office.working.add(moment, amount)
    assert office.working.measure(moment, due) == amount
    assert office.working.measure(due, moment) == -amount


@few
@given(office=offices(), moment=moments(), amount=amounts)
def test_what_was_subtracted_is_measured_back(office: Office, moment: datetime, amount: timedelta) -> None:
    start = office.working.subtract(moment, amount)
    assert start < moment
    assert office.working.measure(start, moment) == amount


@few
@given(office=offices(), moment=moments(), amount=amounts)
def test_of_equal_moments_the_earliest_is_taken(office: Office, moment: datetime, amount: timedelta) -> None:
    """17:00 and not 08:00 of the next day, in adding and in subtracting."""
    due, start = office.working.add(moment, amount), office.working.subtract(moment, amount)
    assert office.working.measure(moment, due - INSTANT) == amount - INSTANT
    assert office.working.measure(start - INSTANT, moment) == amount + INSTANT


@few
@given(office=offices(), moment=moments(), amount=amounts)
def test_nothing_falls_outside_working_time(office: Office, moment: datetime, amount: timedelta) -> None:
    """A moment found is within an interval or its end: the instant before it is worked."""
    for found in (office.working.add(moment, amount), office.working.subtract(moment, amount)):
        assert office.working.works(found - INSTANT)
        assert found.tzinfo is MOSCOW


@few
@given(office=offices(), one=moments(), other=moments(), amount=amounts)
def test_who_starts_later_ends_no_earlier(office: Office, one: datetime, other: datetime, amount: timedelta) -> None:
    earlier, later = sorted((one, other))
    assert office.working.add(earlier, amount) <= office.working.add(later, amount)
    assert office.working.subtract(earlier, amount) <= office.working.subtract(later, amount)


@few
@given(office=offices(), moment=moments(), amounts=st.tuples(amounts, amounts))
def test_in_two_parts_it_is_the_same(office: Office, moment: datetime, amounts: tuple[timedelta, timedelta]) -> None:
    first, second = amounts
    for count in (office.working.add, office.working.subtract):
        assert count(count(moment, first), second) == count(moment, first + second)


@few
@given(office=offices(), three=st.tuples(moments(), moments(), moments()))
def test_what_is_measured_adds_up(office: Office, three: tuple[datetime, datetime, datetime]) -> None:
    a, b, c = three
    assert office.working.measure(a, b) + office.working.measure(b, c) == office.working.measure(a, c)
    assert (office.working.measure(a, b) > timedelta(0)) <= (a < b)


@few
@given(office=offices(), moment=moments(), amount=amounts)
def test_the_zone_of_a_moment_changes_nothing(office: Office, moment: datetime, amount: timedelta) -> None:
    for zone in ZONES:
        same = moment.astimezone(zone)
        assert office.working.add(same, amount) == office.working.add(moment, amount)
        assert office.working.subtract(same, amount) == office.working.subtract(moment, amount)
        assert office.working.works(same) == office.working.works(moment)


@few
@given(office=offices(), moment=moments(), amount=amounts)
def test_outside_working_time_the_count_waits_for_it(office: Office, moment: datetime, amount: timedelta) -> None:
    begins = office.working.working_from(moment)
    assert office.working.works(begins)
    assert (begins == moment) == office.working.works(moment)
    assert office.working.measure(moment, begins) == timedelta(0)
    assert office.working.add(begins, amount) == office.working.add(moment, amount)


@few
@given(office=offices(), moment=moments(), number=st.integers(1, 9))
def test_working_days_are_counted_from_the_next_to_the_end_of_the_last(
    office: Office, moment: datetime, number: int
) -> None:
    day = moment.astimezone(MOSCOW).date()
    left = number
    while left:
        day += DAY
        left -= bool(office.minutes(day))
    last = datetime.combine(day, time(), MOSCOW) + MINUTE * (office.minutes(day)[-1] + 1)
    assert office.working.end_of_day(moment, number) == last


# The slow count


class Slow:
    """Minute after minute, asking of each whether it is worked."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._worked: dict[date, frozenset[int]] = {}

    def works(self, minute: datetime) -> bool:
        day = minute.date()
        if day not in self._worked:
            self._worked[day] = frozenset(self._office.minutes(day))
        return minute.hour * 60 + minute.minute in self._worked[day]

    def add(self, moment: datetime, amount: timedelta) -> datetime:
        while True:
            minute = moment.replace(second=0, microsecond=0)
            following = minute + MINUTE
            if self.works(minute):
                if amount <= following - moment:
                    return moment + amount
                amount -= following - moment
            moment = following

    def subtract(self, moment: datetime, amount: timedelta) -> datetime:
        """Backward, until more than the amount is there: then as late in that minute as gives the amount."""
        while True:
            minute = (moment - INSTANT).replace(second=0, microsecond=0)
            if self.works(minute):
                if amount < moment - minute:
                    return moment - amount
                amount -= moment - minute
            moment = minute


@few
@given(office=offices(), moment=moments(), amount=amounts)
def test_it_agrees_with_a_count_by_the_minute(office: Office, moment: datetime, amount: timedelta) -> None:
    slow, wall = Slow(office), moment.astimezone(MOSCOW)
    assert office.working.add(moment, amount) == slow.add(wall, amount)
    assert office.working.subtract(moment, amount) == slow.subtract(wall, amount)
    assert office.working.works(moment) == slow.works(wall)


@few
@given(office=offices(), day=st.dates(FIRST, LAST))
def test_the_intervals_of_a_day_are_its_worked_minutes(office: Office, day: date) -> None:
    """In order, none empty, none over another."""
    spans = office.working.spans(day)
    assert _minutes(tuple((a.time(), b.time()) for a, b in spans)) == office.minutes(day)
    edges = [edge for span in spans for edge in span]
    assert edges == sorted(edges)
    assert all(a < b for a, b in spans)


# Days by hand: a week of five days, eight hours each

EIGHT = (interval("08:00-12:00"), interval("13:00-17:00"))
FRIDAY = (interval("08:00-12:00"), interval("13:00-15:30"))
FIVE = dict.fromkeys(range(1, 6), EIGHT)


def _week(week: Mapping[int, tuple[Interval, ...]], day: date, found: Day) -> WorkingTime:
    return _office(Week(week, EIGHT, HOUR), KNOWN | {day: found}).working


def _hours(working: WorkingTime, day: date) -> str:
    return " ".join(f"{a:%H:%M}-{b:%H:%M}" for a, b in working.spans(day))


@pytest.mark.parametrize(
    ("week", "kind", "day", "instead", "hours"),
    [
        (FIVE, DayKind.OFF, date(2030, 12, 26), None, ""),
        (FIVE, DayKind.SHORT, date(2030, 12, 26), None, "08:00-12:00 13:00-16:00"),
        (FIVE, DayKind.WORK, date(2030, 12, 28), None, "08:00-12:00 13:00-17:00"),
        (FIVE, DayKind.SHORT, date(2030, 12, 28), None, "08:00-12:00 13:00-16:00"),
        (FIVE | {5: FRIDAY}, DayKind.WORK, date(2030, 12, 28), date(2030, 12, 27), "08:00-12:00 13:00-15:30"),
        (FIVE | {5: FRIDAY}, DayKind.SHORT, date(2030, 12, 28), date(2030, 12, 27), "08:00-12:00 13:00-14:30"),
        (FIVE | {5: FRIDAY}, DayKind.SHORT, date(2030, 12, 27), None, "08:00-12:00 13:00-14:30"),
        (FIVE | {5: FRIDAY}, DayKind.WORK, date(2030, 12, 28), date(2030, 12, 26), "08:00-12:00 13:00-17:00"),
        (FIVE | {5: ()}, DayKind.SHORT, date(2030, 12, 27), None, ""),
        (FIVE | {5: ()}, DayKind.WORK, date(2030, 12, 27), None, "08:00-12:00 13:00-17:00"),
    ],
)
def test_a_day_is_as_long_as_its_kind_and_the_day_it_stands_for(
    week: Mapping[int, tuple[Interval, ...]], kind: DayKind, day: date, instead: date | None, hours: str
) -> None:
    """The eve of a holiday makes no day off worked; a worked Saturday is as long as what it was swapped for."""
    assert _hours(_week(week, day, Day(kind, "особый", Scope.FEDERAL, instead)), day) == hours


def test_the_shortening_goes_over_lunch_when_the_last_interval_is_short() -> None:
    ordinary = (interval("08:00-12:00"), interval("13:00-13:40"))
    thursday = date(2030, 12, 26)
    week = Week(dict.fromkeys(range(1, 6), ordinary), ordinary, HOUR)
    working = _office(week, KNOWN | {thursday: Day(DayKind.SHORT, "канун", Scope.FEDERAL)}).working
    assert _hours(working, thursday) == "08:00-11:40"


def test_days_of_the_region_come_before_those_of_the_country() -> None:
    thursday = date(2030, 12, 26)
    off, worked = (Day(kind, "особый", Scope.FEDERAL) for kind in (DayKind.OFF, DayKind.WORK))
    for regional, hours in (({}, ""), ({thursday: worked}, "08:00-12:00 13:00-17:00")):
        days = Days(regional, KNOWN | {thursday: off})
        assert _hours(WorkingTime(days, Week(FIVE, EIGHT, HOUR), MOSCOW), thursday) == hours


# What is refused


def _at(written: str) -> datetime:
    return datetime.fromisoformat(written).replace(tzinfo=MOSCOW)


def test_a_year_without_data_is_refused_not_guessed() -> None:
    """The last hour of a known year is still counted; one second more is not."""
    last = {date(2030, 1, 1): Day(DayKind.OFF, "Новый год", Scope.FEDERAL)}
    working = _office(Week(FIVE, EIGHT, HOUR), last).working
    assert working.add(_at("2030-12-31T12:00"), 4 * HOUR) == _at("2030-12-31T17:00")
    for count in (
        lambda: working.add(_at("2030-12-31T16:00"), HOUR + timedelta(seconds=1)),
        lambda: working.add(_at("2031-01-01T00:00"), HOUR),
        lambda: working.measure(_at("2030-12-31T16:00"), _at("2031-01-01T10:00")),
        lambda: working.end_of_day(_at("2030-12-31T16:00"), 1),
        lambda: working.end_of_day(_at("9999-12-31T16:00"), 1),
        lambda: working.working_from(_at("2030-12-31T17:00")),
        lambda: working.works(_at("2031-01-01T10:00")),
        lambda: working.day(date(2031, 1, 1)),
    ):
        with pytest.raises(UnknownYearError) as error:
            count()
        assert error.value.year in (2031, 9999)
        assert f"нет календаря на {error.value.year} год" in str(error.value)
        assert "как исправить" in str(error.value)


def test_a_year_of_the_region_alone_is_not_known() -> None:
    days = Days({date(2098, 4, 21): Day(DayKind.OFF, "Радоница", Scope.REGIONAL)}, {})
    with pytest.raises(UnknownYearError):
        WorkingTime(days, Week(FIVE, EIGHT, HOUR), MOSCOW).spans(date(2098, 4, 22))


@pytest.mark.parametrize("amount", [timedelta(0), -HOUR])
def test_only_time_above_nothing_is_counted(amount: timedelta) -> None:
    working = _office(Week(FIVE, EIGHT, HOUR), KNOWN).working
    for count in (working.add, working.subtract):
        with pytest.raises(ValueError, match="больше нуля"):
            count(_at("2030-12-26T10:00"), amount)


def test_a_moment_without_a_zone_is_refused() -> None:
    working = _office(Week(FIVE, EIGHT, HOUR), KNOWN).working
    for count in (working.add, working.subtract):
        with pytest.raises(ValueError, match="часового пояса"):
            count(datetime(2030, 12, 26, 10), HOUR)


def test_a_week_without_work_ends_the_search() -> None:
    years = {date(year, 1, 1): Day(DayKind.OFF, "Новый год", Scope.FEDERAL) for year in range(2028, 2034)}
    working = _office(Week({}, (), HOUR), years).working
    moment = _at("2030-12-26T10:00")
    for count in (
        lambda: working.add(moment, HOUR),
        lambda: working.subtract(moment, HOUR),
        lambda: working.working_from(moment),
        lambda: working.end_of_day(moment, 1),
    ):
        with pytest.raises(NoWorkingTimeError, match="work_hours"):
            count()


# The shipped week


@pytest.fixture(scope="module")
def regulation() -> Regulation:
    return Regulation.load(FOLDER)


def test_the_shipped_week_has_lunch_and_short_eves(regulation: Regulation) -> None:
    working = working_time(regulation)
    assert _hours(working, date(2026, 11, 20)) == "08:00-12:00 13:00-17:00"
    assert _hours(working, date(2026, 11, 21)) == ""
    assert _hours(working, date(2026, 11, 3)) == "08:00-12:00 13:00-16:00"
    assert _hours(working, date(2025, 11, 1)) == "08:00-12:00 13:00-16:00"
    assert _hours(working, date(2024, 4, 27)) == "08:00-12:00 13:00-17:00"
    assert _hours(working, date(2026, 4, 20)) == "08:00-12:00 13:00-17:00", "the eve of Radonitsa is not shortened"
    assert working.zone == MOSCOW


def test_other_hours_of_a_weekday_are_taken_from_the_policy(tmp_path: Path) -> None:
    """And a rehearsal with other hours has them every day."""
    for file in FOLDER.glob("*.yaml"):
        text = file.read_text(encoding="utf-8")
        friday = 'other_days: {5: ["08:00-12:00", "12:30-15:45"], 6: ["10:00-12:00"]}'
        (tmp_path / file.name).write_text(text.replace("other_days: {}", friday), encoding="utf-8")
    changed = Regulation.load(tmp_path)
    working = working_time(changed)
    assert _hours(working, date(2026, 11, 19)) == "08:00-12:00 13:00-17:00"
    assert _hours(working, date(2026, 11, 20)) == "08:00-12:00 12:30-15:45"
    assert _hours(working, date(2026, 11, 21)) == "10:00-12:00"
    assert _hours(working, date(2026, 5, 8)) == "08:00-12:00 12:30-14:45"
    rehearsal = working_time(changed, (interval("9-13"), interval("14:00-18:15")))
    assert _hours(rehearsal, date(2026, 11, 20)) == "09:00-13:00 14:00-18:15"
    assert _hours(rehearsal, date(2026, 11, 21)) == ""


# Federal days, by the figures of the official calendars (40 hours a week)


@pytest.mark.parametrize(
    ("year", "days", "hours"), [(2023, 247, 1973), (2024, 248, 1979), (2025, 247, 1972), (2026, 247, 1972)]
)
def test_the_country_works_as_long_as_its_calendar_says(year: int, days: int, hours: int) -> None:
    working = WorkingTime(Days({}, {}), Week(FIVE, EIGHT, HOUR), MOSCOW)
    every = [date(year, 1, 1) + n * DAY for n in range(366) if (date(year, 1, 1) + n * DAY).year == year]
    assert sum(bool(working.spans(day)) for day in every) == days
    assert working.measure(_at(f"{year}-01-01T00:00"), _at(f"{year}-12-31T23:59")) == hours * HOUR

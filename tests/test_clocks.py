"""Clocks of the decree: moments counted by hand over real holidays, laws of a case raised or restored, reasons."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cases.clocks import Clock, ClockName, Clocks
from cases.errors import UnknownYearError
from cases.reasons import amount
from cases.terms import Term, Terms, working_time
from records import Track
from regulation import Regulation

FOLDER = Path(__file__).parent.parent / "regulation"
MOSCOW = ZoneInfo("Europe/Moscow")
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
EIGHT, FOUR = Track.EIGHT_HOURS, Track.FOUR_HOURS
few = settings(max_examples=60)


@cache
def shipped() -> Clocks:
    regulation = Regulation.load(FOLDER)
    return Clocks(working_time(regulation), Terms.of(regulation.policies))


@pytest.fixture
def clocks() -> Clocks:
    return shipped()


def at(written: str) -> datetime:
    return datetime.fromisoformat(written).replace(tzinfo=MOSCOW)


def shown(moment: datetime | None) -> str:
    return moment.astimezone(MOSCOW).isoformat(timespec="seconds")[:19].removesuffix(":00") if moment else ""


# Moments by hand. 2025: 29.04 Радоница, 30.04 off for the worked 26.04; 01.11 worked and short. 2026: 21.04 Радоница.
# Detected; 8 hours: dispatch, draft, answer; 4 hours: draft, its limit, answer.

DETECTED = [
    # An ordinary day: from its first moment, within it, over lunch.
    (
        "2026-11-18T08:00",
        ("2026-11-18T09:00", "2026-11-18T11:00", "2026-11-18T17:00"),
        ("2026-11-18T10:00", "2026-11-18T11:00", "2026-11-18T12:00"),
    ),
    (
        "2026-11-18T09:15:30",
        ("2026-11-18T10:15:30", "2026-11-18T13:15:30", "2026-11-19T09:15:30"),
        ("2026-11-18T11:15:30", "2026-11-18T13:15:30", "2026-11-18T14:15:30"),
    ),
    # The edges of the intervals: 12:00 and lunch begin at 13:00; 17:00 and night at 08:00.
    (
        "2026-11-18T12:00",
        ("2026-11-18T14:00", "2026-11-18T16:00", "2026-11-19T12:00"),
        ("2026-11-18T15:00", "2026-11-18T16:00", "2026-11-18T17:00"),
    ),
    (
        "2026-11-18T12:59:59",
        ("2026-11-18T14:00", "2026-11-18T16:00", "2026-11-19T12:00"),
        ("2026-11-18T15:00", "2026-11-18T16:00", "2026-11-18T17:00"),
    ),
    (
        "2026-11-18T17:00",
        ("2026-11-19T09:00", "2026-11-19T11:00", "2026-11-19T17:00"),
        ("2026-11-19T10:00", "2026-11-19T11:00", "2026-11-19T12:00"),
    ),
    (
        "2026-11-18T16:59:59",
        ("2026-11-19T08:59:59", "2026-11-19T10:59:59", "2026-11-19T16:59:59"),
        ("2026-11-19T09:59:59", "2026-11-19T10:59:59", "2026-11-19T11:59:59"),
    ),
    # Nights, early mornings and weekends.
    (
        "2026-11-19T03:30",
        ("2026-11-19T09:00", "2026-11-19T11:00", "2026-11-19T17:00"),
        ("2026-11-19T10:00", "2026-11-19T11:00", "2026-11-19T12:00"),
    ),
    (
        "2026-11-20T16:40",
        ("2026-11-23T08:40", "2026-11-23T10:40", "2026-11-23T16:40"),
        ("2026-11-23T09:40", "2026-11-23T10:40", "2026-11-23T11:40"),
    ),
    (
        "2026-11-22T23:59:59",
        ("2026-11-23T09:00", "2026-11-23T11:00", "2026-11-23T17:00"),
        ("2026-11-23T10:00", "2026-11-23T11:00", "2026-11-23T12:00"),
    ),
    # Short days: 03.11.2026 and 30.04.2026 end at 16:00.
    (
        "2026-11-03T08:00",
        ("2026-11-03T09:00", "2026-11-03T11:00", "2026-11-05T09:00"),
        ("2026-11-03T10:00", "2026-11-03T11:00", "2026-11-03T12:00"),
    ),
    (
        "2026-11-03T16:00",
        ("2026-11-05T09:00", "2026-11-05T11:00", "2026-11-05T17:00"),
        ("2026-11-05T10:00", "2026-11-05T11:00", "2026-11-05T12:00"),
    ),
    (
        "2026-04-30T14:00",
        ("2026-04-30T15:00", "2026-05-04T09:00", "2026-05-04T15:00"),
        ("2026-04-30T16:00", "2026-05-04T09:00", "2026-05-04T10:00"),
    ),
    # Радоница: the day before it is whole.
    (
        "2026-04-20T16:00",
        ("2026-04-20T17:00", "2026-04-22T10:00", "2026-04-22T16:00"),
        ("2026-04-22T09:00", "2026-04-22T10:00", "2026-04-22T11:00"),
    ),
    (
        "2027-05-07T16:30",
        ("2027-05-12T08:30", "2027-05-12T10:30", "2027-05-12T16:30"),
        ("2027-05-12T09:30", "2027-05-12T10:30", "2027-05-12T11:30"),
    ),
    # The worked Saturdays of 2025: 26.04 and 01.11, both till 16:00, and the days they were swapped for.
    (
        "2025-04-25T16:00",
        ("2025-04-25T17:00", "2025-04-26T10:00", "2025-04-26T16:00"),
        ("2025-04-26T09:00", "2025-04-26T10:00", "2025-04-26T11:00"),
    ),
    (
        "2025-04-28T15:00",
        ("2025-04-28T16:00", "2025-05-05T09:00", "2025-05-05T15:00"),
        ("2025-04-28T17:00", "2025-05-05T09:00", "2025-05-05T10:00"),
    ),
    (
        "2025-10-31T16:40",
        ("2025-11-01T08:40", "2025-11-01T10:40", "2025-11-05T08:40"),
        ("2025-11-01T09:40", "2025-11-01T10:40", "2025-11-01T11:40"),
    ),
    (
        "2025-11-01T15:00",
        ("2025-11-01T16:00", "2025-11-05T10:00", "2025-11-05T16:00"),
        ("2025-11-05T09:00", "2025-11-05T10:00", "2025-11-05T11:00"),
    ),
    # New Year: 31.12 is off in each of these years.
    (
        "2024-12-28T16:30",
        ("2025-01-09T08:30", "2025-01-09T10:30", "2025-01-09T16:30"),
        ("2025-01-09T09:30", "2025-01-09T10:30", "2025-01-09T11:30"),
    ),
    (
        "2025-12-30T16:59:30",
        ("2026-01-12T08:59:30", "2026-01-12T10:59:30", "2026-01-12T16:59:30"),
        ("2026-01-12T09:59:30", "2026-01-12T10:59:30", "2026-01-12T11:59:30"),
    ),
    (
        "2026-12-31T10:00",
        ("2027-01-11T09:00", "2027-01-11T11:00", "2027-01-11T17:00"),
        ("2027-01-11T10:00", "2027-01-11T11:00", "2027-01-11T12:00"),
    ),
    # 20.02.2027 is a worked Saturday till 16:00, for the 22nd.
    (
        "2027-02-19T17:00",
        ("2027-02-20T09:00", "2027-02-20T11:00", "2027-02-24T09:00"),
        ("2027-02-20T10:00", "2027-02-20T11:00", "2027-02-20T12:00"),
    ),
]


@pytest.mark.parametrize(("detected", "eight", "four"), DETECTED, ids=[row[0] for row in DETECTED])
def test_clocks_from_detection_are_due_when_counted_by_hand(
    clocks: Clocks, detected: str, eight: tuple[str, str, str], four: tuple[str, str, str]
) -> None:
    moment = at(detected)
    draft = clocks.draft(moment, EIGHT)
    assert draft.limit is None
    found = (clocks.dispatch(moment).due, draft.due, clocks.answer(moment, EIGHT).due)
    assert tuple(map(shown, found)) == eight
    urgent = clocks.draft(moment, FOUR)
    assert tuple(map(shown, (urgent.due, urgent.limit, clocks.answer(moment, FOUR).due))) == four
    for track in Track:
        assert clocks.interim(moment, track).due == clocks.answer(moment, track).due


def test_the_zone_of_detection_does_not_matter(clocks: Clocks) -> None:
    clock = clocks.answer(datetime.fromisoformat("2026-11-20T13:40+00:00"), EIGHT)
    assert clock.due.isoformat() == "2026-11-23T16:40:00+03:00"
    assert clock.why == clocks.answer(at("2026-11-20T16:40"), EIGHT).why


@pytest.mark.parametrize(
    ("event", "returning", "approval", "publication"),
    [
        ("2026-11-18T11:30", "2026-11-18T12:00", "2026-11-18T13:30", "2026-11-18T12:00"),
        ("2026-11-18T11:45", "2026-11-18T13:15", "2026-11-18T13:45", "2026-11-18T13:15"),
        ("2026-11-18T16:30", "2026-11-18T17:00", "2026-11-19T08:30", "2026-11-18T17:00"),
        ("2026-11-20T16:50", "2026-11-23T08:20", "2026-11-23T08:50", "2026-11-23T08:20"),
        ("2026-11-21T10:00", "2026-11-23T08:30", "2026-11-23T09:00", "2026-11-23T08:30"),
        ("2025-11-01T15:45", "2025-11-05T08:15", "2025-11-05T08:45", "2025-11-05T08:15"),
    ],
)
def test_clocks_of_half_an_hour_and_an_hour(
    clocks: Clocks, event: str, returning: str, approval: str, publication: str
) -> None:
    moment = at(event)
    far = replace(clocks.answer(moment, EIGHT), due=moment + timedelta(days=30))
    found = (clocks.returning(moment), clocks.approval(moment), clocks.publication(moment, far))
    assert tuple(shown(clock.due) for clock in found) == (returning, approval, publication)


def test_publication_is_not_due_after_the_answer(clocks: Clocks) -> None:
    """Approved at 16:50 where the answer is due at 17:00 of the same day: before the end of the day."""
    answer = clocks.answer(at("2026-11-18T08:00"), EIGHT)
    clock = clocks.publication(at("2026-11-18T16:50"), answer)
    assert shown(clock.due) == "2026-11-18T17:00"
    assert clock.why.endswith("п. 11; не позже срока ответа 18.11 17:00")
    early = clocks.publication(at("2026-11-18T16:30"), answer)
    assert (shown(early.due), "не позже" in early.why) == ("2026-11-18T17:00", False)


@pytest.mark.parametrize(
    ("posted", "draft", "final"),
    [
        ("2026-11-09T10:00", "2026-11-18T11:00", "2026-11-18T17:00"),
        ("2026-11-13T17:30", "2026-11-24T11:00", "2026-11-24T17:00"),
        ("2026-11-14T12:00", "2026-11-24T11:00", "2026-11-24T17:00"),
        ("2026-11-15T23:59", "2026-11-24T11:00", "2026-11-24T17:00"),
        ("2026-11-16T00:00", "2026-11-25T11:00", "2026-11-25T17:00"),
        ("2026-04-29T00:00", "2026-05-12T11:00", "2026-05-12T17:00"),
        ("2026-04-14T16:00", "2026-04-24T11:00", "2026-04-24T17:00"),
        # The seventh day is short: 03.11 till 16:00.
        ("2026-10-23T09:00", "2026-11-03T10:00", "2026-11-03T16:00"),
        # The worked Saturdays count.
        ("2025-10-24T12:00", "2025-11-05T11:00", "2025-11-05T17:00"),
        ("2025-10-23T12:00", "2025-11-01T10:00", "2025-11-01T16:00"),
        ("2025-12-26T12:00", "2026-01-16T11:00", "2026-01-16T17:00"),
    ],
)
def test_the_final_answer_has_seven_working_days_from_the_next(
    clocks: Clocks, posted: str, draft: str, final: str
) -> None:
    found = clocks.after_interim(at(posted))
    assert [clock.name for clock in found] == ["final_draft", "final"]
    assert [shown(clock.due) for clock in found] == [draft, final]
    assert all(clock.started_at == at(posted) for clock in found)


@pytest.mark.parametrize("raised", ["2026-11-18T10:00", "2026-11-18T16:59", "2026-01-01T00:00", "2026-11-21T23:50"])
def test_the_crisis_clock_runs_day_and_night(clocks: Clocks, raised: str) -> None:
    clock = clocks.crisis(at(raised))
    assert clock.due == at(raised) + 15 * MINUTE
    assert clock.why.startswith("15 минут от ")
    assert clock.point == "15"


def test_at_night_the_alarm_has_a_calendar_hour(clocks: Clocks) -> None:
    assert shown(clocks.alarm(at("2026-11-21T23:30")).due) == "2026-11-22T00:30"
    assert shown(clocks.alarm(at("2026-11-18T11:30")).due) == "2026-11-18T12:30"
    assert shown(clocks.alarm(at("2026-11-18T17:00")).due) == "2026-11-18T18:00"


def test_a_count_into_an_unknown_year_is_refused(clocks: Clocks) -> None:
    for count in (
        lambda: clocks.answer(at("2098-11-20T10:00"), EIGHT),
        lambda: clocks.final(at("2098-12-20T10:00")),
        lambda: clocks.before_interim(at("1800-01-01T00:00"), FOUR),
    ):
        with pytest.raises(UnknownYearError):
            count()


# A case: all its clocks


def test_a_case_is_shown_as_if_each_step_took_all_its_time(clocks: Clocks) -> None:
    found = {clock.name: clock for clock in clocks.before_interim(at("2026-11-20T16:40"), FOUR)}
    assert {name: shown(clock.due) for name, clock in found.items()} == {
        ClockName.DISPATCH: "2026-11-23T08:40",
        ClockName.RETURN: "2026-11-23T09:10",
        ClockName.DRAFT: "2026-11-23T09:40",
        ClockName.APPROVAL: "2026-11-23T10:40",
        ClockName.PUBLISH: "2026-11-23T11:10",
        ClockName.ANSWER: "2026-11-23T11:40",
        ClockName.INTERIM: "2026-11-23T11:40",
    }
    points = [clock.point for clock in found.values()]
    assert points == ["5", "6", "9", "10", "11", "8", "12"]
    assert [c.point for c in clocks.before_interim(at("2026-11-20T16:40"), EIGHT)][5] == "7"


def test_a_clock_is_late_after_its_last_moment_only(clocks: Clocks) -> None:
    draft = clocks.draft(at("2026-11-18T08:00"), FOUR)
    answer = clocks.answer(at("2026-11-18T08:00"), FOUR)
    assert not draft.is_late(at("2026-11-18T11:00")), "the limit, not the due"
    assert draft.is_late(at("2026-11-18T11:00:01"))
    assert not answer.is_late(at("2026-11-18T12:00"))
    assert answer.is_late(at("2026-11-18T12:00:01"))


def test_a_stopped_clock_is_judged_by_when_it_stopped(clocks: Clocks) -> None:
    answer = clocks.answer(at("2026-11-18T08:00"), FOUR)
    stopped = answer.stopped(at("2026-11-18T11:59"))
    assert not stopped.is_late(at("2026-12-01T00:00"))
    assert stopped.stopped(at("2026-11-19T10:00")) == stopped
    assert answer.stopped(at("2026-11-18T12:30")).is_late(at("2026-11-18T12:30"))


# Raised and restored

# Detected, raised at; draft, its limit, answer.
RAISED = [
    # Soon after: as if it had been of 4 hours at once.
    ("2026-11-18T08:00", "2026-11-18T08:30", "2026-11-18T10:00", "2026-11-18T11:00", "2026-11-18T12:00"),
    ("2026-11-18T08:00", "2026-11-18T10:30", "2026-11-18T10:30", "2026-11-18T11:00", "2026-11-18T12:00"),
    # An hour is left at least, of working time.
    ("2026-11-18T08:00", "2026-11-18T11:30", "2026-11-18T11:30", "2026-11-18T11:30", "2026-11-18T13:30"),
    ("2026-11-18T08:00", "2026-11-18T12:20", "2026-11-18T12:20", "2026-11-18T12:20", "2026-11-18T14:00"),
    ("2026-11-18T10:00", "2026-11-18T16:40", "2026-11-18T16:40", "2026-11-18T16:40", "2026-11-19T08:40"),
    # But never after the eight hours.
    ("2026-11-18T08:00", "2026-11-18T16:40", "2026-11-18T16:40", "2026-11-18T16:40", "2026-11-18T17:00"),
    ("2026-11-18T08:00", "2026-11-19T09:00", "2026-11-18T17:00", "2026-11-18T17:00", "2026-11-18T17:00"),
    # At night and over a weekend.
    ("2026-11-20T15:00", "2026-11-21T10:00", "2026-11-21T10:00", "2026-11-23T09:00", "2026-11-23T10:00"),
    ("2026-11-20T10:00", "2026-11-20T17:00", "2026-11-20T17:00", "2026-11-20T17:00", "2026-11-23T09:00"),
]


@pytest.mark.parametrize(("detected", "now", "draft", "limit", "answer"), RAISED)
def test_a_raised_case_is_due_when_counted_by_hand(
    clocks: Clocks, detected: str, now: str, draft: str, limit: str, answer: str
) -> None:
    found = clocks.raised(at(detected), at(now))
    assert [clock.name for clock in found] == ["draft", "answer"]
    assert (shown(found[0].due), shown(found[0].limit), shown(found[1].due)) == (draft, limit, answer)
    assert found[1].point == "8"


RESTORED = [
    (EIGHT, "2026-11-18T08:00", "2026-11-18T09:00", "2026-11-18T11:00", "2026-11-18T17:00"),
    (EIGHT, "2026-11-18T08:00", "2026-11-18T16:00", "2026-11-18T16:00", "2026-11-18T17:00"),
    (EIGHT, "2026-11-18T08:00", "2026-11-18T16:30", "2026-11-18T16:30", "2026-11-19T08:30"),
    (EIGHT, "2026-11-18T08:00", "2026-11-20T16:45", "2026-11-20T16:45", "2026-11-23T08:45"),
    (FOUR, "2026-11-18T08:00", "2026-11-18T11:15", "2026-11-18T11:15", "2026-11-18T13:15"),
    (FOUR, "2025-10-31T16:40", "2025-11-01T15:30", "2025-11-01T15:30", "2025-11-05T08:30"),
]


@pytest.mark.parametrize(("track", "detected", "now", "draft", "answer"), RESTORED)
def test_a_restored_case_has_a_working_hour_at_least(
    clocks: Clocks, track: Track, detected: str, now: str, draft: str, answer: str
) -> None:
    found = clocks.restored(at(detected), track, at(now))
    assert [shown(clock.due) for clock in found] == [draft, answer]


detections = st.integers(0, 400 * 24 * 3600).map(lambda second: at("2025-10-01T00:00") + timedelta(seconds=second))
waits = st.integers(0, 40 * 3600).map(lambda seconds: timedelta(seconds=seconds))


@few
@given(detected=detections, wait=waits)
def test_raising_gives_an_hour_but_no_more_than_before(detected: datetime, wait: timedelta) -> None:
    clocks, now = shipped(), detected + wait
    draft, answer = clocks.raised(detected, now)
    urgent, usual = clocks.answer(detected, FOUR).due, clocks.answer(detected, EIGHT).due
    assert urgent <= answer.due <= usual
    assert answer.due == usual or clocks.working.measure(now, answer.due) >= HOUR
    assert answer.due in (urgent, usual) or clocks.working.measure(now, answer.due) == HOUR
    assert draft.due <= draft.limit <= answer.due
    assert draft.due in (now, clocks.draft(detected, FOUR).due, answer.due)
    assert draft.due >= min(now, answer.due)
    assert clocks.draft(detected, FOUR).due <= draft.due


@few
@given(detected=detections, wait=waits, more=waits)
def test_who_raises_later_has_no_less_time(detected: datetime, wait: timedelta, more: timedelta) -> None:
    earlier = shipped().raised(detected, detected + wait)
    later = shipped().raised(detected, detected + wait + more)
    assert all(a.due <= b.due for a, b in zip(earlier, later, strict=True))


@few
@given(detected=detections, wait=waits, track=st.sampled_from(Track))
def test_restoring_takes_the_later_of_two_counts(detected: datetime, wait: timedelta, track: Track) -> None:
    """No case is born late."""
    clocks, now = shipped(), detected + wait
    draft, answer = clocks.restored(detected, track, now)
    assert answer.due == max(clocks.answer(detected, track).due, clocks.working.add(now, HOUR))
    assert draft.due == min(max(clocks.draft(detected, track).due, now), answer.due)
    assert draft.limit is None or draft.due <= draft.limit <= answer.due
    assert not draft.is_late(now)
    assert not answer.is_late(now)


@few
@given(detected=detections, track=st.sampled_from(Track))
def test_the_clocks_of_a_case_stand_in_its_order(detected: datetime, track: Track) -> None:
    """And none of them, save those of calendar time, is due outside working time."""
    clocks = shipped()
    found = {clock.name: clock for clock in clocks.before_interim(detected, track)}
    found |= {clock.name: clock for clock in clocks.after_interim(found[ClockName.ANSWER].due)}
    order = [ClockName.DISPATCH, ClockName.DRAFT, ClockName.APPROVAL, ClockName.PUBLISH, ClockName.ANSWER]
    dues = [found[name].due for name in (*order, ClockName.FINAL_DRAFT, ClockName.FINAL)]
    assert dues == sorted(dues)
    for clock in found.values():
        assert clock.started_at < clock.due <= (clock.limit or clock.due)
        assert clocks.working.works(clock.due - timedelta(microseconds=1))


# Reasons


def test_the_reason_is_one_a_lawyer_can_check(clocks: Clocks) -> None:
    why = clocks.answer(at("2026-11-20T16:40"), EIGHT).why
    assert why == "8 рабочих часов от 20.11 16:40 = 23.11 16:40; 21–22.11 выходные; п. 7"


WHY = [
    ("2026-11-18T08:00", "8 рабочих часов от 18.11 08:00 = 18.11 17:00; п. 7"),
    ("2026-11-18T08:00:30", "8 рабочих часов от 18.11 08:00:30 = 19.11 08:00:30; п. 7"),
    ("2026-11-18T12:30", "8 рабочих часов от 18.11 12:30 = 19.11 12:00; нерабочее время, отсчёт с 18.11 13:00; п. 7"),
    (
        "2026-11-03T15:00",
        "8 рабочих часов от 03.11 15:00 = 05.11 16:00; 03.11 сокращённый день; 04.11 День народного единства; п. 7",
    ),
    ("2026-04-20T16:00", "8 рабочих часов от 20.04 16:00 = 22.04 16:00; 21.04 Радоница; п. 7"),
    (
        "2025-10-31T16:00",
        "8 рабочих часов от 31.10 16:00 = 01.11 16:00; 01.11 сокращённый день; п. 7",
    ),
    (
        "2024-04-27T17:00",
        "8 рабочих часов от 27.04 17:00 = 02.05 17:00; нерабочее время, отсчёт с 02.05 08:00; 27.04 рабочий день; "
        "28.04 выходные; 29.04 Выходной (перенесено с 27.04.2024); 30.04 Выходной (перенесено с 02.11.2024); "
        "01.05 Праздник Весны и Труда; п. 7",
    ),
    (
        "2026-12-30T16:00",
        "8 рабочих часов от 30.12 16:00 = 11.01 16:00; 31.12 Выходной (перенесено с 04.01.2026); "
        "01.01 Новогодние каникулы; 02–03.01 выходные; 04–06.01 Новогодние каникулы; 07.01 Рождество Христово; "
        "08.01 Новогодние каникулы; 09–10.01 выходные; п. 7",
    ),
]


@pytest.mark.parametrize(("detected", "why"), WHY)
def test_the_reason_names_each_day_that_is_not_ordinary(clocks: Clocks, detected: str, why: str) -> None:
    assert clocks.answer(at(detected), EIGHT).why == why


def test_the_reason_of_each_clock_names_its_amount_and_point(clocks: Clocks) -> None:
    detected = at("2026-11-18T08:00")
    answer = clocks.answer(detected, FOUR)
    assert [clock.why.partition(" от ")[0] for clock in clocks.before_interim(detected, FOUR)] == [
        "1 рабочий час",
        "30 рабочих минут",
        "2 рабочих часа",
        "1 рабочий час",
        "30 рабочих минут",
        "4 рабочих часа",
        "4 рабочих часа",
    ]
    for clock in (*clocks.before_interim(detected, FOUR), *clocks.after_interim(answer.due), clocks.crisis(detected)):
        assert f"; п. {clock.point}" in clock.why
        assert shown(clock.due)[11:] in clock.why
    assert clocks.draft(detected, FOUR).why == "2 рабочих часа от 18.11 08:00 = 18.11 10:00; п. 9; предел 18.11 11:00"


def test_the_reason_of_the_final_answer_counts_days(clocks: Clocks) -> None:
    draft, final = clocks.after_interim(at("2026-04-29T15:00"))
    assert draft.why == "за 5 рабочих часов до 12.05 17:00 = 12.05 11:00; п. 12"
    assert final.why == (
        "7 рабочих дней со следующего после 29.04 = 12.05 17:00; 30.04 сокращённый день; "
        "01.05 Праздник Весны и Труда; 02–03.05 выходные; 08.05 сокращённый день; 09–10.05 выходные; "
        "11.05 День Победы (выходной); п. 12"
    )


def test_a_moved_clock_shows_both_moments(clocks: Clocks) -> None:
    draft, answer = clocks.raised(at("2026-11-18T08:00"), at("2026-11-18T11:30"))
    assert answer.why == (
        "4 рабочих часа от 18.11 08:00 = 18.11 12:00; п. 8; "
        "перевод на 4 часа 18.11 11:30: вместо 18.11 12:00 — 18.11 13:30"
    )
    assert draft.why == (
        "2 рабочих часа от 18.11 08:00 = 18.11 10:00; п. 9; предел 18.11 11:00; "
        "пересчёт 18.11 11:30: вместо 18.11 10:00 — 18.11 11:30; предел 18.11 11:30"
    )
    _, restored = clocks.restored(at("2026-11-18T08:00"), EIGHT, at("2026-11-18T16:30"))
    assert restored.why.endswith("; возврат в работу 18.11 16:30: вместо 18.11 17:00 — 19.11 08:30")
    _, unmoved = clocks.restored(at("2026-11-18T08:00"), EIGHT, at("2026-11-18T09:00"))
    assert unmoved.why == clocks.answer(at("2026-11-18T08:00"), EIGHT).why


@few
@given(detected=detections, wait=waits, track=st.sampled_from(Track))
def test_the_last_moments_of_a_reason_are_those_of_its_clock(detected: datetime, wait: timedelta, track: Track) -> None:
    """What a lawyer reads at the end of it is what is counted by."""
    clocks, now = shipped(), detected + wait
    found: tuple[Clock, ...] = (*clocks.raised(detected, now), *clocks.restored(detected, track, now))
    for clock in found:
        assert re.findall(r"[=—] (\d\d\.\d\d [\d:]+)", clock.why)[-1] == _told(clock.due)
        limits = re.findall(r"предел (\d\d\.\d\d [\d:]+)", clock.why)
        assert limits[-1:] == ([_told(clock.limit)] if clock.limit else [])


def _told(moment: datetime) -> str:
    local = moment.astimezone(MOSCOW)
    return f"{local:%d.%m %H:%M:%S}" if local.second else f"{local:%d.%m %H:%M}"


@pytest.mark.parametrize(
    ("term", "words"),
    [
        (Term(HOUR), "1 рабочий час"),
        (Term(3 * HOUR), "3 рабочих часа"),
        (Term(21 * HOUR), "21 рабочий час"),
        (Term(11 * HOUR), "11 рабочих часов"),
        (Term(MINUTE), "1 рабочая минута"),
        (Term(90 * MINUTE), "90 рабочих минут"),
        (Term(15 * MINUTE, working=False), "15 минут"),
        (Term(2 * HOUR, working=False), "2 часа"),
    ],
)
def test_amounts_agree_with_their_numbers(term: Term, words: str) -> None:
    assert amount(term) == words

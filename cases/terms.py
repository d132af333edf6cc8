"""The amounts of time that the decree and its policies give, as the clocks use them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from cases.calendar import Interval, Week, WorkingTime
from records import Track
from regulation import Policy, Regulation


@dataclass(frozen=True, slots=True)
class Term:
    """``working`` or calendar time."""

    amount: timedelta
    working: bool = True


@dataclass(frozen=True, slots=True)
class Terms:
    """Each named after the policy that holds it (``regulation/policies.yaml``); ``answer`` and ``draft`` by track."""

    answer: Mapping[Track, Term]
    draft: Mapping[Track, Term]
    draft_limit: Mapping[Track, Term]
    dispatch: Term
    returning: Term
    approval: Term
    rework: Term
    publication: Term
    publication_within: bool
    final_days: int
    final_draft: Term
    after_raise: Term
    after_restore: Term
    crisis: Term
    alarm_offhours: Term

    @classmethod
    def of(cls, policies: Mapping[str, Policy]) -> Terms:
        def of(key: str, hours: str) -> Term:
            return Term(timedelta(hours=_number(policies, key, hours)))

        return cls(
            answer={
                Track.EIGHT_HOURS: of("draft_8h", "limit_hours"),
                Track.FOUR_HOURS: of("draft_4h", "limit_hours"),
            },
            draft={Track.EIGHT_HOURS: _draft(policies), Track.FOUR_HOURS: of("draft_4h", "due_hours")},
            draft_limit={Track.FOUR_HOURS: of("draft_4h", "limit_due_hours")},
            dispatch=_minutes(policies, "dispatch_1h"),
            returning=_minutes(policies, "return_30m"),
            approval=_minutes(policies, "approval_timeout"),
            rework=_minutes(policies, "approval_timeout", "rework_minutes"),
            publication=_minutes(policies, "publish_30m"),
            publication_within=bool(_value(policies, "publish_30m", "within_total")),
            final_days=_number(policies, "final_7wd", "days"),
            final_draft=of("final_7wd", "draft_before_hours"),
            after_raise=of("reclassify", "after_raise_hours"),
            after_restore=of("restore", "after_restore_hours"),
            crisis=_minutes(policies, "p15_suicide"),
            alarm_offhours=_minutes(policies, "dispatch_1h", "offhours_fast_minutes", "offhours_fast_time"),
        )


def _value(policies: Mapping[str, Policy], key: str, name: str) -> Any:
    return policies[key].values[name]


def _number(policies: Mapping[str, Policy], key: str, name: str) -> int:
    return int(_value(policies, key, name))


def _draft(policies: Mapping[str, Policy]) -> Term:
    """Point 9: so many hours before the term of point 7."""
    hours = _number(policies, "draft_8h", "limit_hours") - _number(policies, "draft_8h", "before_deadline_hours")
    return Term(timedelta(hours=hours))


def _minutes(policies: Mapping[str, Policy], key: str, name: str = "minutes", time: str = "time") -> Term:
    return Term(timedelta(minutes=_number(policies, key, name)), _value(policies, key, time) == "working")


def working_time(regulation: Regulation, hours: tuple[Interval, ...] | None = None) -> WorkingTime:
    """The working time of the regulation; ``hours``: other intervals for every working day, for a rehearsal."""
    values: Mapping[str, Any] = regulation.policies["work_hours"].values
    ordinary = hours or tuple(map(interval, values["intervals"]))
    week = dict.fromkeys(values["days"], ordinary)
    if hours is None:
        week |= {day: tuple(map(interval, given)) for day, given in values["other_days"].items()}
    short_by = timedelta(minutes=values["short_by_minutes"])
    return WorkingTime(regulation.days, Week(week, ordinary, short_by), ZoneInfo(values["zone"]))


def interval(written: str) -> Interval:
    """``08:00-12:00`` or ``8-12``. Raises: ValueError."""
    begins, _, ends = written.strip().partition("-")
    return _clock(begins), _clock(ends)


def _clock(written: str) -> time:
    hours, _, minutes = written.strip().partition(":")
    return time(int(hours), int(minutes or 0))

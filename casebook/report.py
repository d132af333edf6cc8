"""A weekly report: the figures that policy ``reports`` names. What each is counted from stands beside it.

Two rules hold for all. A thing belongs to the week of its own moment: a post to that of its detection, an answer to
that of its publication, a step to that in which it was done, a breach to that in which its due passed, an alarm to
that in which it was raised. And the report is as of the end of its week (``as_of``; of a week that still runs, as of
now): what happened later is not in it, so that a report asked for later is the same. A move that was recalled never
was.

No text of a post, no author: numbers, codes, keys and times.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime, timedelta
from typing import Any

from records.clock import stamp

NOBODY = ""  # the department of a case that nobody has confirmed yet


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose cases are counted; both empty: all. ``office``: of the department, empty: every one of them."""

    department: str = ""
    office: str = ""


@dataclass(frozen=True, slots=True)
class Network:
    """Posts of one network, by the decision (``Detected``)."""

    network: str
    posts: int
    excluded: int
    no_answer: int
    fast: int
    usual: int


@dataclass(frozen=True, slots=True)
class Detected:
    """Posts whose ``detected_at`` is in the week, by the latest decision as of the report (a post, not a case: one
    that was split counts once).

    ``excluded``: point 15; ``fast``, ``usual``: an answer within 4 or 8 hours is owed; the four add up to ``posts``.
    ``raised``, ``lowered``: moves of the week that changed the track from 8 to 4 hours, and from 4 to 8.
    """

    posts: int
    excluded: int
    no_answer: int
    fast: int
    usual: int
    raised: int
    lowered: int
    networks: tuple[Network, ...]


@dataclass(frozen=True, slots=True)
class GroundCount:
    """Of the excluded posts, those with this ground; one post may have several. ``ground`` empty: not kept (the
    words were erased, and the event of an older version does not tell)."""

    ground: str
    posts: int


@dataclass(frozen=True, slots=True)
class Answers:
    """``term``: ``8h`` and ``4h`` (clock ``answer``, points 7 and 8; an interim answer meets it, point 12), ``final``
    (clock ``final``: of cases with an interim answer).

    ``on_time``, ``late``: answers published in the week (a reply in a merged case too) by their due, or after it.
    ``open``: not yet answered and not yet due, ``overdue``: not answered and past due, as of the report.
    """

    term: str
    on_time: int
    late: int
    open: int
    overdue: int


@dataclass(frozen=True, slots=True)
class Times:
    """Working time from detection to the final (not interim) answer, of those published in the week; a reply in a
    merged case is one. ``track`` empty: of both tracks. ``median`` is ``None`` where there are no answers."""

    track: str
    answers: int
    median: timedelta | None


@dataclass(frozen=True, slots=True)
class Cell:
    """A step (a clock) of the cases of one department, the one the case was with when the step was done.

    ``on_time``, ``late``: done in the week by the last moment of the step (``limit``, else ``due``), or after it.
    ``overdue``: not done, past its last moment, as of the report, whenever that passed. ``breaches``: the last moment
    passed in the week before the step was done. A clock that stopped because there was nothing left to do (withdrawn,
    merged, unpublishable, judged anew, published without approval) is neither on time nor late.
    """

    department: str
    step: str
    on_time: int
    late: int
    overdue: int
    breaches: int


@dataclass(frozen=True, slots=True)
class Step:
    """All cells of a step."""

    step: str
    on_time: int
    late: int
    overdue: int
    breaches: int


@dataclass(frozen=True, slots=True)
class Department:
    """All cells of a department, and: ``returns`` (moves ``return`` of the week, by who returned); ``answers``, of
    them ``interim`` (published in the week); ``median`` as in ``Times``."""

    department: str
    on_time: int
    late: int
    overdue: int
    breaches: int
    returns: int
    answers: int
    interim: int
    median: timedelta | None


@dataclass(frozen=True, slots=True)
class Alarms:
    """Alarms of one kind raised in the week. ``median``, ``longest``: calendar time from the raising to the named
    person, of the acknowledged ones. ``waiting``: not acknowledged as of the report; ``late``: acknowledged after
    their due, or waiting past it."""

    kind: str
    raised: int
    acknowledged: int
    waiting: int
    late: int
    median: timedelta | None
    longest: timedelta | None


@dataclass(frozen=True, slots=True)
class Exclusions:
    """Moves of the week: ``confirmed`` (``confirm_exclusion``), ``restored`` (``restore`` of an excluded case, of
    which ``late_by_filter`` were past the due counted from detection). ``waiting``: excluded, as of the report."""

    confirmed: int
    restored: int
    late_by_filter: int
    waiting: int


@dataclass(frozen=True, slots=True)
class SecondLooks:
    """Posts that need no answer, drawn to be looked at again. ``drawn``: detected in the week; ``confirmed``,
    ``restored``: moves of the week on drawn ones, together the looks done; ``waiting``: as of the report."""

    drawn: int
    confirmed: int
    restored: int
    waiting: int


@dataclass(frozen=True, slots=True)
class Proposals:
    """First confirmations of the week, by the department confirmed (an external body by its own code), against the
    latest decision before each: ``kept`` (the proposed one), ``changed`` (another), ``abstained`` (none was
    proposed). Parts of a split post are not counted: a person named their department."""

    department: str
    kept: int
    changed: int
    abstained: int


@dataclass(frozen=True, slots=True)
class Late:
    """A clock whose last moment (``due`` here) passed in the week, or earlier and is not done. ``late``: working time
    from it to ``done``, else to the report."""

    number: int
    key: str
    department: str
    step: str
    due: datetime
    done: datetime | None
    late: timedelta


@dataclass(frozen=True, slots=True)
class Point:
    """A week of the series: posts detected; answers published (``Answers``, all terms) on time and late."""

    week: str
    detected: int
    on_time: int
    late: int


@dataclass(frozen=True, slots=True)
class Report:
    """``begin``, ``end``: of the week, in the zone of the decree; ``as_of``: the end, or now where that is earlier.
    ``names``: short names of departments by code."""

    week: str
    begin: datetime
    end: datetime
    as_of: datetime
    scope: Scope
    names: Mapping[str, str]
    detected: Detected
    grounds: tuple[GroundCount, ...]
    answers: tuple[Answers, ...]
    times: tuple[Times, ...]
    departments: tuple[Department, ...]
    steps: tuple[Step, ...]
    cells: tuple[Cell, ...]
    alarms: tuple[Alarms, ...]
    exclusions: Exclusions
    second_looks: SecondLooks
    proposals: tuple[Proposals, ...]
    late: tuple[Late, ...]
    series: tuple[Point, ...]

    @property
    def is_over(self) -> bool:
        return self.as_of == self.end

    @property
    def is_empty(self) -> bool:
        """Nothing came, nothing was done, nothing is owed."""
        counted = (self.departments, self.cells, self.alarms, self.proposals, self.late)
        numbers = (self.detected, *self.answers, self.exclusions, self.second_looks)
        return not any(counted) and not any(
            value for one in numbers for value in to_json(one).values() if isinstance(value, int)
        )

    def name(self, department: str) -> str:
        return self.names.get(department, department)


def share(part: int, rest: int) -> float | None:
    """``part`` of both, ``None`` of nothing."""
    return part / (part + rest) if part + rest else None


def middle(times: Sequence[timedelta]) -> timedelta | None:
    """The median, ``None`` of nothing."""
    ordered, half = sorted(times), len(times) // 2
    if not ordered:
        return None
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def to_json(value: Any) -> Any:
    """Fields by name; moments in ISO 8601, spans of time in seconds."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_json(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, datetime):
        return stamp(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Mapping):
        return {key: to_json(item) for key, item in value.items()}
    return [to_json(item) for item in value] if isinstance(value, tuple) else value

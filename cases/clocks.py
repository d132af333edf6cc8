"""The clocks of the decree: when each step is due, the latest it may be, and why.

A clock is started by an event and stopped by one; a return to the sender starts none anew (policy ``clock_start``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from cases.calendar import WorkingTime
from cases.reasons import Reasons, Silence
from cases.terms import Term, Terms
from records import Track


class ClockName(StrEnum):
    DISPATCH = "dispatch"
    RETURN = "return"
    DRAFT = "draft"
    APPROVAL = "approval"
    PUBLISH = "publish"
    ANSWER = "answer"
    INTERIM = "interim"
    FINAL_DRAFT = "final_draft"
    FINAL = "final"
    ALARM = "alarm"
    CRISIS = "crisis"


POINTS: Mapping[ClockName, str] = {
    ClockName.DISPATCH: "5",
    ClockName.RETURN: "6",
    ClockName.DRAFT: "9",
    ClockName.APPROVAL: "10",
    ClockName.PUBLISH: "11",
    ClockName.ANSWER: "7",
    ClockName.INTERIM: "12",
    ClockName.FINAL_DRAFT: "12",
    ClockName.FINAL: "12",
    ClockName.ALARM: "5",
    ClockName.CRISIS: "15",
}
ANSWER_POINTS = {Track.EIGHT_HOURS: "7", Track.FOUR_HOURS: "8"}


@dataclass(frozen=True, slots=True)
class Clock:
    """``due``: when the step must be done; ``limit``: where the policy gives two moments, the later. ``point``: of the
    decree. ``stopped_at``: when it was done, ``None`` while the clock runs."""

    name: ClockName
    started_at: datetime
    due: datetime
    why: str
    point: str
    limit: datetime | None = None
    stopped_at: datetime | None = None

    def is_late(self, now: datetime) -> bool:
        """Whether the step was, or by now is, done after its last moment."""
        return (self.stopped_at or now) > (self.limit or self.due)

    def stopped(self, now: datetime) -> Clock:
        return self if self.stopped_at else replace(self, stopped_at=now)


class Clocks:
    """Each method starts one clock at the moment of its event, or counts it anew where a policy says so.

    All raise :class:`cases.errors.UnknownYearError` where the count leads into a year without data.
    """

    def __init__(self, working: WorkingTime, terms: Terms, *, silent: bool = False) -> None:
        """``silent``: without reasons, which take longer than the count itself."""
        self.working = working
        self.terms = terms
        self._reasons = Silence(working) if silent else Reasons(working)

    def dispatch(self, detected: datetime) -> Clock:
        return self._start(ClockName.DISPATCH, detected, self.terms.dispatch)

    def returning(self, delivered: datetime) -> Clock:
        return self._start(ClockName.RETURN, delivered, self.terms.returning)

    def draft(self, detected: datetime, track: Track) -> Clock:
        clock = self._start(ClockName.DRAFT, detected, self.terms.draft[track])
        later = self.terms.draft_limit.get(track)
        if later is None:
            return clock
        limit = self._after(detected, later)
        return replace(clock, limit=limit, why=self._reasons.with_limit(clock.why, limit))

    def approval(self, sent: datetime) -> Clock:
        return self._start(ClockName.APPROVAL, sent, self.terms.approval)

    def rework(self, remarked: datetime, answer: Clock) -> Clock:
        """A draft sent back with remarks; the answer's due does not move (policy ``approval_timeout``)."""
        clock = self._start(ClockName.DRAFT, remarked, self.terms.rework)
        return self._within(clock, answer)

    def publication(self, approved: datetime, answer: Clock) -> Clock:
        """Thirty minutes after approval, and not after the answer's due (policy ``publish_30m``)."""
        clock = self._start(ClockName.PUBLISH, approved, self.terms.publication)
        return self._within(clock, answer) if self.terms.publication_within else clock

    def _within(self, clock: Clock, answer: Clock) -> Clock:
        if clock.due <= answer.due:
            return clock
        return replace(clock, due=answer.due, why=self._reasons.cut(clock.why, answer.due))

    def answer(self, detected: datetime, track: Track) -> Clock:
        return self._start(ClockName.ANSWER, detected, self.terms.answer[track], ANSWER_POINTS[track])

    def interim(self, detected: datetime, track: Track) -> Clock:
        """The interim answer is due within the term of the answer."""
        return self._start(ClockName.INTERIM, detected, self.terms.answer[track])

    def final(self, posted: datetime) -> Clock:
        """The end of the seventh working day, the first being the one after the posting (policy ``final_7wd``)."""
        due = self.working.end_of_day(posted, self.terms.final_days)
        why = self._reasons.days(posted, self.terms.final_days, due, POINTS[ClockName.FINAL])
        return Clock(ClockName.FINAL, posted, due, why, POINTS[ClockName.FINAL])

    def final_draft(self, posted: datetime) -> Clock:
        final = self.final(posted)
        before = self.terms.final_draft
        due = self.working.subtract(final.due, before.amount)
        why = self._reasons.before(before, final.due, due, POINTS[ClockName.FINAL_DRAFT])
        return Clock(ClockName.FINAL_DRAFT, posted, due, why, POINTS[ClockName.FINAL_DRAFT])

    def crisis(self, raised: datetime) -> Clock:
        """Calendar time, day and night (policy ``p15_suicide``)."""
        return self._start(ClockName.CRISIS, raised, self.terms.crisis)

    def alarm(self, raised: datetime) -> Clock:
        """In working hours the hour of the dispatch, outside them a calendar hour of the person on duty, whichever ends
        first: an alarm of 16:30 does not wait for the morning (policy ``dispatch_1h``)."""
        clock = self._start(ClockName.ALARM, raised, self.terms.alarm_offhours)
        if not self.working.works(raised):
            return clock
        usual = self._start(ClockName.ALARM, raised, self.terms.dispatch)
        return min(usual, clock, key=lambda either: either.due)

    def raised(self, detected: datetime, now: datetime, restored: datetime | None = None) -> tuple[Clock, Clock]:
        """Draft and answer of a case raised from 8 to 4 hours at ``now`` (policy ``reclassify``); ``restored``: when
        it was brought back before that."""
        usual = self.answer(detected, Track.FOUR_HOURS)
        least = self._after(now, self.terms.after_raise)
        slow = Track.EIGHT_HOURS
        latest = self.restored(detected, slow, restored)[1] if restored else self.answer(detected, slow)
        due = min(max(usual.due, least), latest.due)
        answer = replace(usual, due=due, why=self._reasons.moved(usual.why, usual.due, due, now, "перевод на 4 часа"))
        return self._draft_within(self.draft(detected, Track.FOUR_HOURS), answer, now), answer

    def restored(self, detected: datetime, track: Track, now: datetime) -> tuple[Clock, Clock]:
        """Draft and answer of a case brought back, split off or merged at ``now``: the later of the count from
        detection and one working hour from now (policies ``restore``, ``duplicates``)."""
        return self._later(detected, track, now, "возврат в работу")

    def repeated(self, first: datetime, track: Track, now: datetime) -> tuple[Clock, Clock]:
        """Draft and answer of a post that says again, at ``now``, what its author said at ``first``: no term of its
        own (policy ``duplicates``), but one working hour at the least."""
        found = self._later(first, track, now, "повтор от")
        draft, answer = (replace(clock, why=self._reasons.shared(clock.why)) for clock in found)
        return draft, answer

    def _later(self, detected: datetime, track: Track, now: datetime, what: str) -> tuple[Clock, Clock]:
        usual = self.answer(detected, track)
        due = max(usual.due, self._after(now, self.terms.after_restore))
        answer = replace(usual, due=due, why=self._reasons.moved(usual.why, usual.due, due, now, what))
        return self._draft_within(self.draft(detected, track), answer, now), answer

    def _draft_within(self, draft: Clock, answer: Clock, now: datetime) -> Clock:
        """Never due before now and never after the answer."""
        due = min(max(draft.due, now), answer.due).astimezone(self.working.zone)
        limit = draft.limit and min(max(draft.limit, due), answer.due)
        why = self._reasons.moved(draft.why, draft.due, due, now, "пересчёт")
        if limit and limit != draft.limit:
            why = self._reasons.with_limit(why, limit)
        return replace(draft, due=due, limit=limit, why=why)

    def before_interim(self, detected: datetime, track: Track) -> tuple[Clock, ...]:
        """Clocks of a case up to its answer, as if each step before took all its time."""
        answer, draft = self.answer(detected, track), self.draft(detected, track)
        dispatch, approval = self.dispatch(detected), self.approval(draft.due)
        return (
            dispatch,
            self.returning(dispatch.due),
            draft,
            approval,
            self.publication(approval.due, answer),
            answer,
            self.interim(detected, track),
        )

    def after_interim(self, posted: datetime) -> tuple[Clock, Clock]:
        return self.final_draft(posted), self.final(posted)

    def _start(self, name: ClockName, start: datetime, term: Term, point: str | None = None) -> Clock:
        due = self._after(start, term)
        point = point or POINTS[name]
        return Clock(name, start, due, self._reasons.counted(term, start, due, point), point)

    def _after(self, start: datetime, term: Term) -> datetime:
        return (
            self.working.add(start, term.amount)
            if term.working
            else (start + term.amount).astimezone(self.working.zone)
        )

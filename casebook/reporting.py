"""``figures``: the weekly report of one user. What each figure means stands in ``casebook.report``."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

from casebook import report_rows as rows
from casebook.decree import Decree
from casebook.models import User
from casebook.report import (
    Answers,
    Cell,
    Department,
    Exclusions,
    Late,
    Point,
    Proposals,
    Report,
    Scope,
    SecondLooks,
    Step,
    Times,
    middle,
)
from casebook.report_judged import alarms_of, detected_of, grounds_of
from casebook.report_rows import Run, Seen, Span, Told, Whose
from casebook.report_week import Week, WeekError, measured
from cases.clocks import ClockName
from cases.lifecycle import OF_A_DEPARTMENT, MoveName, State
from records import Track

SERIES = 8
_MOMENT = timedelta(milliseconds=1)  # what a count keeps of a moment
_FAST_POINT = "8"
_PUBLISHED = (MoveName.PUBLISH, MoveName.PUBLISH_UNAPPROVED, MoveName.REPLY)
_TERMS = (Track.EIGHT_HOURS, Track.FOUR_HOURS, ClockName.FINAL)


def figures(decree: Decree, user: User, week: Week, now: datetime) -> Report:
    """The report of a week, of the cases that the user answers for: a head or an executor sees those of their own
    department (and office) alone, all others see all.

    Raises:
        WeekError: the week has not begun.
    """
    zone = decree.clocks.working.zone
    begin, end = week.span(zone)
    if now <= begin:
        mend = f"последняя полная — {Week.last_full(now, zone).name}"
        raise WeekError(f"неделя {week.name} ещё не наступила", mend)
    first, _ = week.before(SERIES - 1).span(zone)
    return _Figures(decree, scope_of(user), week, Span(first, begin, min(end, now))).report()


def scope_of(user: User) -> Scope:
    return Scope(user.department, user.office) if user.role in OF_A_DEPARTMENT else Scope()


class _Figures:
    """One report in the making: the rows are read once, then counted."""

    def __init__(self, decree: Decree, scope: Scope, week: Week, span: Span) -> None:
        self._decree, self._scope, self._week, self._span = decree, scope, week, span
        self._measure = measured(decree.clocks.working)
        undone = rows.recalled()
        self._whose = Whose(span, undone, scope)
        seen = self._whose.is_seen
        self._posts: list[Seen] = [one for one in rows.posts(span) if seen(one.case, span.as_of)]
        self._events: list[Told] = [one for one in rows.events(span, undone) if self._is_seen(one)]
        self._runs: list[Run] = [one for one in rows.clocks(span) if seen(one.case, self._when(one))]

    def report(self) -> Report:
        zone = self._decree.clocks.working.zone
        begin, end = (moment.astimezone(zone) for moment in self._week.span(zone))
        posts = [one for one in self._posts if self._span.holds(one.detected_at)]
        verdicts = rows.verdicts(self._span)
        cells = self._cells()
        return Report(
            week=self._week.name,
            begin=begin,
            end=end,
            as_of=self._span.as_of.astimezone(zone),
            scope=self._scope,
            names={code: one.short for code, one in self._decree.regulation.departments.items()},
            detected=detected_of(posts, verdicts, self._number(MoveName.RAISE), self._number(MoveName.LOWER)),
            grounds=grounds_of(self._span, posts, verdicts),
            answers=tuple(self._answers(term) for term in _TERMS),
            times=self._times(),
            departments=self._departments(cells),
            steps=_steps(cells),
            cells=cells,
            alarms=alarms_of(self._span, self._whose),
            exclusions=self._exclusions(),
            second_looks=self._second_looks(posts),
            proposals=self._proposals(),
            late=self._late(),
            series=tuple(self._point(self._week.before(ago)) for ago in reversed(range(SERIES))),
        )

    # Whose

    def _is_seen(self, one: Told) -> bool:
        """Who returned a case is told by the event: it is nobody's now."""
        department = one.body["department"] if one.kind == MoveName.RETURN else None
        return self._whose.is_seen(one.case, one.at, department)

    def _when(self, run: Run) -> datetime:
        """The moment at which a clock is of the department that its case was with."""
        if run.name == ClockName.RETURN:
            return run.started + _MOMENT
        return run.stopped or self._span.as_of

    def _department(self, run: Run) -> str:
        return self._whose.department(run.case, self._when(run))

    # Moves

    def _made(self, *kinds: str) -> list[Told]:
        return [one for one in self._events if one.kind in kinds]

    def _number(self, *kinds: str) -> int:
        return len(self._made(*kinds))

    def _exclusions(self) -> Exclusions:
        restored = [one for one in self._made(MoveName.RESTORE) if one.was == State.EXCLUDED]
        return Exclusions(
            confirmed=self._number(MoveName.CONFIRM_EXCLUSION),
            restored=len(restored),
            late_by_filter=sum(bool(one.body.get("late_by_filter")) for one in restored),
            waiting=self._waiting(State.EXCLUDED),
        )

    def _second_looks(self, posts: Sequence[Seen]) -> SecondLooks:
        looked = [one for one in self._events if one.second_look]
        return SecondLooks(
            drawn=sum(one.second_look for one in posts),
            confirmed=sum(one.kind == MoveName.CONFIRM_NO_ANSWER for one in looked),
            restored=sum(one.kind == MoveName.RESTORE and one.was == State.NO_ANSWER for one in looked),
            waiting=self._waiting(State.NO_ANSWER, second_look=True),
        )

    def _waiting(self, state: State, **more: bool) -> int:
        """None of them was ever with a department."""
        return 0 if self._scope.department else rows.waiting(self._span, state, **more).count()

    def _proposals(self) -> tuple[Proposals, ...]:
        known, found = rows.proposed(self._span), Counter[tuple[str, str]]()
        for one in self._made(MoveName.CONFIRM):
            if one.part or one.returns:
                continue
            confirmed = one.body["external"] or one.body["department"]
            before = [(code, is_sure) for at, code, is_sure in known[one.case] if at <= one.at]
            code, is_sure = before[-1] if before else ("", False)
            found[confirmed, "abstained" if not is_sure else "kept" if code == confirmed else "changed"] += 1
        codes = self._ordered(code for code, _ in found)
        return tuple(Proposals(c, found[c, "kept"], found[c, "changed"], found[c, "abstained"]) for c in codes)

    def _ordered(self, codes: Iterable[str]) -> list[str]:
        """As the file of departments has them; those that it lacks, and nobody's, last."""
        order = {code: place for place, code in enumerate(self._decree.regulation.departments)}
        return sorted(set(codes), key=lambda code: (order.get(code, len(order)), code == "", code))

    # Answers

    def _answers(self, term: str) -> Answers:
        runs = [one for one in self._runs if _term(one) == term]
        done = [one for one in runs if _is_done(one, self._span.holds)]
        late = sum(one.is_late(self._span.as_of) for one in done)
        run = [one.is_late(self._span.as_of) for one in runs if one.stopped is None]
        return Answers(term, len(done) - late, late, len(run) - sum(run), sum(run))

    def _final(self) -> list[Told]:
        return [one for one in self._made(*_PUBLISHED) if not one.body.get("interim")]

    def _times(self) -> tuple[Times, ...]:
        final = self._final()
        tracks = ("", *(track for track in (Track.EIGHT_HOURS, Track.FOUR_HOURS)))
        return tuple(self._time(track, [one for one in final if track in ("", one.track)]) for track in tracks)

    def _time(self, track: str, final: Sequence[Told]) -> Times:
        return Times(track, len(final), self._median(final))

    def _median(self, final: Sequence[Told]) -> timedelta | None:
        return middle([self._measure(one.detected_at, one.at) for one in final])

    # Steps

    def _cells(self) -> tuple[Cell, ...]:
        found = defaultdict[tuple[str, str], Counter[str]](Counter)
        for run in self._runs:
            kinds = list(self._kinds(run))
            if kinds:
                found[self._department(run), run.name].update(kinds)
        order = list(ClockName)
        codes = self._ordered(code for code, _ in found)
        keys = sorted(found, key=lambda key: (codes.index(key[0]), order.index(ClockName(key[1]))))
        return tuple(
            Cell(*key, *(found[key][kind] for kind in ("on_time", "late", "overdue", "breach"))) for key in keys
        )

    def _kinds(self, run: Run) -> Iterable[str]:
        late = run.is_late(self._span.as_of)
        if run.stopped is None:
            yield from ("overdue",) if late else ()
        elif _is_done(run, self._span.holds):
            yield "late" if late else "on_time"
        if late and self._span.holds(run.end):
            yield "breach"

    def _departments(self, cells: Sequence[Cell]) -> tuple[Department, ...]:
        whose = self._whose.department
        returns = Counter(one.body["department"] for one in self._made(MoveName.RETURN))
        published = self._made(*_PUBLISHED)
        answers = Counter(whose(one.case, one.at) for one in published)
        interim = Counter(whose(one.case, one.at) for one in published if one.body.get("interim"))
        final = defaultdict[str, list[Told]](list)
        for one in self._final():
            final[whose(one.case, one.at)].append(one)
        codes = self._ordered([*(cell.department for cell in cells), *returns, *answers])
        return tuple(
            Department(
                code,
                *_sums(c for c in cells if c.department == code),
                returns[code],
                answers[code],
                interim[code],
                self._median(final[code]),
            )
            for code in codes
        )

    def _late(self) -> tuple[Late, ...]:
        """The latest first."""
        zone, as_of = self._decree.clocks.working.zone, self._span.as_of
        found = [
            Late(
                number=run.number,
                key=run.key,
                department=self._department(run),
                step=run.name,
                due=run.end.astimezone(zone),
                done=run.stopped.astimezone(zone) if run.stopped else None,
                late=self._measure(run.end, run.stopped or as_of),
            )
            for run in self._runs
            if run.is_late(as_of) and (run.stopped is None or self._span.holds(run.end))
        ]
        return tuple(sorted(found, key=lambda one: (-one.late, one.number, one.step)))

    # Series

    def _point(self, week: Week) -> Point:
        begin, end = week.span(self._decree.clocks.working.zone)

        def holds(moment: datetime) -> bool:
            return begin <= moment < min(end, self._span.as_of)

        done = [one for one in self._runs if one.name in rows.ANSWERING and _is_done(one, holds)]
        late = sum(one.is_late(self._span.as_of) for one in done)
        detected = sum(holds(one.detected_at) for one in self._posts)
        return Point(week.name, detected, len(done) - late, late)


def _is_done(run: Run, holds: Callable[[datetime], bool]) -> bool:
    return run.stopped is not None and not run.cancelled and holds(run.stopped)


def _term(run: Run) -> str:
    if run.name == ClockName.ANSWER:
        return Track.FOUR_HOURS if run.point == _FAST_POINT else Track.EIGHT_HOURS
    return run.name if run.name == ClockName.FINAL else ""


def _sums(cells: Iterable[Cell]) -> tuple[int, int, int, int]:
    found = list(cells)
    return (
        sum(one.on_time for one in found),
        sum(one.late for one in found),
        sum(one.overdue for one in found),
        sum(one.breaches for one in found),
    )


def _steps(cells: Sequence[Cell]) -> tuple[Step, ...]:
    names = {cell.step for cell in cells}
    return tuple(Step(name, *_sums(c for c in cells if c.step == name)) for name in ClockName if name in names)

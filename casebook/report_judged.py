"""What decisions came to in a week: posts by verdict and network, grounds, alarms."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta

from casebook import report_rows as rows
from casebook.report import Alarms, Detected, GroundCount, Network, middle
from casebook.report_rows import Seen, Span, Whose
from records import AlarmKind, Ground, Track, Verdict

Decided = Mapping[int, tuple[int, str, str]]  # as ``report_rows.verdicts``


def _kind(verdict: str, track: str) -> str:
    if verdict == Verdict.ANSWER:
        return "fast" if track == Track.FOUR_HOURS else "usual"
    return "excluded" if verdict == Verdict.EXCLUDE else "no_answer"


def detected_of(posts: Sequence[Seen], verdicts: Decided, raised: int, lowered: int) -> Detected:
    kinds = Counter(_kind(*verdicts[one.case][1:]) for one in posts)
    of_network = Counter(one.network for one in posts)
    found = Counter((one.network, _kind(*verdicts[one.case][1:])) for one in posts)
    return Detected(
        posts=len(posts),
        excluded=kinds["excluded"],
        no_answer=kinds["no_answer"],
        fast=kinds["fast"],
        usual=kinds["usual"],
        raised=raised,
        lowered=lowered,
        networks=tuple(
            Network(name, count, *(found[name, kind] for kind in ("excluded", "no_answer", "fast", "usual")))
            for name, count in sorted(of_network.items(), key=lambda one: (-one[1], one[0]))
        ),
    )


def grounds_of(span: Span, posts: Sequence[Seen], verdicts: Decided) -> tuple[GroundCount, ...]:
    """Every ground, whether it was met or not; posts without a known one last, where there are any."""
    excluded = {one.case: pk for one in posts for pk, verdict, _ in (verdicts[one.case],) if verdict == Verdict.EXCLUDE}
    found = Counter[str]()
    for codes in rows.grounds(span, excluded) if excluded else ():
        found.update(codes or {""})
    known = [GroundCount(ground, found[ground]) for ground in Ground]
    return (*known, GroundCount("", found[""])) if found[""] else tuple(known)


def alarms_of(span: Span, whose: Whose) -> tuple[Alarms, ...]:
    """The kinds that were raised."""
    found = defaultdict[str, list[tuple[timedelta | None, bool]]](list)
    for case, kind, raised, due, acknowledged in rows.alarms(span):
        if whose.is_seen(case, span.as_of):
            waited = acknowledged - raised if acknowledged else None
            found[kind].append((waited, (acknowledged or span.as_of) > due))
    return tuple(_alarms(kind, found[kind]) for kind in AlarmKind if kind in found)


def _alarms(kind: str, found: Sequence[tuple[timedelta | None, bool]]) -> Alarms:
    waits = [waited for waited, _ in found if waited is not None]
    return Alarms(
        kind=kind,
        raised=len(found),
        acknowledged=len(waits),
        waiting=len(found) - len(waits),
        late=sum(is_late for _, is_late in found),
        median=middle(waits),
        longest=max(waits, default=None),
    )

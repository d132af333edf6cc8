"""What time brings: silence that means consent, reminders, breaches, alarms that nobody answered, the day's root.

Two sweeps may run at once: each thing is said under a name of its own, and only who wrote it first has said it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from casebook.audit import seal
from casebook.decree import Decree
from casebook.models import Alarm, Beat, Case, Clock, Notice, User
from casebook.moves import perform
from casebook.notices import CONSOLE, Channels, say
from cases.lifecycle import MoveError, MoveName, Role, State
from records.clock import stamp

REPEAT = timedelta(minutes=5)
_PAGE = 500
BEAT = "sweep"
NOWHERE = Channels()
SYSTEM = User(code="system", name="Отклик", role=Role.SYSTEM)


@dataclass(slots=True)
class Swept:
    accepted: int = 0
    said: int = 0


def sweep(decree: Decree, now: datetime, channels: Channels = NOWHERE) -> Swept:
    done = Swept()
    for alarm in Alarm.objects.filter(acknowledged_at=None).select_related("case"):
        time = int((now - alarm.raised_at) / REPEAT)
        told = {"alarm": alarm.kind, "time": time}
        done.said += say(f"alarm:{alarm.pk}:{time}", alarm.case, now, told, alarm=alarm, channels=channels.names)
    done.accepted = _accept(decree, now)
    done.said += _remind(decree, now, channels)
    seal(decree, now)
    Beat.objects.update_or_create(name=BEAT, defaults={"at": now})
    return done


def _remind(decree: Decree, now: datetime, channels: Channels) -> int:
    """What is due to be said of the running clocks and was not, by any channel."""
    running = Clock.objects.filter(stopped_at=None, started_at__lte=now).select_related("case")
    due = {
        f"clock:{clock.pk}:{stage}:{clock.due:%Y%m%d%H%M}": (clock, stage)
        for clock in running
        for stage in _stages(decree, clock, now)
    }
    names, said = list(due), Counter[str]()
    for start in range(0, len(names), _PAGE):
        found = Notice.objects.filter(what__in=names[start : start + _PAGE], channel__in=(CONSOLE, *channels.names))
        said.update(found.values_list("what", flat=True))
    made = 0
    for what, (clock, stage) in due.items():
        if said[what] <= len(channels.names):
            body = {"clock": clock.name, "stage": stage, "due": stamp(clock.due)}
            made += say(what, clock.case, now, body, channels=channels.names)
    return made


def _accept(decree: Decree, now: datetime) -> int:
    """Thirty minutes of silence: accepted, as of the due moment (policy ``return_30m``)."""
    accepted = 0
    silent = Case.objects.filter(
        state=State.WITH_DEPARTMENT,
        accepted_at=None,
        clocks__name="return",
        clocks__stopped_at=None,
        clocks__due__lte=now,
    )
    for case in silent.distinct():
        try:
            perform(decree, case.ordinal, MoveName.ACCEPT, acting_user=SYSTEM, version=case.version, now=now)
        except MoveError:  # a person, or another sweep, was first
            continue
        accepted += 1
    return accepted


def _stages(decree: Decree, clock: Clock, now: datetime) -> Iterator[str]:
    """``half``: half of the working time is gone; ``before``: policy ``approval_timeout``; ``breach``."""
    end = clock.limit or clock.due
    if now >= end:
        yield "breach"
        return
    working = decree.clocks.working
    left, whole = working.measure(now, clock.due), working.measure(clock.started_at, clock.due)
    if 2 * left <= whole:
        yield "half"
    for minutes in decree.policy("approval_timeout", "reminders_before_minutes"):
        if left <= timedelta(minutes=minutes) < whole:
            yield f"before-{minutes}"

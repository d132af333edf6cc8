"""What time brings: silence that means consent, reminders, breaches, alarms that nobody answered, the day's root.

Two sweeps may run at once: each thing is said under a name of its own, and only who wrote it first has said it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from casebook.audit import seal
from casebook.decree import Decree
from casebook.models import Alarm, Beat, Case, Clock, User
from casebook.moves import perform
from casebook.notices import REPEAT, Channels, Saying, of_alarm, say, times_told
from cases.lifecycle import MoveError, MoveName, Role, State
from records.clock import stamp

_PAGE = 500
BEAT = "sweep"
NOWHERE = Channels()
SYSTEM = User(code="system", name="Отклик", role=Role.SYSTEM)


@dataclass(slots=True)
class Swept:
    accepted: int = 0
    said: int = 0


def look_anew() -> None:
    """Look at every running clock again: the policy of reminders may have changed."""
    Clock.objects.filter(stopped_at=None, look_at__isnull=False).update(look_at=F("started_at"))


def sweep(decree: Decree, now: datetime, channels: Channels = NOWHERE) -> Swept:
    done = Swept()
    done.said = _tell(now, channels)
    done.accepted = _accept(decree, now)
    done.said += _remind(decree, now, channels)
    seal(decree, now)
    Beat.objects.update_or_create(name=BEAT, defaults={"at": now})
    return done


def _tell(now: datetime, channels: Channels) -> int:
    """Alarms that it is time to tell again."""
    waiting = Alarm.objects.filter(acknowledged_at=None, look_at__lte=now).order_by("look_at", "id")
    made = 0
    while page := list(waiting[:_PAGE]):
        sayings = [of_alarm(alarm, now) for alarm in page]
        made += say(sayings, now, channels.names)
        with transaction.atomic():
            for alarm in page:
                following = alarm.raised_at + (times_told(alarm, now) + 1) * REPEAT
                Alarm.objects.filter(pk=alarm.pk).update(look_at=following)
    return made


def _remind(decree: Decree, now: datetime, channels: Channels) -> int:
    """What is due to be said of the running clocks; of each is kept when there will be something next."""
    waiting = Clock.objects.filter(stopped_at=None, look_at__lte=now).order_by("look_at", "id").defer("why", "counted")
    made = 0
    while page := list(waiting[:_PAGE]):
        stages = {clock.pk: tuple(_stages(decree, clock)) for clock in page}
        made += say([saying for clock in page for saying in _due(clock, stages[clock.pk], now)], now, channels.names)
        with transaction.atomic():
            for clock in sorted(page, key=lambda clock: clock.pk):
                following = min((begins for begins, _ in stages[clock.pk] if begins > now), default=None)
                # Counted anew since it was read, it is to be looked at again.
                same = Clock.objects.filter(pk=clock.pk, due=clock.due, limit=clock.limit, look_at=clock.look_at)
                same.update(look_at=following)
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


def _stages(decree: Decree, clock: Clock) -> Iterator[tuple[datetime, str]]:
    """When each begins. ``half``: half of the working time is gone; ``before``: policy ``approval_timeout``."""
    working = decree.clocks.working
    whole = working.measure(clock.started_at, clock.due)
    # Nothing is left of a clock that is cut to an answer which was late already: it is over as it starts.
    yield working.subtract(clock.due, whole / 2) if whole > timedelta(0) else clock.started_at, "half"
    for minutes in decree.policy("approval_timeout", "reminders_before_minutes"):
        if timedelta(minutes=minutes) < whole:
            yield working.subtract(clock.due, timedelta(minutes=minutes)), f"before-{minutes}"
    yield clock.limit or clock.due, "breach"


def _due(clock: Clock, stages: Sequence[tuple[datetime, str]], now: datetime) -> Iterator[Saying]:
    """The stages that have begun; of a clock that is over, its breach alone."""
    begun = [stage for begins, stage in stages if begins <= now]
    for stage in begun[-1:] if "breach" in begun else begun:
        body = {"clock": clock.name, "stage": stage, "due": stamp(clock.due)}
        yield Saying(f"clock:{clock.pk}:{stage}:{clock.due:%Y%m%d%H%M}", clock.case_id, body)

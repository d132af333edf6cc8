"""Whether the service does its work; each check answers with a reason (Russian) or stays silent."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta

from django.db import Error, connection

from casebook.models import Beat, Event
from casebook.sweep import BEAT
from cases.errors import UnknownYearError
from desk.wiring import Desk

STANDS = 120.0  # seconds; a batch may take 60, a worker that hangs is started again after 120
RELAYED_WITHIN = timedelta(minutes=2)
SWEPT_WITHIN = timedelta(minutes=2)
LEAST_FREE, LEAST_SHARE = 512 * 2**20, 0.03
_TITLES = {"triage": "разбор", "intake": "приём решений в карточки"}

Check = Callable[[Desk], Iterator[str]]


def reasons(desk: Desk) -> list[str]:
    """Why the service is not ready; empty when it is."""
    found: list[str] = []
    for check in CHECKS:
        try:
            found += check(desk)
        except Error:
            connection.close()
            return [*found, "база карточек не отвечает"]
    return found


def _journal(desk: Desk) -> Iterator[str]:
    if desk.pulse.error:
        yield "журнал не отвечает; почему — в записях процесса"
    if not desk.acceptor.alive:
        yield "приём сообщений в журнал не работает (web)"


def _readers(desk: Desk) -> Iterator[str]:
    for name in desk.pulse.watched:
        seconds = desk.pulse.stood(name)
        if seconds > STANDS:
            yield f"{_TITLES[name]} стоит {seconds / 60:.0f} мин, ждут {desk.pulse.lag(name)} ({name})"


def _relay(desk: Desk) -> Iterator[str]:
    oldest = Event.objects.filter(relayed_at=None).order_by("id").values_list("at", flat=True).first()
    if oldest is not None and (age := desk.now() - oldest) > RELAYED_WITHIN:
        yield f"событие ждёт передачи {age.total_seconds() / 60:.0f} мин (relay)"


def _sweep(desk: Desk) -> Iterator[str]:
    last = Beat.objects.filter(name=BEAT).values_list("at", flat=True).first()
    if last is None:
        yield "обход сроков и тревог ещё ни разу не прошёл (sweep)"
    elif (age := desk.now() - last) > SWEPT_WITHIN:
        yield f"обхода сроков и тревог не было {age.total_seconds() / 60:.0f} мин (sweep)"


def _disk(desk: Desk) -> Iterator[str]:
    usage = shutil.disk_usage(desk.data)
    if usage.free < min(LEAST_FREE, usage.total * LEAST_SHARE):
        yield f"на диске осталось {usage.free // 2**20} МБ ({desk.data.name}/)"


def _calendar(desk: Desk) -> Iterator[str]:
    today = desk.now().astimezone(desk.decree.clocks.working.zone).date()
    if year := desk.decree.regulation.days.missed(today):
        yield f"{UnknownYearError(year).what}: добавьте его в regulation/calendar.yaml"


CHECKS: tuple[Check, ...] = (_journal, _readers, _relay, _sweep, _disk, _calendar)

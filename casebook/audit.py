"""Whether anything on record was changed, taken out or put in: chains of events, the chain of openings, daily roots."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection, transaction

from casebook.decree import Decree
from casebook.events import chained, digest_of, opening
from casebook.models import Case, Event, Ledger, Root, Text

DAY = timedelta(days=1)
SETTLES = timedelta(hours=1)  # what was begun before midnight is committed by then


def seal(decree: Decree, now: datetime) -> None:
    """Write the root of yesterday, once it is over and where there is none yet."""
    zone = decree.clocks.working.zone
    yesterday = (now - SETTLES).astimezone(zone).date() - DAY
    if Root.objects.filter(day__gte=yesterday).exists() or not Event.objects.exists():
        return
    ((cases, events, digest),) = _at_ends([_end(yesterday, zone)])
    Root.objects.get_or_create(day=yesterday, defaults={"cases": cases, "events": events, "digest": digest})


def _end(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day + DAY, time.min, tzinfo=zone).astimezone(UTC)


def _at_ends(ends: Sequence[datetime]) -> Iterator[tuple[int, int, str]]:
    """Cases, events and the digest over the last event of each case, up to each moment; the events are read once."""
    events = Event.objects.order_by("at").values_list("at", "case__ordinal", "number", "digest").iterator()
    last: dict[int, tuple[int, str]] = {}
    following, count = next(events, None), 0
    for end in ends:
        while following is not None and following[0] < end:
            _, ordinal, number, digest = following
            last[ordinal] = max(last.get(ordinal, (0, "")), (number, digest))
            following, count = next(events, None), count + 1
        yield len(last), count, digest_of([[ordinal, digest] for ordinal, (_, digest) in sorted(last.items())])


def verify(decree: Decree) -> Iterator[str]:
    """Every place where the record does not hold together, in Russian; nothing where it does."""
    with _one_moment():
        yield from _openings()
        yield from _chains()
        yield from _texts()
        yield from _roots(decree)


@contextmanager
def _one_moment() -> Iterator[None]:
    """A reading transaction: what is written meanwhile is not seen, and does not wait."""
    if connection.vendor == "sqlite":
        database: Any = connection
        usual, database.transaction_mode = database.transaction_mode, "DEFERRED"
        try:
            with transaction.atomic():
                yield
        finally:
            database.transaction_mode = usual
    else:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield


def _openings() -> Iterator[str]:
    ledger = Ledger.objects.first() or Ledger()
    previous, expected = "", 1
    for case in Case.objects.order_by("ordinal").iterator():
        for missing in range(expected, case.ordinal):
            yield f"карточки {missing} нет"
        if case.ordinal == expected and case.opening != opening(previous, case):
            yield f"карточка {case.ordinal}: запись об открытии изменена"
        previous, expected = case.opening, case.ordinal + 1
    for missing in range(expected, ledger.cases + 1):
        yield f"карточки {missing} нет"
    if expected - 1 > ledger.cases:
        yield f"карточек {expected - 1}, а открыто {ledger.cases}: лишние вставлены"
    elif expected - 1 == ledger.cases and ledger.digest != previous:
        yield "последняя карточка не та, что была открыта"


def _chains() -> Iterator[str]:
    versions = dict(Case.objects.values_list("pk", "version"))
    seen: dict[int, tuple[int, str]] = {}
    for event in Event.objects.select_related("case").order_by("case__ordinal", "number").iterator():
        number, previous = seen.get(event.case_id, (0, ""))
        where = f"карточка {event.case.ordinal}, событие {event.number}"
        for missing in range(number + 1, event.number):
            yield f"карточка {event.case.ordinal}: события {missing} нет"
        if event.number == number + 1 and event.digest != chained(previous, event):
            yield f"{where}: изменено или вставлено"
        seen[event.case_id] = (event.number, event.digest)
    for pk, version in versions.items():
        last = seen.get(pk, (0, ""))[0]
        if last != version:
            ordinal = Case.objects.values_list("ordinal", flat=True).get(pk=pk)
            yield f"карточка {ordinal}: событий {last}, а должно быть {version}"


def _texts() -> Iterator[str]:
    """A text that was not erased is still the one that was kept."""
    for text in Text.objects.filter(body__isnull=False).iterator():
        if digest_of(text.body) != text.digest:
            yield f"текст {text.pk} ({text.kind}) изменён"


def _roots(decree: Decree) -> Iterator[str]:
    roots = list(Root.objects.order_by("day"))
    ends = [_end(root.day, decree.clocks.working.zone) for root in roots]
    for root, (cases, events, digest) in zip(roots, _at_ends(ends), strict=True):
        if (cases, events, digest) != (root.cases, root.events, root.digest):
            was, now = f"{root.cases} карточек, {root.events} событий", f"{cases} и {events}"
            yield f"корень за {root.day:%d.%m.%Y} не сходится: было {was}, стало {now}"

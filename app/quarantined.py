"""What lies in ``posts.quarantine``. It is append-only: a record is resolved by a further one, whose origin it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from app.intake import FILE
from journal import Journal, Message, Record
from records import PostError
from records.clock import now, stamp
from records.messages import QUARANTINE, Origin, message_of, quarantined, raw_of

RETRIED = "retried"
DROPPED = "dropped"
_FOREIGN = "запись карантина не читается: её писала другая программа"

Place = tuple[int, int]  # partition, offset


@dataclass(frozen=True, slots=True)
class Entry:
    """``at``: seconds since the epoch; ``size``: bytes of the raw message; not ``readable`` where it is not ours."""

    place: Place
    key: bytes | None
    at: float
    origin: Origin
    reason: str
    error: str
    size: int
    readable: bool = True

    @property
    def resolves(self) -> Place | None:
        """The record that was retried or dropped by this one."""
        resolution = self.origin.topic == QUARANTINE and self.reason in (RETRIED, DROPPED)
        return (self.origin.partition, self.origin.offset) if resolution else None

    @property
    def came_from(self) -> str:
        """For people: the line of a file, or the place in a topic."""
        origin = self.origin
        if self.is_line:
            return f"{origin.topic.removeprefix(FILE)}:{origin.offset}"
        return f"{origin.topic} {origin.partition}/{origin.offset}"

    @property
    def is_line(self) -> bool:
        return self.origin.topic.startswith(FILE)


def entry(record: Record) -> Entry:
    place = (record.partition, record.offset)
    try:
        message = message_of(record.value)
        origin, size = _origin(message["origin"]), len(raw_of(message))
        reason, error = str(message["reason"]), str(message["error"])
    except (PostError, KeyError, TypeError, ValueError):
        origin = Origin(record.topic, *place)
        return Entry(place, record.key, record.at, origin, _FOREIGN, "", len(record.value), readable=False)
    return Entry(place, record.key, record.at, origin, reason, error, size)


def raw(record: Record) -> bytes:
    """The message as it came; of a record that is not ours, its whole value."""
    try:
        return raw_of(message_of(record.value))
    except PostError:
        return record.value


def lying(journal: Journal) -> dict[Place, Entry]:
    """What nobody has retried or dropped yet, by partition and offset."""
    entries: dict[Place, Entry] = {}
    resolved: set[Place] = set()
    for record in journal.scan(QUARANTINE):
        found = entry(record)
        if (place := found.resolves) is not None:
            resolved.add(place)
        else:
            entries[found.place] = found
    return {place: found for place, found in entries.items() if place not in resolved}


def records_of(journal: Journal, entries: Mapping[Place, Entry]) -> Iterator[Record]:
    return (record for record in journal.scan(QUARANTINE) if (record.partition, record.offset) in entries)


def resolution(record: Record, reason: str, why: str) -> Message:
    """The message that resolves a record of the quarantine; its key keeps it in the same partition."""
    origin = Origin(record.topic, record.partition, record.offset)
    return Message(record.key, quarantined(b"", reason, why, stamp(now()), origin))


def iso(at: float) -> str:
    return stamp(datetime.fromtimestamp(at, UTC))


def local(at: float) -> str:
    """For people, in the time of their machine."""
    return f"{datetime.fromtimestamp(at):%d.%m.%Y %H:%M:%S}"


def _origin(value: Mapping[str, object]) -> Origin:
    """Raises: KeyError, TypeError, ValueError."""
    return Origin(str(value["topic"]), int(str(value["partition"])), int(str(value["offset"])))

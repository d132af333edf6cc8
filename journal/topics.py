"""What the topics of a broker should be like, and in what they differ: Kafka only, the embedded journal has no such."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from records.messages import INCOMING

_HOUR = 3_600_000
LARGEST_INCOMING = 8 * 2**20
# the same in base64 for the quarantine, or the post with its decision
LARGEST = 12 * 2**20


@dataclass(frozen=True, slots=True)
class Topic:
    """``retention`` in milliseconds, -1 for ever; ``largest`` message in bytes."""

    name: str
    partitions: int
    retention: int
    largest: int


@dataclass(frozen=True, slots=True)
class Difference:
    """Both Russian."""

    what: str
    mend: str


def topic(name: str, partitions: int, retention_hours: int) -> Topic:
    return Topic(name, partitions, retention_hours * _HOUR, largest(name))


def largest(name: str) -> int:
    """Bytes of the largest message that the topic takes."""
    return LARGEST_INCOMING if name == INCOMING else LARGEST


def differences(wanted: Sequence[Topic], found: Mapping[str, Topic]) -> Iterator[Difference]:
    """More partitions than wanted are none: they cannot be taken away, and nothing suffers."""
    for one in wanted:
        if one.name not in found:
            yield Difference(f"{one.name}: нет такой очереди", "otklik topics create")
            continue
        other = found[one.name]
        if other.partitions < one.partitions:
            yield _differs(one.name, "разделов", one.partitions, other.partitions, str)
        if other.retention != one.retention:
            yield _differs(one.name, "хранит сообщения", one.retention, other.retention, _hours)
        if other.largest < one.largest:
            yield _differs(one.name, "принимает сообщения до", one.largest, other.largest, _bytes)


def _differs(name: str, what: str, wanted: int, found: int, shown: Callable[[int], str]) -> Difference:
    said = f"{name}: {what} {shown(found)}, а нужно {shown(wanted)}"
    return Difference(said, "otklik topics create --alter")


def _hours(milliseconds: int) -> str:
    return "всегда" if milliseconds < 0 else f"{milliseconds / _HOUR:g} ч"


def _bytes(number: int) -> str:
    return f"{number} байт"

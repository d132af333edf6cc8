"""What a carrier promises. Delivery is at least once: a reader that dies before ``commit`` meets its records again."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self


class JournalError(Exception):
    """The carrier cannot be had; ``mend`` says what to do (both Russian)."""

    def __init__(self, what: str, mend: str) -> None:
        super().__init__(what)
        self.mend = mend


@dataclass(frozen=True, slots=True)
class Message:
    """What is appended. ``key``: bytes of UTF-8; records of one key keep their order."""

    key: bytes | None
    value: bytes


Outputs = Mapping[str, Sequence[Message]]  # by topic


@dataclass(frozen=True, slots=True)
class Record:
    """What lies in a topic. ``at``: seconds since the epoch, when it was appended; ``key`` as its producer gave it."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes
    at: float


@dataclass(frozen=True, slots=True)
class Position:
    """``committed``: the offset that the reader reads next; ``end``: that of the next record appended."""

    reader: str
    partition: int
    committed: int
    end: int

    @property
    def lag(self) -> int:
        return max(0, self.end - self.committed)


class Closing(ABC):
    """Closed at the end of its ``with`` block."""

    @abstractmethod
    def close(self) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Follower(Protocol):
    """Who only looks: no name, nothing committed."""

    def poll(self, limit: int, wait: float) -> list[Record]:
        """At most ``limit`` records, at once where there are any; an empty list after ``wait`` seconds without."""

    def close(self) -> None: ...


class Reader(Follower, Protocol):
    """One reader of one topic, from its own committed offset on."""

    def commit(self, records: Sequence[Record], outputs: Outputs) -> None:
        """Make ``outputs`` durable, then (or in the same transaction) the offsets after ``records``.

        ``records`` are the first of those polled and not yet committed.
        """


class Journal(Protocol):
    """Not shared between threads."""

    def append(self, topic: str, messages: Sequence[Message]) -> None:
        """Durable when it returns. Raises: JournalError."""

    def reader(self, name: str, topic: str) -> Reader:
        """Raises: JournalError: on one machine, another live reader of the name."""

    def follow(self, topic: str, *, from_start: bool = False) -> Follower:
        """What is appended from now on, or all from the start."""

    def scan(self, topic: str, key: bytes | None = None) -> Iterator[Record]:
        """All records up to the end at the moment of the call, or those of one key, by partition and offset."""

    def positions(self, topic: str) -> list[Position]:
        """Of every reader known to the carrier, by reader and partition."""

    def close(self) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

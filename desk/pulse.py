"""Whether readers of the journal move: for each, how much waits and since when nothing was committed."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice

from journal import Journal, JournalError

EVERY = 5.0
log = logging.getLogger("otklik.web")
_MANY = 1_000


@dataclass(frozen=True, slots=True)
class Standing:
    """``committed``: by partition; ``since``: monotonic seconds of the last change of it, or of when nothing waited."""

    committed: tuple[tuple[int, int], ...]
    lag: int
    since: float


class Pulse:
    """Samples in a thread of its own, with a journal of its own. ``error``: why the journal cannot be asked, Russian.

    ``watched``: topic and reader, by the name of the process. A context manager.
    """

    def __init__(
        self,
        open_journal: Callable[[], Journal],
        watched: Mapping[str, tuple[str, str]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.watched = watched
        self._open = open_journal
        self._clock = clock
        self._standings: dict[str, Standing] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pulse", daemon=True)
        self.error = ""

    def __enter__(self) -> Pulse:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join(2 * EVERY)

    def lag(self, name: str) -> int:
        found = self._standings.get(name)
        return found.lag if found else 0

    def stood(self, name: str) -> float:
        """Seconds that messages wait while nothing is committed; nought where nothing waits."""
        found = self._standings.get(name)
        return self._clock() - found.since if found and found.lag else 0.0

    def sample(self, journal: Journal) -> None:
        for name, (topic, reader) in self.watched.items():
            self._standings[name] = self._standing(journal, name, topic, reader)
        self.error = ""

    def _standing(self, journal: Journal, name: str, topic: str, reader: str) -> Standing:
        """Of a reader that has never committed, everything waits: its partitions are not in ``positions``."""
        found = [position for position in journal.positions(topic) if position.reader == reader]
        committed = tuple(sorted((one.partition, one.committed) for one in found))
        lag = sum(one.lag for one in found) if found else _unread(journal, topic)
        before = self._standings.get(name)
        stands = before is not None and before.lag and lag and before.committed == committed
        return Standing(committed, lag, before.since if stands and before else self._clock())

    def _run(self) -> None:
        journal: Journal | None = None
        while not self._stopping.is_set():
            try:
                journal = journal or self._open()
                self.sample(journal)
            except Exception as error:  # whatever it is, a service that cannot be watched is not well
                self.error = str(error) if isinstance(error, JournalError) else type(error).__name__
                log.error("journal", extra={"error": self.error})
                with suppress(Exception):
                    if journal is not None:
                        journal.close()
                journal = None
            self._stopping.wait(EVERY)
        if journal is not None:
            journal.close()


def _unread(journal: Journal, topic: str) -> int:
    """At least one and no more than it takes to say that many wait."""
    return sum(1 for _ in islice(journal.scan(topic), _MANY))

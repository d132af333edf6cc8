"""Acceptance of posts: many requests share one durable append; each is answered after it.

The journal belongs to one thread, and a transaction costs the disk a sync: what has come while one is written goes
with the next. What waits is bounded: beyond that a client is told to come again.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field

from journal import Journal, JournalError, Message
from records.messages import INCOMING

MOST_WAITING = 2_000
MOST_BYTES = 64 * 2**20
_MOST_AT_ONCE = 1_000
_GATHER = 0.01  # seconds that the first of a portion waits for others


class BusyError(Exception):
    """So much waits to be written that no more is taken."""


@dataclass(slots=True)
class _Portion:
    messages: Sequence[Message]
    written: Future[None] = field(default_factory=Future)


class Acceptor:
    """``open_journal`` is called in the thread that writes, again after a failure.

    A context manager: at its end what waits is written, and nothing more is taken.
    """

    def __init__(self, open_journal: Callable[[], Journal]) -> None:
        self._open = open_journal
        self._waiting: queue.Queue[_Portion | None] = queue.Queue(MOST_WAITING)
        self._thread = threading.Thread(target=self._run, name="acceptor", daemon=True)
        self._closed = False
        self._bytes, self._counting = 0, threading.Lock()

    def __enter__(self) -> Acceptor:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed = True
        self._waiting.put(None)
        self._thread.join()

    def submit(self, messages: Sequence[Message]) -> Future[None]:
        """Done when they are durable; fails with JournalError. Raises: BusyError."""
        portion = _Portion(messages)
        if self._closed or self._bytes > MOST_BYTES:
            raise BusyError
        try:
            self._waiting.put_nowait(portion)
        except queue.Full:
            raise BusyError from None
        self._count(portion, 1)
        return portion.written

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def _count(self, portion: _Portion, sign: int) -> None:
        size = sum(len(message.value) for message in portion.messages)
        with self._counting:
            self._bytes += sign * size

    def _run(self) -> None:
        journal: Journal | None = None
        going = True
        while going:
            portions, going = self._next()
            if not portions:
                continue
            for portion in portions:
                self._count(portion, -1)
            try:
                journal = journal or self._open()
                journal.append(INCOMING, [message for portion in portions for message in portion.messages])
            except Exception as error:
                _drop(journal)
                journal = None
                for portion in portions:
                    portion.written.set_exception(error)
            else:
                for portion in portions:
                    portion.written.set_result(None)
        _drop(journal)

    def _next(self) -> tuple[list[_Portion], bool]:
        """What waits, at least one; whether to go on."""
        portions: list[_Portion] = []
        item = self._waiting.get()
        if item is not None and not self._closed:
            time.sleep(_GATHER)
        while item is not None:
            portions.append(item)
            if sum(len(portion.messages) for portion in portions) >= _MOST_AT_ONCE:
                break
            try:
                item = self._waiting.get_nowait()
            except queue.Empty:
                break
        return portions, item is not None


def _drop(journal: Journal | None) -> None:
    if journal is not None:
        with suppress(JournalError):
            journal.close()

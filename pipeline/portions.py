"""A batch as the carriers conduct it: whole, or, where it killed the process before, one by one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from journal import Record
from pipeline.attempts import MOST_DEATHS, Attempts, time_limit
from pipeline.handler import Handled, Handler

_KILLED = "сообщение убило процесс: разбор не уложился в отведённое время или в память"


@dataclass(frozen=True, slots=True)
class Portion:
    """Records, in order, and what came of them: to be made durable and committed before the next is asked for.

    ``alone``: what follows may kill the process again; a carrier that puts its commits off must not do so now.
    """

    records: Sequence[Record]
    handled: Handled
    alone: bool = False


class Portions:
    """``seconds``: how long a batch may take; longer ends the process, whose supervisor starts it again."""

    def __init__(self, handler: Handler, attempts: Attempts, seconds: float) -> None:
        self._handler, self._attempts, self._seconds = handler, attempts, seconds

    def of(self, records: Sequence[Record]) -> Iterator[Portion]:
        """When the caller asks for the next portion, it has committed the last."""
        if self._attempts.begin(records) < MOST_DEATHS:
            yield Portion(records, self._tried(records))
        else:
            for record in records:
                yield self._alone(record)
        self._attempts.done(records)

    def _alone(self, record: Record) -> Portion:
        """A try that ended in death stays on record until the whole batch is done: the record may be met again."""
        if self._attempts.begin([record], alone=True):
            return Portion([record], self._handler.refuse(record, _KILLED, "killed the process"), alone=True)
        handled = self._tried([record])
        self._attempts.survived(record)
        return Portion([record], handled, alone=True)

    def _tried(self, records: Sequence[Record]) -> Handled:
        with time_limit(self._seconds):
            return self._handler.handle(records)

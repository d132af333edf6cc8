"""What kills the process: attempts are on record before each try, so that the next process knows of them.

After three deaths at one place its batch is tried one by one; a record that was being tried alone when the
process died is the culprit. The ledger is a small SQLite file of this machine: a power cut may forget attempts,
which costs further tries and loses nothing.
"""

from __future__ import annotations

import faulthandler
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from journal import Record
from journal.sqlite import Database

MOST_DEATHS = 3

_Span = tuple[str, int, int, int]  # topic, partition, first and last offset


class Attempts:
    """``path``: the ledger's file; ``name`` of the reader whose deaths are counted.

    On record is the span of offsets that was being tried, in each partition. After a death the carrier may begin
    earlier and cut its batches elsewhere: whatever overlaps the span inherits its count.

    Raises (each method): JournalError: the ledger cannot be read or written.
    """

    def __init__(self, path: Path, name: str) -> None:
        self._db = Database(path, durable=False, shared=True)
        with self._db.transaction():
            self._db.execute(
                "CREATE TABLE IF NOT EXISTS tries (name TEXT, topic TEXT, part INTEGER, alone INTEGER, "
                "first INTEGER, last INTEGER, count INTEGER)"
            )
        self._name = name

    def begin(self, records: Sequence[Record], *, alone: bool = False) -> int:
        """Put a try on record; how many tries of any of these records ended in death before it."""
        with self._db.transaction():
            return max(self._try(span, alone) for span in _spans(records))

    def survived(self, record: Record) -> None:
        """Tried alone, it did no harm."""
        place = (self._name, record.topic, record.partition, record.offset)
        with self._db.explained():
            self._db.execute(
                "DELETE FROM tries WHERE name = ? AND topic = ? AND part = ? AND alone AND first = ?", place
            )

    def done(self, records: Sequence[Record]) -> None:
        """Nothing up to these records is under suspicion any more."""
        with self._db.transaction():
            for topic, part, _, last in _spans(records):
                place = (self._name, topic, part, last)
                where = "name = ? AND topic = ? AND part = ?"
                self._db.execute(f"DELETE FROM tries WHERE {where} AND last <= ?", place)
                self._db.execute(f"UPDATE tries SET first = ? WHERE {where} AND first <= ?", (last + 1, *place))

    def close(self) -> None:
        self._db.close()

    def _try(self, span: _Span, alone: bool) -> int:
        topic, part, first, last = span
        place = (self._name, topic, part, alone, first, last)
        where = "name = ? AND topic = ? AND part = ? AND alone = ?"
        (deaths,) = self._db.execute(
            f"SELECT coalesce(max(count), 0) FROM tries WHERE {where} AND last >= ? AND first <= ?", place
        ).fetchone()
        self._db.execute(f"DELETE FROM tries WHERE {where} AND first >= ? AND last <= ?", place)
        self._db.execute("INSERT INTO tries VALUES (?, ?, ?, ?, ?, ?, ?)", (*place, deaths + 1))
        return int(deaths)


def _spans(records: Sequence[Record]) -> list[_Span]:
    found: dict[tuple[str, int], tuple[int, int]] = {}
    for record in records:
        first, _ = found.get((record.topic, record.partition), (record.offset, 0))
        found[record.topic, record.partition] = (first, record.offset)
    return [(*place, *span) for place, span in found.items()]


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """The process ends when it takes longer: by a thread of C, so that even a pattern that never returns is stopped.

    The stacks that it writes to stderr hold files and lines, no values.
    """
    faulthandler.dump_traceback_later(seconds, exit=True, file=sys.__stderr__ or sys.stderr)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()

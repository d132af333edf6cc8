"""The journal in one SQLite file: WAL, ``synchronous=FULL``, one table a topic, one partition, one live reader a name.

Its limit is one machine; what outgrows it goes to Kafka. Beside what every carrier promises it keeps bookmarks:
how far a file was taken in or written out, moved in the same transaction as the records they speak of.
"""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from journal.protocol import Closing, JournalError, Message, Outputs, Position, Record
from journal.sqlite import BUSY_SECONDS, Database, explanation
from records.clock import now

PARTITION = 0
_PAUSE = 0.01
_PAGE = 1_000
_MOST_BYTES = 32 * 2**20
_TOPIC = re.compile(r"[\w.-]+")


@dataclass(frozen=True, slots=True)
class Erased:
    """``kept``: records that were to go and that a reader has not passed; ``behind``: the names of those readers."""

    gone: int
    kept: int
    behind: tuple[str, ...]


def _within(records: Iterator[Record]) -> Iterator[Record]:
    """The first records, up to the one with which they are too large to be held at once."""
    size = 0
    for record in records:
        yield record
        size += len(record.value)
        if size >= _MOST_BYTES:
            return


class EmbeddedJournal(Closing):
    """``path``: the SQLite file; it and its folder are made where there is none. Belongs to one thread.

    Raises:
        JournalError: the file cannot be opened or is not a journal.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._db = Database(path, durable=True)
        with self._db.transaction():
            self._db.execute(
                "CREATE TABLE IF NOT EXISTS readers (name TEXT, topic TEXT, position INTEGER NOT NULL, "
                "PRIMARY KEY (name, topic)) WITHOUT ROWID"
            )
            self._db.execute(
                "CREATE TABLE IF NOT EXISTS topics (name TEXT PRIMARY KEY, next INTEGER NOT NULL) WITHOUT ROWID"
            )
            self._db.execute(
                "CREATE TABLE IF NOT EXISTS bookmarks (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID"
            )
        self._topics: set[str] = set()

    def append(self, topic: str, messages: Sequence[Message]) -> None:
        self._table(topic)
        with self._db.transaction():
            self._append(topic, messages)

    def reader(self, name: str, topic: str) -> EmbeddedReader:
        return EmbeddedReader(self, name, topic)

    def follow(self, topic: str, *, from_start: bool = False) -> EmbeddedFollower:
        return EmbeddedFollower(self, topic, 0 if from_start else self.end(topic))

    def scan(self, topic: str, key: bytes | None = None) -> Iterator[Record]:
        end, start = self.end(topic), 0
        while page := self.page(topic, start, _PAGE, key):
            for record in page:
                if record.offset >= end:
                    return
                yield record
            start = page[-1].offset + 1

    def page(self, topic: str, start: int, limit: int, key: bytes | None = None) -> list[Record]:
        """At most ``limit`` records from the offset ``start`` on, and fewer where they are large."""
        chosen, values = ("", ()) if key is None else ("AND key = ?", (key,))
        with self._db.explained():
            rows = self._db.execute(
                f"SELECT offset, key, value, at FROM {self._table(topic)} "
                f"WHERE offset >= ? {chosen} ORDER BY offset LIMIT ?",
                (start, *values, limit),
            )
            with closing(rows):
                return list(_within(Record(topic, PARTITION, *row) for row in rows))

    def end(self, topic: str) -> int:
        self._table(topic)
        with self._db.explained():
            return int(self._db.execute("SELECT next FROM topics WHERE name = ?", (topic,)).fetchone()[0])

    def positions(self, topic: str) -> list[Position]:
        end = self.end(topic)
        with self._db.explained():
            rows = self._db.execute("SELECT name, position FROM readers WHERE topic = ? ORDER BY name", (topic,))
            return [Position(name, PARTITION, position, end) for name, position in rows]

    def bookmark(self, name: str) -> str | None:
        with self._db.explained():
            row = self._db.execute("SELECT value FROM bookmarks WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def mark(self, bookmarks: Mapping[str, str]) -> None:
        with self._db.transaction():
            self._mark(bookmarks)

    def position(self, reader: str, topic: str) -> int:
        with self._db.explained():
            row = self._db.execute(
                "SELECT position FROM readers WHERE name = ? AND topic = ?", (reader, topic)
            ).fetchone()
        return 0 if row is None else int(row[0])

    def advance(
        self, reader: str, topic: str, position: int, outputs: Outputs, bookmarks: Mapping[str, str] | None = None
    ) -> None:
        """Append ``outputs`` and move the reader, both or neither."""
        for name in outputs:
            self._table(name)
        with self._db.transaction():
            for name, messages in outputs.items():
                self._append(name, messages)
            self._db.execute(
                "INSERT INTO readers VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET position = excluded.position",
                (reader, topic, position),
            )
            self._mark(bookmarks or {})

    def erase(
        self,
        topic: str,
        before: float,
        *,
        readers: Collection[str] = (),
        chosen: Callable[[Record], bool] | None = None,
        rehearsal: bool = False,
    ) -> Erased:
        """Erase records that were appended before a moment (``chosen``: of those only some); offsets stay as they are.

        What a reader has not passed stays: any that has ever committed, and ``readers``, though they never have.
        Bytes are surely gone after ``scrub``. ``rehearsal``: only count.
        """
        self._table(topic)
        gone, kept, last, start = 0, 0, -1, 0
        with self._db.explained():
            self._db.execute("PRAGMA secure_delete = ON")
        while page := self.page(topic, start, _PAGE):
            start = page[-1].offset + 1
            due = [record.offset for record in page if record.at < before and (chosen is None or chosen(record))]
            with self._db.transaction():  # a reader that is new has nothing behind it
                limit = min(self._passed(topic, readers).values(), default=start)
                past = [] if rehearsal else [(offset,) for offset in due if offset < limit]
                self._db.executemany(f'DELETE FROM "{topic}" WHERE offset = ?', past)
            stay = [offset for offset in due if offset >= limit]
            gone, kept, last = gone + len(due) - len(stay), kept + len(stay), max([last, *stay])
        behind = (name for name, position in self._passed(topic, readers).items() if position <= last)
        return Erased(gone, kept, tuple(sorted(behind)))

    def scrub(self) -> bool:
        """Leave no byte of what was erased: the file is written anew (a page that was rearranged keeps copies of
        records in its gaps), its log is emptied. False where another process reads all the while: do it again later."""
        with self._db.explained():
            self._db.execute("VACUUM")
            (is_busy, _, _) = self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not is_busy

    def close(self) -> None:
        self._db.close()

    def _passed(self, topic: str, readers: Collection[str]) -> dict[str, int]:
        """By reader, the offset that it reads next."""
        known = {one.reader: one.committed for one in self.positions(topic)}
        return dict.fromkeys(readers, 0) | known

    def _append(self, topic: str, messages: Sequence[Message]) -> None:
        at, first = now().timestamp(), self.end(topic)
        self._db.executemany(
            f'INSERT INTO "{topic}" VALUES (?, ?, ?, ?)',
            [(offset, m.key, m.value, at) for offset, m in enumerate(messages, first)],
        )
        self._db.execute("UPDATE topics SET next = ? WHERE name = ?", (first + len(messages), topic))

    def _mark(self, bookmarks: Mapping[str, str]) -> None:
        self._db.executemany(
            "INSERT INTO bookmarks VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value", bookmarks.items()
        )

    def _table(self, topic: str) -> str:
        """The quoted name of its table, made at the first use."""
        table = f'"{topic}"'
        if topic not in self._topics:
            if not _TOPIC.fullmatch(topic):
                raise ValueError(f"не имя очереди: {topic!r}")
            with self._db.transaction():
                exists = self._db.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (topic,)).fetchone()
                if not exists:
                    self._make(topic, table)
            self._topics.add(topic)
        return table

    def _make(self, topic: str, table: str) -> None:
        self._db.execute(
            f"CREATE TABLE {table} (offset INTEGER PRIMARY KEY, key BLOB, value BLOB NOT NULL, at REAL NOT NULL)"
        )
        self._db.execute(f'CREATE INDEX "{topic} by key" ON {table} (key)')
        self._db.execute("INSERT INTO topics VALUES (?, 0)", (topic,))


class EmbeddedFollower:
    """Reads on from an offset."""

    def __init__(self, journal: EmbeddedJournal, topic: str, start: int) -> None:
        self._journal, self._topic, self._next = journal, topic, start

    def poll(self, limit: int, wait: float) -> list[Record]:
        until = time.monotonic() + wait
        while True:
            records = self._journal.page(self._topic, self._next, limit)
            if records:
                self._next = records[-1].offset + 1
                return records
            if time.monotonic() >= until:
                return []
            time.sleep(min(_PAUSE, wait))

    def close(self) -> None:
        """Nothing is held."""


class EmbeddedReader(EmbeddedFollower):
    """Holds a lock beside the journal while it lives: the system drops it however the process ends."""

    def __init__(self, journal: EmbeddedJournal, name: str, topic: str) -> None:
        self._name = name
        self._lock = _locked(journal.path, name, topic)
        self._committed = journal.position(name, topic)
        super().__init__(journal, topic, self._committed)

    def commit(self, records: Sequence[Record], outputs: Outputs, bookmarks: Mapping[str, str] | None = None) -> None:
        self._committed = records[-1].offset + 1 if records else self._committed
        self._journal.advance(self._name, self._topic, self._committed, outputs, bookmarks)

    def close(self) -> None:
        self._lock.close()


def _locked(path: Path, name: str, topic: str) -> sqlite3.Connection:
    """SQLite's own file lock, the same on every system; waits a little for a reader that is just ending."""
    plain = re.sub(r"[^\w.-]", "_", name)
    file = path.with_name(f"{path.name}.{plain}.{topic}.lock")
    try:
        lock = sqlite3.connect(file, timeout=BUSY_SECONDS / 3, isolation_level=None)
        lock.execute("PRAGMA locking_mode=EXCLUSIVE")
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        if "locked" not in str(error):
            raise explanation(file, error) from error
        raise JournalError(
            f"очередь {topic} уже читает другой живой «{name}»", "остановите его или назовите другой журнал"
        ) from None
    return lock

"""A copy of a SQLite file while others write it; who has one open; what a copy of the journal holds."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # its stubs are not locked

from journal.sqlite import BUSY_SECONDS, explanation


@dataclass(frozen=True, slots=True)
class Counted:
    """Of a journal. ``topics``: records and the next offset, by name; ``readers``: name, topic, position."""

    topics: dict[str, tuple[int, int]]
    readers: list[tuple[str, str, int]]


@contextmanager
def opened(path: Path, wait: float = BUSY_SECONDS) -> Iterator[sqlite3.Connection]:
    """A file that is there; its shape and its settings stay as they are. Raises: JournalError."""
    try:
        with closing(
            sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", wait, isolation_level=None, uri=True)
        ) as db:
            yield db
    except sqlite3.Error as error:
        raise explanation(path, error) from error


def copy(source: Path, target: Path) -> None:
    """What ``source`` is at one moment; who writes it meanwhile does not wait, nor do we for them.

    Written anew rather than page by page (``sqlite3.Connection.backup``): every row is read, so that a damaged file
    is found now, and words that were erased do not come along in pages that are free.

    Raises: JournalError: it cannot be read, or there is no room.
    """
    with opened(source) as db:
        db.execute("VACUUM INTO ?", (str(target),))


def unsound(path: Path) -> list[str]:
    """What SQLite finds wrong in a file, three places at most. Raises: JournalError: it is no database."""
    with opened(path) as db:
        found = [str(row[0]) for row in db.execute("PRAGMA integrity_check(3)")]
        broken = db.execute("PRAGMA foreign_key_check").fetchmany(3)
    return [word for word in found if word != "ok"] + [
        f"{table}, строка {row}: не на что ссылается" for table, row, *_ in broken
    ]


def count(journal: Path) -> Counted:
    with opened(journal) as db:
        names = db.execute("SELECT name, next FROM topics ORDER BY name").fetchall()
        topics = {
            name: (int(db.execute(f'SELECT count(*) FROM "{_quotable(name)}"').fetchone()[0]), int(following))
            for name, following in names
        }
        readers = db.execute("SELECT name, topic, position FROM readers ORDER BY name, topic").fetchall()
    return Counted(topics, [(str(name), str(topic), int(position)) for name, topic, position in readers])


def _quotable(name: str) -> str:
    return name.replace('"', '""')


def in_use(path: Path) -> bool:
    """Whether another process has it open, though it does nothing: in WAL each holds a shared lock on the file."""
    if not path.exists():
        return False
    try:
        with closing(sqlite3.connect(path, timeout=1, isolation_level=None)) as db:
            db.execute("PRAGMA locking_mode=EXCLUSIVE")
            db.execute("BEGIN EXCLUSIVE")
            db.execute("ROLLBACK")
    except sqlite3.OperationalError as error:
        return "locked" in str(error)
    except sqlite3.DatabaseError:  # a damaged file is what one restores over
        return False
    return False


def live_readers(journal: Path) -> list[str]:
    """Name and topic of those whose lock (``journal.embedded``) is held now."""
    found = []
    for lock in sorted(journal.parent.glob(f"{journal.name}.*.lock")):
        if in_use(lock):
            named = lock.name.removeprefix(f"{journal.name}.").removesuffix(".lock")
            found.append(re.sub(r"\.(?=(posts|cases)\.\w+$)", " ", named, count=1))
    return found


def holders(*paths: Path) -> list[str]:
    """Processes that have a file open, as far as the system tells: command and number."""
    files = {str(path.resolve()) for path in paths}
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != psutil.Process().pid and files & {one.path for one in process.open_files()}:
                found.append(f"{_called(process.cmdline())} (процесс {process.pid})")
        except (psutil.Error, OSError):
            continue
    return found


def _called(words: list[str]) -> str:
    """Words of the command itself, without the interpreter and its options."""
    for mark in ("app", "otklik"):
        for number, word in enumerate(words[:-1]):
            if Path(word).name == mark:
                return f"otklik {words[number + 1]}"
    return Path(words[0]).name if words else "?"

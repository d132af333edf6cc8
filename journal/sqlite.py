"""SQLite as this project uses it: explicit transactions in WAL, errors that say in Russian what to do."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from journal.protocol import JournalError
from records.system import why

BUSY_SECONDS = 30.0
_SAID = {
    "database or disk is full": ("на диске кончилось место", "освободите место и повторите"),
    "disk I/O error": ("диск не отвечает", "проверьте диск и место на нём"),
    "file is not a database": ("это не база SQLite", "укажите другой файл или верните копию"),
    "database disk image is malformed": ("файл повреждён", "верните копию; что уцелело, достанет sqlite3 .recover"),
    "attempt to write a readonly database": ("файл только для чтения", "дайте право записи на файл и его папку"),
    "unable to open database file": ("файл не открыть", "проверьте путь и права на папку"),
    "database is locked": ("занят другим процессом", "остановите его и повторите"),
}
_CHECK = "проверьте путь, права и место на диске"


class Database:
    """``path``: made, with its folder, where there is none; ``durable``: a commit outlives a power cut.

    Raises (each method, and what runs in ``explained``):
        JournalError: the file cannot be opened, read or written, or is no database.
    """

    def __init__(self, path: Path, *, durable: bool, shared: bool = False) -> None:
        self.path = path
        with self.explained():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=not shared)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute(f"PRAGMA synchronous={'FULL' if durable else 'OFF'}")
        self.execute, self.executemany = self._db.execute, self._db.executemany

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, errors explained. Where the disk is full SQLite may have rolled back by itself."""
        with self.explained():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    @contextmanager
    def explained(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise explanation(self.path, error) from error

    def close(self) -> None:
        self._db.close()


def explanation(path: Path, error: sqlite3.Error | OSError) -> JournalError:
    if isinstance(error, OSError):
        return JournalError(f"{path}: {why(error)}", _CHECK)
    said, mend = _SAID.get(str(error), (str(error), _CHECK))
    return JournalError(f"{path}: {said}", mend)

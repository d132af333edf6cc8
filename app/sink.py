"""Decisions of ``posts.decided`` as a file of JSON lines: each message once, however often the process is killed."""

from __future__ import annotations

import hashlib
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from app.errors import UsageFault
from journal import Closing, JournalError, Record
from records.messages import DECIDED, decision_line
from records.system import why

if TYPE_CHECKING:
    from journal.embedded import EmbeddedJournal

_BATCH = 1_000
_NAME_SHOWN = 40


class Sink(Closing):
    """``path``: the file, written by this journal alone; what it lacks is written at the next ``catch_up``.

    The length that is surely written is a bookmark, moved with the reader's offset; what the file holds beyond it was
    being written when the process died, and is written anew.

    Raises:
        UsageFault: the file was there before and is not of this journal, or was shortened or removed.
        JournalError: another process writes it, or it cannot be written.
    """

    def __init__(self, journal: EmbeddedJournal, path: Path) -> None:
        self._journal = journal
        self._path = path.resolve()
        self._bookmark = f"sink:{self._path}"
        self._reader = journal.reader(reader_name(self._path), DECIDED)
        self._pending: list[Record] = []
        try:
            self._length = self._begun()
            self._write(b"")
        except BaseException:
            self.close()
            raise

    def catch_up(self) -> int:
        """Write what has been decided since; how many lines.

        Raises:
            UsageFault: the file was shortened or removed.
            JournalError: the disk or the journal cannot be written; nothing is lost.
        """
        written = 0
        while records := self._pending or self._reader.poll(_BATCH, 0):
            self._pending = records
            lines = b"".join(decision_line(record.value) for record in records)
            self._write(lines)
            length = self._length + len(lines)
            self._reader.commit(records, {}, {self._bookmark: str(length)})
            self._length, self._pending = length, []
            written += len(records)
        return written

    def close(self) -> None:
        self._reader.close()

    def _begun(self) -> int:
        """The length on record; nought, put on record now, for a file that this journal has not written before."""
        known = self._journal.bookmark(self._bookmark)
        if known is not None:
            return int(known)
        with suppress(FileNotFoundError):
            found = self._path.stat()
            if not stat.S_ISREG(found.st_mode):
                raise UsageFault(f"{self._path} — не обычный файл", "назовите файл")
            if found.st_size:
                what = f"файл {self._path} уже есть, и писал его не этот журнал"
                raise UsageFault(what, "назовите другой файл или уберите этот")
        self._journal.mark({self._bookmark: "0"})
        return 0

    def _write(self, lines: bytes) -> None:
        """After the length on record, and down to the disk."""
        try:
            if not self._length:
                self._path.touch()
            with self._path.open("r+b") as file:
                if os.fstat(file.fileno()).st_size < self._length:
                    raise self._lost("короче, чем был записан")
                file.truncate(self._length)
                file.seek(self._length)
                file.write(lines)
                file.flush()
                os.fsync(file.fileno())
        except FileNotFoundError:
            if self._length:
                raise self._lost("убран") from None
            raise UsageFault(
                f"{self._path} не открыть для записи: нет папки", "создайте её или назовите другой файл"
            ) from None
        except OSError as error:
            raise JournalError(f"{self._path} не записать: {why(error)}", "проверьте место на диске и права") from error

    def _lost(self, how: str) -> UsageFault:
        again = "в него запишутся все решения с начала журнала"
        return UsageFault(f"файл решений {self._path} {how}", f"верните его или назовите другой файл: {again}")


def reader_name(path: Path) -> str:
    """Of the reader that writes a file, by its resolved path."""
    return f"sink:{path.name[:_NAME_SHOWN]}:{hashlib.sha256(os.fsencode(path)).hexdigest()[:8]}"

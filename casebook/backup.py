"""``otklik backup``: journal, casebook and attachments of one machine, copied while everything runs.

The order loses nothing: the journal first, so that the place to which ``intake`` has read is never ahead of the cases
in the copy; then the casebook; then the attachments, which are only ever added. What the casebook did between the two
copies and put into the journal is not in the journal's copy: ``_amend`` undoes the casebook's memory of it.
"""

from __future__ import annotations

import errno
import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from casebook.archive import CASEBOOK, FORMAT, JOURNAL, MANIFEST, BackupError, Writer, whole
from journal import copying
from records.clock import stamp

TABLES = {
    "cases": "casebook_case",
    "events": "casebook_event",
    "texts": "casebook_text",
    "alarms": "casebook_alarm",
    "notices": "casebook_notice",
    "drafts": "casebook_draft",
    "attachments": "casebook_attachment",
    "users": "casebook_user",
}
FORGOTTEN, LOST, DAMAGED = "forgotten", "lost", "damaged"
_ACCEPTED = 202
_GAP = 1_000_000
_NAMED = "SELECT DISTINCT digest FROM casebook_attachment WHERE name != '' ORDER BY digest"


@dataclass(frozen=True, slots=True)
class Stand:
    """Where the parts lie; any of them may not be there yet."""

    journal: Path
    casebook: Path
    files: Path


@dataclass(frozen=True, slots=True)
class Versions:
    """What was running when the copy was made."""

    code: str
    regulation: str


@dataclass(slots=True)
class Attachments:
    """``absent``: why (``FORGOTTEN``, ``LOST``, ``DAMAGED``), by digest."""

    count: int = 0
    bytes: int = 0
    absent: dict[str, str] = field(default_factory=dict)

    @property
    def faulty(self) -> list[str]:
        return [digest for digest, why in self.absent.items() if why != FORGOTTEN]


def back_up(stand: Stand, target: Path, versions: Versions, now: Callable[[], datetime]) -> dict[str, Any]:
    """Write ``target``; its manifest.

    Raises:
        BackupError: there is nothing to copy, or such a file already; JournalError: a database cannot be read;
        OSError: of the disk.
    """
    if not stand.journal.is_file() and not stand.casebook.is_file():
        raise BackupError(f"копировать нечего: нет ни {stand.journal}, ни {stand.casebook}", "проверьте --home")
    begun = now()
    with whole(target) as (stream, folder):
        writer = Writer(stream, begun.timestamp())
        manifest: dict[str, Any] = {
            "format": FORMAT,
            "code": versions.code,
            "regulation": versions.regulation,
            "begun_at": stamp(begun),
        }
        remembered = _remembered(stand.casebook)
        manifest["journal"] = _journal(stand.journal, folder, writer, now)
        manifest["casebook"], named = _casebook(stand.casebook, remembered, folder, writer, now)
        manifest["files"] = _files(stand, named, writer, now)
        writer.note(MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=1).encode())
        writer.close()
    return manifest


def _journal(path: Path, folder: Path, writer: Writer, now: Callable[[], datetime]) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    at, copied = now(), folder / JOURNAL
    copying.copy(path, copied)
    written = writer.file(JOURNAL, copied)
    counted = journal_counts(copied)
    copied.unlink()
    return {"at": stamp(at), "sha256": written.sha256, "size": written.size, **counted}


def journal_counts(path: Path) -> dict[str, Any]:
    counted = copying.count(path)
    return {
        "topics": {name: {"records": records, "next": end} for name, (records, end) in counted.topics.items()},
        "readers": [{"name": name, "topic": topic, "position": at} for name, topic, at in counted.readers],
    }


# The casebook


@dataclass(frozen=True, slots=True)
class _Remembered:
    """Of the casebook before the journal was copied: the first event that was not in the journal for sure (events go
    there in the order of their rows), and the last answer to a request of the HTTP API."""

    event: int = 0
    answer: int = 0


def _remembered(path: Path) -> _Remembered:
    if not path.is_file():
        return _Remembered()
    with copying.opened(path) as db:
        if not {"casebook_event", "casebook_answered"} <= _tables(db):
            return _Remembered()
        found = db.execute(
            "SELECT coalesce((SELECT min(id) FROM casebook_event WHERE relayed_at IS NULL),"
            " (SELECT max(id) + 1 FROM casebook_event), 0), (SELECT coalesce(max(id), 0) FROM casebook_answered)"
        ).fetchone()
    return _Remembered(*map(int, found))


def _casebook(
    path: Path, remembered: _Remembered, folder: Path, writer: Writer, now: Callable[[], datetime]
) -> tuple[dict[str, Any] | None, list[str]]:
    """What the manifest says, and the digests of attachments that it names."""
    if not path.is_file():
        return None, []
    at, copied = now(), folder / CASEBOOK
    copying.copy(path, copied)
    with copying.opened(copied) as db:
        again = _amend(db, remembered)
        named = digests(db)
    written = writer.file(CASEBOOK, copied)
    counts = casebook_counts(copied)
    copied.unlink()
    return {"at": stamp(at), "sha256": written.sha256, "size": written.size, "counts": counts, "again": again}, named


def _amend(db: sqlite3.Connection, remembered: _Remembered) -> int:
    """Make the copy of the casebook agree with that of the journal; how many events will be relayed again.

    - Events that were relayed since wait again.
    - A post accepted over HTTP since is not in the journal: the client that repeats its request must be heard anew,
      not be told the answer of then.
    - Whoever reads events by cursor was perhaps given later ones: new events come after all that could be given.
    """
    if not {"casebook_event", "casebook_answered"} <= _tables(db):
        return 0
    db.execute("PRAGMA secure_delete = ON")
    db.execute("BEGIN")
    again = db.execute(
        "UPDATE casebook_event SET relayed_at = NULL WHERE id >= ? AND relayed_at IS NOT NULL", (remembered.event,)
    ).rowcount
    db.execute("DELETE FROM casebook_answered WHERE id > ? AND status = ?", (remembered.answer, _ACCEPTED))
    db.execute("UPDATE sqlite_sequence SET seq = seq + ? WHERE name = 'casebook_event'", (_GAP,))
    db.execute("COMMIT")
    return again


def casebook_counts(path: Path) -> dict[str, int]:
    with copying.opened(path) as db:
        there = _tables(db)
        return {
            name: int(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
            for name, table in TABLES.items()
            if table in there
        }


def digests(db: sqlite3.Connection) -> list[str]:
    """Of attachments that are not erased."""
    if "casebook_attachment" not in _tables(db):
        return []
    return [str(row[0]) for row in db.execute(_NAMED)]


def _tables(db: sqlite3.Connection) -> set[str]:
    return {str(row[0]) for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


# The attachments


def _files(stand: Stand, named: list[str], writer: Writer, now: Callable[[], datetime]) -> dict[str, Any]:
    at, done = now(), Attachments()
    for digest, data in _read(stand, named, done):
        writer.attachment(digest, data)
        done.count, done.bytes = done.count + 1, done.bytes + len(data)
    return {"at": stamp(at), "count": done.count, "bytes": done.bytes, "absent": done.absent}


def _read(stand: Stand, named: list[str], done: Attachments) -> Iterator[tuple[str, bytes]]:
    """A file is whole in memory: it has 20 MB at most (``casebook.files.LARGEST``)."""
    for digest in named:
        try:
            data = (stand.files / digest[:2] / digest).read_bytes()
        except FileNotFoundError:
            done.absent[digest] = LOST if _is_named(stand.casebook, digest) else FORGOTTEN
            continue
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            data = b""
        if hashlib.sha256(data).hexdigest() == digest:
            yield digest, data
        else:
            done.absent[digest] = DAMAGED


def _is_named(casebook: Path, digest: str) -> bool:
    """Still: ``otklik forget`` may have erased it since the casebook was copied."""
    with copying.opened(casebook) as db:
        found = db.execute("SELECT 1 FROM casebook_attachment WHERE digest = ? AND name != ''", (digest,)).fetchone()
    return found is not None

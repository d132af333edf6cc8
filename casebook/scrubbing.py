"""What is left after an erasure: files that no attachment names, old rows of who read what, bytes of the database."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import OperationalError, connection
from django.db.models import QuerySet

from casebook.contention import is_contended
from casebook.decree import Decree
from casebook.files import place
from casebook.forgetting import days_before, live_files
from casebook.models import Answered, Reading, Token

UNNAMED = timedelta(days=1)  # an upload waits so long for the draft that names it
ANSWERED = timedelta(days=3)  # a program that repeats its request does it sooner
_PAGE = 1000
_TABLES = ("casebook_text", "casebook_case", "casebook_draft", "casebook_attachment", "casebook_reading")


def remove_files(digests: Collection[str]) -> int:
    """Files that were erased and that no other attachment shares; how many."""
    shared = set(live_files().filter(digest__in=digests).values_list("digest", flat=True))
    found = [place(digest) for digest in set(digests) - shared]
    return sum(_removed(path) for path in found)


def remove_unnamed(now: datetime, *, rehearsal: bool = False) -> int:
    """Files older than a day that no attachment names: never attached, erased, or half written; how many."""
    done = 0
    for folder in _folders():
        old = [path for path in folder.iterdir() if _is_older(path, now - UNNAMED)]
        for start in range(0, len(old), _PAGE):
            page = old[start : start + _PAGE]
            named = set(live_files().filter(digest__in=[path.name for path in page]).values_list("digest", flat=True))
            unnamed = [path for path in page if path.name not in named]
            done += len(unnamed) if rehearsal else sum(_removed(path) for path in unnamed)
    return done


def _folders() -> Iterator[Path]:
    files = Path(settings.OTKLIK_FILES)
    if files.is_dir():
        yield from (folder for folder in sorted(files.iterdir()) if folder.is_dir())


def _is_older(path: Path, moment: datetime) -> bool:
    try:
        return path.is_file() and datetime.fromtimestamp(path.stat().st_mtime, UTC) < moment
    except FileNotFoundError:
        return False


def _removed(path: Path) -> bool:
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    return True


def remove_rows(decree: Decree, now: datetime, *, rehearsal: bool = False) -> tuple[int, int]:
    """Readings whose time is over, and answers kept against repeats; how many of each."""
    since = days_before(now, decree.policy("retention", "readings_days"))
    old = (Reading.objects.filter(at__lte=since), Answered.objects.filter(at__lte=now - ANSWERED))
    if not rehearsal:
        Token.objects.filter(expires_at__lte=now - ANSWERED).delete()  # good for nothing, and no text
    readings, answers = (rows.count() if rehearsal else _deleted(rows) for rows in old)
    return readings, answers


def _deleted(rows: QuerySet[Any]) -> int:
    done = 0
    while page := list(rows.order_by("pk").values_list("pk", flat=True)[:_PAGE]):
        rows.model.objects.filter(pk__in=page).delete()
        done += len(page)
    return done


def overwrite_what_is_freed() -> None:
    """SQLite only; for the rest of the connection."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA secure_delete = ON")


def scrub() -> bool:
    """Leave no byte of what was erased; false where others held the database all the while: do it again later.

    SQLite: zeroes over what is freed are not enough, for a page that was rearranged keeps copies of rows in its gaps;
    the file is written anew and the log emptied. PostgreSQL frees the rows; its files are its own.
    """
    with connection.cursor() as cursor:
        if connection.vendor != "sqlite":
            cursor.execute(f"VACUUM {', '.join(_TABLES)}")
            return True
        try:
            cursor.execute("VACUUM")
            (is_busy, _, _) = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except OperationalError as error:
            if not is_contended(error):
                raise
            return False
    return not is_busy

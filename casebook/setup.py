"""Django's ORM without Django's project: one database, SQLite by default, PostgreSQL by its URL."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dj_database_url
import django
from django.conf import settings

# WAL: readers do not wait for the writer. FULL: what is committed outlives the loss of power.
_PRAGMAS = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA busy_timeout=20000;"
_SQLITE: dict[str, Any] = {"transaction_mode": "IMMEDIATE", "timeout": 20, "init_command": _PRAGMAS}
_MIGRATING = 323_2023  # PostgreSQL's lock of whoever changes the tables


class DatabaseUrlError(Exception):
    """Not the URL of a database that Otklik knows; Russian."""


def connect(url: str, files: Path, **more: Any) -> None:
    """Set Django up, once in a process.

    Args:
        url: ``sqlite:///casebook.sqlite`` or ``postgresql://user:…@host/name``.
        files: the folder of attachments.
        more: further settings of Django, of who does more than keep tables.

    Raises:
        DatabaseUrlError: another kind of URL.
    """
    if settings.configured:
        return
    settings.configure(
        INSTALLED_APPS=["casebook"],
        DATABASES={"default": database(url)},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        OTKLIK_FILES=str(files),
        USE_TZ=True,
        TIME_ZONE="UTC",
        **more,
    )
    django.setup()


def database(url: str) -> dict[str, Any]:
    if not url.startswith(("sqlite:", "postgresql:", "postgres:")):
        raise DatabaseUrlError(f"не адрес базы: {url.partition(':')[0][:20]}; нужен sqlite:///файл или postgresql://…")
    try:
        found: dict[str, Any] = dict(dj_database_url.parse(url, conn_max_age=60, conn_health_checks=True))
    except ValueError:
        raise DatabaseUrlError("адрес базы не разбирается; нужен sqlite:///файл или postgresql://…") from None
    if url.startswith("sqlite:"):
        found["OPTIONS"] = _SQLITE
    return found


def sqlite_url(path: Path) -> str:
    return f"sqlite:///{path}"


def migrate() -> None:
    """Bring the tables to the shape of this code; nothing where they have it.

    All in one transaction, which one of the processes that start at once holds: a process that is killed here leaves
    nothing half made, and two do not make the same table.
    """
    from django.core.management import call_command
    from django.db import connection, transaction
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    if not executor.migration_plan(executor.loader.graph.leaf_nodes()):
        return
    with connection.constraint_checks_disabled(), transaction.atomic():  # SQLite remakes tables without checks
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_MIGRATING])
        call_command("migrate", verbosity=0, interactive=False)

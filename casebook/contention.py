"""Two transactions that wait for each other: the database ends one of them, which may try again."""

from __future__ import annotations

from django.db import OperationalError

_DEADLOCK = "40P01"  # of PostgreSQL


def is_contended(error: OperationalError) -> bool:
    return getattr(error.__cause__, "sqlstate", None) == _DEADLOCK or "locked" in str(error)

"""Two transactions in each other's way: the database ends one of them, which may try again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from django.db import DatabaseError, IntegrityError, OperationalError

TRIES = 3
R = TypeVar("R")
_STATES = ("40P01", "23505")  # of PostgreSQL: a deadlock; a row that is there already
_WORDS = ("locked", "UNIQUE constraint failed")  # of SQLite


def is_contended(error: DatabaseError) -> bool:
    return getattr(error.__cause__, "sqlstate", None) in _STATES or any(word in str(error) for word in _WORDS)


def again(do: Callable[[], R]) -> R:
    """A transaction, a few times over where a person who moves one of its cases is in the way, or another process was
    first to keep the same row."""
    for _ in range(TRIES):
        try:
            return do()
        except (IntegrityError, OperationalError) as error:
            if not is_contended(error):
                raise
    return do()

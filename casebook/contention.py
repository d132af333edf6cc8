"""Two transactions in each other's way: the database ends one of them, which may try again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from django.db import IntegrityError, OperationalError

TRIES = 3
R = TypeVar("R")
_DEADLOCK = "40P01"  # of PostgreSQL


def is_contended(error: OperationalError) -> bool:
    return getattr(error.__cause__, "sqlstate", None) == _DEADLOCK or "locked" in str(error)


def again(do: Callable[[], R]) -> R:
    """A transaction, a few times over where a person who moves one of its cases is in the way, or another process was
    first to keep the same row."""
    for _ in range(TRIES):
        try:
            return do()
        except IntegrityError:
            continue
        except OperationalError as error:
            if not is_contended(error):
                raise
    return do()

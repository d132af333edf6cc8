"""``Idempotency-Key``: the same request sent again gets the same answer, and is not done twice.

The header of draft-ietf-httpapi-idempotency-key-header. A key belongs to its user; it is kept for a few days.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.http import HttpRequest

from casebook.models import Answered, User
from cases.lifecycle import MoveError
from desk.problems import Code, Problem

HEADER = "Idempotency-Key"
LONGEST = 255


def key_of(request: HttpRequest) -> str | None:
    """Raises: Problem: empty, too long, or not printable ASCII."""
    key = request.headers.get(HEADER)
    if key is None:
        return None
    if not 0 < len(key) <= LONGEST or not (key.isascii() and key.isprintable()):
        raise Problem(
            Code.UNSUITABLE,
            f"негодный {HEADER}",
            f"A bad {HEADER}: 1 to {LONGEST} printable characters of ASCII.",
            f"от 1 до {LONGEST} печатных знаков ASCII, например UUID",
        )
    return key


def digest(request: HttpRequest) -> str:
    """Of the method, the path and the body."""
    head = f"{request.method} {request.get_full_path()}\n".encode("utf-8", "surrogatepass")
    return hashlib.sha256(head + request.body).hexdigest()


def once(
    user: User, key: str | None, asked: str, now: datetime, do: Callable[[], tuple[int, Any]]
) -> tuple[int, Any, bool]:
    """Do it and keep the answer, both in one transaction; or give the answer that was kept, and ``True``.

    Raises:
        Problem: the key came with another request; and whatever ``do`` raises, when nothing is kept.
    """
    if key is None:
        return *do(), False
    found = find(user, key, asked)
    if found is not None:
        return *found, True
    try:
        with transaction.atomic():
            status, body = do()
            Answered.objects.create(user=user, key=key, asked=asked, status=status, body=body, at=now)
    except (IntegrityError, Problem, MoveError):  # perhaps the same request, at the same moment, was first
        found = find(user, key, asked)
        if found is None:
            raise
        return *found, True
    return status, body, False


def find(user: User, key: str, asked: str) -> tuple[int, Any] | None:
    found = Answered.objects.filter(user=user, key=key).first()
    if found is None:
        return None
    if found.asked != asked:
        raise Problem(
            Code.KEY_REUSED,
            f"с этим {HEADER} уже был другой запрос",
            f"This {HEADER} came with another request: a new request needs a new key.",
            "для нового запроса нужен новый ключ",
        )
    return found.status, found.body

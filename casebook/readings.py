"""Who read which words of people, and when (152-ФЗ): recorded before a text is shown."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db.models import QuerySet

from casebook.models import Case, Draft, Reading, Text, User
from casebook.turn import latest_verdict
from cases.lifecycle import MoveError, Refusal, Role

OVERSEERS = frozenset({Role.MANAGER, Role.ADMINISTRATOR})


def record_reading(actor: str, what: str, now: datetime, *, case: Case | None = None, text: int | None = None) -> None:
    """``what``: the kind of text (``post``, ``file …``), or a place in the quarantine or a topic, never words or an
    author; ``text``: its row."""
    Reading.objects.create(actor=actor, what=what, case=case, text_id=text, at=now)


def read_case(user: User, case: Case, now: datetime, *, drafts: bool = True) -> None:
    """The post with its decision, and the drafts, all at once; what is erased nobody reads."""
    found = [latest_verdict(case).text]
    if drafts:
        found += [one.text for one in Draft.objects.filter(case=case).select_related("text").order_by("number")]
    record_readings(user.code, [(text, case) for text in found if text.erased_at is None], now)


def record_readings(actor: str, read: Sequence[tuple[Text, Case]], now: datetime, *, within: str = "") -> None:
    """``within``: what they were read in, such as an export."""
    what = f"{within} " if within else ""
    Reading.objects.bulk_create(
        (Reading(actor=actor, what=f"{what}{text.kind}", text=text, case=case, at=now) for text, case in read),
        batch_size=500,
    )


def readings(*, case: int | None = None, actor: str | None = None) -> QuerySet[Reading]:
    """The latest first; ``case``: its number."""
    found = Reading.objects.select_related("case").order_by("-id")
    if case is not None:
        found = found.filter(case__ordinal=case)
    return found.filter(actor=actor) if actor is not None else found


def must_oversee(user: User, what: str) -> None:
    """Raises: MoveError: all about one author is for the manager and the administrator alone."""
    if user.role not in OVERSEERS:
        raise MoveError(
            f"{what} — не для роли {user.role}",
            f"это делают: {', '.join(sorted(OVERSEERS))}",
            f"Not for the role {user.role}: for {', '.join(sorted(OVERSEERS))}.",
            Refusal.NOT_FOR_ROLE,
        )

"""One move in the making, and what all moves ask of a case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from casebook.decree import Decree
from casebook.models import Case, Draft, User, Verdict
from cases.lifecycle import OF_A_DEPARTMENT, MoveError, Refusal, Role, State

Body = dict[str, Any]  # of an event: codes, times and digests alone


@dataclass(slots=True)
class Turn:
    """One move in the making. ``after``: another state than the table says; ``kind``: another kind of event."""

    decree: Decree
    case: Case
    actor: User
    now: datetime
    reason: str | None
    given: Mapping[str, Any]
    before: dict[str, Any] | None
    after: State | None = None
    kind: str = ""
    used: set[str] = field(default_factory=set)

    def take(self, name: str, default: Any = None) -> Any:
        self.used.add(name)
        value = self.given.get(name)
        return default if value is None else value

    def need(self, name: str, what: str) -> Any:
        value = self.take(name)
        if value is None or (isinstance(value, str) and not value.strip()):
            raise MoveError(f"не сказано: {what}", f"добавьте --{name.replace('_', '-')}", f"Not given: {name}.")
        return value

    @property
    def is_manager(self) -> bool:
        return self.actor.role == Role.MANAGER


def must_lead(turn: Turn) -> None:
    """A department that only helps sees the case; whose it is, the lead one says."""
    if turn.actor.role in OF_A_DEPARTMENT and turn.actor.department != turn.case.department:
        raise MoveError(
            f"карточку ведёт {turn.case.department}, а не {turn.actor.department}",
            "это делает ведущий отдел",
            f"The case is led by {turn.case.department}, not {turn.actor.department}.",
            Refusal.NOT_FOR_ROLE,
        )


def latest_verdict(case: Case) -> Verdict:
    return Verdict.objects.filter(case=case).select_related("text").latest("id")


def current_draft(case: Case) -> Draft:
    found = Draft.objects.filter(case=case, number=case.draft_number).select_related("text").first()
    if found is None or (found.published_at is not None):
        raise MoveError(
            "у карточки нет проекта ответа",
            "внесите его: otklik case draft",
            "The case has no draft.",
            Refusal.WRONG_STATE,
        )
    return found

"""Moves of a case. Each is one transaction: the row is locked, the table of moves asked, the change and its event made.

What a move does beside its row in ``cases.lifecycle`` is a function of the same name (``casebook.effects`` lists them).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db import OperationalError, transaction

from casebook import clocks
from casebook.contention import is_contended
from casebook.decree import Decree
from casebook.effects import EFFECTS
from casebook.events import keep, record
from casebook.models import Case, Event, User
from casebook.turn import Turn
from casebook.undo import snapshot
from cases.lifecycle import OF_A_DEPARTMENT, MoveError, MoveName, Refusal, Role, allowed


def perform(
    decree: Decree,
    ordinal: int,
    name: MoveName,
    *,
    acting_user: User,
    version: int,
    now: datetime,
    reason: str | None = None,
    **given: Any,
) -> Event:
    """Make a move.

    Args:
        version: of the case as the actor saw it.
        given: what the move needs (``casebook.effects`` says what).

    Raises:
        MoveError: no such case for this user, the case has changed since, or the move is not allowed; nothing is done.
    """
    with _alone():
        case = visible(ordinal, acting_user, lock=True)
        if case.version != version:
            raise MoveError(
                f"карточка {ordinal} изменилась: версия {case.version}, а не {version}",
                "откройте её снова и повторите, если это ещё нужно",
                f"Case {ordinal} has changed: version {case.version}, not {version}. Read it again.",
                Refusal.CHANGED,
            )
        if not acting_user.active:
            raise MoveError(
                f"пользователь {acting_user.code} больше не работает",
                "это делает другой",
                f"User {acting_user.code} is no longer active.",
                Refusal.NOT_FOR_ROLE,
            )
        move = allowed(name, case_state(case), Role(acting_user.role), reason)
        turn = Turn(decree, case, acting_user, now, reason, given, before=snapshot(case))
        body = EFFECTS[name](turn)
        _no_more(given, turn.used, move.title)
        case.state = turn.after or move.after or case.state
        if reason and reason.strip():
            words = keep("reason", {"text": reason.strip(), "case": case.ordinal}, now)
            body = {**body, "reason": words.digest, "text": words.pk}
        case.moved, case.due = True, clocks.nearest(case)
        event = record(
            case,
            turn.kind or name,
            actor=acting_user.code,
            role=acting_user.role,
            now=now,
            body=body,
            before=turn.before,
        )
        case.save()
    return event


@contextmanager
def _alone() -> Iterator[None]:
    """A transaction; where two wait for each other (``merge`` locks two cases), the database refuses one of them."""
    try:
        with transaction.atomic():
            yield
    except OperationalError as error:
        if not is_contended(error):
            raise
        raise MoveError(
            "карточку сейчас меняет другой",
            "откройте её снова и повторите, если это ещё нужно",
            "Somebody else is changing the case now. Read it again.",
            Refusal.CHANGED,
        ) from None


def _no_more(given: dict[str, Any], used: set[str], title: str) -> None:
    spare = [name for name, value in given.items() if value is not None and name not in used]
    if spare:
        raise MoveError(
            f"«{title}» не знает: {', '.join(sorted(spare))}",
            "уберите лишнее",
            f"The move does not take: {', '.join(sorted(spare))}.",
        )


def case_state(case: Case) -> Any:
    from cases.lifecycle import State

    return State(case.state)


def visible(ordinal: int, user: User, *, lock: bool = False) -> Case:
    """A case that the user may see. Raises: MoveError: there is none; another department's is told no apart."""
    found = Case.objects.select_for_update() if lock else Case.objects
    case = found.filter(ordinal=ordinal).first()
    if case is None or not sees(user, case):
        raise MoveError(
            f"карточки {ordinal} нет", "проверьте номер: otklik case list", f"No case {ordinal}.", Refusal.NOT_FOUND
        )
    return case


def sees(user: User, case: Case) -> bool:
    if user.role not in OF_A_DEPARTMENT:
        return True
    own = case.department == user.department or case.coexecutors.filter(department=user.department).exists()
    return own and (not user.office or user.office == case.office)

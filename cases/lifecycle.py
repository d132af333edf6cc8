"""The lifecycle of a case: its states, who may move it where, and one table of moves.

States are those of the contract. A new move is a row of ``MOVES``; tests hold that every state can be reached and
left, and that every move has its Russian name.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    NEW = "new"
    WITH_DEPARTMENT = "with_department"
    IN_WORK = "in_work"
    IN_APPROVAL = "in_approval"
    APPROVED = "approved"
    PUBLISHED = "published"
    CLOSED = "closed"
    INTERIM_PUBLISHED = "interim_published"
    EXCLUDED = "excluded"
    NO_ANSWER = "no_answer"
    RETURNED = "returned"
    WITHDRAWN = "withdrawn"
    MERGED = "merged"
    UNPUBLISHABLE = "unpublishable"


class Role(StrEnum):
    OPERATOR = "operator"
    HEAD = "head"
    EXECUTOR = "executor"
    APPROVER = "approver"
    MANAGER = "manager"
    ANALYST = "analyst"
    ADMINISTRATOR = "administrator"
    SYSTEM = "system"


# They see the cards of their own department (and office) alone.
OF_A_DEPARTMENT = frozenset({Role.HEAD, Role.EXECUTOR})
ENDED = frozenset({State.CLOSED, State.WITHDRAWN})
UNANSWERED = frozenset(
    {
        State.NEW,
        State.WITH_DEPARTMENT,
        State.RETURNED,
        State.IN_WORK,
        State.IN_APPROVAL,
        State.APPROVED,
        State.INTERIM_PUBLISHED,
    }
)


class MoveName(StrEnum):
    CONFIRM = "confirm"
    RETURN = "return"
    ACCEPT = "accept"
    ASSIGN = "assign"
    JOIN = "join"
    DRAFT = "draft"
    SEND = "send"
    APPROVE = "approve"
    REMARK = "remark"
    PUBLISH = "publish"
    PUBLISH_UNAPPROVED = "publish_unapproved"
    UNPUBLISHABLE = "unpublishable"
    REPLY = "reply"
    CLOSE = "close"
    CONFIRM_EXCLUSION = "confirm_exclusion"
    CONFIRM_NO_ANSWER = "confirm_no_answer"
    RESTORE = "restore"
    RAISE = "raise"
    LOWER = "lower"
    SPLIT = "split"
    MERGE = "merge"
    WITHDRAW = "withdraw"
    ESCALATE = "escalate"
    RECALL = "recall"


@dataclass(frozen=True, slots=True)
class Move:
    """``after``: the state it leads to, ``None`` where the state stays; ``reasoned``: not without a reason in words."""

    name: MoveName
    title: str
    before: frozenset[State]
    after: State | None
    roles: frozenset[Role]
    reasoned: bool = False


class Refusal(StrEnum):
    """Why a move may not be made, for programs."""

    NOT_FOUND = "not_found"
    CHANGED = "changed"
    NOT_FOR_ROLE = "not_for_role"
    WRONG_STATE = "wrong_state"
    REASON_MISSING = "reason_missing"
    UNSUITABLE = "unsuitable"


class MoveError(Exception):
    """A move that may not be made; ``mend`` says what to do (both Russian); ``english`` says both."""

    def __init__(self, what: str, mend: str, english: str, code: Refusal = Refusal.UNSUITABLE) -> None:
        super().__init__(what)
        self.mend = mend
        self.english = english
        self.code = code


def _states(*states: State) -> frozenset[State]:
    return frozenset(states)


_OPERATORS = frozenset({Role.OPERATOR, Role.MANAGER})
_DEPARTMENT = frozenset({Role.HEAD, Role.EXECUTOR})
_MANAGER = frozenset({Role.MANAGER})
_ANYBODY = frozenset(Role) - {Role.ANALYST, Role.ADMINISTRATOR}
_BEFORE_WORK = _states(State.NEW, State.RETURNED)
_WORKED = _states(State.IN_WORK, State.INTERIM_PUBLISHED)

MOVES: dict[MoveName, Move] = {
    move.name: move
    for move in (
        Move(MoveName.CONFIRM, "подтвердить маршрут", _BEFORE_WORK, State.WITH_DEPARTMENT, _OPERATORS),
        Move(MoveName.RETURN, "вернуть", _states(State.WITH_DEPARTMENT), State.RETURNED, _DEPARTMENT, True),
        Move(MoveName.ACCEPT, "принято молчанием", _states(State.WITH_DEPARTMENT), None, frozenset({Role.SYSTEM})),
        Move(
            MoveName.ASSIGN,
            "назначить исполнителя",
            _states(State.WITH_DEPARTMENT, State.IN_WORK),
            State.IN_WORK,
            frozenset({Role.HEAD, Role.MANAGER}),
        ),
        Move(
            MoveName.JOIN,
            "добавить соисполнителя",
            _states(State.WITH_DEPARTMENT, State.IN_WORK),
            None,
            _OPERATORS,
        ),
        Move(MoveName.DRAFT, "внести проект", _WORKED, State.IN_WORK, _DEPARTMENT | _MANAGER),
        Move(MoveName.SEND, "отправить на согласование", _states(State.IN_WORK), State.IN_APPROVAL, _OPERATORS),
        Move(
            MoveName.APPROVE,
            "согласовать",
            _states(State.IN_APPROVAL),
            State.APPROVED,
            frozenset({Role.APPROVER}),
        ),
        Move(
            MoveName.REMARK,
            "вернуть с замечаниями",
            _states(State.IN_APPROVAL),
            State.IN_WORK,
            frozenset({Role.APPROVER}),
            True,
        ),
        Move(MoveName.PUBLISH, "разместить", _states(State.APPROVED), State.PUBLISHED, _OPERATORS),
        Move(
            MoveName.PUBLISH_UNAPPROVED,
            "разместить без согласования",
            _states(State.IN_WORK, State.IN_APPROVAL),
            State.PUBLISHED,
            _MANAGER,
            True,
        ),
        Move(
            MoveName.UNPUBLISHABLE,
            "разместить негде",
            _states(State.APPROVED),
            State.UNPUBLISHABLE,
            _OPERATORS,
            True,
        ),
        Move(MoveName.REPLY, "ответить по общей карточке", _states(State.MERGED), State.CLOSED, _OPERATORS),
        Move(
            MoveName.CLOSE,
            "закрыть",
            _states(State.PUBLISHED, State.UNPUBLISHABLE),
            State.CLOSED,
            _OPERATORS,
        ),
        Move(
            MoveName.CONFIRM_EXCLUSION,
            "подтвердить исключение",
            _states(State.EXCLUDED),
            State.CLOSED,
            _OPERATORS,
        ),
        Move(
            MoveName.CONFIRM_NO_ANSWER,
            "подтвердить: ответ не нужен",
            _states(State.NO_ANSWER),
            State.CLOSED,
            _OPERATORS,
        ),
        Move(
            MoveName.RESTORE,
            "вернуть в работу",
            _states(State.EXCLUDED, State.NO_ANSWER, State.MERGED),
            State.NEW,
            _OPERATORS,
            True,
        ),
        Move(MoveName.RAISE, "перевести на 4 часа", UNANSWERED, None, _OPERATORS, True),
        Move(MoveName.LOWER, "перевести на 8 часов", UNANSWERED, None, _OPERATORS, True),
        Move(
            MoveName.SPLIT,
            "разделить",
            _states(State.NEW, State.RETURNED, State.WITH_DEPARTMENT, State.IN_WORK),
            None,
            _OPERATORS,
            True,
        ),
        Move(
            MoveName.MERGE,
            "присоединить к другой",
            UNANSWERED - {State.INTERIM_PUBLISHED},
            State.MERGED,
            _OPERATORS,
            True,
        ),
        Move(
            MoveName.WITHDRAW,
            "снять: сообщение удалено",
            UNANSWERED | {State.EXCLUDED, State.NO_ANSWER},
            State.WITHDRAWN,
            _OPERATORS,
            True,
        ),
        Move(MoveName.ESCALATE, "сообщить", frozenset(State) - ENDED, None, _ANYBODY, True),
        Move(MoveName.RECALL, "отменить последнее", frozenset(State), None, _ANYBODY),
    )
}
# An answer that residents may have read, and what went to others, cannot be undone.
IRREVOCABLE = frozenset(
    {
        MoveName.PUBLISH,
        MoveName.PUBLISH_UNAPPROVED,
        MoveName.REPLY,
        MoveName.ESCALATE,
        MoveName.SPLIT,
        MoveName.MERGE,
        MoveName.RECALL,
        MoveName.ACCEPT,
    }
)


def allowed(name: MoveName, state: State, role: Role, reason: str | None) -> Move:
    """The row of the table. Raises: MoveError: the move is not for this state, this role, or lacks its reason."""
    move = MOVES[name]
    if role not in move.roles:
        raise MoveError(
            f"«{move.title}» — не для роли {role}",
            f"это делают: {', '.join(sorted(move.roles))}",
            f"{name} is not for the role {role}.",
            Refusal.NOT_FOR_ROLE,
        )
    if state not in move.before:
        raise MoveError(
            f"карточка в состоянии {state}: «{move.title}» из него нельзя",
            f"можно: {', '.join(moves_from(state, role)) or 'ничего'}",
            f"The case is in state {state}: no {name} from it.",
            Refusal.WRONG_STATE,
        )
    if move.reasoned and not (reason and reason.strip()):
        raise MoveError(
            f"«{move.title}» не делается без причины",
            "назовите причину: --reason «…»",
            f"{name} needs a reason.",
            Refusal.REASON_MISSING,
        )
    return move


def moves_from(state: State, role: Role) -> list[MoveName]:
    """What a role may do with a case in a state, in the order of the table."""
    return [move.name for move in MOVES.values() if state in move.before and role in move.roles]

"""Who may do what: scopes, the roles that may hold them, and who is calling. The one table of rights beside
``cases.lifecycle.MOVES``; ``docs/access.md`` is made from both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from casebook.models import User
from cases.lifecycle import Role


class Scope(StrEnum):
    POSTS_WRITE = "posts:write"
    CASES_READ = "cases:read"
    TEXTS_READ = "texts:read"
    CASES_MOVE = "cases:move"
    ALARMS_READ = "alarms:read"
    ALARMS_ACKNOWLEDGE = "alarms:acknowledge"
    EVENTS_READ = "events:read"
    DEPARTMENTS_READ = "departments:read"
    REPORTS_READ = "reports:read"
    READINGS_READ = "readings:read"


_EVERYBODY = frozenset(Role) - {Role.SYSTEM}
_ON_CASES = _EVERYBODY - {Role.ANALYST, Role.ADMINISTRATOR}

# Words of people are for those who work on them. An administrator keeps the service going without reading them, but
# for what an author asks by right: everything about himself (``otklik export``, recorded).
ROLES: Mapping[Scope, frozenset[Role]] = {
    Scope.POSTS_WRITE: frozenset({Role.OPERATOR, Role.MANAGER}),
    Scope.CASES_READ: _EVERYBODY,
    Scope.TEXTS_READ: _EVERYBODY - {Role.ADMINISTRATOR},
    Scope.CASES_MOVE: _ON_CASES,
    Scope.ALARMS_READ: _EVERYBODY,
    Scope.ALARMS_ACKNOWLEDGE: _ON_CASES,
    Scope.EVENTS_READ: _EVERYBODY,
    Scope.DEPARTMENTS_READ: _EVERYBODY,
    Scope.REPORTS_READ: _EVERYBODY - {Role.EXECUTOR},
    Scope.READINGS_READ: frozenset({Role.MANAGER, Role.ADMINISTRATOR}),
}
TITLES: Mapping[Scope, str] = {
    Scope.POSTS_WRITE: "присылать сообщения",
    Scope.CASES_READ: "видеть карточки",
    Scope.TEXTS_READ: "читать тексты",
    Scope.CASES_MOVE: "двигать карточки",
    Scope.ALARMS_READ: "видеть тревоги",
    Scope.ALARMS_ACKNOWLEDGE: "принимать тревоги",
    Scope.EVENTS_READ: "видеть события",
    Scope.DEPARTMENTS_READ: "видеть отделы",
    Scope.REPORTS_READ: "получать отчёты",
    Scope.READINGS_READ: "видеть, кто что читал",
}


def scopes_of(role: Role) -> frozenset[Scope]:
    return frozenset(scope for scope, roles in ROLES.items() if role in roles)


@dataclass(frozen=True, slots=True)
class Caller:
    """``scopes``: what both the token and the role of its user allow. ``one_time``: may only choose a password."""

    user: User
    scopes: frozenset[Scope]
    token: int
    one_time: bool

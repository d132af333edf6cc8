"""How an operation says whom it is for; and the token of a request becomes its caller."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest
from ninja.security import HttpBearer

from desk.access import Caller, Scope
from desk.accounts import caller_of, unauthenticated
from desk.problems import Code, Problem
from desk.schemas import ProblemOut
from desk.threads import threads
from desk.wiring import desk

_FRESH = 5.0  # seconds for which a token just looked up is not looked up again by who sends posts
_MOST_KEPT = 1_000
_REFUSALS = (400, 401, 403, 404, 405, 408, 409, 413, 415, 422, 429, 500, 503)
PROBLEMS: Mapping[frozenset[int], type[ProblemOut]] = {frozenset(_REFUSALS): ProblemOut}


class Bearer(HttpBearer):
    """``Authorization: Bearer …``. ``scope``: what the caller must hold; ``None``: whoever has a token."""

    def __init__(self, scope: Scope | None) -> None:
        self.scope = scope
        super().__init__()

    def __call__(self, request: HttpRequest) -> Any:
        found = super().__call__(request)
        if found is None:
            raise unauthenticated()
        return found

    def authenticate(self, request: HttpRequest, token: str) -> Caller:
        return permitted(caller_of(token, desk().now()), self.scope)


class QuickBearer(Bearer):
    """For an operation that is called hundreds of times a second: a token is looked up every few seconds."""

    def __init__(self, scope: Scope) -> None:
        self._known: dict[str, tuple[float, Caller]] = {}
        super().__init__(scope)

    async def authenticate(self, request: HttpRequest, token: str) -> Caller:  # type: ignore[override]
        moment = time.monotonic()
        looked, caller = self._known.get(token, (0.0, None))
        if caller is None or moment - looked > _FRESH:
            self._known.pop(token, None)
            caller = await threads().run(caller_of, token, desk().now())
            if len(self._known) >= _MOST_KEPT:
                self._known.clear()
            self._known[token] = (moment, caller)
        return permitted(caller, self.scope)


def permitted(caller: Caller, scope: Scope | None) -> Caller:
    """Raises: Problem: the token or the role of its user does not allow it."""
    if scope is None or scope in caller.scopes:
        return caller
    if caller.one_time:
        raise Problem(
            Code.FORBIDDEN,
            "пароль одноразовый",
            "The password is a one-time one: choose another by POST /password.",
            "выберите свой: POST /password",
        )
    raise Problem(
        Code.FORBIDDEN,
        f"нужно право {scope}: у роли {caller.user.role} или у ключа его нет",
        f"The scope {scope} is needed, which the role {caller.user.role} or the token lacks: ask the administrator.",
        "попросите администратора",
    )


def guarded(scope: Scope | None, response: Any, status: int = 200, *, quick: bool = False) -> dict[str, Any]:
    """Arguments of an operation: who may, what it answers, which refusals are documented."""
    answers: dict[Any, Any] = {status: response, **PROBLEMS}
    bearer = QuickBearer(scope) if quick and scope else Bearer(scope)
    return {"auth": bearer, "response": answers, "openapi_extra": {"x-scope": scope and scope.value}}


def caller(request: HttpRequest) -> Caller:
    found: Caller = request.auth  # type: ignore[attr-defined]
    return found

"""Signing in, choosing a password, who one is, and who read what."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Query, Router, Status

from casebook.models import Token
from casebook.readings import readings
from desk import paging
from desk.access import Scope
from desk.accounts import AccountError, choose_password, prove, sign_in
from desk.api.guard import PROBLEMS, caller, guarded
from desk.problems import Code, Problem
from desk.schemas import Cursor, Me, NewPassword, Readings, Session, SignIn
from desk.wiring import desk

router = Router(tags=["people"])


@router.post("/sessions", auth=None, response={201: Session, **PROBLEMS}, openapi_extra={"x-scope": "anybody"})
def begin_session(request: HttpRequest, given: SignIn) -> Any:
    """Sign in by name and password; the token is good for 12 hours."""
    user, secret, until = sign_in(given.user, given.password, desk().now())
    return Status(201, {"token": secret, "expires_at": until, "one_time": user.one_time})


@router.delete("/sessions/current", **guarded(None, None, 204))
def end_session(request: HttpRequest) -> Any:
    """The token of this request is good no more."""
    Token.objects.filter(pk=caller(request).token).update(revoked_at=desk().now())
    return Status(204, None)


@router.post("/password", **guarded(None, None, 204))
def change_password(request: HttpRequest, given: NewPassword) -> Any:
    """Choose a password; all sessions of the user end: sign in again."""
    user = caller(request).user
    if not prove(user, given.old, desk().now()):
        raise Problem(Code.UNSUITABLE, "прежний пароль неверен", "The old password is wrong.")
    try:
        choose_password(user, given.new, desk().now())
    except AccountError as error:
        english = "The password is too short, too long, too plain, or the one-time one."
        raise Problem(Code.UNSUITABLE, str(error), english, error.mend) from None
    return Status(204, None)


@router.get("/me", **guarded(None, Me))
def me(request: HttpRequest) -> dict[str, Any]:
    """Who the token speaks for, and what it may."""
    one = caller(request)
    return {
        "user": one.user.code,
        "name": one.user.name,
        "role": one.user.role,
        "department": one.user.department or None,
        "office": one.user.office or None,
        "scopes": sorted(one.scopes),
    }


@router.get("/readings", **guarded(Scope.READINGS_READ, Readings))
def list_readings(
    request: HttpRequest,
    case: Annotated[int | None, Query(ge=1, le=2**62)] = None,
    actor: Annotated[str | None, Query(max_length=64)] = None,
    cursor: Cursor | None = None,
    limit: Annotated[int, Query(ge=1, le=paging.MOST)] = paging.USUAL,
) -> dict[str, Any]:
    """Who read which words of people, the latest first (152-ФЗ)."""
    found = readings(case=case, actor=actor and actor.replace("\0", "\ufffd"))
    if place := paging.place(cursor, int):
        found = found.filter(pk__lt=place[0])
    rows = list(found[: limit + 1])
    items = [
        {"at": one.at, "actor": one.actor, "what": one.what, "case": one.case.ordinal if one.case else None}
        for one in rows[:limit]
    ]
    return {"items": items, "next": paging.cursor(rows[limit - 1].pk) if len(rows) > limit else None}

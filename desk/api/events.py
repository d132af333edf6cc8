"""Events of cases: a feed by cursor, and the same as server-sent events."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterable
from datetime import timedelta
from typing import Annotated, Any

from django.db import connection
from django.http import HttpRequest, StreamingHttpResponse
from ninja import Query, Router

from casebook import lists
from casebook.events import message_of
from casebook.models import Event, User
from desk import paging
from desk.access import Scope
from desk.accounts import caller_of
from desk.api.guard import caller, guarded
from desk.problems import Code, Problem
from desk.schemas import Cursor, Events
from desk.threads import threads
from desk.wiring import desk
from records import dump

router = Router(tags=["events"])
# PostgreSQL gives numbers out before what has them is committed: a later number may be seen first. After so long
# nothing earlier comes any more (the longest transaction, an intake's batch, takes seconds).
SETTLED = timedelta(seconds=30)
EVERY, SIGN_OF_LIFE, ASK_AGAIN = 0.5, 15.0, 5.0
_PAGE = 200
MOST_STREAMS = 200
_streams = 0
Of = Annotated[int | None, Query(ge=1, le=2**62, description="of one case")]
Kind = Annotated[str | None, Query(max_length=32, description="of one kind: `opened`, `confirm`, …")]


@router.get("/events", **guarded(Scope.EVENTS_READ, Events))
def list_events(
    request: HttpRequest,
    case: Of = None,
    kind: Kind = None,
    cursor: Cursor | None = None,
    limit: Annotated[int, Query(ge=1, le=paging.MOST)] = paging.USUAL,
) -> dict[str, Any]:
    """Events in the order of their recording, at least once: know them by `event_id`."""
    place = paging.place(cursor, int)
    after = place[0] if place else 0
    rows = list(_events(caller(request).user, case, kind).filter(pk__gt=after)[:limit])
    return {"items": [message_of(one) for one in rows], "next": paging.cursor(_settled(rows, after))}


@router.get("/events/stream", **guarded(Scope.EVENTS_READ, None))
def stream_events(
    request: HttpRequest,
    case: Of = None,
    kind: Kind = None,
    cursor: Annotated[str | None, Query(max_length=400, description="`next` of `GET /events`; else from now")] = None,
) -> StreamingHttpResponse:
    """Server-sent events (`text/event-stream`): `event` is the kind, `data` the event, `id` a cursor.

    After a break the client sends `Last-Event-ID` (browsers do) and gets all since, some perhaps again.
    """
    if _streams >= MOST_STREAMS:
        raise Problem(
            Code.UNAVAILABLE,
            "слишком много подписчиков",
            f"More than {MOST_STREAMS} streams are open.",
            headers={"Retry-After": "30"},
        )
    place = paging.place(request.headers.get("Last-Event-ID") or cursor, int)
    last = Event.objects.order_by("-id").values_list("id", flat=True).first() or 0
    after = min(place[0], last) if place else last
    secret = request.headers["Authorization"].split(" ", 1)[1]
    response = StreamingHttpResponse(
        _stream(caller(request).user, secret, case, kind, after), content_type="text/event-stream; charset=utf-8"
    )
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"
    return response


def _events(user: User, case: int | None, kind: str | None) -> Any:
    found = lists.events(user)
    if case is not None:
        found = found.filter(case__ordinal=case)
    return found.filter(kind=kind.replace("\0", "\ufffd")) if kind is not None else found


def _settled(rows: Iterable[Event], after: int) -> int:
    """Up to which number nothing more can come in between."""
    horizon = desk().now() - SETTLED
    for one in rows:
        if connection.vendor == "postgresql" and one.at > horizon:
            break
        after = one.pk
    return after


async def _stream(user: User, secret: str, case: int | None, kind: str | None, after: int) -> AsyncIterator[bytes]:
    """Until the client goes away, its token ends, or the process stops."""
    global _streams
    _streams += 1
    sent: OrderedDict[int, None] = OrderedDict()
    silent = asked = asyncio.get_running_loop().time()
    try:
        yield b"retry: 2000\n\n"
        while not desk().stopping.is_set():
            rows, settled = await threads().run(_page, user, case, kind, after, len(sent))
            fresh = [one for one in rows if one.pk not in sent]
            for one in fresh:
                sent[one.pk] = None
                yield _block(one, min(one.pk, settled))
            after = settled
            while sent and next(iter(sent)) <= after:
                sent.popitem(last=False)
            moment = asyncio.get_running_loop().time()
            if fresh:
                silent = moment
            elif moment - silent > SIGN_OF_LIFE:
                silent = moment
                yield b": alive\n\n"
            if moment - asked > ASK_AGAIN:
                asked = moment
                now_allowed = await threads().run(_still_allowed, secret)
                if now_allowed is None:
                    return
                user = now_allowed
            if not fresh:
                await asyncio.sleep(EVERY)
    finally:
        _streams -= 1


def _page(user: User, case: int | None, kind: str | None, after: int, sent: int) -> tuple[list[Event], int]:
    """``sent``: how many after the place were sent already, and are met again until they are settled."""
    rows = list(_events(user, case, kind).filter(pk__gt=after)[: _PAGE + sent])
    return rows, _settled(rows, after)


def _block(one: Event, settled: int) -> bytes:
    return f"id: {paging.cursor(settled)}\nevent: {one.kind}\ndata: {dump(message_of(one))}\n\n".encode()


def _still_allowed(secret: str) -> User | None:
    """The user as he is now: his role or his department may be another."""
    try:
        found = caller_of(secret, desk().now())
    except Problem:
        return None
    return found.user if Scope.EVENTS_READ in found.scopes else None

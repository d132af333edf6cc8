"""Posts in: one or a batch; answered once what is taken is on disk."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from ninja import Router

from casebook.events import storable
from casebook.models import Answered, User
from desk import idempotency
from desk.acceptor import BusyError
from desk.access import Scope
from desk.api.answers import json_answer
from desk.api.guard import PROBLEMS, caller, guarded
from desk.problems import Code, Problem
from desk.schemas import Receipt
from desk.threads import threads
from desk.wiring import desk
from journal import JournalError, Message
from records import Post, PostError, post_from_json
from records.clock import stamp
from records.messages import LONGEST_TEXT, incoming
from records.strict import json_value

MOST = 1_000
LONGEST_KEY = 200
LONGEST_LINE = 20_000
MOST_ATTACHMENTS = 100
_TEXT = {"type": ["string", "null"], "maxLength": LONGEST_LINE}
_POST = {
    "type": "object",
    "description": "A post as in docs/streams.md. `key` and `text` are required; `text` may be empty only where there"
    " are `attachments`.",
    "required": ["key", "text"],
    "properties": {
        "schema": {"const": 1},
        "key": {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY, "examples": ["vk:-123_45"]},
        "text": {"type": "string", "maxLength": LONGEST_TEXT},
        "network": {"type": ["string", "null"], "maxLength": 32},
        "source": _TEXT,
        "author": {"type": ["string", "integer", "null"]},
        "url": _TEXT,
        "published_at": {"type": ["string", "null"], "format": "date-time"},
        "detected_at": {"type": ["string", "null"], "format": "date-time"},
        "parent": {"type": ["object", "null"], "properties": {"key": _TEXT, "text": _TEXT}},
        "attachments": {
            "type": ["array", "null"],
            "maxItems": MOST_ATTACHMENTS,
            "items": {"type": "object", "properties": {"type": {"type": "string"}, "url": _TEXT}, "required": ["type"]},
        },
        "revision": {"type": ["string", "null"]},
    },
}
_BODY = {
    "required": True,
    "content": {
        "application/json": {"schema": {"oneOf": [_POST, {"type": "array", "items": _POST, "maxItems": MOST}]}}
    },
}

router = Router(tags=["posts"])
_options = guarded(Scope.POSTS_WRITE, None, quick=True)
_options["response"] = {202: Receipt, **PROBLEMS}
_options["openapi_extra"] |= {"requestBody": _BODY}


@router.post("/posts", **_options)
async def accept(request: HttpRequest) -> HttpResponse:
    """Take posts in, one or up to 1000; the answer comes after they are durable.

    What is refused is told by its place with why and is not kept; where nothing is taken the answer is 422. Sent
    again, a post is a harmless repeat: it is known by `key` and `revision`. `Idempotency-Key` gives the same answer
    to the same request.
    """
    user, now = caller(request).user, desk().now()
    key, asked = idempotency.key_of(request), idempotency.digest(request)
    if key is not None and (found := await threads().run(idempotency.find, user, key, asked)) is not None:
        return json_answer(*found, replayed=True)
    posts, refused = _read(request.body, now)
    if not posts:
        raise _nothing(refused)
    await _durable(posts)
    receipt = {
        "taken": [{"key": p.key, "revision": p.revision, "detected_at": p.detected_at} for p in posts],
        "refused": storable(refused),
    }
    if key is not None:
        with suppress(DatabaseError):  # they are durable: that is what must be said
            await threads().run(_keep, user, key, asked, receipt, now)
    return json_answer(202, receipt)


def _keep(user: User, key: str, asked: str, receipt: dict[str, Any], now: datetime) -> None:
    kept = {"asked": asked, "status": 202, "body": receipt, "at": now}
    Answered.objects.get_or_create(user=user, key=key, defaults=kept)


def _read(body: bytes, now: datetime) -> tuple[list[Post], list[dict[str, Any]]]:
    """Raises: Problem: not JSON, or too many at once."""
    try:
        value = json_value(body.decode("utf-8"))
    except UnicodeDecodeError as error:
        what = f"не UTF-8: байт {error.start}"
        raise Problem(
            Code.UNREADABLE, what, "The body is not UTF-8: write JSON in UTF-8.", "пишите JSON в UTF-8"
        ) from None
    except PostError as error:
        raise Problem(
            Code.UNREADABLE, error.reason, "The body is not JSON of one post or of a list.", error.mend
        ) from None
    items = value if isinstance(value, list) else [value]
    if len(items) > MOST:
        raise Problem(
            Code.TOO_LARGE, f"сообщений {len(items)}", f"More than {MOST} posts.", f"шлите не больше {MOST} за раз"
        )
    posts, refused = [], []
    for index, item in enumerate(items):
        try:
            posts.append(_post(item, now))
        except PostError as error:
            key = item.get("key") if isinstance(item, dict) else None
            named = key if isinstance(key, str) and len(key) <= LONGEST_KEY else None
            said = {"reason": error.reason, "mend": error.mend, "english": error.english}
            refused.append({"index": index, "key": named, **said})
    return posts, refused


def _post(value: object, now: datetime) -> Post:
    post = post_from_json(value)
    if len(post.key) > LONGEST_KEY or "\0" in post.key:
        english = f"key is over {LONGEST_KEY} characters, or holds a NUL."
        reason = f"key длиннее {LONGEST_KEY} знаков или с нулевым знаком"
        raise PostError(reason, "дайте ключ короче: network:id", english)
    if len(post.network) > 32 or "\0" in post.network:
        english = "network is over 32 characters, or holds a NUL."
        raise PostError("network длиннее 32 знаков", "vk, ok, telegram, file, http или короткое имя", english)
    if len(post.text.encode()) > LONGEST_TEXT:
        english = f"text is over {LONGEST_TEXT} bytes."
        raise PostError(f"text длиннее {LONGEST_TEXT} байт", "сократите текст или разберите его вручную", english)
    if len(post.attachments) > MOST_ATTACHMENTS:
        english = f"More than {MOST_ATTACHMENTS} attachments."
        raise PostError(f"вложений {len(post.attachments)}", f"не больше {MOST_ATTACHMENTS}", english)
    for name, text in _lines(post):
        if len(text or "") > LONGEST_LINE:
            english = f"{name} is over {LONGEST_LINE} characters."
            raise PostError(f"{name} длиннее {LONGEST_LINE} знаков", "сократите его", english)
    told = value.get("network") if isinstance(value, dict) else None
    network = post.network if told or ":" in post.key else "http"
    return replace(post, network=network, detected_at=post.detected_at or stamp(now))


def _lines(post: Post) -> Iterator[tuple[str, str | None]]:
    yield from (("source", post.source), ("author", post.author), ("url", post.url))
    if post.parent is not None:
        yield from (("parent.key", post.parent.key), ("parent.text", post.parent.text))
    for one in post.attachments:
        yield from (("attachments.type", one.type), ("attachments.url", one.url))


async def _durable(posts: Sequence[Post]) -> None:
    try:
        written = desk().acceptor.submit([Message(post.key.encode(), incoming(post)) for post in posts])
        await asyncio.shield(asyncio.wrap_future(written))
    except BusyError:
        raise Problem(
            Code.UNAVAILABLE,
            "ждут записи слишком много",
            "Too many posts wait to be written: nothing of these is taken. Try again in a second.",
            "повторите через секунду",
            headers={"Retry-After": "1"},
        ) from None
    except JournalError as error:
        raise Problem(
            Code.UNAVAILABLE,
            f"журнал не пишется: {error}",
            "The journal cannot be written: perhaps not all is taken. Send them again: a repeat is harmless.",
            f"{error.mend}; пришлите всё снова: повтор безвреден",
            headers={"Retry-After": "10"},
        ) from None


def _nothing(refused: Sequence[dict[str, Any]]) -> Problem:
    if not refused:
        return Problem(
            Code.UNSUITABLE,
            "пустой список",
            "An empty list: send one post at least.",
            "пришлите хотя бы одно сообщение",
        )
    errors = [
        {
            "where": f"[{one['index']}]",
            "what": f"{one['reason']}; {one['mend']}",
            "english": one["english"],
        }
        for one in refused[:50]
    ]
    return Problem(
        Code.UNSUITABLE,
        "ничего не принято",
        "Nothing is taken: each error names its place.",
        refused[0]["mend"],
        errors,
    )

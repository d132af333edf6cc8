"""Around Django: bodies of bounded size that arrive in bounded time, and one line of log a request, without text."""

from __future__ import annotations

import asyncio
import logging
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import IO, Any

from desk.problems import CONTENT_TYPE, Code, Problem, failure, wants_english
from desk.threads import threads
from records import dump

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Any, Any, Any], Awaitable[None]]

BODY_SECONDS = 30.0
_LARGEST = {"/posts": 8 * 2**20, "/files": 21 * 2**20}
_LARGEST_OTHER = 2**20
_IN_MEMORY = 2**20
_CLOSE = {"Connection": "close"}
_MOSTLY_ASYNC = frozenset({"/posts", "/events/stream"})
log = logging.getLogger("otklik.web")


class Guarded:
    """``app``: Django's. ``seconds``: in which a body must have arrived."""

    def __init__(self, app: App, seconds: float = BODY_SECONDS) -> None:
        self._app = app
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        begun, told = time.perf_counter(), _Told(send)
        try:
            await self._guarded(scope, receive, told)
        except ClientGoneError:
            pass
        except Problem as problem:
            await _refuse(problem, scope, told)
        except Exception as error:
            await _refuse(failure(error), scope, told)
        finally:
            _log(scope, told.status, time.perf_counter() - begun)

    async def _guarded(self, scope: Scope, receive: Receive, send: Send) -> None:
        most = _LARGEST.get(scope["path"], _LARGEST_OTHER)
        length = _header(scope, b"content-length")
        if length.isdigit() and int(length) > most:
            raise _too_large(most)
        body = await _whole(receive, most, self._seconds)  # a slow client waits without a thread
        if scope["path"] in _MOSTLY_ASYNC:
            with threads().shared():
                await self._app(scope, _Replayed(body, receive), send)
        else:
            async with threads().one():
                await self._app(scope, _Replayed(body, receive), send)


async def _whole(receive: Receive, most: int, seconds: float) -> IO[bytes]:
    """The body, at its beginning. Raises: Problem: too large, or not there in time."""
    until, size = time.monotonic() + seconds, 0
    body: IO[bytes] = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - closed when it is let go
    while True:
        try:
            message = await asyncio.wait_for(receive(), max(0.01, until - time.monotonic()))
        except TimeoutError:
            raise Problem(
                Code.TIMEOUT,
                "тело запроса не пришло вовремя",
                "The body did not arrive in time.",
                "пошлите его целиком",
                headers=_CLOSE,
            ) from None
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        body.write(message.get("body", b""))
        size += len(message.get("body", b""))
        if size > most:
            raise _too_large(most)
        if not message.get("more_body", False):
            body.seek(0)
            return body


class ClientGoneError(Exception):
    """Who asked went away before the question was whole."""


class _Replayed:
    """``receive`` of a body that has come; afterwards it only tells that the client went away."""

    def __init__(self, body: IO[bytes], receive: Receive) -> None:
        self._body: IO[bytes] | None = body
        self._receive = receive

    async def __call__(self) -> Message:
        if self._body is None:
            return await self._receive()
        piece = self._body.read(_IN_MEMORY)
        more = len(piece) == _IN_MEMORY
        if not more:
            self._body.close()
            self._body = None
        return {"type": "http.request", "body": piece, "more_body": more}


class _Told:
    """``send`` that remembers the status."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        await self._send(message)


def _too_large(most: int) -> Problem:
    size = f"{most // 2**20} МБ"
    english = f"The body is larger than {most // 2**20} MB."
    return Problem(Code.TOO_LARGE, f"тело запроса больше {size}", english, "шлите частями", headers=_CLOSE)


async def _refuse(problem: Problem, scope: Scope, send: _Told) -> None:
    if send.status:
        return
    english = wants_english(_header(scope, b"accept-language").decode("latin-1"))
    body = dump(problem.body(english)).encode()
    headers = {
        "Content-Type": CONTENT_TYPE,
        "Content-Length": str(len(body)),
        "Content-Language": "en" if english else "ru",
        **problem.headers,
    }
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": problem.status, "headers": raw})
    await send({"type": "http.response.body", "body": body})


def _header(scope: Scope, name: bytes) -> bytes:
    headers: Iterable[tuple[bytes, bytes]] = scope["headers"]
    return next((value for key, value in headers if key == name), b"")


def _log(scope: Scope, status: int, seconds: float) -> None:
    """The query may hold a name, a body holds texts: neither is told."""
    log.info(
        "request",
        extra={
            "method": scope["method"],
            "path": scope["path"][:200],
            "status": status or 499,
            "milliseconds": round(seconds * 1000, 1),
        },
    )

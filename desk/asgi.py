"""Around Django: bodies of bounded size that arrive in bounded time, and one line of log a request, without text."""

from __future__ import annotations

import asyncio
import logging
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, MutableMapping
from contextlib import asynccontextmanager
from typing import IO, Any

from desk.accounts import unauthenticated
from desk.problems import CONTENT_TYPE, Code, Problem, failure, wants_english
from desk.threads import threads
from records import dump

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Any, Any, Any], Awaitable[None]]

BODY_SECONDS = 30.0
SEND_SECONDS = 60.0
_LARGEST = {"/posts": 8 * 2**20, "/files": 21 * 2**20, "/sessions": 16_384, "/password": 16_384}
_SLOW = frozenset({"/sessions", "/password"})
_LONGEST_LINE = 20
_LIVE = "/health/live"
_OPEN = frozenset({"/sessions"})
_LARGEST_OTHER = 2**20
_IN_MEMORY = 2**16
_CLOSE = {"Connection": "close"}
_MOSTLY_ASYNC = frozenset({"/posts", "/events/stream"})
log = logging.getLogger("otklik.web")


class Guarded:
    """``app``: Django's. ``seconds``: in which a body must have arrived."""

    def __init__(self, app: App, seconds: float = BODY_SECONDS) -> None:
        self._app = app
        self._seconds = seconds
        self._turn = asyncio.Semaphore(1)
        self._waiting = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        begun, told = time.perf_counter(), _Told(send)
        try:
            # It waits for nothing: or a busy process would be taken for a dead one.
            if scope["path"] == _LIVE and scope["method"] == "GET":
                await _say_live(told)
            elif scope["path"] in _SLOW:
                async with self._in_turn():
                    await self._guarded(scope, receive, told)
            else:
                await self._guarded(scope, receive, told)
        except (TimeoutError, ClientGoneError):
            pass  # nobody reads the answer
        except Problem as problem:
            await _refuse(problem, scope, told)
        except Exception as error:
            await _refuse(failure(error), scope, told)
        finally:
            _log(scope, told.status, time.perf_counter() - begun)

    @asynccontextmanager
    async def _in_turn(self) -> AsyncIterator[None]:
        """One at a time for what is slow on purpose, and asks for no token. Raises: Problem: the line is long."""
        if self._waiting >= _LONGEST_LINE:
            raise Problem(
                Code.TOO_MANY, "слишком много входов сразу", "Too many sign-ins at once.", headers={"Retry-After": "10"}
            )
        self._waiting += 1
        try:
            async with self._turn:
                yield
        finally:
            self._waiting -= 1

    async def _guarded(self, scope: Scope, receive: Receive, send: Send) -> None:
        most = _LARGEST.get(scope["path"], _LARGEST_OTHER)
        beyond = _too_large(most)
        if scope["path"] not in _OPEN and not _header(scope, b"authorization"):
            most, beyond = min(most, _IN_MEMORY), unauthenticated()  # it will be refused anyhow
        length = _header(scope, b"content-length")
        if length.isdigit() and int(length) > most:
            raise beyond
        body = await _whole(receive, most, self._seconds, beyond)  # a slow client waits without a thread
        if scope["path"] in _MOSTLY_ASYNC:
            with threads().shared():
                await self._app(scope, _Replayed(body, receive), send)
            return
        answer: list[Message] = []  # sent when the thread is given back: a slow reader does not hold it

        async def keep(message: Message) -> None:
            answer.append(message)

        async with threads().one():
            await self._app(scope, _Replayed(body, receive), keep)
        for message in answer:
            await asyncio.wait_for(send(message), SEND_SECONDS)


async def _say_live(send: Send) -> None:
    body = dump({"live": True}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _whole(receive: Receive, most: int, seconds: float, beyond: Problem) -> IO[bytes]:
    """The body, at its beginning. Raises: Problem: ``beyond`` its limit, or not there in time."""
    until, size = time.monotonic() + seconds, 0
    body: IO[bytes] = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - closed when it is let go
    while True:
        try:
            message = await asyncio.wait_for(receive(), max(0.01, until - time.monotonic()))
        except TimeoutError:
            raise Problem(
                Code.TIMEOUT,
                "тело запроса не пришло вовремя",
                "The body did not arrive in time: send it whole.",
                "пошлите его целиком",
                headers=_CLOSE,
            ) from None
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        body.write(message.get("body", b""))
        size += len(message.get("body", b""))
        if size > most:
            raise beyond
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
    english = f"The body is larger than {most // 1024} KB: send it in parts."
    return Problem(Code.TOO_LARGE, f"тело запроса больше {most // 1024} КБ", english, "шлите частями", headers=_CLOSE)


async def _refuse(problem: Problem, scope: Scope, send: _Told) -> None:
    if send.status:
        return
    english = wants_english(_header(scope, b"accept-language").decode("latin-1"))
    body = dump(problem.body(english)).encode("utf-8", "replace")
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

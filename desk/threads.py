"""A few threads that keep their connection to the database, lent to one request at a time.

Django under ASGI gives every request a thread of its own, and so a new connection: with SQLite that costs more than
most requests. asgiref runs what is sync in the thread of the context that is set; here the contexts are kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, ParamSpec, TypeVar

from asgiref.sync import SyncToAsync, ThreadSensitiveContext, sync_to_async
from django.db import close_old_connections

COUNT = 4
P = ParamSpec("P")
R = TypeVar("R")


class Threads:
    """Belongs to one event loop. A request waits until one is free, in the order they came."""

    def __init__(self, count: int = COUNT) -> None:
        self._free: asyncio.Queue[ThreadSensitiveContext] = asyncio.Queue()
        for _ in range(count):
            self._free.put_nowait(ThreadSensitiveContext())
        self._shared = ThreadSensitiveContext()

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """What is sync meanwhile runs in a thread that nobody else has."""
        context = await self._free.get()
        try:
            with _within(context):
                yield
        finally:
            self._free.put_nowait(context)

    @contextmanager
    def shared(self) -> Iterator[None]:
        """What is sync meanwhile runs in one thread with all others of this kind: mostly Django's book-keeping."""
        with _within(self._shared):
            yield

    async def run(self, function: Callable[P, R], *args: P.args, **given: P.kwargs) -> R:
        async with self.one():
            found: Any = await sync_to_async(_connected)(function, args, given)
            return found  # type: ignore[no-any-return]


def _connected(function: Callable[..., Any], args: tuple[Any, ...], given: dict[str, Any]) -> Any:
    """With a connection that is alive: Django looks at its own at the ends of a request, in the thread of that."""
    close_old_connections()
    return function(*args, **given)


@contextmanager
def _within(context: ThreadSensitiveContext) -> Iterator[None]:
    token = SyncToAsync.thread_sensitive_context.set(context)
    try:
        yield
    finally:
        SyncToAsync.thread_sensitive_context.reset(token)


_threads: dict[asyncio.AbstractEventLoop, Threads] = {}


def threads() -> Threads:
    """Of the running loop."""
    loop = asyncio.get_running_loop()
    if loop not in _threads:
        _threads.clear()
        _threads[loop] = Threads()
    return _threads[loop]


def renew() -> None:
    """Other threads from now on: for tests, which change the database under a server that runs."""
    _threads.clear()

"""uvicorn, told to be hard on slow clients and to end its streams when it stops."""

from __future__ import annotations

import asyncio
import threading
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from desk.asgi import App

HEADER_SECONDS = 15.0
IDLE_SECONDS = 60
STOP_SECONDS = 20
MOST_CONNECTIONS = 1_000


class Impatient(HttpToolsProtocol):
    """A connection whose request line and headers do not come whole in time is closed: uvicorn itself would wait."""

    _header_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._wait_for_headers()

    def data_received(self, data: bytes) -> None:
        if self._header_timer is None and (self.cycle is None or self.cycle.response_complete):
            self._wait_for_headers()
        super().data_received(data)

    def on_headers_complete(self) -> None:
        self._stop_waiting()
        super().on_headers_complete()

    def connection_lost(self, error: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(error)

    def _wait_for_headers(self) -> None:
        self._stop_waiting()
        self._header_timer = self.loop.call_later(HEADER_SECONDS, self._give_up)

    def _stop_waiting(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None

    def _give_up(self) -> None:
        self._header_timer = None
        if self.cycle is None or self.cycle.response_complete:
            self.transport.close()


class Server(uvicorn.Server):
    """``stopping`` is set at the first signal: streams of events then end by themselves."""

    def __init__(self, app: App, stopping: threading.Event) -> None:
        config = uvicorn.Config(
            app,
            http=Impatient,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=MOST_CONNECTIONS,
            timeout_keep_alive=IDLE_SECONDS,
            timeout_graceful_shutdown=STOP_SECONDS,
        )
        super().__init__(config)
        self._streams_end = stopping

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """uvicorn would end the process by the same signal: it ends as one that was told to, after its last word."""
        self._streams_end.set()
        self.should_exit = True

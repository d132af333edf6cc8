"""``/metrics`` and ``/health`` of a process that decides, for this machine alone."""

from __future__ import annotations

import errno
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer

from app.errors import UsageFault
from pipeline.metrics import CONTENT_TYPE, Metrics
from records import dump
from records.system import why

HOST = "127.0.0.1"
_PATIENCE = 10.0
_JSON = "application/json; charset=utf-8"
_TEXT = "text/plain; charset=utf-8"
_NO_PAGE = "есть /metrics и /health\n"


@dataclass(frozen=True, slots=True)
class State:
    """``live``: the loop turns; ``ready``: it also decides what comes. ``reason``: Russian, why not."""

    live: bool
    ready: bool
    reason: str


class Health:
    """Told by the loop, asked by the server's thread.

    ``limit``: seconds that a turn, or a commit while messages wait, may take: longer than a batch is allowed to.
    """

    def __init__(self, limit: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._clock = clock
        self._loaded = False
        self._lost = ""
        self._lag = 0
        self._turned = self._progressed = clock()

    def loaded(self) -> None:
        """The models are; the loop begins."""
        self._loaded = True
        self.progressed()

    def turned(self) -> None:
        """The loop came round, and the carrier answered."""
        self._lost = ""
        self._turned = self._clock()

    def progressed(self) -> None:
        """A portion was committed."""
        self.turned()
        self._progressed = self._clock()

    def waiting(self, lag: int) -> None:
        """So many messages are not committed; a stall is counted from the moment when the first came."""
        if not self._lag or not lag:
            self._progressed = self._clock()
        self._lag = lag

    def lost(self, why_not: str) -> None:
        """The carrier does not answer, until the next turn. ``why_not``: Russian."""
        self._lost = why_not

    def state(self) -> State:
        moment = self._clock()
        stood, idle = moment - self._turned, moment - self._progressed
        if stood > self._limit:
            return State(False, False, f"цикл не сделал оборота {stood:.0f} с")
        if not self._loaded:
            return State(True, False, "модели ещё загружаются")
        if self._lost:
            return State(True, False, f"очередь не отвечает: {self._lost}")
        if self._lag and idle > self._limit:
            return State(True, False, f"ждут {self._lag}, а {idle:.0f} с ничего не разобрано")
        return State(True, True, "в порядке")


@contextmanager
def serve(port: int, metrics: Metrics, health: Health) -> Iterator[None]:
    """Answers from a thread of its own while the block lasts; port 0: not at all.

    Raises:
        UsageFault: the port is taken or not allowed.
    """
    if not port:
        yield
        return
    try:
        server = _Server((HOST, port), _handler(metrics, health))
    except OSError as error:
        said = "он занят" if error.errno == errno.EADDRINUSE else why(error)
        raise UsageFault(f"порт {port} не открыть: {said}", "назовите другой: --port") from None
    with server:
        threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
        try:
            yield
        finally:
            server.shutdown()


class _Server(ThreadingTCPServer):
    """Without the look-up of its own name that ``HTTPServer`` begins with: there may be no network."""

    allow_reuse_address = True
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A monitor that went away is no failure."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


def _handler(metrics: Metrics, health: Health) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = _PATIENCE

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path == "/metrics":
                self._answer(HTTPStatus.OK, CONTENT_TYPE, metrics.exposition())
            elif path == "/health":
                state = health.state()
                status = HTTPStatus.OK if state.ready else HTTPStatus.SERVICE_UNAVAILABLE
                self._answer(status, _JSON, f"{dump(asdict(state))}\n".encode())
            else:
                self._answer(HTTPStatus.NOT_FOUND, _TEXT, _NO_PAGE.encode())

        def log_message(self, *_: object) -> None:
            """A line for each question of a monitor would drown what matters."""

        def _answer(self, status: HTTPStatus, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler

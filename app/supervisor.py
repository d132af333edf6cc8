"""One machine's processes under one eye: what ends is started again, what is told to stop stops in order.

A child reads nothing from its standard input: the pipe there closes when the supervisor dies, however it dies, and
the child then finishes its batch and ends (``stop_with_parent``).
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from app.errors import DONE, WRONG_USAGE
from records.system import why

SHORTEST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
STEADY_SECONDS = 60.0
GRACE_MARGIN = 30.0  # beside the longest batch
_TURN = 0.05


@dataclass(slots=True)
class Child:
    """``grace``: seconds that it may take to stop when told to. ``rank``: those of a lower one are stopped before;
    ``nice``: how much it gives way to others; ``files``: descriptors that it inherits;
    ``does``: its work, for people."""

    name: str
    command: Sequence[str]
    grace: float = 90.0
    rank: int = 0
    nice: int = 0
    files: Sequence[int] = ()
    does: str = ""
    process: subprocess.Popen[bytes] | None = None
    restarts: int = 0
    _started: float = 0.0
    _pause: float = SHORTEST_PAUSE
    _not_before: float = field(default=0.0)

    def start(self) -> None:
        self._started = time.monotonic()
        # Deaf to the Ctrl+C of the terminal, but of one session: Linux weighs niceness within a session alone.
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.PIPE, process_group=0, pass_fds=tuple(self.files)
        )
        if self.nice:
            os.setpriority(os.PRIO_PROCESS, self.process.pid, self.nice)

    def ended(self) -> int | None:
        """The exit code of a process that has just been found ended; its next start is put off."""
        if self.process is None or (code := self.process.poll()) is None:
            return None
        self._forget()
        self.put_off()
        return code

    def put_off(self) -> None:
        """Its next start, the longer the sooner it ended."""
        steady = time.monotonic() - self._started > STEADY_SECONDS
        self._pause = SHORTEST_PAUSE if steady else min(2 * self._pause, LONGEST_PAUSE)
        self._not_before = time.monotonic() + self._pause
        self.restarts += 1

    @property
    def due(self) -> bool:
        return self.process is None and time.monotonic() >= self._not_before

    @property
    def pause(self) -> float:
        return self._pause

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def wait(self, until: float) -> None:
        if self.process is None:
            return
        try:
            self.process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._forget()

    def _forget(self) -> None:
        if self.process is not None and self.process.stdin is not None:
            self.process.stdin.close()
        self.process = None


class Supervisor:
    """``say`` is told in Russian what happens, ``stopped`` each rank that has ended.

    The calling thread must be the main one: it takes the signals.
    """

    def __init__(
        self, children: Sequence[Child], say: Callable[[str], None], stopped: Callable[[int], None] = lambda rank: None
    ) -> None:
        self.children = list(children)
        self._stopped = stopped
        self._say = say
        self._stopping = False

    def run(self, finished: Callable[[], bool] = lambda: False) -> int:
        """Until a signal, ``finished``, or a child that says its configuration is wrong; the exit code."""
        old = {number: signal.signal(number, self._stop) for number in (signal.SIGTERM, signal.SIGINT)}
        code = DONE
        try:
            while not self._stopping and code == DONE and not finished():
                code = self._turn()
                time.sleep(_TURN)
        finally:
            self._end()
            for number, handler in old.items():
                signal.signal(number, handler)
        return code

    def _stop(self, *_: object) -> None:
        self._stopping = True

    def _turn(self) -> int:
        for child in self.children:
            code = child.ended()
            if code == WRONG_USAGE:
                return WRONG_USAGE
            if code is not None:
                self._say(f"{child.name}: процесс кончился ({_said(code)}), запущу снова через {child.pause:.0f} с")
            if child.due:
                self._start(child)
        return DONE

    def _start(self, child: Child) -> None:
        """A machine without memory for one more process may have it later."""
        try:
            child.start()
        except OSError as error:
            child.put_off()
            self._say(f"{child.name}: не запустить ({why(error)}), попробую снова через {child.pause:.0f} с")
        else:
            self._say(f"{child.name}: процесс {child.process.pid if child.process else '—'}")

    def _end(self) -> None:
        """Who accepts stops before who works on what was accepted."""
        for rank in sorted({child.rank for child in self.children}):
            together = [child for child in self.children if child.rank == rank]
            for child in together:
                child.stop()
            for child in together:
                child.wait(time.monotonic() + child.grace)
            self._stopped(rank)


def _said(code: int) -> str:
    return f"код {code}" if code >= 0 else f"сигнал {signal.Signals(-code).name}"


@contextmanager
def stopping() -> Iterator[threading.Event]:
    """Set by SIGTERM or Ctrl+C: whoever goes round looks at it between two turns."""
    asked = threading.Event()
    old = {number: signal.signal(number, lambda *_: asked.set()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield asked
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


def stop_with_parent() -> None:
    """For a child: told to stop (SIGTERM to itself) once its supervisor is gone."""
    threading.Thread(target=_watch_parent, name="parent", daemon=True).start()


def _watch_parent() -> None:
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)

"""What the web process is made of; set once by whoever starts it (``app.web``, the tests)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from casebook.decree import Decree
from desk.acceptor import Acceptor
from desk.pulse import Pulse
from records.clock import now


@dataclass(frozen=True, slots=True)
class Desk:
    """``data``: the folder that must not fill up. ``stopping``: set when streams of events must end."""

    decree: Decree
    acceptor: Acceptor
    pulse: Pulse
    data: Path
    now: Callable[[], datetime] = now
    stopping: threading.Event = field(default_factory=threading.Event)


_desks: list[Desk] = []


def install(desk: Desk) -> None:
    _desks[:] = [desk]


def desk() -> Desk:
    return _desks[0]

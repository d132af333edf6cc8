"""What a process that decides says on stderr."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable

from app.home import setting

OURS = "otklik"
_SECONDS = 60.0


def start_logging() -> None:
    """In words, or by ``OTKLIK_LOG=json`` one object a line, which ``otklik serve`` asks of its children."""
    if setting("OTKLIK_LOG") == "json":
        log_as_json()
    else:
        log_to_stderr()


def log_to_stderr() -> None:
    _log(InWords("%(asctime)s %(levelname)s %(name)s: %(message)s"))


def log_as_json() -> None:
    """One object of JSON a line: codes, keys, times and counts; no text of a post, no name of a person."""
    from pythonjsonlogger.json import JsonFormatter

    names = {"levelname": "level", "name": "logger"}
    form = "{asctime}{levelname}{name}{message}"
    _log(JsonFormatter(form, style="{", rename_fields=names, json_ensure_ascii=False))


def _log(form: logging.Formatter) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(form)
    handler.addFilter(Seldom())
    logging.basicConfig(handlers=[handler])
    logging.getLogger(OURS).setLevel(logging.INFO)
    # Django tells a failed request with its traceback, and a traceback may hold a text: desk.api tells it without.
    logging.getLogger("django.request").setLevel(logging.CRITICAL)


class InWords(logging.Formatter):
    """With what is attached to a message, as ``name=value``."""

    def format(self, record: logging.LogRecord) -> str:
        more = {name: value for name, value in vars(record).items() if name not in _PLAIN}
        return " ".join([super().format(record), *(f"{name}={value}" for name, value in more.items())])


_PLAIN = {*vars(logging.makeLogRecord({})), "message", "asctime"}


class Seldom(logging.Filter):
    """What one line of a library says again within a minute is left out.

    While a broker is away the clients of Kafka write sixty lines a second, which fill a disk in a week.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._said: dict[tuple[str, int], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.split(".")[0] == OURS:
            return True
        place, moment = (record.pathname, record.lineno), self._clock()
        if moment - self._said.get(place, -_SECONDS) < _SECONDS:
            return False
        self._said[place] = moment
        return True

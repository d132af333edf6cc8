"""``otklik`` as a process with the quick pipeline, where a word in a text raises, hangs, or kills the process.

Run as a script; the workers that its ``up`` and ``run`` start are this script too, and soon start again.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import yaml
from broker import Broker, _need_kafka, named
from fake_triage import ROOT, FakeTriage, _fake_load
from stream import Stream

from app import command, deciding, supervisor, up
from journal import JournalError, Message
from pipeline import worker
from pipeline.run import READER
from records import Decision, Post
from records.messages import DECIDED, INCOMING, QUARANTINE, message_of, raw_of, read_incoming

HANGS, EXITS, KILLS, DEVOURS = "ЗАВИСАНИЕ", "ВЫХОД", "УБИЙСТВО", "ПРОЖОРЛИВОСТЬ"
PARTITIONS = 4
LIMIT_SECONDS = 2
PATIENCE = 180.0
_MEMORY, _PAUSE, _REAL, _STUCK = (f"OTKLIK_TEST_{word}" for word in ("MEMORY", "PAUSE", "REAL", "STUCK"))


# The process


def _hang() -> None:
    """In C and with the lock of the interpreter held: neither a signal nor another thread gets a word in."""
    re.match(r"(а+)+б", "а" * 64)


def _devour() -> None:
    held = []
    while True:
        held.append(bytes(2**24))


ACTS: Mapping[str, Callable[[], object]] = {
    HANGS: _hang,
    EXITS: lambda: os._exit(9),
    KILLS: lambda: os.kill(os.getpid(), signal.SIGKILL),
    DEVOURS: _devour,
}


class BreakingTriage(FakeTriage):
    """``pause``: seconds that a batch takes."""

    def __init__(self, pause: float) -> None:
        super().__init__()
        self._pause = pause

    def decide(self, posts: Sequence[Post]) -> list[Decision]:
        time.sleep(self._pause)
        for post in posts:
            for word in filter(post.text.__contains__, ACTS):
                ACTS[word]()
        return super().decide(posts)


def process(*words: object, **options: Any) -> subprocess.Popen[bytes]:
    """Further options, which its children obey too:

    - ``memory``: bytes of address space that a process may have
    - ``pause``: seconds that a batch takes
    - ``real``: the pipeline as shipped
    - ``stuck``: on Kafka, of a group of its own, its loop waits for ever for its first outputs; its watch is impatient
    """
    told = {name: str(options.pop(name.rpartition("_")[2].lower(), "")) for name in (_MEMORY, _PAUSE, _REAL, _STUCK)}
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **told}
    return subprocess.Popen([sys.executable, __file__, *map(str, words)], env=environment, **options)


def _main() -> None:
    if memory := os.environ.get(_MEMORY):
        resource.setrlimit(resource.RLIMIT_AS, (int(memory), int(memory)))
    own = up.worker_command

    def worker_command(*words: Any) -> list[str]:
        told = own(*words)
        return [sys.executable, __file__, *told[told.index("worker") :]]

    with ExitStack() as stack:
        stack.enter_context(patch.object(up, "worker_command", worker_command))
        stack.enter_context(patch.object(supervisor, "LONGEST_PAUSE", 0.2))
        stack.enter_context(patch.object(worker, "SESSION_SECONDS", 6))  # the least that a broker allows
        if os.environ.get(_STUCK):
            stack.enter_context(patch.object(worker.TriageWorker, "_produce", _never))
            stack.enter_context(patch.object(worker, "LOOK_SECONDS", 0.5))
            stack.enter_context(patch.object(deciding, "STALL_MARGIN", 1.0))
            group = named("stuck")
            for module, name in ((worker, "GROUP"), (deciding, "READER")):
                stack.enter_context(patch.object(module, name, group))
        if not os.environ.get(_REAL):
            stack.enter_context(_fake_load(BreakingTriage(float(os.environ.get(_PAUSE) or 0))))
        command.main()


async def _never(*_: object) -> None:
    await asyncio.Event().wait()


# Around it


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker of the module's own: its workers are the only ones of their group."""
    _need_kafka()
    own = Broker(tmp_path_factory.mktemp("broker") / "kafka")
    own.start()
    yield own
    own.stop()


def stream_of(folder: Path, servers: str = "", **batch: int) -> Stream:
    """``batch``: keys of that section of ``streams.yaml``. On Kafka the topics are made, and what waits is skipped."""
    folder.mkdir(exist_ok=True)
    stream = Stream(folder, servers)
    settings = yaml.safe_load(stream.streams.read_text(encoding="utf-8"))
    settings["batch"] |= {"wait_milliseconds": 50, "limit_seconds": LIMIT_SECONDS, **batch}
    for topic in settings["topics"].values():
        topic["partitions"] = PARTITIONS
    stream.streams.write_text(yaml.safe_dump(settings), encoding="utf-8")
    if servers:
        assert stream.otklik("topics", "create").exit_code == 0
        _skip_what_waits(stream)
    return stream


def _skip_what_waits(stream: Stream) -> None:
    with stream.journal() as journal:
        reader = journal.reader(READER, INCOMING)
        while sum(p.lag for p in journal.positions(INCOMING) if p.reader == READER):
            records = reader.poll(1_000, 15.0)
            assert records
            reader.commit(records, {})
        reader.close()


@contextmanager
def running(stream: Stream, *words: object, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """``otklik`` over the stream; it is told to stop at the end, and must do so with code 0."""
    child = process(*words, "--streams", stream.streams, **options)
    try:
        yield child
        child.terminate()
        assert child.wait(PATIENCE) == 0
    finally:
        if child.poll() is None:
            child.terminate()
            child.wait()


def until(what: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < end, "не дождались"
        time.sleep(0.1)


def drained(stream: Stream) -> bool:
    return waiting(stream) == 0


def fewer(stream: Stream, than: float) -> bool:
    """Whether so few are not committed yet."""
    left = waiting(stream)
    return left is not None and left < than


def waiting(stream: Stream) -> int | None:
    """Messages not committed; ``None`` where the carrier does not say."""
    try:
        with stream.journal() as journal:
            found = [position.lag for position in journal.positions(INCOMING) if position.reader == READER]
    except JournalError:
        return None
    return sum(found) if found else None


def children(process: subprocess.Popen[bytes]) -> list[int]:
    """Of Linux: process ids."""
    try:
        return [int(word) for word in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


def killed(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


# What came of it


Seen = tuple[str, str]  # key and text


@dataclass(frozen=True, slots=True)
class Outcome:
    """``decided``: in the order of the topic, repeats included; ``refused``: the reason by the raw message."""

    decided: list[Seen]
    refused: dict[bytes, str]
    repeats: int


def outcome(stream: Stream, messages: Sequence[Message]) -> Outcome:
    """Of these messages alone: other tests may share the topics."""
    asked = {message.value for message in messages}
    keys = {message.key for message in messages}
    with stream.journal() as journal:
        decided = [_post(record.value) for record in journal.scan(DECIDED) if record.key in keys]
        refused = [message_of(record.value) for record in journal.scan(QUARANTINE) if record.key in keys]
    reasons = [(raw_of(message), message["reason"]) for message in refused]
    ours = [(raw, reason) for raw, reason in reasons if raw in asked]
    repeats = len(decided) - len(set(decided)) + len(ours) - len(dict(ours))
    return Outcome(decided, dict(ours), repeats)


def assert_nothing_lost(found: Outcome, messages: Sequence[Message], culprits: Mapping[bytes, str] = {}) -> None:
    """Each message is decided or, a culprit, in quarantine with its reason; of each key in the order it came."""
    assert set(found.refused) == set(culprits)
    for raw, reason in culprits.items():
        assert reason in found.refused[raw]
    wanted = [_seen(message) for message in messages if message.value not in culprits]
    assert _by_key(dict.fromkeys(found.decided)) == _by_key(wanted)


def _by_key(seen: Any) -> dict[str, list[str]]:
    by_key: dict[str, list[str]] = {}
    for key, text in seen:
        by_key.setdefault(key, []).append(text)
    return by_key


def _seen(message: Message) -> Seen:
    post = read_incoming(message.value, message.key)
    return post.key, post.text


def _post(value: bytes) -> Seen:
    post = json.loads(value)["post"]
    return post["key"], post["text"]


if __name__ == "__main__":
    _main()

"""The stand of ``bench.chaos``: posts, the processes that decide them, the broker they lean on; what came of it."""

from __future__ import annotations

import json
import os
import random
import resource
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import yaml
from kafka import KafkaAdminClient
from kafka.partitioner.default import murmur2

from app import carrier
from app.config import load_streams
from app.errors import DONE
from bench.speed import HOME, texts
from bench.stream import PARTITIONS, batches
from bench.workers import messages_of, post_of
from deploy import broker as kafka
from journal import Journal, JournalError, Message
from pipeline.run import READER
from records import PostError, dump
from records.messages import DECIDED, INCOMING, QUARANTINE, incoming, message_of, raw_of, read_incoming

BREAKING = HOME / "tests" / "stream_process.py"
_SHARES = 60
_LOOK = 0.2
_PATIENCE = 300.0
Identity = tuple[str, str]  # key and revision; no revision where the message cannot be read


class ChaosError(Exception):
    """What went otherwise than it must (Russian)."""


@dataclass(frozen=True, slots=True)
class Scale:
    """``locked``: seconds for which the database is."""

    posts: int = 20_000
    kills: int = 30
    locked: float = 30.0


# The stand


class Broker:
    """One of the scenario's own; ``kill`` is a power failure, after which ``start`` goes on with its data."""

    def __init__(self, data: Path) -> None:
        self._data, self._port = data, kafka.free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def server(self) -> str:
        return f"127.0.0.1:{self._port}"

    def start(self) -> None:
        self._process = kafka.serve(self._port, self._data)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()


class Stand:
    """Posts, the processes that decide them, and what came of it. ``broker``: of Kafka; without it, embedded.

    ``breaking``: the processes are those of the tests, whose quick pipeline breaks at a word, and which start soon
    again; else they are ``otklik`` as shipped.
    """

    def __init__(self, folder: Path, scale: Scale, broker: Broker | None, *, breaking: bool) -> None:
        self.folder, self.scale, self.random = folder, scale, random.Random()
        self._broker = broker
        self.streams = _streams(folder, broker, breaking)
        self.part = f"chaos{uuid.uuid4().hex[:8]}"
        self.messages = _messages(self.part, scale.posts, breaking)
        self.culprits: set[Identity] = set()
        self._program = [str(BREAKING)] if breaking else ["-m", "app"]
        self._given = 0
        self._started: list[subprocess.Popen[bytes]] = []

    @property
    def broker(self) -> Broker:
        assert self._broker is not None
        return self._broker

    # posts

    def spoil(self, number: int, word: str) -> None:
        """The post of this number has the word; without a word it is no JSON."""
        key = self.messages[number].key or b""
        post = post_of(self.part, number, f"яма {word}")
        self.messages[number] = Message(key, incoming(post) if word else b'{"schema": 1, "post":')
        self.culprits.add(identity_of(self.messages[number]))

    def numbers_in(self, partition: int) -> list[int]:
        """Of the posts that Kafka puts there."""
        hashes = (murmur2(message.key) & 0x7FFFFFFF for message in self.messages)
        return [number for number, found in enumerate(hashes) if found % PARTITIONS == partition]

    @property
    def left(self) -> int:
        """Not given yet."""
        return len(self.messages) - self._given

    def next(self, count: int) -> Sequence[Message]:
        self._given += count
        return self.messages[self._given - count : self._given]

    def give(self, part: float = 1.0) -> None:
        """So large a part of all, as far as there are any."""
        share = self.next(min(self.left, int(part * len(self.messages)) + 1))
        with self.journal() as journal:
            for batch in batches(share):
                journal.append(INCOMING, batch)

    def give_until(self, what: Callable[[], bool]) -> None:
        """In small shares, so that there is something to share out all the while."""
        while not what():
            if not self.left:
                raise ChaosError("сообщения кончились раньше, чем рабочие поделили очередь")
            self.give(1 / _SHARES)
            time.sleep(_LOOK)

    def write(self, name: str, messages: Sequence[Message]) -> Path:
        """A file of JSON lines; it appears whole."""
        part, path = self.folder / f"{name}.part", self.folder / name
        part.parent.mkdir(exist_ok=True)
        part.write_text("".join(f"{dump(message_of(m.value)['post'])}\n" for m in messages), encoding="utf-8")
        return part.rename(path)

    # processes

    @contextmanager
    def running(self, *words: object, room: int = 0) -> Iterator[subprocess.Popen[bytes]]:
        """``otklik``, told to stop at the end, which it must do with code 0; ``room``: bytes that a file may have."""
        child = self.start(*words, room=room)
        yield child
        child.terminate()
        self.ended(child, DONE)

    def start(self, *words: object, room: int = 0) -> subprocess.Popen[bytes]:
        command = [sys.executable, *self._program, *map(str, words), "--streams", str(self.streams)]
        limit = (lambda: limit_files(0, room)) if room else None
        with self.log.open("ab") as log:
            child = subprocess.Popen(
                command,
                cwd=HOME,
                env={**os.environ, "PYTHONPATH": str(HOME)},
                stdout=log,
                stderr=log,
                preexec_fn=limit,
            )
        self._started.append(child)
        return child

    def end(self) -> None:
        """Of what is still running; what a supervisor has started ends with it."""
        for child in self._started:
            child.kill()
            child.wait()

    def ended(self, child: subprocess.Popen[bytes], code: int) -> None:
        try:
            found = child.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            raise ChaosError("процесс не кончился") from None
        if found != code:
            raise ChaosError(f"процесс кончился с кодом {found}, а не {code}")

    @property
    def log(self) -> Path:
        return self.folder / "said.log"

    # what the carrier says

    def journal(self) -> Journal:
        return carrier.open_journal(load_streams(self.streams))

    def waiting(self) -> int | None:
        """Messages not committed; ``None`` where the carrier does not say."""
        try:
            with self.journal() as journal:
                found = [place.lag for place in journal.positions(INCOMING) if place.reader == READER]
        except JournalError:
            return None
        return sum(found) if found else None

    def committed(self) -> int:
        waiting = self.waiting()
        return 0 if waiting is None else self._given - waiting

    def drained(self) -> bool:
        return self.waiting() == 0

    def until(self, what: Callable[[], bool], why: str) -> float:
        """Seconds that it took."""
        begun = time.monotonic()
        while not what():
            if time.monotonic() - begun > _PATIENCE:
                raise ChaosError(f"не дождались: {why}")
            time.sleep(_LOOK)
        return time.monotonic() - begun

    def until_drained(self) -> float:
        return self.until(self.drained, "всё разобрано")

    def moment(self, longest: float) -> None:
        """A random one."""
        time.sleep(self.random.uniform(0.02, longest))


def _messages(part: str, count: int, breaking: bool) -> list[Message]:
    """A text in capitals may hold the very words at which the quick pipeline breaks («РЯДОМ»)."""
    found, _ = texts()
    return messages_of(part, [text.lower() for text in found] if breaking else found, count)


def _streams(folder: Path, broker: Broker | None, breaking: bool) -> Path:
    said = yaml.safe_load((HOME / "streams.yaml").read_text(encoding="utf-8"))
    if broker is not None:
        said["carrier"], said["broker"]["servers"] = "kafka", [broker.server]
    if breaking:
        said["batch"] |= {"size": 64, "limit_seconds": 1}
    path = folder / "streams.yaml"
    path.write_text(yaml.safe_dump(said), encoding="utf-8")
    return path


def limit_files(pid: int, room: int) -> None:
    """A disk that is full, for one process and what it starts: no file longer than this. 0 ``pid``: this process."""
    _, most = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (room, most))


def children(process: subprocess.Popen[bytes]) -> list[int]:
    path = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    return [int(word) for word in path.read_text().split()]


def ready(port: int) -> bool:
    """Whether the models of the worker at this port are loaded."""
    try:
        with urlopen(f"http://127.0.0.1:{port}/health", timeout=1) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


def members(server: str) -> int:
    """Workers that the broker counts as such."""
    with closing(KafkaAdminClient(bootstrap_servers=server)) as admin:
        (group,) = admin.describe_groups([READER]).values()
    return len(group["members"])


# What came of it


@dataclass(slots=True)
class Outcome:
    """``places``: partitions of what is in quarantine; ``unlike``: repeats that differ from the first."""

    decided: dict[Identity, bytes] = field(default_factory=dict)
    refused: set[Identity] = field(default_factory=set)
    places: set[int] = field(default_factory=set)
    repeats: int = 0
    unlike: int = 0

    def add_decided(self, key: Identity, value: bytes) -> None:
        self.repeats += key in self.decided
        self.unlike += self.decided.setdefault(key, value) != value

    def add_refused(self, key: Identity, partition: int) -> None:
        self.repeats += key in self.refused
        self.refused.add(key)
        self.places.add(partition)


def outcome(stand: Stand) -> Outcome:
    """Of its own posts: a scenario before it may have left others in the topics."""
    found, own = Outcome(), f"vk:-{stand.part}_".encode()
    with stand.journal() as journal:
        for record in (one for one in journal.scan(DECIDED) if (one.key or own).startswith(own)):
            post = json.loads(record.value)["post"]
            found.add_decided((post["key"], post["revision"]), record.value)
        for record in (one for one in journal.scan(QUARANTINE) if (one.key or own).startswith(own)):
            message = message_of(record.value)
            found.add_refused(identity_of(Message(record.key, raw_of(message))), message["origin"]["partition"])
    return found


def identity_of(message: Message) -> Identity:
    try:
        post = read_incoming(message.value, message.key)
    except PostError:
        return (message.key or b"").decode(), ""
    return post.key, post.revision


def lost(stand: Stand, found: Outcome) -> int:
    return len({identity_of(message) for message in stand.messages} - set(found.decided) - found.refused)


def faults(stand: Stand, found: Outcome) -> list[str]:
    """Of the law that everything is decided or in quarantine, exactly once after repeats are dropped."""
    wanted = {identity_of(message) for message in stand.messages}
    told = {
        "потеряно": lost(stand, found),
        "решено или в карантине, чего не было": len((set(found.decided) | found.refused) - wanted),
        "и решено, и в карантине": len(set(found.decided) & found.refused),
        "в карантине без вины": len(found.refused - stand.culprits),
        "виновных не в карантине": len(stand.culprits - found.refused),
        "повторов, что отличаются от первого": found.unlike,
        "не дано": stand.left,
    }
    return [f"{what}: {count}" for what, count in told.items() if count]

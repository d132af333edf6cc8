"""``make chaos``: real processes over real-shaped posts, and one misfortune after another.

Each scenario gives its posts to processes of its own (on Kafka with a broker of its own), does its harm, waits until
nothing waits any more, and reckons: every (key, revision) is decided or in quarantine, exactly once after repeats are
dropped. Prints a row each; a whole run writes ``bench/CHAOS.md``. Linux only: children are found in ``/proc``.
No text of a post is printed or kept: the journals lie in a temporary folder.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import resource
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import yaml
from kafka import KafkaAdminClient
from kafka.partitioner.default import murmur2

from app import carrier
from app.config import load_streams
from app.errors import DONE, FAILED
from bench.speed import HOME, processor, texts
from bench.stream import PARTITIONS, _received, batches
from bench.workers import messages_of, post_of
from deploy import broker as kafka
from journal import Journal, JournalError, Message
from journal.kafka import KafkaJournal, KafkaSettings
from journal.topics import topic
from pipeline.run import READER
from records import PostError, dump
from records.messages import DECIDED, INCOMING, QUARANTINE, TOPICS, incoming, message_of, raw_of, read_incoming

POISON, HANGS, KILLS = "ЯД", "ЗАВИСАНИЕ", "УБИЙСТВО"  # what they do: tests/fake_triage.py, tests/stream_process.py
BREAKING = HOME / "tests" / "stream_process.py"
AWAY_SECONDS = 10.0
_SHARES = 60
_LOOK = 0.2
_PATIENCE = 300.0
_TAIL = 5
_ROOM = 0.6  # of what the database takes

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
        self.culprits.add(_identity(self.messages[number]))

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
        limit = (lambda: _limit(0, room)) if room else None
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


def _limit(pid: int, room: int) -> None:
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
            found.add_refused(_identity(Message(record.key, raw_of(message))), message["origin"]["partition"])
    return found


def _identity(message: Message) -> Identity:
    try:
        post = read_incoming(message.value, message.key)
    except PostError:
        return (message.key or b"").decode(), ""
    return post.key, post.revision


def lost(stand: Stand, found: Outcome) -> int:
    return len({_identity(message) for message in stand.messages} - set(found.decided) - found.refused)


def faults(stand: Stand, found: Outcome) -> list[str]:
    """Of the law that everything is decided or in quarantine, exactly once after repeats are dropped."""
    wanted = {_identity(message) for message in stand.messages}
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


# Scenarios: each does its harm, waits until nothing waits, and says what happened


def killed_workers(stand: Stand) -> str:
    share = 1 / (stand.scale.kills + 2)
    with stand.running("up", "--workers", 2) as up:
        for _ in range(stand.scale.kills):
            before = stand.committed()
            stand.give(share)
            stand.until(lambda before=before: stand.committed() > before, "рабочие снова разбирают")
            stand.give(share / 2)
            stand.moment(0.7)
            _kill_one(stand, up)
        stand.give()
        stand.until_drained()
    return f"один из двух рабочих убит под работой, раз: {stand.scale.kills}"


def _kill_one(stand: Stand, up: subprocess.Popen[bytes]) -> None:
    stand.until(lambda: bool(children(up)), "супервизор запустил рабочего")
    with suppress(ProcessLookupError):
        os.kill(stand.random.choice(children(up)), signal.SIGKILL)


def killed_broker(stand: Stand) -> str:
    stand.give(1 / 3)
    with stand.running("up", "--workers", 2):
        stand.until(lambda: stand.committed() > 0, "рабочие начали")
        stand.give(1 / 3)
        stand.moment(0.3)
        stand.broker.kill()
        time.sleep(AWAY_SECONDS)
        stand.broker.start()
        stand.give()
        seconds = stand.until_drained()
    return f"брокер убит под работой, поднят через {AWAY_SECONDS:.0f} с; ещё через {seconds:.0f} с разобрано всё"


def second_worker(stand: Stand) -> str:
    port = kafka.free_port()
    stand.give(1 / 6)
    with stand.running("up", "--workers", 1):
        with stand.running("worker", "--port", port):
            stand.until(lambda: ready(port), "второй рабочий готов")
            stand.give_until(lambda: _received(port) > 0)
            stand.give(1 / 6)
            stand.moment(0.3)
            taken = _received(port)
        stand.give()
        stand.until_drained()
    return f"второй пришёл под работой, взял не меньше {taken:.0f} и ушёл по SIGTERM под работой с кодом 0"


def poison(stand: Stand) -> str:
    for partition in range(PARTITIONS):
        numbers = stand.random.sample(stand.numbers_in(partition), 2)
        stand.spoil(numbers[0], POISON)
        stand.spoil(numbers[1], "")
    with stand.running("up", "--workers", 2):
        stand.give()
        stand.until_drained()
    if (places := outcome(stand).places) != set(range(PARTITIONS)):
        raise ChaosError(f"в карантине только из разделов {sorted(places)}")
    return "в каждом из четырёх разделов одно, на котором разбор бросает ошибку, и одно не JSON"


def hanging_and_killing(stand: Stand) -> str:
    hanging, killing = stand.random.sample(range(PARTITIONS), 2)
    stand.spoil(stand.random.choice(stand.numbers_in(hanging)), HANGS)
    stand.spoil(stand.random.choice(stand.numbers_in(killing)), KILLS)
    with stand.running("up", "--workers", 2):
        stand.give()
        stand.until_drained()
    return "одно зависает, держа интерпретатор, одно убивает процесс, в двух разделах; оба в карантине"


def frozen_worker(stand: Stand) -> str:
    port = kafka.free_port(beside=1)
    with stand.running("up", "--workers", 2, "--port", port) as up:
        stand.until(lambda: ready(port) and ready(port + 1), "оба рабочих готовы")
        stand.give_until(lambda: _received(port) > 0 and _received(port + 1) > 0)
        stand.give(1 / 6)
        stand.moment(0.3)
        with _frozen(stand.random.choice(children(up))):
            stand.give(1 / 6)
            seconds = stand.until_drained()
        stand.until(lambda: members(stand.broker.server) == 2, "замороженный вернулся в группу")
        stand.give()
        stand.until_drained()
    return f"SIGSTOP под работой; через {seconds:.0f} с его разделы разобрал другой; SIGCONT, вернулся в группу"


@contextmanager
def _frozen(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def locked_database(stand: Stand) -> str:
    """Files go on coming while it is locked: who takes them in meets the lock too, and may end for it."""
    words = ("run", "--watch", stand.folder / "inbox")
    stand.write("inbox/first.jsonl", stand.next(stand.left // 2))
    first = stand.start(*words)
    stand.until(lambda: stand.committed() > 0, "разбор начался")
    with _locked(load_streams(stand.streams).journal):
        stand.write("inbox/second.jsonl", stand.next(stand.left))
        time.sleep(stand.scale.locked)
    stand.until(lambda: first.poll() is not None or _whole(stand), "всё принято и разобрано")
    if whole := first.poll() is None:
        first.terminate()
    stand.ended(first, DONE if whole else FAILED)
    if not whole:
        with stand.running(*words):
            stand.until(lambda: _whole(stand), "всё принято и разобрано")
    said = "дождались" if whole else "run кончился с кодом 1, запущен снова и доделал"
    return f"база заперта чужой записью на {stand.scale.locked:.0f} с под разбором и приёмом; {said}"


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with closing(sqlite3.connect(path, timeout=60, isolation_level=None)) as db:
        db.execute("BEGIN EXCLUSIVE")
        yield
        db.execute("ROLLBACK")


def _whole(stand: Stand) -> bool:
    """All taken in, and decided."""
    with stand.journal() as journal:
        places = [place for place in journal.positions(INCOMING) if place.reader == READER]
    return [(place.end, place.lag) for place in places] == [(len(stand.messages), 0)]


def full_disk(stand: Stand) -> str:
    """First for who takes in, then for who decides: there is room again while its supervisor goes on trying.

    The database alone is longer than a file may be, so all that is new must find room in the log beside it.
    """
    stand.give(1 / 2)
    file = stand.write("posts.jsonl", stand.next(stand.left))
    room = int(load_streams(stand.streams).journal.stat().st_size * _ROOM)
    stand.ended(stand.start("run", file, room=room), FAILED)
    with stand.running("up", room=room) as up:
        died = _ends(stand, up)
        _limit(up.pid, resource.RLIM_INFINITY)
        stand.until_drained()
    stand.ended(stand.start("run", file), DONE)
    return f"приём кончился с кодом 1, рабочий кончался, раз: {died}; дали место — доделано"


def _ends(stand: Stand, up: subprocess.Popen[bytes]) -> int:
    """Wait until a worker has ended twice for want of room."""
    seen: set[int] = set()

    def twice() -> bool:
        seen.update(children(up))
        return len(seen) > 2

    stand.until(twice, "рабочему не хватило места")
    return len(seen) - 1


# The run


@dataclass(frozen=True, slots=True)
class Scenario:
    """``says``: Russian, for the table."""

    name: str
    says: str
    act: Callable[[Stand], str]
    on_kafka: bool = True
    breaking: bool = False


SCENARIOS = (
    Scenario("kill", "kill -9 рабочего в случайный миг", killed_workers),
    Scenario("broker", "брокер убит и поднят", killed_broker),
    Scenario("join", "второй рабочий приходит и уходит", second_worker),
    Scenario("poison", "отравленное в каждом разделе", poison, breaking=True),
    Scenario("deadly", "одно зависает, одно убивает", hanging_and_killing, breaking=True),
    Scenario("freeze", "рабочий заморожен, пока разделы не ушли", frozen_worker),
    Scenario("locked", "embedded: база заперта", locked_database, on_kafka=False),
    Scenario("full", "embedded: диск полон", full_disk, on_kafka=False),
)


@dataclass(frozen=True, slots=True)
class Row:
    """``failed``: Russian, why; empty where all went as it must."""

    scenario: Scenario
    posts: int
    found: Outcome
    lost: int
    seconds: float
    said: str
    failed: str = ""

    def __str__(self) -> str:
        counts = (self.posts, len(self.found.decided), len(self.found.refused), self.found.repeats, self.lost)
        said = f"**не пройден**: {self.failed}" if self.failed else self.said
        return f"| {self.scenario.says} | {' | '.join(map(str, counts))} | {self.seconds:.0f} | {said} |"


def run(scenario: Scenario, scale: Scale, folder: Path, broker: Broker | None = None) -> Row:
    """``folder``: an empty one, which may be thrown away after it; ``broker``: that runs, else one of its own."""
    begun = time.monotonic()
    with ExitStack() as stack:
        if scenario.on_kafka and broker is None:
            broker = stack.enter_context(serving(folder))
        stand = Stand(folder, scale, broker if scenario.on_kafka else None, breaking=scenario.breaking)
        said, failed = _acted(scenario, stand)
        try:
            found = outcome(stand)
        except JournalError as error:
            found, failed = Outcome(), f"{failed}; {error}"
    failed = "; ".join([*([failed] if failed else []), *faults(stand, found)])
    return Row(scenario, scale.posts, found, lost(stand, found), time.monotonic() - begun, said, failed)


def _acted(scenario: Scenario, stand: Stand) -> tuple[str, str]:
    """What it says, and why it failed, one of them empty."""
    try:
        return scenario.act(stand), ""
    except (ChaosError, JournalError, kafka.LackingError) as error:
        return "", f"{error}; рабочие сказали: {_tail(stand.log)}"
    finally:
        stand.end()


@contextmanager
def serving(folder: Path) -> Iterator[Broker]:
    """A broker with the topics."""
    broker = Broker(folder / "kafka")
    try:
        broker.start()
        with KafkaJournal(KafkaSettings((broker.server,))) as journal:
            journal.create([topic(name, PARTITIONS, 24) for name in TOPICS])
        yield broker
    finally:
        broker.kill()


def _tail(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
    return " / ".join(lines[-_TAIL:])


HEAD = (
    "| сценарий | сообщений | решено | в карантине | повторов до их снятия | потеряно | секунд | что было |",
    "|---|---|---|---|---|---|---|---|",
)


def main() -> int:
    asked = _asked()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what was started is stopped
    load, rows = os.getloadavg()[0], []
    try:
        kafka.jars()
    except kafka.LackingError as error:
        print(f"Без Kafka не проверить: {error}")
        return FAILED
    print(*HEAD, sep="\n", flush=True)
    for scenario in (one for one in SCENARIOS if asked.only in ("", one.name)):
        with tempfile.TemporaryDirectory(prefix="otklik-chaos-", ignore_cleanup_errors=True) as name:
            rows.append(run(scenario, Scale(asked.posts, asked.kills), Path(name)))
        print(rows[-1], flush=True)
    if not asked.only:
        (HOME / "bench" / "CHAOS.md").write_text("\n".join(_page(rows, load)) + "\n", encoding="utf-8")
    return FAILED if any(row.failed for row in rows) else DONE


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Поток под ударами: настоящие процессы, один сценарий за другим")
    parser.add_argument("--posts", type=int, default=Scale().posts, help="сообщений в каждом сценарии")
    parser.add_argument("--kills", type=int, default=Scale().kills, help="сколько раз убить рабочего")
    parser.add_argument("--only", default="", choices=[one.name for one in SCENARIOS], help="один сценарий, без записи")
    return parser.parse_args()


def _page(rows: Sequence[Row], load: float) -> list[str]:
    failed = [row.scenario.says for row in rows if row.failed]
    return [
        "# Поток под ударами",
        "",
        f"{datetime.now(UTC):%Y-%m-%d}, `make chaos`: {platform.machine()}, {processor()}, ядер {os.cpu_count()}, "
        f"Python {platform.python_version()}; всё вместе с брокером на одной машине, нагрузка перед пуском "
        f"{load:.1f}. Тексты: {texts()[1]}; ключи у всех разные.",
        "",
        *HEAD,
        *map(str, rows),
        "",
        f"Не пройдены: {', '.join(failed)}." if failed else "Пройдены все.",
    ]


if __name__ == "__main__":
    sys.exit(main())

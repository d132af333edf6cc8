"""``make chaos``: real processes over real-shaped posts, and one misfortune after another.

Each scenario gives its posts to processes of its own (on Kafka with a broker of its own), does its harm, waits until
nothing waits any more, and reckons: every (key, revision) is decided or in quarantine, exactly once after repeats are
dropped. Prints a row each; a whole run writes ``bench/CHAOS.md``. Linux only: children are found in ``/proc``.
No text of a post is printed or kept: the journals lie in a temporary folder.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from app.config import load_streams
from app.errors import DONE, FAILED
from bench.speed import HOME, processor, texts
from bench.stand import (
    Broker,
    ChaosError,
    Outcome,
    Scale,
    Stand,
    children,
    faults,
    limit_files,
    lost,
    members,
    outcome,
    ready,
)
from bench.stream import PARTITIONS, _received
from deploy import broker as kafka
from journal import JournalError
from journal.kafka import KafkaJournal, KafkaSettings
from journal.topics import topic
from pipeline.run import READER
from records.messages import INCOMING, TOPICS

POISON, HANGS, KILLS = "ЯД", "ЗАВИСАНИЕ", "УБИЙСТВО"  # what they do: tests/fake_triage.py, tests/stream_process.py
AWAY_SECONDS = 10.0
_TAIL = 5
_ROOM = 0.6  # of what the database takes


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
        limit_files(up.pid, resource.RLIM_INFINITY)
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

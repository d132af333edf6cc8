"""``make bench``, the stream: both carriers against the bare function and a plain kafka-python loop, in one run.

Real processes over the posts of ``bench.speed``. Prints what fails its bound and writes ``bench/STREAM.md``. Kafka is
started here, or is the empty one that ``OTKLIK_KAFKA`` names; where there is neither, the embedded carrier alone.
Linux only: processor time is read from ``/proc``.
"""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import numpy as np
import yaml

from app import carrier
from app.config import Streams, load_streams
from bench.speed import BATCH, HOME, processor, texts
from bench.workers import Prepared, messages_of, records_of
from deploy import broker
from journal import Journal, Message
from journal.kafka import KafkaJournal, KafkaSettings
from journal.topics import topic
from pipeline.each import Decide
from pipeline.handler import Handler
from pipeline.triage import Triage
from records.messages import DECIDED, INCOMING, TOPICS

PARTITIONS = 4
RATES = {10: 20.0, 100: 15.0, 500: 10.0}  # posts a second: for so many seconds
WAITS = (250, 50)  # milliseconds
CHEAP_POSTS, CHEAP_WARMING = 20_000, 2_000
PASSES = 2
EMBEDDED_BOUND, FAUST_BOUND = 0.1, 0.25  # milliseconds of processor time a post
_PATIENCE = 180.0
_LOOK = 0.002
_SETTLED = 2.0
_COMMITTED = 1.5
_RECEIVED = re.compile(rb"^otklik_posts_total (\S+)", re.MULTILINE)


class Arrivals(threading.Thread):
    """When each decision came to a consumer, by a journal of its own."""

    def __init__(self, settings: Streams) -> None:
        super().__init__(daemon=True)
        self.moments: list[tuple[bytes | None, float]] = []
        self._settings = settings
        self._waiting, self._stopping = threading.Event(), threading.Event()

    def run(self) -> None:
        wait = 0.05 if carrier.on_kafka(self._settings) else 0.0
        with (
            carrier.open_journal(self._settings) as journal,
            closing(journal.follow(DECIDED)) as follower,
        ):
            self._waiting.set()
            while not self._stopping.is_set():
                found = follower.poll(1_000, wait)
                moment = time.perf_counter()
                self.moments += [(record.key, moment) for record in found]
                if not found and not wait:
                    time.sleep(_LOOK)

    def __enter__(self) -> Self:
        self.start()
        if not self._waiting.wait(_PATIENCE):
            raise RuntimeError("очередь решений не открылась")
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self.join()


class Stage:
    """Processes that decide, a journal that gives them posts, and what came of them."""

    def __init__(
        self,
        journal: Journal,
        arrivals: Arrivals,
        processes: Sequence[subprocess.Popen[bytes]],
        ports: Sequence[int],
    ) -> None:
        self._journal, self._arrivals, self._processes, self._ports = journal, arrivals, processes, ports

    def settle(self, messages: Sequence[Message]) -> None:
        """All have loaded, each has its share of the partitions, nothing is left to come."""
        until = time.monotonic() + _PATIENCE
        while not (self._arrivals.moments and all(map(_received, self._ports))):
            self._check(until)
            self._journal.append(INCOMING, messages)
            time.sleep(1)
        before = 0
        while before != (before := len(self._arrivals.moments)):
            time.sleep(_SETTLED)

    def seconds(self, messages: Sequence[Message]) -> float:
        """From the first message given to the last decision received."""
        before, begun = len(self._arrivals.moments), time.perf_counter()
        for batch in batches(messages):
            self._journal.append(INCOMING, batch)
        self._wait(before + len(messages))
        return self._arrivals.moments[-1][1] - begun

    def latencies(self, messages: Sequence[Message], rate: int) -> np.ndarray:
        """Milliseconds from the moment when a post was due, also where its sender was late, to its decision."""
        before, begun, sent = len(self._arrivals.moments), time.perf_counter(), 0
        while sent < len(messages):
            due = min(len(messages), int((time.perf_counter() - begun) * rate) + 1)
            if due > sent:
                self._journal.append(INCOMING, messages[sent:due])
                sent = due
            time.sleep(max(0.0, begun + sent / rate - time.perf_counter()))
        self._wait(before + len(messages))
        came = dict(reversed(self._arrivals.moments[before:]))
        return np.array([came[m.key] - begun - number / rate for number, m in enumerate(messages)]) * 1_000

    def processor_seconds(self) -> float:
        """Of all processes so far, once the last offsets are committed."""
        time.sleep(_COMMITTED)
        said = [Path(f"/proc/{one.pid}/stat").read_text().rpartition(")")[2].split() for one in self._processes]
        return sum(int(fields[11]) + int(fields[12]) for fields in said) / os.sysconf("SC_CLK_TCK")

    def _wait(self, count: int) -> None:
        until = time.monotonic() + _PATIENCE
        while len(self._arrivals.moments) < count:
            self._check(until)
            time.sleep(0.01)

    def _check(self, until: float) -> None:
        if time.monotonic() > until or any(one.poll() is not None for one in self._processes):
            raise RuntimeError("рабочий кончился или не справился; что он сказал, стоит выше")


def _received(port: int) -> float:
    """How many posts a worker has taken."""
    with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=1) as answer:
        found = _RECEIVED.search(answer.read())
        return float(found[1]) if found else 0.0
    return 0.0


def batches(messages: Sequence[Message]) -> Iterator[Sequence[Message]]:
    return (messages[first : first + BATCH] for first in range(0, len(messages), BATCH))


@contextmanager
def stage(folder: Path, servers: str, kind: str, workers: int = 1, *, wait: int | None = None) -> Iterator[Stage]:
    """``servers``: empty for the embedded carrier; ``kind``: of ``bench.workers``; ``wait``: milliseconds."""
    said = yaml.safe_load((HOME / "streams.yaml").read_text(encoding="utf-8"))
    if servers:
        said["carrier"], said["broker"]["servers"] = "kafka", servers.split(",")
    said["batch"]["wait_milliseconds"] = wait or said["batch"]["wait_milliseconds"]
    streams = Path(tempfile.mkdtemp(dir=folder)) / "streams.yaml"
    streams.write_text(yaml.safe_dump(said), encoding="utf-8")
    ports = [] if kind.startswith("plain") else [broker.free_port() for _ in range(workers)]
    with ExitStack() as stack:
        arrivals = stack.enter_context(Arrivals(load_streams(streams)))
        journal = stack.enter_context(carrier.open_journal(load_streams(streams)))
        processes = [stack.enter_context(_process(kind, streams, port)) for port in ports or [0] * workers]
        yield Stage(journal, arrivals, processes, ports)


@contextmanager
def _process(kind: str, streams: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-m", "bench.workers", kind, str(streams), str(port)], cwd=HOME) as running:
        try:
            yield running
        finally:
            running.terminate()


# What is measured


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds of the better of two passes by the clock, and of the processor in one of them on average."""

    wall: float
    processor: float


def bare(decide: Decide, messages: Sequence[Message]) -> Spent:
    """When every word has been met."""
    handler, records = Handler(decide), records_of(messages)
    walls = []
    for number in range(1 + PASSES):
        begun = time.perf_counter()
        for first in range(0, len(records), BATCH):
            handler.handle(records[first : first + BATCH])
        walls.append(time.perf_counter() - begun)
        if not number:
            worked = time.process_time()
    return Spent(min(walls[1:]), (time.process_time() - worked) / PASSES)


def through(running: Stage, messages: Sequence[Message], warming: Sequence[Message]) -> Spent:
    """After ``warming``: the same keys go to the same workers again."""
    running.settle(messages[:64])
    running.seconds(warming)
    worked = running.processor_seconds()
    wall = min([running.seconds(messages) for _ in range(PASSES)])
    return Spent(wall, (running.processor_seconds() - worked) / PASSES)


class Bench:
    """``servers``: of the broker, empty where there is none."""

    def __init__(self, folder: Path, servers: str) -> None:
        self._folder, self._servers = folder, servers
        self._texts, self.source = texts()
        self.failed: list[str] = []

    def speeds(self) -> Iterator[str]:
        """Rows: what, posts a second, their ratio to the bare function, processor time a post."""
        messages = messages_of("speed", self._texts)
        count = len(messages)
        alone = bare(Triage.load(HOME).decide, messages)
        name = f"функция без перевозки, пачки по {BATCH}"
        yield f"| {name} | {count / alone.wall:.0f} | 1 | {alone.processor / count * 1_000:.2f} |"
        stages = [("на одной машине (embedded)", "", "worker", 1)]
        if self._servers:
            stages += [
                ("faust, один рабочий", self._servers, "worker", 1),
                ("faust, два рабочих", self._servers, "worker", 2),
                ("простой цикл на kafka-python", self._servers, "plain", 1),
            ]
        for name, servers, kind, workers in stages:
            with stage(self._folder, servers, kind, workers) as running:
                found = through(running, messages, messages)
            ratio, work = alone.wall / found.wall, found.processor / count * 1_000
            yield f"| {name} | {count / found.wall:.0f} | {ratio:.2f} | {work:.2f} |"

    def latencies(self) -> Iterator[str]:
        """Rows: what, then median, p99 and share of a processor at each rate."""
        stages: list[tuple[str, str, int | None]] = [("на одной машине (embedded)", "", None)]
        if self._servers:
            stages += [(f"faust, wait_milliseconds: {wait}", self._servers, wait) for wait in WAITS]
        warming = messages_of("warm", self._texts)
        for name, servers, wait in stages:
            cells = []
            with stage(self._folder, servers, "worker", wait=wait) as running:
                running.settle(warming[:64])
                running.seconds(warming)
                for rate, lasting in RATES.items():
                    messages = messages_of(f"{wait}-{rate}", self._texts, int(rate * lasting))
                    before = running.processor_seconds()
                    found = running.latencies(messages, rate)
                    busy = (running.processor_seconds() - before) / lasting
                    cells.append(f"{np.median(found):.0f} / {np.percentile(found, 99):.0f} / {busy:.0%}")
            yield f"| {name} | {' | '.join(cells)} |"

    def costs(self) -> Iterator[str]:
        """Rows: what, processor time a post, what of it the carrier adds, the bound."""
        messages = messages_of("cheap", self._texts, CHEAP_POSTS)
        alone = bare(Prepared().decide, messages).processor / CHEAP_POSTS * 1_000
        yield f"| прочесть и сложить сообщения, без перевозки | {alone:.3f} | | |"
        stages: list[tuple[str, str, str, float | None]] = [
            ("на одной машине (embedded)", "", "cheap-worker", EMBEDDED_BOUND)
        ]
        if self._servers:
            stages += [
                ("faust", self._servers, "cheap-worker", FAUST_BOUND),
                ("простой цикл на kafka-python", self._servers, "plain-cheap", None),
            ]
        for name, servers, kind, bound in stages:
            with stage(self._folder, servers, kind) as running:
                whole = through(running, messages, messages[:CHEAP_WARMING]).processor / CHEAP_POSTS * 1_000
            added = whole - alone
            if bound and added > bound:
                self.failed.append(f"{name}: перевозка добавляет {added:.3f} мс на сообщение, можно {bound}")
            yield f"| {name} | {whole:.3f} | {added:.3f} | {bound or ''} |"

    def sizes(self) -> str:
        messages = messages_of("size", self._texts, 1_000)
        handled = Handler(Triage.load(HOME).decide).handle(records_of(messages))
        means = [np.mean([len(m.value) for m in found]) for found in (messages, handled.outputs[DECIDED])]
        return f"В среднем сообщение занимает {means[0]:.0f} байт, с решением — {means[1]:.0f} байт."


@contextmanager
def kafka(folder: Path) -> Iterator[str]:
    """Address of a broker with empty topics; empty, and why is said, where there is none."""
    with ExitStack() as stack:
        servers = os.environ.get("OTKLIK_KAFKA", "")
        if not servers:
            try:
                port = broker.free_port(beside=1)
                stack.callback(broker.stop, broker.serve(port, folder / "kafka"))
            except broker.LackingError as error:
                print(f"Без Kafka: {error}. Измерен один журнал на одной машине.")
                yield ""
                return
            servers = f"127.0.0.1:{port}"
        with KafkaJournal(KafkaSettings(tuple(servers.split(",")))) as journal:
            if journal.topics(TOPICS):
                raise SystemExit(f"На брокере {servers} уже есть очереди: для замера нужен пустой.")
            journal.create([topic(name, PARTITIONS, 24) for name in TOPICS])
        yield servers


def main() -> None:
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="otklik-bench-") as name, kafka(Path(name)) as servers:
        bench = Bench(Path(name), servers)
        rates = " | ".join(f"{rate} в секунду" for rate in RATES)
        lines = [
            "# Поток",
            "",
            f"{datetime.now(UTC):%Y-%m-%d}, `make bench`: {platform.machine()}, {processor()}, ядер {os.cpu_count()}, "
            f"Python {platform.python_version()}; всё вместе с брокером на одной машине, нагрузка перед пуском "
            f"{load:.1f}. {len(texts()[0])} сообщений ({bench.source}); слова уже встречались. {bench.sizes()}",
            *([] if servers else ["", "Kafka на этой машине нет: измерен один журнал на одной машине."]),
            "",
            "| разбор | сообщений в секунду | доля от функции | процессор, мс на сообщение |",
            "|---|---|---|---|",
            *shown(bench.speeds()),
            "",
            f"| от «принято» до решения у получателя: медиана / p99, мс / доля ядра | {rates} |",
            f"|---|{'---|' * len(RATES)}",
            *shown(bench.latencies()),
            "",
            "| работа процессора на сообщение, мс | всего | добавила перевозка | можно |",
            "|---|---|---|---|",
            *shown(bench.costs()),
            "",
            *([f"Не выполнено: {what}." for what in bench.failed] or ["Пределы соблюдены."]),
        ]
    (HOME / "bench" / "STREAM.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines[-2:]))


def shown(rows: Iterator[str]) -> Iterator[str]:
    for row in rows:
        print(row, flush=True)
        yield row


if __name__ == "__main__":
    main()

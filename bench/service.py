"""The whole service under load, over HTTP: ``python -m bench.service`` (ten minutes), ``make soak`` (an hour).

Posts come one a request at an even rate, while clients page through lists of cases. At the end every
post that was answered 202 must lie in ``posts.incoming``; a soak also waits until each has its case. Memory, file
sizes and what waits are sampled and plotted. Writes ``bench/SERVICE.md`` or ``bench/SOAK.md`` with its plots.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import aiohttp
import psutil

from bench.speed import HOME, processor

READERS, READER_PAUSE = 20, 1.0
LIST_LIMIT = 0.300
SAMPLE = 5.0
DRAIN = 1_800.0


@dataclass
class Load:
    """``sent``: keys answered 202; ``posting`` and ``listing``: seconds of each answer."""

    sent: list[str] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)
    posting: list[float] = field(default_factory=list)
    listing: list[float] = field(default_factory=list)
    refused_lists: int = 0
    failed: int = 0
    late: float = 0.0


@dataclass(frozen=True)
class Sample:
    """At a moment (seconds from the start): MB of memory by process, MB of files, messages that wait."""

    at: float
    memory: Mapping[str, float]
    files: Mapping[str, float]
    waiting: Mapping[str, int]


class Service:
    """``otklik serve`` in a home of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        for name in ("regulation", "rules"):
            shutil.copytree(HOME / name, home / name)
        (home / "models").symlink_to(HOME / "models")
        shutil.copy(HOME / "streams.yaml", home)
        self.environment = {k: v for k, v in os.environ.items() if k != "DATABASE_URL"} | {"OTKLIK_HOME": str(home)}
        self.call("user", "add", "operator", "--role", "operator")
        self.secret = self.call("token", "add", "bench", "--as", "operator").splitlines()[0]
        with socket.socket() as plug:
            plug.bind(("127.0.0.1", 0))
            self.port = plug.getsockname()[1]
        with (home / "said").open("wb") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "app", "serve", "--port", str(self.port)],
                env=self.environment,
                cwd=HOME,
                stderr=said,
                stdout=said,
            )

    def call(self, *words: str) -> str:
        command = [sys.executable, "-m", "app", *words]
        return subprocess.run(
            command, env=self.environment, cwd=HOME, check=True, capture_output=True, text=True
        ).stdout

    def memory(self) -> dict[str, float]:
        """MB that the processes of each command hold."""
        found = {}
        for child in psutil.Process(self.process.pid).children():
            words = child.cmdline()
            name = words[words.index("app") + 1] if "app" in words else child.name()
            found[name] = found.get(name, 0.0) + child.memory_info().rss / 2**20
        return found

    def files(self) -> dict[str, float]:
        sizes = {path.name: path.stat().st_size / 2**20 for path in (self.home / "var").glob("*.sqlite*")}
        return {
            name: sum(size for file, size in sizes.items() if file.startswith(name)) for name in ("journal", "casebook")
        }

    def stop(self) -> float:
        begun = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(120)
        return time.monotonic() - begun


async def post(session: aiohttp.ClientSession, load: Load, number: int, text: str) -> None:
    key = f"vk:-1_{number}"
    begun = time.perf_counter()
    value = {"key": key, "text": f"{text} ({number})", "author": f"id{number}"}
    try:
        async with session.post("/posts", json=value) as said:
            await said.read()
    except aiohttp.ClientError:
        load.failed += 1
        return
    load.posting.append(time.perf_counter() - begun)
    if said.status == 202:
        load.sent.append(key)
    else:
        load.refused.append(said.status)


async def posting(
    session: aiohttp.ClientSession, load: Load, rate: float, seconds: float, texts: Sequence[str]
) -> None:
    """At an even rate whatever the answers take: who waits for an answer does not slow the others."""
    begun, running = time.perf_counter(), set()
    for number in range(int(rate * seconds)):
        due = begun + number / rate
        wait = due - time.perf_counter()
        if wait > 0:
            await asyncio.sleep(wait)
        load.late = max(load.late, -wait)
        task = asyncio.create_task(post(session, load, number, texts[number % len(texts)]))
        running.add(task)
        task.add_done_callback(running.discard)
    await asyncio.gather(*running)


async def reading(session: aiohttp.ClientSession, load: Load, number: int, stop: asyncio.Event) -> None:
    """A person who pages through a list, then begins again."""
    cursor, filters = None, [{}, {"state": "new"}, {"track": "4h"}, {"late": "true"}][number % 4]
    await asyncio.sleep(READER_PAUSE * number / READERS)
    while not stop.is_set():
        query = {"limit": "50", **filters, **({"cursor": cursor} if cursor else {})}
        begun = time.perf_counter()
        async with session.get("/cases", params=query) as said:
            page = await said.json() if said.status == 200 else {}
        load.listing.append(time.perf_counter() - begun)
        if said.status != 200:
            load.refused_lists += 1
        cursor = page.get("next")
        await asyncio.sleep(READER_PAUSE)


async def sampling(service: Service, session: aiohttp.ClientSession, kept: list[Sample], stop: asyncio.Event) -> None:
    begun = time.monotonic()
    while not stop.is_set():
        async with session.get("/metrics") as said:
            lines = (await said.text()).splitlines()
        waiting = {
            line.split('"')[1]: int(float(line.split()[-1])) for line in lines if line.startswith("otklik_waiting{")
        }
        kept.append(Sample(time.monotonic() - begun, service.memory(), service.files(), waiting))
        await asyncio.sleep(SAMPLE)


async def drained(session: aiohttp.ClientSession) -> bool:
    async with session.get("/metrics") as said:
        lines = (await said.text()).splitlines()
    counts = [float(line.split()[-1]) for line in lines if line.startswith("otklik_waiting{")]
    return sum(counts) == 0


async def run(
    service: Service, rate: float, seconds: float, soak: bool, texts: Sequence[str]
) -> tuple[Load, list[Sample]]:
    load, kept, stop = Load(), [], asyncio.Event()
    headers = {"Authorization": f"Bearer {service.secret}"}
    limits = aiohttp.TCPConnector(limit=0)
    base = f"http://127.0.0.1:{service.port}"
    async with aiohttp.ClientSession(base, headers=headers, connector=limits) as session:
        await until_ready(session)
        asides = [asyncio.create_task(sampling(service, session, kept, stop))]
        asides += [asyncio.create_task(reading(session, load, number, stop)) for number in range(READERS)]
        await posting(session, load, rate, seconds, texts)
        end = time.monotonic() + (DRAIN if soak else 0)
        while time.monotonic() < end and not await drained(session):
            await asyncio.sleep(SAMPLE)
        stop.set()
        await asyncio.gather(*asides)
    return load, kept


async def until_ready(session: aiohttp.ClientSession) -> None:
    for _ in range(240):
        try:
            async with session.get("/health/ready") as said:
                if said.status == 200:
                    return
        except aiohttp.ClientError:
            pass
        await asyncio.sleep(0.5)
    raise SystemExit("служба не готова")


def share(values: Sequence[float], part: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def lost(service: Service, load: Load, soak: bool) -> tuple[int, int]:
    """Posts answered 202 that are not in the journal, and (after a soak) that have no case."""
    import sqlite3

    with sqlite3.connect(service.home / "var" / "journal.sqlite") as journal:
        there = {row[0].decode() for row in journal.execute('SELECT key FROM "posts.incoming"')}
    with sqlite3.connect(service.home / "var" / "casebook.sqlite") as casebook:
        cases = {row[0] for row in casebook.execute("SELECT key FROM casebook_case")}
    return len(set(load.sent) - there), len(set(load.sent) - cases) if soak else -1


def plot(kept: Sequence[Sample], path: Path) -> None:
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.hashsalt": "otklik", "svg.fonttype": "none", "font.size": 9})
    from matplotlib import pyplot

    minutes = [one.at / 60 for one in kept]
    figure, axes = pyplot.subplots(3, 1, figsize=(8, 8), sharex=True, layout="constrained")
    for axis, name, title in zip(
        axes, ("memory", "files", "waiting"), ("memory, MB", "files, MB", "waiting"), strict=True
    ):
        for line in sorted({key for one in kept for key in getattr(one, name)}):
            axis.plot(minutes, [getattr(one, name).get(line, 0) for one in kept], label=line)
        axis.set_ylabel(title)
        axis.set_ylim(bottom=0)
        axis.grid(alpha=0.3)
        axis.legend(loc="upper left", fontsize=8)
    axes[-1].set_xlabel("minutes")
    figure.savefig(path, metadata={"Date": None})


def flat(kept: Sequence[Sample]) -> dict[str, tuple[float, float]]:
    """MB of each process: the median of the second fifth of the time, and of the last."""
    fifth = max(1, len(kept) // 5)
    names = sorted({name for one in kept for name in one.memory})
    return {
        name: tuple(
            median(one.memory.get(name, 0) for one in part) for part in (kept[fifth : 2 * fifth], kept[-fifth:])
        )
        for name in names
    }  # type: ignore[return-value]


def report(
    load: Load, kept: Sequence[Sample], rate: float, seconds: float, gone: int, caseless: int, stopped: float
) -> str:
    soak = caseless >= 0
    usual = 3_600 if soak else 600
    name = "SOAK" if soak else "SERVICE"
    rows = [
        ("posts sent, one a request", f"{rate:g} a second for {seconds / 60:g} min: {int(rate * seconds):,}"),
        ("answered 202 / otherwise / broken off", f"{len(load.sent):,} / {len(load.refused)} / {load.failed}"),
        ("answered 202 and not in the journal", f"{gone}"),
        *([("answered 202 and without a case after the drain", f"{caseless}")] if soak else []),
        ("a post: median / p99 / worst", _ms(load.posting)),
        (f"a list, {READERS} clients: median / p99 / worst", f"{_ms(load.listing)} ({len(load.listing):,} lists)"),
        ("lists answered otherwise than 200", f"{load.refused_lists}"),
        ("the client was behind its rate by at most", f"{load.late:.2f} s"),
        ("waiting at the end: triage / intake", " / ".join(f"{v:,}" for v in kept[-1].waiting.values())),
        ("SIGTERM to end", f"{stopped:.1f} s"),
    ]
    memory = [f"| {process} | {early:.0f} | {late:.0f} |" for process, (early, late) in flat(kept).items()]
    command = "python -m bench.service" + " --soak" * soak + (f" --seconds {seconds:g}" if seconds != usual else "")
    return "\n".join(
        [
            f"# The service under load ({command})",
            "",
            f"{processor()}, {os.cpu_count()} cores, SQLite; the clients run on the same machine.",
            "",
            "| what | figure |",
            "|---|---|",
            *(f"| {what} | {figure} |" for what, figure in rows),
            "",
            "| process | MB, second fifth | MB, last fifth |",
            "|---|---|---|",
            *memory,
            "",
            f"![memory, files, waiting]({name}.svg)",
            "",
        ]
    )


def broken(load: Load, kept: Sequence[Sample], gone: int, caseless: int) -> Iterator[str]:
    """What was promised and not kept."""
    if gone or caseless > 0:
        yield f"lost: {gone} not in the journal, {caseless} without a case"
    if load.refused or load.failed:
        yield f"refused: {len(load.refused)}, broken connections: {load.failed}"
    if share(load.listing, 0.99) > LIST_LIMIT:
        yield f"p99 of a list is over {LIST_LIMIT * 1e3:.0f} ms"
    for name, (early, late) in flat(kept).items():
        if late > 1.25 * early + 20:
            yield f"memory of {name} grew from {early:.0f} to {late:.0f} MB"


def _ms(values: Sequence[float]) -> str:
    return f"{median(values) * 1e3:.0f} / {share(values, 0.99) * 1e3:.0f} / {max(values) * 1e3:.0f} ms"


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--rate", type=float, default=200)
    asked.add_argument("--seconds", type=float, default=600)
    asked.add_argument("--soak", action="store_true", help="20 a second for an hour, then wait for the cases")
    asked.add_argument("--dry", action="store_true", help="print, write nothing")
    told = asked.parse_args()
    rate, seconds = (20.0, 3_600.0) if told.soak else (told.rate, told.seconds)
    if told.soak and told.seconds != 600:
        seconds = told.seconds
    texts = [json.loads(line)["text"] for line in (HOME / "samples" / "posts.jsonl").read_text("utf-8").splitlines()]
    with tempfile.TemporaryDirectory(prefix="otklik-service-") as folder:
        service = Service(Path(folder))
        try:
            load, kept = asyncio.run(run(service, rate, seconds, told.soak, texts))
        finally:
            stopped = service.stop()
        gone, caseless = lost(service, load, told.soak)
        text = report(load, kept, rate, seconds, gone, caseless, stopped)
        print(text)
        if not told.dry:
            name = "SOAK" if told.soak else "SERVICE"
            (HOME / "bench" / f"{name}.md").write_text(text, encoding="utf-8")
            plot(kept, HOME / "bench" / f"{name}.svg")
    faults = list(broken(load, kept, gone, caseless))
    raise SystemExit("\n".join(faults) if faults else 0)


if __name__ == "__main__":
    main()

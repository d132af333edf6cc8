"""``make chaos``, its second half: ``otklik intake`` and ``otklik relay`` killed with -9 again and again.

Decisions are written straight into an embedded journal of one's own while both run; one of them is killed at any moment
from its start, under work, or at the seam between its two steps (rows are committed, the offset is not; events are
published, not marked so), and started again. At the end nothing is lost, and nothing is twice in the tables.
Appends a row to ``bench/CASEBOOK_CHAOS.md``. The posts are invented.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import platform
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import yaml

from app.errors import DONE, FAILED
from bench.speed import HOME, processor
from journal import Message
from journal.embedded import EmbeddedJournal
from records import Alarm, AlarmKind, Decision, Ground, Hit, Post, Route, Significance, Track, Verdict, revision_of
from records.clock import now, stamp
from records.messages import CASES, DECIDED, decided, message_of

INTAKE, RELAY = "intake", "relay"
MOMENTS = ("в любой миг", "под работой", "между шагами")
RESULT = HOME / "bench" / "CASEBOOK_CHAOS.md"
_PATIENCE = 120.0
_PAUSE = 0.002
_TAIL = 5


class ChaosError(Exception):
    """What went otherwise than it must (Russian)."""


@dataclass(frozen=True, slots=True)
class Scale:
    messages: int = 5_000
    kills: int = 50


# What is given


@dataclass(slots=True)
class Expected:
    """Of one post: revisions in the order of their first coming, and the kinds of alarm of any of them."""

    revisions: list[str] = field(default_factory=list)
    alarms: set[str] = field(default_factory=set)

    @property
    def kinds(self) -> Counter[str]:
        """Of the events of its case."""
        amended = len(self.revisions) - 1
        return +Counter({"opened": 1, "judged_anew": amended, "alarm": len(self.alarms)})


def decisions(count: int, chance: random.Random) -> tuple[list[Message], dict[str, Expected]]:
    """Of new posts, of edited ones (one in ten), and repeats of what has been (one in ten)."""
    given: list[Message] = []
    expected: dict[str, Expected] = defaultdict(Expected)
    for number in range(count):
        what = chance.random()
        if given and what < 0.1:
            given.append(chance.choice(given))
            continue
        key = chance.choice(list(expected)) if given and what < 0.2 else f"vk:-9_{number}"
        post, decision = _decision(key, number, chance)
        given.append(Message(key.encode(), decided(post, decision)))
        expected[key].revisions.append(post.revision)
        expected[key].alarms |= {str(alarm.kind) for alarm in decision.alarms}
    return given, dict(expected)


def _decision(key: str, number: int, chance: random.Random) -> tuple[Post, Decision]:
    text = f"Во дворе дома {number} не горит фонарь, почините, пожалуйста."
    verdict = chance.choices(list(Verdict), [1 if one is not Verdict.ANSWER else 6 for one in Verdict])[0]
    kinds = chance.sample(list(AlarmKind), chance.choice((0, 0, 0, 0, 1, 2)))
    post = Post(key, text, network="vk", source="bench", detected_at=stamp(now()), revision=revision_of(text))
    decision = Decision(
        key=key,
        revision=post.revision,
        fingerprint=hashlib.sha256(text.encode()).hexdigest()[:16],
        verdict=verdict,
        needs_answer=0.5,
        significance=Significance(0.5),
        track=chance.choice(list(Track)) if verdict is Verdict.ANSWER else None,
        route=Route("JKH", 0.8, True, None, False, (("BLAG", 0.1), ("TERR", 0.05))),
        place=None,
        grounds=(Hit(Ground.INSULT, "bench", 0, 2, text[:2]),) if verdict is Verdict.EXCLUDE else (),
        alarms=tuple(Alarm(kind, "bench", 0, 2, text[:2]) for kind in kinds),
        versions={"code": "1", "rules": "1", "regulation": "1", "models": {}},
    )
    return post, decision


# The stand


class Tables:
    """What lies in them, past the code that is tried."""

    def __init__(self, url: str) -> None:
        self.kind = url.partition(":")[0]
        self._url = url

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self._connected() as connection:
            return list(connection.execute(query).fetchall())

    def last(self, table: str) -> int:
        """The greatest id; 0 where there is none, or no table yet."""
        try:
            return int(self.rows(f"SELECT coalesce(max(id), 0) FROM casebook_{table}")[0][0])
        except (sqlite3.OperationalError, psycopg.errors.UndefinedTable):
            return 0

    def is_written(self) -> bool:
        """Whether some transaction is open that writes."""
        if self.kind != "sqlite":
            found = self.rows(
                "SELECT 1 FROM pg_stat_activity WHERE backend_xid IS NOT NULL AND pid <> pg_backend_pid()"
            )
            return bool(found)
        try:
            with self._connected() as connection:
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("ROLLBACK")
        except sqlite3.OperationalError:
            return True
        return False

    @contextmanager
    def _connected(self) -> Iterator[Any]:
        if self.kind == "sqlite":
            path = self._url.removeprefix("sqlite:///")
            opened: Any = sqlite3.connect(path, timeout=0 if Path(path).exists() else 1, isolation_level=None)
        else:
            opened = psycopg.connect(self._url, autocommit=True)
        with closing(opened) as connection:
            yield connection


class Stand:
    """Two processes, what they are given, and a file with what they say. ``url``: of an empty database."""

    def __init__(self, folder: Path, scale: Scale, url: str, seed: int) -> None:
        self.folder, self.scale, self.url = folder, scale, url
        self.tables, self.chance = Tables(url), random.Random(seed)
        self.messages, self.expected = decisions(scale.messages, random.Random(seed))
        self.killed: Counter[str] = Counter()
        self.writing = 0
        self._given = 0
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._journal_path = folder / "journal.sqlite"
        self._streams = folder / "streams.yaml"
        said = yaml.safe_load((HOME / "streams.yaml").read_text(encoding="utf-8"))
        said["carrier"], said["embedded"]["path"] = "embedded", str(self._journal_path)
        self._streams.write_text(yaml.safe_dump(said), encoding="utf-8")

    def journal(self) -> EmbeddedJournal:
        return EmbeddedJournal(self._journal_path)

    def give(self, share: float) -> None:
        """So large a part of all, as far as there are any."""
        count = int(share * len(self.messages)) + 1
        part = self.messages[self._given : self._given + count]
        self._given += len(part)
        with self.journal() as journal:
            journal.append(DECIDED, part)

    def give_rest(self) -> None:
        self.give(1.0)

    def start(self, name: str) -> None:
        self._running[name] = self._process(name, "--streams", self._streams)

    def kill(self, name: str, moment: str) -> None:
        self.writing += self.tables.is_written()
        self._alive(name)
        self._running[name].kill()
        self._running[name].wait()
        self.killed[moment] += 1

    def end(self) -> None:
        for process in self._running.values():
            process.kill()
            process.wait()

    def finish(self, *words: object) -> None:
        """A command that must do all and end well."""
        code = self._process(*words).wait(_PATIENCE)
        if code != DONE:
            raise ChaosError(f"otklik {' '.join(map(str, words))} кончился с кодом {code}")

    def finish_reading(self, name: str) -> None:
        self.finish(name, "--once", "--streams", self._streams)

    def done(self, name: str) -> int:
        """How far the first of its two steps has come."""
        if name == INTAKE:
            return self.tables.last("verdict")
        with self.journal() as journal:
            return journal.end(CASES)

    def until(self, what: Callable[[], bool], why: str) -> None:
        begun = time.monotonic()
        while not what():
            for name in self._running:
                self._alive(name)
            if time.monotonic() - begun > _PATIENCE:
                raise ChaosError(f"не дождались: {why}")
            time.sleep(_PAUSE)

    def tail(self) -> str:
        return " / ".join(self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-_TAIL:])

    @property
    def _log(self) -> Path:
        return self.folder / "said.log"

    def _alive(self, name: str) -> None:
        if (code := self._running[name].poll()) is not None:
            raise ChaosError(f"{name} кончился сам с кодом {code}")

    def _process(self, *words: object) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "app", *map(str, words), "--home", str(HOME)]
        told = {"PYTHONPATH": str(HOME), "DATABASE_URL": self.url}
        with self._log.open("ab") as log:
            return subprocess.Popen(command, cwd=HOME, env={**os.environ, **told}, stdout=log, stderr=log)


def act(stand: Stand) -> None:
    """Kill and start again, then let all be done. Raises: ChaosError."""
    for name in (INTAKE, RELAY):  # both at once, over an empty database
        stand.start(name)
    for number in range(stand.scale.kills):
        victim = stand.chance.choice((INTAKE, RELAY))
        _kill(stand, victim, MOMENTS[number % len(MOMENTS)], 1 / (stand.scale.kills + 2))
        stand.start(victim)
    stand.give_rest()
    stand.until(lambda: stand.done(INTAKE) > 0, "карточки открываются")
    stand.end()
    for name in (INTAKE, RELAY):
        stand.finish_reading(name)
    for what in ("audit", "clocks"):
        stand.finish(what, "verify")


def _kill(stand: Stand, victim: str, moment: str, share: float) -> None:
    before = stand.done(victim)
    stand.give(share / 2)
    if moment != MOMENTS[0]:
        stand.until(lambda: stand.done(victim) > before, f"{victim} снова работает")
    stand.give(share / 2)
    if moment != MOMENTS[2]:
        time.sleep(stand.chance.uniform(0, 2.5 if moment == MOMENTS[0] else 0.5))
    stand.kill(victim, moment)


# The reckoning


@dataclass(slots=True)
class Found:
    """Rows of the tables, and the events as they were published: case, number, value."""

    cases: list[tuple[str, int, str, int]]  # key, ordinal, revision, version
    verdicts: list[tuple[str, str]]
    alarms: list[tuple[str, str]]
    notices: list[tuple[str, str]]
    events: list[tuple[int, int, str]]  # ordinal, number, kind
    waiting: int
    texts: int
    published: list[tuple[int, int, bytes]]

    @property
    def repeats(self) -> int:
        return len(self.published) - len({(case, number) for case, number, _ in self.published})


_OF_CASE = "JOIN casebook_case c ON c.id = x.case_id"


def found(stand: Stand) -> Found:
    rows = stand.tables.rows
    with stand.journal() as journal:
        messages = [(record.value, message_of(record.value)) for record in journal.scan(CASES)]
    return Found(
        cases=rows("SELECT key, ordinal, revision, version FROM casebook_case"),
        verdicts=rows(f"SELECT c.key, x.revision FROM casebook_verdict x {_OF_CASE}"),
        alarms=rows(f"SELECT c.key, x.kind FROM casebook_alarm x {_OF_CASE}"),
        notices=rows(f"SELECT c.key, x.what FROM casebook_notice x {_OF_CASE}"),
        events=rows(f"SELECT c.ordinal, x.number, x.kind FROM casebook_event x {_OF_CASE} ORDER BY x.id"),
        waiting=rows("SELECT count(*) FROM casebook_event WHERE relayed_at IS NULL")[0][0],
        texts=rows("SELECT count(*) FROM casebook_text")[0][0],
        published=[(int(value["case"]), value["number"], raw) for raw, value in messages],
    )


def lost(stand: Stand, came: Found) -> int:
    """Decisions without a verdict of their case, alarms without a row, events that were not published."""
    told = {(case, number) for case, number, _ in came.published}
    return (
        len(_verdicts(stand) - set(came.verdicts))
        + len(_alarms(stand) - set(came.alarms))
        + len({(case, number) for case, number, _ in came.events} - told)
    )


def doubled(came: Found) -> int:
    """Rows of the tables that say what another says."""
    keys = [key for key, *_ in came.cases]
    opened = [case for case, _, kind in came.events if kind == "opened"]
    return sum(len(rows) - len(set(rows)) for rows in (keys, opened, came.verdicts, came.alarms, came.notices))


def faults(stand: Stand, came: Found) -> list[str]:
    ordinals = {key: ordinal for key, ordinal, *_ in came.cases}
    kinds: dict[int, Counter[str]] = defaultdict(Counter)
    numbers: dict[int, list[int]] = defaultdict(list)
    for ordinal, number, kind in came.events:
        kinds[ordinal][kind] += 1
        numbers[ordinal].append(number)
    wanted = stand.expected
    told = {
        "потеряно": lost(stand, came),
        "задвоено": doubled(came),
        "карточек без сообщения": len(set(ordinals) - set(wanted)),
        "номера карточек с пропуском": sorted(ordinals.values()) != list(range(1, len(wanted) + 1)),
        "карточек не с последней редакцией": sum(
            revision != wanted[key].revisions[-1] for key, _, revision, _ in came.cases if key in wanted
        ),
        "карточек не с теми событиями": sum(kinds[ordinals.get(key, 0)] != one.kinds for key, one in wanted.items()),
        "карточек, чьи события не по порядку": sum(
            numbers[ordinal] != list(range(1, version + 1)) for _, ordinal, _, version in came.cases
        ),
        "лишних вердиктов": len(set(came.verdicts) - _verdicts(stand)),
        "лишних тревог": len(set(came.alarms) - _alarms(stand)),
        "тревог, о которых не сказано": len(came.alarms) - len(came.notices),
        "лишних текстов": came.texts - len(came.verdicts),
        "событий ждут передачи": came.waiting,
        "передано, чего не было": len(
            {(case, number) for case, number, _ in came.published} - {(case, number) for case, number, _ in came.events}
        ),
        **_order(came),
    }
    return [f"{what}: {int(count)}" for what, count in told.items() if count]


def _order(came: Found) -> dict[str, int]:
    """Events of a case come first in the order of their numbers; one that comes again is the same."""
    reached: Counter[int] = Counter()
    first: dict[tuple[int, int], bytes] = {}
    jumped = unlike = 0
    for case, number, value in came.published:
        jumped += number > reached[case] + 1
        unlike += first.setdefault((case, number), value) != value
        reached[case] = max(reached[case], number)
    return {"передано не по порядку": jumped, "повторов, что отличаются от первого": unlike}


def _verdicts(stand: Stand) -> set[tuple[str, str]]:
    return {(key, revision) for key, one in stand.expected.items() for revision in one.revisions}


def _alarms(stand: Stand) -> set[tuple[str, str]]:
    return {(key, kind) for key, one in stand.expected.items() for kind in one.alarms}


# The run


@dataclass(frozen=True, slots=True)
class Row:
    """``failed``: Russian, why; empty where all went as it must."""

    database: str
    scale: Scale
    killed: int
    writing: int
    cases: int
    events: int
    published: int
    lost: int
    doubled: int
    seconds: float
    failed: str = ""

    def __str__(self) -> str:
        counts = (self.killed, self.writing, self.scale.messages, self.cases, self.events, self.published)
        said = f"**не пройден**: {self.failed}" if self.failed else "пройден"
        cells = (f"{now():%Y-%m-%d}", self.database, *counts, self.lost, self.doubled, f"{self.seconds:.0f}", said)
        return f"| {' | '.join(map(str, cells))} |"


def run(scale: Scale, folder: Path, url: str, seed: int) -> Row:
    """``folder``: an empty one, which may be thrown away after it."""
    begun = time.monotonic()
    stand, failed = Stand(folder, scale, url, seed), ""
    try:
        act(stand)
    except (ChaosError, subprocess.TimeoutExpired) as error:
        failed = f"{error}; сказано: {stand.tail()}"
    finally:
        stand.end()
    came = found(stand)
    return Row(
        database=stand.tables.kind,
        scale=scale,
        killed=stand.killed.total(),
        writing=stand.writing,
        cases=len(came.cases),
        events=len(came.events),
        published=len(came.published),
        lost=lost(stand, came),
        doubled=doubled(came),
        seconds=time.monotonic() - begun,
        failed="; ".join([*([failed] if failed else []), *faults(stand, came)]),
    )


HEAD = (
    "| дата | база | убито | из них при записи в базу | решений | карточек | событий | передано с повторами "
    "| потеряно | задвоено | секунд | итог |",
    "|---|---|---|---|---|---|---|---|---|---|---|---|",
)


def _page() -> list[str]:
    return [
        "# Карточки под ударами",
        "",
        "`python -m bench.casebook_chaos`: `otklik intake` и `otklik relay` над журналом в одном файле; решения "
        "прибывают, пока их убивают (kill -9): в любой миг от запуска, под работой, между двумя шагами (карточки "
        "записаны, а место чтения нет; события переданы, а не отмечены). Каждое десятое решение — о правке, каждое "
        "десятое — повтор.",
        "",
        f"{platform.machine()}, {processor()}, ядер {os.cpu_count()}, Python {platform.python_version()}.",
        "",
        *HEAD,
    ]


def main() -> int:
    asked = _asked()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what was started is stopped
    print(*HEAD, sep="\n", flush=True)
    with tempfile.TemporaryDirectory(prefix="otklik-casebook-chaos-", ignore_cleanup_errors=True) as name:
        url = asked.database or f"sqlite:///{name}/casebook.sqlite"
        row = run(Scale(asked.messages, asked.kills), Path(name), url, asked.seed)
    print(row, flush=True)
    _append(row)
    if row.failed:
        print(f"Повторить: --seed {asked.seed}", flush=True)
    return FAILED if row.failed else DONE


def _append(row: Row) -> None:
    head = "" if RESULT.exists() else "\n".join(_page()) + "\n"
    with RESULT.open("a", encoding="utf-8") as file:
        file.write(f"{head}{row}\n")


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="intake и relay под kill -9: ничего не потеряно и не задвоено")
    parser.add_argument("--messages", type=int, default=Scale().messages, help="решений")
    parser.add_argument("--kills", type=int, default=Scale().kills, help="сколько раз убить")
    parser.add_argument("--database", default="", help="адрес пустой базы PostgreSQL; иначе SQLite")
    parser.add_argument("--seed", type=int, default=int(datetime.now(UTC).timestamp()), help="начало случайных чисел")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

"""The worker on Kafka: workers share what waits, a broker goes away and comes back, one that stands still ends."""

from __future__ import annotations

import re
import subprocess
import time
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from broker import Broker, named
from kafka import KafkaAdminClient
from stream import Stream, message
from stream_process import (
    assert_nothing_lost,
    drained,
    fewer,
    outcome,
    process,
    running,
    servers,  # noqa: F401
    stream_of,
    until,
)

from deploy.broker import free_port
from journal import JournalError, Message, Position
from pipeline.run import NEVER, READER
from pipeline.worker import STALLED, Watch
from records.messages import ALARMS

pytestmark = pytest.mark.xdist_group("broker of test_worker")
LIMIT = 60.0


# The watch


class Watched:
    """A watch over what the test sets; ``told``: how many messages wait, as it said. An error is raised."""

    def __init__(self) -> None:
        self.positions: Any = []
        self.owned: Any = {}
        self.told: list[int] = []
        self._watch = Watch(lambda: _given(self.positions), lambda: _given(self.owned), LIMIT, self.told.append)

    def stalled(self, moment: float, *places: tuple[int, int], reader: str = READER) -> bool:
        """``places``: what is committed, and the end, of partition 0 and on."""
        self.positions = [Position(reader, partition, *place) for partition, place in enumerate(places)]
        return self._watch.stalled(moment)

    def blind(self, moment: float, error: Exception) -> bool:
        self.positions = error
        return self._watch.stalled(moment)


def _given(value: Any) -> Any:
    if isinstance(value, Exception):
        raise value
    return value


@pytest.fixture
def watched() -> Watched:
    return Watched()


def test_a_worker_is_stalled_when_messages_wait_and_nothing_is_committed_for_the_limit(watched: Watched) -> None:
    assert not watched.stalled(100, (5, 9))
    assert not watched.stalled(100 + LIMIT - 1, (5, 9))
    assert watched.stalled(100 + LIMIT, (5, 12))


def test_each_commit_begins_the_limit_anew(watched: Watched) -> None:
    assert not watched.stalled(0, (5, 9))
    assert not watched.stalled(LIMIT, (6, 9))
    assert not watched.stalled(2 * LIMIT - 1, (6, 9))
    assert watched.stalled(2 * LIMIT, (6, 9))


def test_a_partition_without_messages_never_stalls(watched: Watched) -> None:
    for moment in range(5):
        assert not watched.stalled(moment * LIMIT, (9, 9))
    assert not watched.stalled(5 * LIMIT, (9, 10))


def test_progress_elsewhere_does_not_excuse_a_partition(watched: Watched) -> None:
    watched.owned = {0: 0, 1: 0}
    assert not watched.stalled(0, (5, 9), (1, 90))
    assert watched.stalled(LIMIT, (5, 9), (80, 90))


def test_what_another_worker_owns_is_its_own_matter_unless_this_one_owns_nothing(watched: Watched) -> None:
    watched.owned = {1: 0}
    for moment in (0, LIMIT):
        assert not watched.stalled(moment, (5, 9), (7, 7))
    watched.owned = {}
    assert not watched.stalled(2 * LIMIT, (5, 9), (7, 7))
    assert watched.stalled(3 * LIMIT, (5, 9), (7, 7))


def test_another_readers_lag_is_none_of_ours(watched: Watched) -> None:
    for moment in (0, LIMIT):
        assert not watched.stalled(moment, (5, 9), reader="archive")


@pytest.mark.parametrize("error", [JournalError("брокер не отвечает", ""), RuntimeError(), AssertionError(), OSError()])
def test_while_the_broker_is_away_nothing_is_counted(watched: Watched, error: Exception) -> None:
    assert not watched.stalled(0, (5, 9))
    assert not watched.blind(LIMIT, error)
    assert not watched.stalled(2 * LIMIT, (5, 9))
    assert not watched.stalled(3 * LIMIT - 1, (5, 9))
    assert watched.stalled(3 * LIMIT, (5, 9))


def test_an_offset_that_is_nobodys_message_does_not_wait(watched: Watched) -> None:
    """A transaction of the producer leaves one behind its last message: read up to the end, and nothing in work."""
    watched.owned = {0: 10}
    for moment in (0, LIMIT, 2 * LIMIT):
        assert not watched.stalled(moment, (9, 10))
    assert watched.told == [0, 0, 0]
    assert not watched.stalled(3 * LIMIT, (9, 11))
    assert watched.stalled(4 * LIMIT, (9, 11))


def test_before_the_first_commit_nothing_that_was_read_is_handled(watched: Watched) -> None:
    watched.owned = {0: 500}
    assert not watched.stalled(0, (NEVER, 1))
    assert watched.stalled(LIMIT, (NEVER, 1))


def test_it_tells_how_many_messages_wait_for_this_worker(watched: Watched) -> None:
    watched.owned = {0: 0, 2: 7}
    watched.stalled(0, (5, 9), (0, 100), (7, 10))
    watched.stalled(1, (9, 9), (0, 100), (10, 10))
    assert watched.told == [4 + 3, 0]


# Real workers, a real broker


def posts(count: int) -> list[Message]:
    """Of keys that no other test has, in every partition."""
    prefix = named("vk:")
    return [message(f"яма {n}", f"{prefix}-{n % 23}") for n in range(count)]


def taken(port: int) -> float:
    """Messages that the worker of this port has handled."""
    try:
        metrics = urlopen(f"http://127.0.0.1:{port}/metrics").read().decode()
    except OSError:
        return 0
    (found,) = re.findall(r"^otklik_posts_total (.+)$", metrics, re.MULTILINE)
    return float(found)


def test_workers_share_the_partitions_and_one_takes_over_from_another_that_died(
    servers: Broker,  # noqa: F811
    tmp_path: Path,
) -> None:
    stream, made, ports = stream_of(tmp_path, servers.servers, size=16), [], [free_port(), free_port()]
    dying = process("worker", "--port", ports[0], "--streams", stream.streams, pause=0.05)
    with running(stream, "worker", "--port", ports[1], pause=0.05) as staying:

        def both_work() -> bool:
            made.extend(posts(20))
            stream.append(*made[-20:])
            return all(taken(port) for port in ports)

        until(both_work)
        made += (more := posts(600))
        stream.append(*more)
        until(lambda: fewer(stream, 500))
        dying.kill()
        dying.wait()
        until(lambda: drained(stream))
        assert staying.poll() is None
    assert_nothing_lost(outcome(stream, made), made)


def test_a_broker_that_dies_and_comes_back_costs_nothing(servers: Broker, tmp_path: Path) -> None:  # noqa: F811
    stream, made = stream_of(tmp_path, servers.servers, size=16, limit_seconds=60), posts(1_600)
    stream.append(*made[:800])
    with running(stream, "up", "--workers", "2", pause=0.05):
        until(lambda: fewer(stream, 700))
        servers.kill()
        time.sleep(5)
        servers.start()
        stream.append(*made[800:])
        until(lambda: drained(stream))
    assert_nothing_lost(outcome(stream, made), made)


def test_a_worker_whose_loop_stands_still_ends_for_its_supervisor(servers: Broker, tmp_path: Path) -> None:  # noqa: F811
    """From the very start: Kafka has not heard of its group yet."""
    stream = stream_of(tmp_path, servers.servers, limit_seconds=1)
    stream.append(*posts(1))
    stuck = process("worker", "--streams", stream.streams, stuck=1)
    try:
        assert stuck.wait(LIMIT) == STALLED
    finally:
        stuck.kill()


def test_a_worker_writes_no_control_characters_into_its_log(servers: Broker, tmp_path: Path) -> None:  # noqa: F811
    stream = stream_of(tmp_path, servers.servers)
    stream.append(*posts(1))
    with running(stream, "worker", stdout=subprocess.PIPE, stderr=subprocess.PIPE) as worker:
        until(lambda: drained(stream))
    written = worker.stdout.read() + worker.stderr.read()
    assert b"\x1b" not in written
    assert b"\b" not in written


@pytest.mark.parametrize("missing", ["broker", "topic"])
def test_a_worker_says_what_is_missing_and_ends(servers: Broker, missing: str, tmp_path: Path) -> None:  # noqa: F811
    if missing == "broker":
        stream, mend = Stream(tmp_path, "127.0.0.1:1"), "запустите его"
    else:
        stream, mend = stream_of(tmp_path, servers.servers), "otklik topics create"
        _delete(servers.servers, ALARMS)
    worker = process("worker", "--streams", stream.streams, stderr=subprocess.PIPE)
    _, said = worker.communicate(timeout=LIMIT)
    assert worker.returncode == 1
    assert mend in said.decode()


def _delete(server: str, topic: str) -> None:
    admin = KafkaAdminClient(bootstrap_servers=server)
    admin.delete_topics([topic])
    until(lambda: topic not in admin.list_topics())
    admin.close()

"""The whole service as its administrator starts it: real processes, one supervisor, signals, a lost process."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg
import pytest
from broker import Broker

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 90.0


@dataclass
class Running:
    home: Path
    process: subprocess.Popen[bytes]
    url: str
    client: httpx.Client

    @property
    def said(self) -> str:
        return (self.home / "said").read_text(encoding="utf-8")

    def pid(self, name: str) -> int:
        """Of the latest process of a name."""
        return int(re.findall(rf"^{name}: процесс (\d+)$", self.said, re.MULTILINE)[-1])

    def ready(self) -> bool:
        try:
            return self.client.get("/health/ready").status_code == 200
        except httpx.HTTPError:
            return False

    def cases(self) -> int:
        return len(self.client.get("/cases", params={"limit": 200}).json()["items"])


def until(happens: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not happens():
        assert time.monotonic() < end, what
        time.sleep(0.2)


def free_port() -> int:
    with socket.socket() as plug:
        plug.bind(("127.0.0.1", 0))
        return int(plug.getsockname()[1])


def otklik(home: Path, *words: str, **more: str) -> str:
    """What a command says; it must succeed."""
    environ = environment(home) | more
    done = subprocess.run(command(*words), env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "app", *words]


def environment(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    return {**kept, "OTKLIK_HOME": str(home), "PYTHONPATH": str(ROOT)}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for name in ("regulation", "rules"):
        shutil.copytree(ROOT / name, tmp_path / name)
    (tmp_path / "models").symlink_to(ROOT / "models")
    shutil.copy(ROOT / "streams.yaml", tmp_path)
    return tmp_path


@pytest.fixture
def running(home: Path) -> Iterator[Running]:
    with started(home) as found:
        yield found


@contextmanager
def started(home: Path, *words: str, **more: str) -> Iterator[Running]:
    """``words``: options of ``serve``; ``more``: variables of the environment."""
    otklik(home, "user", "add", "operator", "--role", "operator", **more)
    secret = otklik(home, "token", "add", "проверка", "--as", "operator", **more).splitlines()[0]
    port = free_port()
    line = command("serve", "--port", str(port), *(words or ("--web", "2")))
    with (home / "said").open("wb") as said:
        process = subprocess.Popen(line, env=environment(home) | more, stderr=said, stdout=said, cwd=ROOT)
    url = f"http://127.0.0.1:{port}"
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {secret}"}, timeout=30) as client:
        found = Running(home, process, url, client)
        try:
            until(lambda: process.poll() is not None or found.ready(), "служба не готова")
            assert process.poll() is None, found.said
            yield found
        finally:
            process.kill()
            process.wait()


def test_a_post_sent_becomes_a_case_and_an_event_and_a_stop_leaves_nothing_half_done(running: Running) -> None:
    batch = [{"key": f"vk:-1_{n}", "text": f"На улице {n} яма во всю дорогу, почините"} for n in range(20)]
    assert len(running.client.post("/posts", json=batch).json()["taken"]) == 20
    until(lambda: running.cases() == 20, "карточки не открылись")
    for name in ("разбор 1", "карточки", "сроки", "события", "HTTP 1", "HTTP 2"):
        assert f"  {name}" in running.said
        os.kill(running.pid(name), 0)
    until(lambda: "otklik_oldest_unrelayed_seconds 0.0" in running.client.get("/metrics").text, "события не переданы")
    pids = [running.pid(name) for name in ("HTTP 1", "HTTP 2", "разбор 1", "карточки", "сроки", "события")]
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(PATIENCE) == 0
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    assert "Traceback" not in running.said
    assert "Всё сходится" in otklik(running.home, "audit", "verify")
    assert otklik(running.home, "trace", "vk:-1_7").count("карточка") == 1


def test_a_process_that_is_killed_is_started_again_and_loses_nothing(running: Running) -> None:
    for number, name in enumerate(("карточки", "HTTP 1", "разбор 1"), start=1):
        before = running.pid(name)
        running.client.post("/posts", json={"key": f"vk:-1_{number}", "text": "Нет воды во всём доме"})
        os.kill(before, signal.SIGKILL)
        until(lambda name=name, before=before: running.pid(name) != before, "не запустился снова")
        until(running.ready, "не готова снова")
    until(lambda: running.cases() == 3, "карточки не открылись")


def test_the_same_service_runs_on_kafka_and_postgresql(home: Path, own_broker: Broker, postgresql: str) -> None:
    with psycopg.connect(postgresql, autocommit=True) as admin:
        admin.execute("DROP DATABASE IF EXISTS service WITH (FORCE)")
        admin.execute("CREATE DATABASE service")
    url = postgresql.replace("/postgres?", "/service?")
    streams = (home / "streams.yaml").read_text(encoding="utf-8")
    streams = streams.replace("carrier: embedded", "carrier: kafka").replace("localhost:9092", own_broker.servers)
    (home / "streams.yaml").write_text(streams, encoding="utf-8")
    otklik(home, "topics", "create")
    with started(home, "--workers", "2", "--web", "1", DATABASE_URL=url) as running:
        batch = [{"key": f"vk:-1_{n}", "text": f"На улице {n} яма во всю дорогу, почините"} for n in range(50)]
        assert len(running.client.post("/posts", json=batch).json()["taken"]) == 50
        until(lambda: running.cases() == 50, "карточки не открылись")
        until(lambda: "otklik_oldest_unrelayed_seconds 0.0" in running.client.get("/metrics").text, "не переданы")
        assert f"Kafka {own_broker.servers}" in running.said
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(PATIENCE) == 0
    assert "Всё сходится" in otklik(home, "audit", "verify", DATABASE_URL=url)
    with psycopg.connect(postgresql, autocommit=True) as admin:
        admin.execute("DROP DATABASE service WITH (FORCE)")


def test_each_process_also_runs_alone_and_stops_at_a_word(home: Path) -> None:
    port = free_port()
    otklik(home, "user", "list")  # the tables are there
    for words in (["intake"], ["relay"], ["sweep"], ["web", "--port", str(port)]):
        process = subprocess.Popen(
            command(*words), env=environment(home), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=ROOT
        )
        time.sleep(4)
        assert process.poll() is None, words
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, (words, said.decode())
        assert b"Traceback" not in said


def test_a_port_that_is_taken_ends_the_service_with_its_reason(home: Path) -> None:
    with socket.socket() as plug:
        plug.bind(("127.0.0.1", 0))
        plug.listen()
        port = plug.getsockname()[1]
        done = subprocess.run(
            command("serve", "--port", str(port)),
            env=environment(home),
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
    assert done.returncode == 2
    assert "он занят" in done.stderr
    assert "--port" in done.stderr


def test_an_empty_service_says_how_to_begin(home: Path) -> None:
    process = subprocess.Popen(
        command("serve", "--port", str(free_port())), env=environment(home), stderr=subprocess.PIPE, cwd=ROOT
    )
    assert process.stderr is not None
    said: list[str] = []
    for line in process.stderr:
        said.append(line.decode())
        if "процесс" in said[-1]:  # from now on it hears signals
            break
    process.send_signal(signal.SIGTERM)
    process.stderr.close()
    assert process.wait(PATIENCE) == 0
    assert any("otklik user add admin --role administrator" in line for line in said)

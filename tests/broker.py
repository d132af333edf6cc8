"""A real Kafka for the tests: that of ``OTKLIK_KAFKA``, or one started here by ``deploy/broker.py``.

One serves a whole run, however many processes of pytest-xdist it has; it ends when the last of them does, also when
they are killed: each holds a lock that the system drops.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy import broker as kafka
from journal.kafka import KafkaSettings

SCRIPT = Path(kafka.__file__)
WITHOUT_KAFKA = "Без Kafka: "


class Broker:
    """A broker of one's own, to be killed: ``kill`` is a power failure, after which ``start`` goes on with its data.

    It ends too when nobody holds ``users`` in the folder ``watched`` any more: by default, when this process ends.
    """

    def __init__(self, data: Path, port: int = 0, watched: Path | None = None, *, secure: bool = False) -> None:
        self.data = data
        self.port = port or kafka.free_port(beside=1)
        if watched is None:
            watched = data
            data.mkdir(parents=True, exist_ok=True)
            self._hold = (data / "users").open("ab")
            fcntl.flock(self._hold, fcntl.LOCK_SH)
        self._options = ["--while", str(watched), *(["--secure"] if secure else [])]
        self._process: subprocess.Popen[str] | None = None

    @property
    def servers(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        """Raises: LackingError."""
        words = [sys.executable, str(SCRIPT), "--port", str(self.port), "--data", str(self.data), *self._options]
        self._process = subprocess.Popen(words, stdout=subprocess.PIPE, start_new_session=True, text=True)
        assert self._process.stdout is not None
        if not self._process.stdout.readline():
            raise kafka.LackingError(f"Kafka не запустилась, подробности в {self.data}/kafka.log")

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def wait(self) -> int:
        """Until it ends by itself; its exit code."""
        assert self._process is not None
        return self._process.wait()

    def stop(self) -> None:
        self._signal(signal.SIGTERM)

    def _signal(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            os.killpg(process.pid, number)
            process.wait()


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its address. Topics are the test's own: ``named`` makes names that no other test has."""
    if servers := os.environ.get("OTKLIK_KAFKA"):
        yield servers
        return
    _need_kafka()
    folder = _run_folder(tmp_path_factory)
    with (folder / "users").open("ab") as users:
        with kafka.locked(folder / "door"):
            fcntl.flock(users, fcntl.LOCK_SH)
            address = folder / "address"
            if not address.exists():
                started = Broker(folder / "kafka", watched=folder, secure=True)
                started.start()
                address.write_text(started.servers, encoding="utf-8")
        yield address.read_text(encoding="utf-8")


@pytest.fixture
def secure(broker: str, tmp_path_factory: pytest.TempPathFactory) -> KafkaSettings:
    """TLS and SCRAM-SHA-512, as the broker started here has them beside its plain port."""
    certificate = _run_folder(tmp_path_factory) / "kafka" / "ca.pem"
    if not certificate.exists():
        pytest.skip("брокер не наш (OTKLIK_KAFKA): как он защищён, неизвестно")
    host, _, port = broker.rpartition(":")
    servers = (f"{host}:{int(port) + 1}",)
    return KafkaSettings(servers, "SASL_SSL", "SCRAM-SHA-512", kafka.USER, kafka.PASSWORD, str(certificate))


@pytest.fixture
def own_broker(tmp_path: Path) -> Iterator[Broker]:
    """One that this test alone may kill."""
    _need_kafka()
    own = Broker(tmp_path / "kafka")
    own.start()
    yield own
    own.stop()


def _run_folder(factory: pytest.TempPathFactory) -> Path:
    """Of the whole run, however many processes it has."""
    own = factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


def named(what: str) -> str:
    return f"{what}.{uuid.uuid4().hex[:12]}"


def _need_kafka() -> None:
    """Skips where Kafka cannot be had; fails where ``OTKLIK_REQUIRE_KAFKA`` forbids that."""
    try:
        kafka.jars()
    except kafka.LackingError as error:
        if os.environ.get("OTKLIK_REQUIRE_KAFKA", "") not in ("", "0"):
            pytest.fail(f"Kafka нужна, а её нет: {error}")
        pytest.skip(f"{WITHOUT_KAFKA}{error}; назовите брокер в OTKLIK_KAFKA")

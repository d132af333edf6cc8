"""One Apache Kafka on this machine, for those with Java and no Docker: ``make broker``, and the tests.

The jars come from Maven Central once (43 MB) and stay in a cache folder. Nothing of the project is imported.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

VERSION = "4.1.1"
POM = Path(__file__).resolve().with_name("pom.xml")
READY = "Kafka Server started"
USER, PASSWORD = "otklik", "otklik-secret"
_PATIENCE = 60.0
_TURN = 0.2

_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
"""
_SECURE = """\
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller},SASL_SSL://127.0.0.1:{secure}
advertised.listeners=PLAINTEXT://127.0.0.1:{port},SASL_SSL://127.0.0.1:{secure}
sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
ssl.keystore.type=PKCS12
ssl.keystore.location={folder}/key.p12
ssl.keystore.password={password}
"""
_LOGGING = """\
rootLogger.level=ERROR
rootLogger.appenderRef.out.ref=out
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d %p %m (%c)%n
logger.server.name=kafka.server.KafkaRaftServer
logger.server.level=INFO
"""


class LackingError(Exception):
    """What the machine lacks to start a broker (Russian)."""


def jars() -> Path:
    """The folder of the jars, fetched at the first call; processes wait for one another.

    Raises:
        LackingError: no Java, or no jars and no way to fetch them.
    """
    if shutil.which("java") is None:
        raise LackingError("нет Java (нужна 17 или новее)")
    folder = _cache() / f"kafka-{VERSION}-{hashlib.sha256(POM.read_bytes()).hexdigest()[:8]}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with locked(folder.with_suffix(".lock")):
        if not folder.is_dir():
            _fetch(folder)
    return folder


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "otklik"


def _fetch(folder: Path) -> None:
    """The folder appears whole or not at all."""
    maven = shutil.which("mvn")
    if maven is None:
        raise LackingError("нет Maven (mvn), чтобы скачать Apache Kafka")
    with tempfile.TemporaryDirectory(dir=folder.parent) as part:
        goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={part}/jars"]
        done = subprocess.run([maven, "-q", "-B", "-f", POM, *goal], capture_output=True, text=True, check=False)
        if done.returncode:
            said = next((line for line in done.stdout.splitlines() if "ERROR" in line), done.stderr)
            raise LackingError(f"Maven не скачал Apache Kafka: {said.strip()[:300]}")
        (Path(part) / "jars").rename(folder)


@contextmanager
def locked(path: Path, kind: int = fcntl.LOCK_EX) -> Iterator[None]:
    """The system drops the lock however the process ends."""
    with path.open("ab") as file:
        fcntl.flock(file, kind)
        yield


def serve(port: int, data: Path, *, secure: bool = False) -> subprocess.Popen[bytes]:
    """Kafka as a child, ready to be asked; ``data``: an empty folder, or that of a broker before, on the same port.

    Beside what it keeps there, ``data`` gets ``kafka.log`` and, when ``secure``, the certificate ``ca.pem`` of a
    further listener on the port above, which asks for TLS and SCRAM-SHA-512.
    """
    classes = f"{jars()}/*"
    data.mkdir(parents=True, exist_ok=True)
    properties, logging = data / "server.properties", data / "log4j2.properties"
    if not (data / "log" / "meta.properties").exists():
        values = {"port": port, "secure": port + 1, "controller": free_port(), "folder": data, "data": data / "log"}
        template = _PROPERTIES + (_SECURE if secure else "")
        properties.write_text(template.format(**values, password=PASSWORD), encoding="utf-8")
        logging.write_text(_LOGGING, encoding="utf-8")
        _format(classes, properties)
        if secure:
            _certify(data)
    log = data / "kafka.log"
    log.unlink(missing_ok=True)
    options = ["-Xmx512m", f"-Dlog4j2.configurationFile={logging}", "-cp", classes]
    with log.open("wb") as out:
        kafka = subprocess.Popen(["java", *options, "kafka.Kafka", properties], stdout=out, stderr=out)
    _wait(kafka, log)
    return kafka


def _format(classes: str, properties: Path) -> None:
    tool = ["java", "-cp", classes, "kafka.tools.StorageTool"]
    identity = subprocess.run([*tool, "random-uuid"], capture_output=True, text=True, check=True)
    user = f"SCRAM-SHA-512=[name={USER},password={PASSWORD}]"
    words = ["format", "-t", identity.stdout.split()[-1], "-c", properties, "--ignore-formatted", "--add-scram", user]
    subprocess.run([*tool, *words], capture_output=True, check=True)


def _certify(data: Path) -> None:
    key = ["-keystore", data / "key.p12", "-storepass", PASSWORD, "-alias", "broker"]
    about = ["-dname", "CN=localhost", "-ext", "SAN=IP:127.0.0.1,DNS:localhost", "-validity", "3650"]
    subprocess.run(["keytool", "-genkeypair", *key, *about, "-keyalg", "RSA"], capture_output=True, check=True)
    subprocess.run(["keytool", "-exportcert", "-rfc", *key, "-file", data / "ca.pem"], capture_output=True, check=True)


def _wait(kafka: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + _PATIENCE
    while READY not in log.read_text(encoding="utf-8", errors="replace"):
        if kafka.poll() is not None or time.monotonic() > until:
            kafka.kill()
            tail = "".join(log.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)[-5:])
            raise LackingError(f"Kafka не запустилась:\n{tail}")
        time.sleep(_TURN)


def stop(kafka: subprocess.Popen[bytes]) -> None:
    kafka.terminate()
    try:
        kafka.wait(15)
    except subprocess.TimeoutExpired:
        kafka.kill()
        kafka.wait()


def free_port(beside: int = 0) -> int:
    """A port that nobody listens on; ``beside``: so many above it are free too."""
    while True:
        with ExitStack() as stack, suppress(OSError, OverflowError):
            first = stack.enter_context(socket.socket())
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            for above in range(port + 1, port + 1 + beside):
                stack.enter_context(socket.socket()).bind(("127.0.0.1", above))
            return port


def wanted(folder: Path) -> bool:
    """Whether anybody still holds ``folder/users`` shared. When not, newcomers find no address there any more."""
    with locked(folder / "door"), (folder / "users").open("ab") as users:
        if not _alone(users):
            return True
        (folder / "address").unlink(missing_ok=True)
        return False


def _alone(file: IO[bytes]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def main() -> int:
    parser = argparse.ArgumentParser(description="Apache Kafka на этой машине; остановить — Ctrl+C")
    parser.add_argument("--port", type=int, default=9092, help="0 — любой свободный")
    parser.add_argument("--data", type=Path, help="папка для данных; без неё они временные")
    parser.add_argument("--secure", action="store_true", help="ещё и порт выше: TLS и SCRAM-SHA-512")
    parser.add_argument("--while", dest="users", type=Path, metavar="FOLDER", help="пока кто-то держит FOLDER/users")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with ExitStack() as stack:
        data = asked.data or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="otklik-kafka-")))
        try:
            port = asked.port or free_port(beside=1)
            kafka = serve(port, data.resolve(), secure=asked.secure)
        except LackingError as error:
            print(error, file=sys.stderr)
            return 1
        stack.callback(stop, kafka)
        print(f"127.0.0.1:{port}", flush=True)
        print(f"Kafka {VERSION} готова, данные в {data}; остановить — Ctrl+C", file=sys.stderr)
        with suppress(KeyboardInterrupt):
            while kafka.poll() is None and (asked.users is None or wanted(asked.users)):
                time.sleep(_TURN)
        return kafka.poll() or 0


if __name__ == "__main__":
    sys.exit(main())

"""What users start things with: ``compose.yaml``, the broker without Docker, the example consumer."""

from __future__ import annotations

import configparser
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from broker import SCRIPT, Broker, named
from click.testing import CliRunner
from fake_triage import ROOT, FakeTriage
from stream import Stream

from app.command import otklik
from app.config import Carrier, load_streams
from deploy import broker as kafka
from journal import JournalError, Message
from journal.kafka import KafkaJournal, KafkaSettings
from records import post_from_json
from records.messages import DECIDED, decided

COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
DOCKERFILE = (ROOT / "deploy/Dockerfile").read_text(encoding="utf-8")
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
UNITS = sorted((ROOT / "deploy/systemd").glob("*.service"))
CONSUMER = ROOT / "docs/examples/consumer.py"


# compose.yaml


def test_compose_starts_kafka_postgres_and_workers() -> None:
    assert set(SERVICES) == {"kafka", "postgres", "worker", "intake", "relay", "sweep", "web"}
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{kafka.VERSION}"
    assert SERVICES["postgres"]["image"] == "postgres:17"
    worker = SERVICES["worker"]
    assert (ROOT / worker["build"]["dockerfile"]).is_file()
    assert worker["depends_on"] == {"kafka": {"condition": "service_healthy"}}
    assert "healthcheck" in SERVICES["kafka"]
    assert worker["deploy"]["replicas"] > 1
    assert worker["restart"] == "unless-stopped"


def test_what_is_kept_lies_in_volumes_and_no_port_is_open_to_others() -> None:
    named_volumes = {volume.split(":")[0] for one in SERVICES.values() for volume in one.get("volumes", ())}
    assert named_volumes == set(COMPOSE["volumes"])
    for one in SERVICES.values():
        assert all(port.startswith("127.0.0.1:") for port in one.get("ports", ()))


def test_the_listeners_of_kafka_fit_together() -> None:
    said = {name: value for name, value in SERVICES["kafka"]["environment"].items() if "LISTENER" in name}
    listeners = {part.split("://")[0] for part in said["KAFKA_LISTENERS"].split(",")}
    protocols = {part.split(":")[0] for part in said["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"].split(",")}
    advertised = {part.split("://")[0] for part in said["KAFKA_ADVERTISED_LISTENERS"].split(",")}
    assert listeners == protocols == advertised | {said["KAFKA_CONTROLLER_LISTENER_NAMES"]}
    (server,) = load_streams(ROOT / "deploy/streams.yaml").broker.servers
    assert f"INSIDE://{server}" in said["KAFKA_ADVERTISED_LISTENERS"]


def test_the_streams_of_compose_differ_from_the_shipped_ones_in_the_carrier_alone() -> None:
    theirs, ours = load_streams(ROOT / "deploy/streams.yaml"), load_streams(ROOT / "streams.yaml")
    assert theirs.carrier is Carrier.KAFKA
    assert (theirs.topics, theirs.batch, theirs.journal.resolve()) == (ours.topics, ours.batch, ours.journal.resolve())


def test_every_command_of_compose_exists_with_its_options() -> None:
    shell = shlex.split(SERVICES["worker"]["command"])
    assert shell[:2] == ["sh", "-c"]
    commands = [shlex.split(part.replace("exec ", "")) for part in shell[2].split("&&")]
    assert [command[:2] for command in commands] == [["otklik", "topics"], ["otklik", "worker"]]
    for _, *words in commands:
        names = [word for word in words if re.fullmatch("[a-z]+", word)]
        shown = CliRunner().invoke(otklik, [*names, "--help"])
        assert shown.exit_code == 0
        assert all(word in shown.output for word in words if word.startswith("--"))
        assert all((ROOT / word).is_file() for word in words if "/" in word)


@pytest.mark.parametrize("name", ["intake", "relay", "sweep", "web"])
def test_what_keeps_the_casebook_is_a_command_of_ours(name: str) -> None:
    assert_is_ours(SERVICES[name]["command"])


@pytest.mark.parametrize("path", UNITS, ids=lambda path: str(path.name))
def test_a_unit_of_systemd_starts_a_command_of_ours_as_nobody_special(path: Path) -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None, delimiters=("=",))
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(path, encoding="utf-8")
    service = unit["Service"]
    (program, *words) = shlex.split(service["ExecStart"])
    assert program == "/opt/otklik/.venv/bin/otklik"
    for name in ("worker", "intake", "relay", "sweep", "web") if words == ["%i"] else (words[0],):
        assert_is_ours(shlex.join(["otklik", name, *words[1:]]))
    assert service["User"] != "root"
    if service.get("Type") != "oneshot":
        assert service["RestartPreventExitStatus"] == "2"
        assert int(service["TimeoutStopSec"]) >= 90


def test_systemd_itself_finds_no_fault_in_the_units() -> None:
    verify = shutil.which("systemd-analyze")
    if verify is None:
        pytest.skip("нет systemd-analyze")
    done = subprocess.run([verify, "verify", *UNITS], capture_output=True, text=True, check=False)
    faults = [line for line in done.stderr.splitlines() if "/opt/otklik" not in line and "otklik" in line]
    assert not faults


def assert_is_ours(command: str) -> None:
    """A command of ours with options that it has, and files that are there."""
    program, name, *words = shlex.split(command)
    assert program == "otklik"
    shown = CliRunner().invoke(otklik, [name, "--help"])
    assert shown.exit_code == 0, command
    assert all(word in shown.output for word in words if word.startswith("--"))
    assert all((ROOT / word).is_file() for word in words if word.endswith(".yaml"))


def test_the_image_installs_what_is_locked() -> None:
    assert "pip install --no-cache-dir --require-hashes -r requirements.lock" in DOCKERFILE
    assert re.search(r"^USER (?!root)", DOCKERFILE, re.MULTILINE)


# The broker without Docker


def test_a_machine_without_java_is_told_so_in_one_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, SCRIPT, "--port", "0"],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "нет Java (нужна 17 или новее)\n")


def test_the_broker_goes_when_who_needs_it_is_killed(own_broker: Broker, tmp_path: Path) -> None:
    """A run of tests that is killed leaves no Java behind."""
    hold = (
        "import fcntl, sys; f = open(sys.argv[1], 'ab'); fcntl.flock(f, fcntl.LOCK_SH); print(1, flush=True); input()"
    )
    folder = tmp_path / "run"
    folder.mkdir()
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", hold, folder / "users"], **pipes) as holder:  # type: ignore[call-overload]
        holder.stdout.readline()
        watched = Broker(tmp_path / "watched", watched=folder)
        watched.start()
        settings = KafkaSettings((watched.servers,))
        KafkaJournal(settings).close()
        holder.kill()
    assert watched.wait() == 0
    with pytest.raises(JournalError):
        KafkaJournal(settings, patience=0.2)
    assert kafka.wanted(own_broker.data)


# The example


@contextmanager
def consuming(servers: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, CONSUMER, servers]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        try:
            yield running
        finally:
            running.kill()


def line_of(running: subprocess.Popen[str], keys: set[str]) -> str:
    assert running.stdout is not None
    return next(line for line in running.stdout if line.split("\t")[0] in keys)


def test_the_example_consumer_is_short_and_goes_on_where_it_committed(tmp_path: Path, broker: str) -> None:
    assert CONSUMER.read_text(encoding="utf-8").count("\n") <= 30
    stream = Stream(tmp_path, broker)
    assert stream.otklik("topics", "create").exit_code == 0
    keys = [named("vk:"), named("vk:")]
    posts = [post_from_json({"key": key, "text": "провод искрит"}) for key in keys]
    values = [decided(post, *FakeTriage().decide([post])) for post in posts]
    stream.append(Message(keys[0].encode(), values[0]), topic=DECIDED)
    with consuming(broker) as running:
        assert line_of(running, set(keys)) == f"{keys[0]}\tanswer\t4h\tJKH\n"
        until = time.monotonic() + 30
        with stream.journal() as journal:
            while any(p.lag for p in journal.positions(DECIDED) if p.reader == "monitoring") or not any(
                p.reader == "monitoring" for p in journal.positions(DECIDED)
            ):
                assert time.monotonic() < until
                time.sleep(0.1)
    stream.append(Message(keys[1].encode(), values[1]), topic=DECIDED)
    with consuming(broker) as running:
        assert line_of(running, set(keys)).startswith(keys[1])

"""What a monitor is told: counts by Prometheus' own parser, ``/health`` over HTTP, the loop over a real journal."""

from __future__ import annotations

import json
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_triage import POISON, FakeTriage
from prometheus_client.parser import text_string_to_metric_families
from stream import message

from app.errors import UsageFault
from app.health import Health, serve
from journal import Message
from journal.embedded import EmbeddedJournal
from pipeline.attempts import Attempts
from pipeline.handler import Handler
from pipeline.metrics import CONTENT_TYPE, Metrics
from pipeline.portions import Portions
from pipeline.run import READER, run
from records.clock import now
from records.messages import INCOMING

LIMIT = 60.0


class Hands:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.moment = 1_000.0

    def __call__(self) -> float:
        return self.moment


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
def health(clock: Hands) -> Health:
    return Health(LIMIT, clock)


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def numbers(metrics: Metrics) -> dict[str, float]:
    """By name, with the label in parentheses."""
    return {
        f"{sample.name}({','.join(sample.labels.values())})" if sample.labels else sample.name: sample.value
        for family in text_string_to_metric_families(metrics.exposition().decode())
        for sample in family.samples
    }


def conducted(folder: Path, messages: list[Message], metrics: Metrics) -> None:
    """The loop over the embedded journal until nothing waits."""
    with EmbeddedJournal(folder / "journal.sqlite") as journal:
        journal.append(INCOMING, messages)
        run(
            journal.reader(READER, INCOMING),
            Portions(Handler(FakeTriage().decide), Attempts(folder / "attempts.sqlite", READER), 60),
            limit=3,
            wait=0,
            going=lambda: journal.position(READER, INCOMING) < len(messages),
            after=lambda portion, _: metrics.committed(portion, 0.2),
            turned=lambda: None,
        )


# Metrics


def test_everything_is_told_as_nought_before_the_first_post() -> None:
    found = numbers(Metrics())
    for name in ("otklik_posts_total", "otklik_decided_total(exclude)", "otklik_decided_total(answer)",
                 "otklik_decided_total(no_answer)", "otklik_alarms_total(crisis)", "otklik_quarantined_total",
                 "otklik_lag", "otklik_oldest_undecided_seconds", "otklik_batch_seconds_count"):  # fmt: skip
        assert found[name] == 0, name


def test_the_loop_is_counted(tmp_path: Path) -> None:
    texts = ["яма", "спасибо", "блин", "провод искрит", "провод, блин", POISON]
    metrics = Metrics()
    conducted(tmp_path, [message(text, key=f"vk:{n}") for n, text in enumerate(texts)], metrics)
    found = numbers(metrics)
    assert {name: found[f"otklik_{name}"] for name in (
        "posts_total", "decided_total(answer)", "decided_total(no_answer)", "decided_total(exclude)",
        "alarms_total(danger)", "alarms_total(threat)", "quarantined_total",
        "batch_seconds_count", "batch_seconds_bucket(0.1)", "batch_seconds_bucket(0.25)",
    )} == {
        "posts_total": 6, "decided_total(answer)": 2, "decided_total(no_answer)": 1, "decided_total(exclude)": 2,
        "alarms_total(danger)": 2, "alarms_total(threat)": 0, "quarantined_total": 1,
        "batch_seconds_count": 2, "batch_seconds_bucket(0.1)": 0, "batch_seconds_bucket(0.25)": 2,
    }  # fmt: skip
    assert found["otklik_last_progress_timestamp_seconds"] > 1_700_000_000


def test_no_text_and_no_key_is_told(tmp_path: Path) -> None:
    metrics = Metrics()
    conducted(tmp_path, [message("провод у школы", key="vk:тайна"), message(POISON, key="vk:тайна")], metrics)
    assert not {word for word in ("провод", "школы", "тайна", POISON) if word in metrics.exposition().decode()}


def test_the_age_of_the_oldest_grows_by_itself_until_nothing_waits() -> None:
    metrics = Metrics()
    metrics.waiting(3, now().timestamp() - 100)
    first = numbers(metrics)
    assert first["otklik_lag"] == 3
    assert first["otklik_oldest_undecided_seconds"] >= 100
    assert numbers(metrics)["otklik_oldest_undecided_seconds"] > first["otklik_oldest_undecided_seconds"]
    metrics.waiting(0, None)
    assert (numbers(metrics)["otklik_lag"], numbers(metrics)["otklik_oldest_undecided_seconds"]) == (0, 0)


def test_two_of_a_process_do_not_meet() -> None:
    one, other = Metrics(), Metrics()
    one.waiting(5, None)
    assert numbers(other)["otklik_lag"] == 0


# Health


def told(health: Health) -> tuple[bool, bool]:
    state = health.state()
    return state.live, state.ready


def test_it_is_ready_once_the_models_are_loaded(health: Health) -> None:
    assert (told(health), health.state().reason) == ((True, False), "модели ещё загружаются")
    health.loaded()
    assert (told(health), health.state().reason) == ((True, True), "в порядке")


def test_a_loop_that_does_not_come_round_is_not_live(health: Health, clock: Hands) -> None:
    health.loaded()
    clock.moment += LIMIT + 1
    assert told(health) == (False, False)
    assert "цикл не сделал оборота 61 с" in health.state().reason
    health.turned()
    assert told(health) == (True, True)


def test_a_loop_without_posts_is_ready_for_ever(health: Health, clock: Hands) -> None:
    health.loaded()
    for _ in range(100):
        clock.moment += LIMIT / 2
        health.turned()
        health.waiting(0)
        assert told(health) == (True, True)


def test_a_carrier_that_does_not_answer_is_told_until_it_does(health: Health) -> None:
    health.loaded()
    health.lost("брокер не отвечает")
    assert (told(health), health.state().reason) == ((True, False), "очередь не отвечает: брокер не отвечает")
    health.turned()
    assert told(health) == (True, True)


def test_posts_that_wait_without_progress_are_a_stall(health: Health, clock: Hands) -> None:
    """Counted from the moment when they came, not from the last commit before."""
    health.loaded()
    clock.moment += 10 * LIMIT
    health.turned()
    health.waiting(5)
    assert told(health) == (True, True)
    for _ in range(3):
        clock.moment += LIMIT / 2
        health.turned()
        health.waiting(7)
    assert (told(health), health.state().reason) == ((True, False), "ждут 7, а 90 с ничего не разобрано")
    health.progressed()
    assert told(health) == (True, True)


# Over HTTP


def asked(port: int, path: str) -> tuple[int, str, bytes]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers["Content-Type"], error.read()


@pytest.fixture
def served(port: int, health: Health) -> Iterator[int]:
    with serve(port, Metrics(), health):
        yield port


def test_metrics_are_served_as_prometheus_reads_them(served: int) -> None:
    status, kind, body = asked(served, "/metrics")
    assert (status, kind) == (200, CONTENT_TYPE)
    assert b"otklik_lag 0.0" in body


def test_health_is_200_or_503_with_the_reason(served: int, health: Health) -> None:
    def asked_health() -> tuple[int, Any]:
        status, _, body = asked(served, "/health?x")
        return status, json.loads(body)

    assert asked_health() == (503, {"live": True, "ready": False, "reason": "модели ещё загружаются"})
    health.loaded()
    assert asked_health() == (200, {"live": True, "ready": True, "reason": "в порядке"})


def test_other_pages_are_not_there(served: int) -> None:
    assert asked(served, "/")[0] == 404


def test_this_machine_alone_is_answered(served: int) -> None:
    with socket.socket() as other, pytest.raises(OSError):
        other.settimeout(2)
        other.connect((socket.gethostbyname(socket.gethostname()), served))
        if other.getpeername()[0].startswith("127."):
            raise OSError("у машины нет другого адреса")


def test_a_monitor_that_goes_away_stops_nothing(served: int, capfd: pytest.CaptureFixture[str]) -> None:
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", served)) as rude:
            rude.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            rude.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
    assert asked(served, "/metrics")[0] == 200
    assert "Traceback" not in capfd.readouterr().err


def test_a_taken_port_is_wrong_usage(served: int, health: Health) -> None:
    with pytest.raises(UsageFault, match="он занят") as fault, serve(served, Metrics(), health):
        pass
    assert "--port" in fault.value.mend


def test_port_0_serves_nothing_and_a_port_is_free_again_afterwards(port: int, health: Health) -> None:
    with serve(0, Metrics(), health):
        pass
    for _ in range(2):
        with serve(port, Metrics(), health):
            assert asked(port, "/metrics")[0] == 200

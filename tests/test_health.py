"""Whether the service says by itself that it is unwell, and what it counts."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest
from casebooks import DETECTED
from prometheus_client.parser import text_string_to_metric_families
from services import Service, on_sqlite

from casebook.models import Beat, Event
from desk.health import reasons
from desk.pulse import Pulse
from journal import Message
from journal.embedded import EmbeddedJournal
from records.clock import now
from records.messages import DECIDED, INCOMING


@pytest.fixture
def well(service: Service) -> Iterator[Service]:
    """With a sweep that has just been round, and nothing that waits."""
    Beat.objects.create(name="sweep", at=now())
    yield service


def told(service: Service) -> list[str]:
    answer = service.nobody().get("/health/ready")
    body = answer.json()
    assert (answer.status_code == 200) is body["ready"] is (not body["reasons"])
    return list(body["reasons"])


def test_a_service_with_nothing_to_do_is_well(well: Service) -> None:
    assert told(well) == []
    assert well.nobody().get("/health/live").json() == {"live": True}


@on_sqlite
@pytest.mark.parametrize(("topic", "what"), [(INCOMING, "разбор стоит"), (DECIDED, "приём решений в карточки стоит")])
def test_a_reader_that_stands_while_messages_wait_is_told(well: Service, topic: str, what: str) -> None:
    moment = [0.0]
    pulse = Pulse(lambda: EmbeddedJournal(well.journal), well.desk.pulse.watched, lambda: moment[0])
    ill = replace(well.desk, pulse=pulse)
    with EmbeddedJournal(well.journal) as journal:
        journal.append(topic, [Message(b"vk:1", b"{}")] * 3)
        pulse.sample(journal)
        moment[0] = 119
        pulse.sample(journal)
        assert reasons(ill) == []
        moment[0] = 150
        pulse.sample(journal)
        (reason,) = reasons(ill)
        assert what in reason
        reader = journal.reader(*reversed(well.desk.pulse.watched["triage" if topic == INCOMING else "intake"]))
        reader.commit(reader.poll(1, 0), {})
        pulse.sample(journal)
        assert reasons(ill) == []
        reader.close()


@on_sqlite
def test_a_journal_that_cannot_be_asked_is_told(well: Service) -> None:
    well.desk.pulse.error = "нет связи"
    assert told(well) == ["журнал не отвечает; почему — в записях процесса"]


def test_events_that_nobody_relays_are_told(well: Service) -> None:
    well.casebook.open(now=now() - timedelta(minutes=5))
    assert ["relay" in reason for reason in told(well)] == [True]
    Event.objects.update(relayed_at=now())
    assert told(well) == []


def test_a_sweep_that_does_not_come_round_is_told(service: Service) -> None:
    assert "ни разу" in told(service)[0]
    Beat.objects.create(name="sweep", at=now() - timedelta(minutes=5))
    assert "5 мин (sweep)" in told(service)[0]


@on_sqlite
def test_a_disk_that_is_nearly_full_is_told(well: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(total=2**40, used=2**40, free=100 * 2**20))
    (reason,) = told(well)
    assert "осталось 100 МБ" in reason


@on_sqlite
def test_in_december_a_year_without_calendar_is_told(well: Service) -> None:
    days = well.casebook.decree.regulation.days
    last = next(year for year in range(2026, 2200) if not days.knows(year + 1))
    here = now()
    well.clock["shift"] = here.replace(year=last, month=12, day=10) - here
    Beat.objects.update(at=well.desk.now())
    (reason,) = told(well)
    assert str(last + 1) in reason
    assert "calendar.yaml" in reason
    well.clock["shift"] = here.replace(year=last, month=11, day=10) - here
    Beat.objects.update(at=well.desk.now())
    assert told(well) == []


def test_the_metrics_are_those_of_the_tables(well: Service) -> None:
    book = well.casebook
    book.open("vk:-1_1", alarms=["danger"], track="4h")
    book.open("vk:-1_2")
    book.open("vk:-1_3", verdict="exclude", department=None)
    here = now()
    book.move(1, "confirm", now=here)
    book.move(2, "confirm", department="DOR", now=here)
    text = well.nobody().get("/metrics").text
    found = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert found["otklik_cases", "4h", "with_department"] == 1
    assert found["otklik_cases", "excluded", "none"] == 1
    assert found["otklik_unacknowledged_alarms", "danger"] == 1
    assert found["otklik_decisions_total", "answer"] == 2
    assert found["otklik_proposals_confirmed_ratio",] == 0.5
    assert found["otklik_minutes_to_breach",] > 0  # of the return; what was detected long ago is overdue
    assert found["otklik_overdue",] >= 2
    assert found["otklik_oldest_unrelayed_seconds",] > 0
    assert found["otklik_waiting", "triage"] == 0
    assert found["otklik_ready",] == 0
    assert "vk:" not in text
    assert here > DETECTED

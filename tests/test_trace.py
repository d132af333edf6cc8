"""``otklik trace``: one post's whole way, in order, without its text. On Kafka: ``tests/test_quarantine.py``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fake_triage import POISON
from stream import Stream, message, raw_message

from app.sink import Sink, reader_name
from app.trace import STATES, What
from journal.embedded import EmbeddedJournal
from records import revision_of
from records.messages import DECIDED

TEXT = "На Ленина прорвало трубы, провода искрят"


@pytest.fixture
def stream(tmp_path: Path) -> Stream:
    return Stream(tmp_path)


def traced(stream: Stream, key: str = "vk:-1_2") -> dict[str, Any]:
    result = stream.otklik("trace", key, "--out", "json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert isinstance(found, dict)
    return found


def whats(stream: Stream) -> list[str]:
    return [event["what"] for event in traced(stream)["events"]]


def test_an_accepted_post_waits(stream: Stream) -> None:
    stream.append(message("яма", key="vk:1"))
    stream.decide(1)
    stream.append(message(TEXT))
    found = traced(stream)
    assert found["state"] == "accepted"
    (event,) = found["events"]
    assert (event["topic"], event["partition"], event["offset"]) == ("posts.incoming", 0, 1)
    assert event["revision"] == revision_of(TEXT)
    assert event["detected_at"] == "2026-03-14T09:30:00+03:00"
    (reader,) = found["readers"]
    assert reader == {
        "reader": "triage", "topic": "posts.incoming", "partition": 0, "committed": 1, "end": 2, "past": False,
    }  # fmt: skip


def test_a_decided_post_tells_what_was_decided_by_which_versions(stream: Stream) -> None:
    stream.append(message(TEXT))
    stream.decide(1)
    found = traced(stream)
    assert found["state"] == "decided"
    accepted, decided, alarmed = found["events"]
    assert accepted["at"] <= decided["at"]
    assert {name: decided[name] for name in ("verdict", "track", "department", "proposed", "versions")} == {
        "verdict": "answer", "track": "4h", "department": "JKH", "proposed": True,
        "versions": {"code": "0", "models": {"fake": "1"}},
    }  # fmt: skip
    assert (alarmed["what"], alarmed["kinds"]) == ("alarmed", ["danger"])
    assert [reader["past"] for reader in found["readers"]] == [True]


def test_people_read_it_in_russian(stream: Stream) -> None:
    stream.append(message(TEXT), message("🙂", key="vk:2"), message("яма", key="vk:3"))
    stream.decide(3)
    shown = stream.otklik("trace", "vk:-1_2").stdout
    assert shown.startswith("vk:-1_2: разобрано\n")
    for said in ("принято  (posts.incoming 0/0)", "Выявлено  2026-03-14T09:30:00+03:00", "Вердикт   ответить",
                 "Срок      4 ч", "Отдел     JKH\n", "Версии    code 0, fake 1", "тревога  (posts.alarms 0/0)",
                 "Вид       опасность", "triage: прошёл (posts.incoming 0: 3 из 3)"):  # fmt: skip
        assert said in shown
    assert "Отдел     JKH (не предложен)" in stream.otklik("trace", "vk:3").stdout
    assert "Отдел" not in stream.otklik("trace", "vk:2").stdout


@pytest.mark.parametrize("out", ["text", "json"])
def test_the_text_of_the_post_is_never_shown(stream: Stream, out: str) -> None:
    stream.append(message(TEXT), message(f"{POISON} у школы"), raw_message('{"schema": 1, "текст": "секрет"'))
    stream.decide(3)
    shown = stream.otklik("trace", "vk:-1_2", "--out", out).output
    assert shown.count("posts.quarantine") >= 2
    for word in ("Ленина", "трубы", "школы", "секрет"):
        assert word not in shown


def test_quarantined_retried_and_dropped_are_on_the_way(stream: Stream) -> None:
    stream.append(message(POISON))
    stream.decide(1)
    assert (traced(stream)["state"], whats(stream)) == ("quarantined", ["accepted", "quarantined"])
    assert traced(stream)["events"][1]["reason"] == "сбой при разборе: RuntimeError"
    stream.otklik("quarantine", "retry", "0")
    assert (traced(stream)["state"], whats(stream)[2:]) == ("accepted", ["accepted", "retried"])
    stream.decide(1)
    stream.otklik("quarantine", "drop", "2", "--why", "проверка связи")
    found = traced(stream)
    assert (found["state"], found["events"][-1]["why"]) == ("dropped", "проверка связи")
    shown = stream.otklik("trace", "vk:-1_2").stdout
    assert shown.startswith("vk:-1_2: снято с карантина человеком\n")
    assert "Почему    проверка связи" in shown


def test_an_edited_post_and_a_repeat_are_all_told(stream: Stream) -> None:
    stream.append(message("яма"), message("яма"), message("яма у дома"))
    stream.decide(3)
    events = [event for event in traced(stream)["events"] if event["what"] == "decided"]
    assert [event["revision"] for event in events] == [revision_of(text) for text in ("яма", "яма", "яма у дома")]


def test_every_reader_is_told(stream: Stream, tmp_path: Path) -> None:
    stream.append(message("яма"), message("лёд", key="vk:2"))
    stream.decide(1)
    file = tmp_path / "out.jsonl"
    with stream.journal() as journal:
        assert isinstance(journal, EmbeddedJournal)
        with Sink(journal, file) as sink:
            sink.catch_up()
    stream.decide(1)
    assert [(reader["reader"], reader["past"]) for reader in traced(stream)["readers"]] == [
        ("triage", True), (reader_name(file), True),
    ]  # fmt: skip
    assert [reader["past"] for reader in traced(stream, "vk:2")["readers"]] == [True, False]
    assert f"{reader_name(file)}: ещё не дошёл (posts.decided 0: 1 из 2)" in stream.otklik("trace", "vk:2").stdout


@pytest.mark.parametrize("value", [b"\xff", b"{}", b'{"schema":1,"decision":[]}'])
def test_what_another_program_wrote_is_told_as_far_as_it_can_be_read(stream: Stream, value: bytes) -> None:
    stream.append(raw_message(value))
    stream.append(raw_message(value), topic=DECIDED)
    accepted, decided = traced(stream)["events"]
    assert accepted["unreadable"]
    assert decided["verdict"] is None
    assert "Почему    " in stream.otklik("trace", "vk:-1_2").stdout


def test_an_unknown_key_is_a_failure_with_a_mend(stream: Stream) -> None:
    stream.append(message("яма"))
    result = stream.otklik("trace", "vk:\x1bнет")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "в журнале нет сообщения с ключом vk:·нет" in result.stderr
    assert "как исправить: ключ — network:id" in result.stderr


def test_every_event_and_state_has_russian_words() -> None:
    assert set(STATES) == {What.ACCEPTED, What.DECIDED, What.QUARANTINED, What.DROPPED, None}

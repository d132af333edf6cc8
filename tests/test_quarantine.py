"""``otklik quarantine``: what lies there, why, and what a person makes of it, on either carrier."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_triage import POISON, FakeTriage
from stream import Stream, lines, message, raw_message

from app.intake import Intake
from journal import Journal
from journal.embedded import EmbeddedJournal
from journal.topics import topic
from pipeline.run import READER
from records import Decision, Post
from records.messages import DECIDED, INCOMING, QUARANTINE, TOPICS, message_of

PARTITIONS = 3


@pytest.fixture
def stream(tmp_path: Path) -> Stream:
    return Stream(tmp_path)


@pytest.fixture(params=["embedded", "kafka"])
def either(request: pytest.FixtureRequest, tmp_path: Path) -> Stream:
    """Either carrier; on Kafka the quarantine has several partitions."""
    if request.param == "embedded":
        return Stream(tmp_path)
    from journal.kafka import KafkaJournal

    stream = Stream(tmp_path, request.getfixturevalue("own_broker").servers)
    with stream.journal() as journal:
        assert isinstance(journal, KafkaJournal)
        journal.create([topic(name, PARTITIONS, 1) for name in TOPICS])
    return stream


@pytest.fixture(autouse=True)
def moscow(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("TZ", "Europe/Moscow")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def listed(stream: Stream) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines(stream.otklik("quarantine", "list", "--out", "jsonl"))]


def values(journal: Journal, name: str) -> list[dict[str, Any]]:
    return [dict(message_of(record.value)) for record in journal.scan(name)]


def mended(posts: list[Post]) -> list[Decision]:
    """A pipeline that the poison no longer breaks."""
    return FakeTriage().decide([Post(p.key, p.text.replace(POISON, "мёд"), revision=p.revision) for p in posts])


# Both carriers


def test_the_whole_way_of_what_could_not_be_decided(either: Stream) -> None:
    poison = [message(f"{POISON} {number}", key=f"vk:{number}") for number in range(6)]
    either.append(message("яма", key="vk:good"), *poison)
    either.decide(7)
    found = listed(either)
    assert {entry["key"] for entry in found} == {f"vk:{number}" for number in range(6)}
    assert {entry["reason"] for entry in found} == {"сбой при разборе: RuntimeError"}
    assert "яд" not in json.dumps(found, ensure_ascii=False).lower()
    numbers = {entry["key"]: entry["number"] for entry in found}
    shown = either.otklik("quarantine", "show", numbers["vk:3"], "--out", "raw")
    assert shown.stdout_bytes == poison[3].value

    assert either.otklik("quarantine", "drop", numbers["vk:0"], numbers["vk:1"], "--why", "проверка").exit_code == 0
    assert either.otklik("quarantine", "retry", numbers["vk:2"]).exit_code == 0
    assert {entry["key"] for entry in listed(either)} == {"vk:3", "vk:4", "vk:5"}
    assert either.otklik("quarantine", "retry", "--all").exit_code == 0
    assert listed(either) == []
    either.decide(4, mended)
    assert listed(either) == []
    with either.journal() as journal:
        assert sorted(value["post"]["key"] for value in values(journal, DECIDED)) == [
            "vk:2", "vk:3", "vk:4", "vk:5", "vk:good",
        ]  # fmt: skip
        records = {record.key: record for record in journal.scan(INCOMING)}
    assert records[b"vk:2"].value == poison[2].value
    ways = {key: json.loads(either.otklik("trace", key, "--out", "json").stdout) for key in ("vk:0", "vk:2", "vk:good")}
    assert {key: (way["state"], [event["what"] for event in way["events"]]) for key, way in ways.items()} == {
        "vk:0": ("dropped", ["accepted", "quarantined", "dropped"]),
        "vk:2": ("decided", ["accepted", "quarantined", "accepted", "retried", "decided"]),
        "vk:good": ("decided", ["accepted", "decided"]),
    }
    assert all(reader["past"] for way in ways.values() for reader in way["readers"] if reader["reader"] == READER)


# What lies there


def test_an_empty_quarantine_says_so(stream: Stream) -> None:
    result = stream.otklik("quarantine", "list")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "Карантин пуст.\n")
    assert stream.otklik("quarantine", "retry", "--all").exit_code == 0


def test_the_table_tells_where_each_came_from_and_why(stream: Stream, tmp_path: Path) -> None:
    (tmp_path / "posts.jsonl").write_text('{"text": "яма"}\nне json\n', encoding="utf-8")
    with stream.journal() as journal:
        assert isinstance(journal, EmbeddedJournal)
        Intake(journal).file(tmp_path / "posts.jsonl")
    stream.append(raw_message("{}", key="vk:\x1b[2J1"))
    stream.decide(2)
    heading, line, record = lines(stream.otklik("quarantine", "list"))
    assert heading.split() == ["№", "Когда", "Откуда", "Ключ", "Байт", "Почему"]
    assert line.split()[0] == "0"
    assert "posts.jsonl:2" in line
    assert "это не JSON" in line
    assert "posts.incoming 0/1  vk:·[2J1" in record
    assert "нет поля schema" in record


@pytest.mark.parametrize("width", [60, 100, 160])
def test_a_long_reason_is_shortened_to_the_screen(stream: Stream, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    stream.append(raw_message("{}"))
    stream.decide(1)
    monkeypatch.setenv("COLUMNS", str(width))
    assert max(map(len, lines(stream.otklik("quarantine", "list")))) <= max(width, 110)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"\xff\xfe", "не UTF-8"),
        ("не json", "это не JSON"),
        ('{"schema": 2, "post": {"text": "а"}}', "неизвестная схема: 2"),
        ('{"post": {"text": "а"}}', "нет поля schema"),
        ('{"schema": 1}', "не является объектом"),
        ('{"schema": 1, "post": {"key": "vk:другой", "text": "а"}}', "ключ записи не равен"),
        ('{"schema": 1, "post": {"key": "vk:-1_2", "text": "' + "а" * 60_000 + '"}}', "текст 120000 байт"),
        (b"x" * 5_000_000, "это не JSON"),
    ],
)  # fmt: skip
def test_bad_messages_of_every_kind_lie_there_as_they_came(stream: Stream, value: str | bytes, reason: str) -> None:
    stream.append(raw_message(value))
    stream.decide(1)
    (entry,) = listed(stream)
    raw = value if isinstance(value, bytes) else value.encode()
    assert reason in entry["reason"]
    assert (entry["size"], entry["key"], entry["number"]) == (len(raw), "vk:-1_2", "0")
    assert stream.otklik("quarantine", "show", "0", "--out", "raw").stdout_bytes == raw


def test_a_message_without_a_key_lies_there_too(stream: Stream) -> None:
    stream.append(raw_message(message("яма").value, key=None))
    stream.decide(1)
    assert "нет ключа" in listed(stream)[0]["reason"]
    assert "(без ключа)" in stream.otklik("quarantine", "show", "0").stdout


def test_what_is_shown_moves_no_cursor(stream: Stream) -> None:
    stream.append(raw_message(b'\x1b[2J{"schema": "\xd1\x8f\xff\x00"'))
    stream.decide(1)
    shown = stream.otklik("quarantine", "show", "0").stdout
    assert '·[2J{"schema": "я\\xff·"' in shown
    assert "\x1b" not in shown
    for said in ("Номер     0", "Откуда    posts.incoming 0/0", "Ключ      vk:-1_2", "Размер    21 байт"):
        assert said in shown


def test_a_long_message_is_shown_in_part(stream: Stream) -> None:
    stream.append(raw_message("я" * 5_000))
    stream.decide(1)
    shown = stream.otklik("quarantine", "show", "0").stdout
    assert "и ещё 1\u202f000 знаков; целиком: --out raw" in shown


@pytest.mark.parametrize("value", [b"\xff", b"{}", b'{"schema":1,"raw":"?","reason":"dropped","error":"","at":""}'])
def test_what_another_program_wrote_there_is_listed_and_can_only_be_dropped(stream: Stream, value: bytes) -> None:
    stream.append(raw_message(value), topic=QUARANTINE)
    (entry,) = listed(stream)
    assert "её писала другая программа" in entry["reason"]
    assert stream.otklik("quarantine", "show", "0", "--out", "raw").stdout_bytes == value
    assert stream.otklik("quarantine", "retry", "0").exit_code == 3
    assert stream.otklik("quarantine", "drop", "0", "--why", "чужое").exit_code == 0
    assert listed(stream) == []


# What a person makes of it


def test_lines_of_files_are_mended_in_their_file_and_not_retried(stream: Stream, tmp_path: Path) -> None:
    (tmp_path / "posts.jsonl").write_text("не json\n", encoding="utf-8")
    with stream.journal() as journal:
        assert isinstance(journal, EmbeddedJournal)
        Intake(journal).file(tmp_path / "posts.jsonl")
    stream.append(message(POISON))
    stream.decide(1)
    result = stream.otklik("quarantine", "retry", "--all")
    assert result.exit_code == 3
    assert "0: это строка файла; исправьте её там" in result.stderr
    assert "Возвращено на разбор: 1." in result.stderr
    assert [entry["number"] for entry in listed(stream)] == ["0"]


def test_what_breaks_again_lies_there_again(stream: Stream) -> None:
    stream.append(message(POISON))
    for number in ("0", "2"):
        stream.decide(1)
        assert [entry["number"] for entry in listed(stream)] == [number]
        assert stream.otklik("quarantine", "retry", number).exit_code == 0


def test_a_resolution_stays_on_record(stream: Stream) -> None:
    stream.append(message(POISON))
    stream.decide(1)
    stream.otklik("quarantine", "drop", "0", "--why", "проверка связи")
    with stream.journal() as journal:
        first, resolution = values(journal, QUARANTINE)
        keys = [record.key for record in journal.scan(QUARANTINE)]
    assert first["reason"].startswith("сбой при разборе")
    assert resolution["origin"] == {"topic": QUARANTINE, "partition": 0, "offset": 0}
    assert (resolution["reason"], resolution["error"], resolution["raw"]) == ("dropped", "проверка связи", "")
    assert keys[0] == keys[1]


def test_more_than_one_batch_is_resolved(stream: Stream) -> None:
    stream.append(*(message(f"{POISON} {number}", key=f"vk:{number}") for number in range(600)))
    stream.decide(600)
    assert "Возвращено на разбор: 600." in stream.otklik("quarantine", "retry", "--all").stderr
    assert listed(stream) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["retry"], "не сказано, какие сообщения"),
        (["retry", "0", "--all"], "и номера, и --all"),
        (["retry", "0", "5"], "в карантине нет номера 5"),
        (["retry", "0/7"], "в карантине нет номера 0/7"),
        (["retry", "-1"], "Нет такого параметра"),
        (["show", "x"], "в карантине нет номера x"),
        (["show"], "Не хватает аргумента"),
        (["drop", "0"], "Не хватает параметра"),
        (["drop", "0", "--why", " "], "причина пуста"),
    ],
)
def test_wrong_usage_changes_nothing(stream: Stream, words: list[str], said: str) -> None:
    stream.append(message(POISON))
    stream.decide(1)
    result = stream.otklik("quarantine", *words)
    assert (result.exit_code, said in result.stderr) == (2, True), result.stderr
    assert len(listed(stream)) == 1


def test_the_full_number_is_understood_too(stream: Stream) -> None:
    stream.append(message(POISON))
    stream.decide(1)
    assert stream.otklik("quarantine", "retry", "0/0").exit_code == 0
    assert stream.otklik("quarantine", "retry", "0").exit_code == 2


def test_a_journal_that_is_none_is_a_failure_with_a_mend(stream: Stream, tmp_path: Path) -> None:
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "journal.sqlite").write_bytes(b"\0" * 4096 + os.urandom(4096))
    result = stream.otklik("quarantine", "list")
    assert result.exit_code == 1
    assert "как исправить" in result.stderr
    assert "Traceback" not in result.stderr

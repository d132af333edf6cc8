"""``otklik produce``, ``tail`` and ``topics``, called on both carriers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from broker import named
from fake_triage import ROOT, decisions, otklik
from stream import Stream, lines, message, raw_message

from deploy.broker import PASSWORD, USER
from journal import Message
from journal.kafka import KafkaSettings
from records import revision_of
from records.messages import ALARMS, DECIDED, INCOMING, QUARANTINE


@pytest.fixture(params=["embedded", "kafka"])
def stream(request: pytest.FixtureRequest, tmp_path: Path) -> Stream:
    """On Kafka its topics are those of every test: keys are the test's own."""
    if request.param == "embedded":
        return Stream(tmp_path)
    made = Stream(tmp_path, request.getfixturevalue("broker"))
    assert made.otklik("topics", "create").exit_code == 0
    return made


@pytest.fixture
def embedded(tmp_path: Path) -> Stream:
    return Stream(tmp_path)


@pytest.fixture
def on_kafka(tmp_path: Path, broker: str) -> Stream:
    return Stream(tmp_path, broker)


def posts_of(stream: Stream, key: str) -> list[dict[str, Any]]:
    with stream.journal() as journal:
        return [json.loads(record.value)["post"] for record in journal.scan(INCOMING, key.encode())]


def written(folder: Path, *values: object, name: str = "posts.jsonl") -> Path:
    file = folder / name
    file.write_text("".join(f"{json.dumps(value, ensure_ascii=False)}\n" for value in values), encoding="utf-8")
    return file


def changed(stream: Stream, **broker: object) -> None:
    settings = yaml.safe_load(stream.streams.read_text(encoding="utf-8"))
    settings["broker"] |= broker
    stream.streams.write_text(yaml.safe_dump(settings), encoding="utf-8")


# Produce


def test_what_is_produced_waits_in_the_journal_with_the_time_of_its_detection(stream: Stream, tmp_path: Path) -> None:
    key = named("vk:")
    detected = "2026-03-14T09:30:00+03:00"
    first, edited = {"key": key, "text": "яма", "detected_at": detected}, {"key": key, "text": "яма на дороге"}
    result = stream.otklik("produce", written(tmp_path, first, edited))
    assert (result.exit_code, result.stderr) == (0, "Принято сообщений: 2.\n")
    before, after = posts_of(stream, key)
    assert (before["text"], before["detected_at"]) == ("яма", detected)
    assert after["text"] == "яма на дороге"
    assert after["detected_at"] > "2025"
    assert after["revision"] != before["revision"]


def test_keys_of_text_are_those_that_triage_gives(stream: Stream, tmp_path: Path) -> None:
    file = tmp_path / "posts.txt"
    text = named("не горит фонарь ")
    file.write_text(f"{text}\n{text}\n", encoding="utf-8")
    keys = [decision["key"] for decision in decisions(otklik("triage", file))]
    for _ in range(2):  # the same file once more is a repeat: the same keys
        assert stream.otklik("produce", file).exit_code == 0
    for key in keys:
        assert [post["text"] for post in posts_of(stream, key)] == [text, text]


def test_lines_that_cannot_be_posts_are_rejected_and_the_others_taken(stream: Stream, tmp_path: Path) -> None:
    key = named("vk:")
    file = written(tmp_path, {"text": "без ключа"}, {"key": key, "text": "яма"}, {"key": key}, "не объект")
    rejects = tmp_path / "rejects.jsonl"
    result = stream.otklik("produce", file, "--rejects", rejects)
    assert result.exit_code == 3
    assert f"Принято сообщений: 1. Не принято строк: 3 (записаны в {rejects})." in result.stderr
    found = [json.loads(line) for line in rejects.read_text(encoding="utf-8").splitlines()]
    assert [(line["line"], line["reason"]) for line in found][:2] == [(1, "нет поля key"), (3, "нет поля text")]
    assert "vk:-123_45" in found[0]["mend"]
    assert [post["text"] for post in posts_of(stream, key)] == ["яма"]


def test_a_key_that_looks_derived_is_the_posts_own(embedded: Stream, tmp_path: Path) -> None:
    (decision,) = decisions(otklik("triage", stdin="яма\n"))
    assert embedded.otklik("produce", written(tmp_path, {"key": decision["key"], "text": "яма"})).exit_code == 0
    assert len(posts_of(embedded, decision["key"])) == 1


def test_a_message_that_no_topic_takes_is_rejected(stream: Stream, tmp_path: Path) -> None:
    """Quotation marks are twice as long in JSON."""
    file = tmp_path / "posts.txt"
    (short, long) = (named("яма") + size * '"' for size in (3_000_000, 5_000_000))
    file.write_text(f"{long}\n{short}\n", encoding="utf-8")
    result = stream.otklik("produce", file)
    assert result.exit_code == 3
    assert "больше 8388608" in result.stderr
    (post,) = posts_of(stream, f"file:{revision_of(short)}-1")
    assert post["text"] == short


def test_the_input_is_not_overwritten_by_what_is_rejected(embedded: Stream, tmp_path: Path) -> None:
    file = written(tmp_path, {"text": "без ключа"})
    result = embedded.otklik("produce", file, "--rejects", file)
    assert result.exit_code == 2
    assert "назван дважды" in result.stderr
    assert file.read_text(encoding="utf-8").startswith("{")


def test_nothing_is_nothing(embedded: Stream, tmp_path: Path) -> None:
    assert "Вход пуст" in embedded.otklik("produce", written(tmp_path)).stderr


# Tail


@contextmanager
def tailing(stream: Stream, *words: str) -> Iterator[subprocess.Popen[str]]:
    """``otklik tail`` as a process of its own, when it has begun to wait."""
    command = [sys.executable, "-m", "app", "tail", *words, "--streams", str(stream.streams)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, text=True, **pipes) as running:  # type: ignore[call-overload]
        assert "Жду сообщений" in running.stderr.readline()
        try:
            yield running
        finally:
            running.kill()


def test_tail_shows_what_comes_until_it_is_told_to_stop(stream: Stream) -> None:
    key = named("vk:")
    stream.append(message("раньше", key))
    with tailing(stream, INCOMING) as running:
        stream.append(message("потом", key), raw_message(b"\xff", key))
        found: list[dict[str, Any]] = []
        while len(found) < 2:
            line = json.loads(running.stdout.readline())
            found += [line] if line["key"] == key else []
        running.send_signal(signal.SIGINT)
        assert running.wait() == 0
        assert running.stderr.read() == ""
    assert [line.get("value", {}).get("post", {}).get("text") for line in found] == ["потом", None]
    assert found[1]["raw"] == "/w=="
    assert set(found[0]) == {"topic", "partition", "offset", "key", "at", "value"}
    assert (found[0]["topic"], found[0]["at"][4], found[0]["at"][-6:]) == (INCOMING, "-", "+00:00")


def test_tail_from_the_start_ends_after_so_many_and_changes_nobodys_reading(stream: Stream) -> None:
    stream.append(message("первое", named("vk:")), message("второе", named("vk:")))
    shown = lines(stream.otklik("tail", INCOMING, "--from-start", "--count", 2, "--out", "jsonl"))
    assert [json.loads(line)["topic"] for line in shown] == [INCOMING] * 2
    with stream.journal() as journal:
        assert all("tail" not in position.reader for position in journal.positions(INCOMING))


def test_the_table_tells_each_kind_of_message_in_one_line(embedded: Stream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    embedded.append(message("провод\x1b[2J искрит", "vk:1"), message("спасибо", "vk:2"), raw_message("{", None))
    embedded.decide(3)
    for topic, told in (
        (INCOMING, ["провод·[2J искрит", "спасибо", "не по образцу, 1 байт"]),
        (DECIDED, ["ответить    4 ч  JKH ?     провод", "без ответа       JKH ?     спасибо"]),
        (ALARMS, ["ответить    4 ч  JKH ?"]),
        (QUARANTINE, ["(без ключа)               это не JSON"]),
    ):
        shown = lines(embedded.otklik("tail", topic, "--from-start", "--count", len(told), "--out", "table"))
        for line, words in zip(shown, told, strict=True):
            assert words in line
            assert "\x1b" not in line


def test_a_topic_that_is_none_is_wrong_usage(embedded: Stream) -> None:
    result = embedded.otklik("tail", "posts.decidet")
    assert result.exit_code == 2
    assert "не из списка" in result.stderr


# Topics


def test_on_one_machine_topics_make_themselves(embedded: Stream) -> None:
    for word in ("create", "check"):
        result = embedded.otklik("topics", word)
        assert (result.exit_code, result.stdout) == (0, "")
        assert "заводит очереди сам" in result.stderr


def test_topics_are_made_once_and_then_are_as_wanted(on_kafka: Stream) -> None:
    assert on_kafka.otklik("topics", "create").exit_code == 0
    again = on_kafka.otklik("topics", "create")
    assert (again.exit_code, again.stderr) == (0, "Все очереди уже есть.\n")
    checked = on_kafka.otklik("topics", "check")
    assert (checked.exit_code, checked.stdout) == (0, "")


def test_what_differs_is_shown_with_its_mend(on_kafka: Stream) -> None:
    assert on_kafka.otklik("topics", "create").exit_code == 0
    settings = yaml.safe_load(on_kafka.streams.read_text(encoding="utf-8"))
    settings["topics"]["cases.events"] = {"partitions": 900, "retention_hours": 1}
    on_kafka.streams.write_text(yaml.safe_dump(settings), encoding="utf-8")
    checked = on_kafka.otklik("topics", "check")
    assert checked.exit_code == 2
    assert "cases.events: разделов 8, а нужно 900" in checked.stdout
    assert "cases.events: хранит сообщения 43800 ч, а нужно 1 ч" in checked.stdout
    assert checked.stdout.count("как исправить: otklik topics create --alter") == 2


def test_lag_tells_what_waits_for_each_reader(stream: Stream) -> None:
    reader = named("reader")
    stream.append(*(message("яма", named("vk:")) for _ in range(20)))
    with stream.journal() as journal:
        reading = journal.reader(reader, INCOMING)
        records = []
        while not records:
            records = reading.poll(1, 1)
        reading.commit(records, {})
        reading.close()
        waits = sum(position.lag for position in journal.positions(INCOMING) if position.reader == reader)
    heading, *rows = lines(stream.otklik("topics", "lag"))
    assert heading.split() == ["Очередь", "Читатель", "Раздел", "Прочитано", "до", "Конец", "Отстаёт"]
    own = [row.split() for row in rows if reader in row]
    assert {row[0] for row in own} == {INCOMING}
    assert sum(int(row[-1].replace("\u202f", "")) for row in own) >= waits > 0


def test_nobody_has_read_anything_yet(embedded: Stream) -> None:
    assert "Ещё никто ничего не прочитал" in embedded.otklik("topics", "lag").stderr


# A broker that cannot be had


def test_a_broker_that_is_away_is_a_failure_in_words(tmp_path: Path) -> None:
    away = Stream(tmp_path, "127.0.0.1:1")
    for words in (["topics", "check"], ["produce", written(tmp_path, {"key": "vk:1", "text": "яма"})]):
        result = away.otklik(*words)
        assert result.exit_code == 1
        assert "брокер 127.0.0.1:1 не отвечает\n    как исправить: запустите его" in result.stderr


def test_secrets_come_from_the_variables_that_are_named(
    tmp_path: Path, secure: KafkaSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = Stream(tmp_path, *secure.servers)
    (tmp_path / "ca.pem").write_bytes(Path(secure.ca_file).read_bytes())
    variables = {"user_variable": "OTKLIK_TEST_USER", "password_variable": "OTKLIK_TEST_PASSWORD"}
    changed(stream, protocol="SASL_SSL", mechanism="SCRAM-SHA-512", ca_file="ca.pem", **variables)
    monkeypatch.setenv("OTKLIK_TEST_USER", USER)
    unset = stream.otklik("topics", "create")
    assert unset.exit_code == 2
    assert "переменная окружения OTKLIK_TEST_PASSWORD не задана" in unset.stderr
    monkeypatch.setenv("OTKLIK_TEST_PASSWORD", PASSWORD)
    assert stream.otklik("topics", "create").exit_code == 0
    (tmp_path / "ca.pem").unlink()
    missing = stream.otklik("topics", "check")
    assert missing.exit_code == 2
    assert "ca.pem" in missing.stderr


# What is not needed is not loaded


def test_triage_and_the_embedded_journal_never_load_kafka(tmp_path: Path) -> None:
    """Nor does one carrier wait for the other."""
    Stream(tmp_path).append(Message(b"vk:1", b"x"))
    for words in (
        ["triage", os.devnull],
        ["tail", INCOMING, "--from-start", "--count", "1", "--streams", str(tmp_path / "streams.yaml")],
    ):
        code = f"import sys\nfrom app.command import otklik\ntry: otklik({words!r})\nfinally: print(*sys.modules)"
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
        assert not {"kafka", "faust", "aiokafka"} & set(done.stdout.split()), words
        assert done.returncode == 0, done.stderr

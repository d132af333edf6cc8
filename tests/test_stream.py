"""The stream: the laws of the handler and of what kills it, then real processes over both carriers."""

from __future__ import annotations

import base64
import json
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from broker import Broker, named
from fake_triage import POISON, ROOT, FakeTriage
from hypothesis import given, settings
from hypothesis import strategies as st
from kafka import KafkaAdminClient, KafkaProducer
from stream import Stream, message
from stream_process import (
    DEVOURS,
    EXITS,
    HANGS,
    KILLS,
    PATIENCE,
    assert_nothing_lost,
    children,
    drained,
    fewer,
    killed,
    outcome,
    process,
    running,
    servers,  # noqa: F401
    stream_of,
    until,
    waiting,
)

from deploy.broker import free_port
from journal import JournalError, Message, Record
from journal.embedded import EmbeddedJournal
from pipeline.attempts import MOST_DEATHS, Attempts
from pipeline.handler import Handler
from pipeline.portions import Portions
from pipeline.run import READER
from records import Decision, Post, dump
from records.messages import DECIDED, INCOMING, LONGEST_TEXT, QUARANTINE, message_of

KILLED = "сообщение убило процесс"
RAISED = "сбой при разборе"


# Laws


class Death(BaseException):
    """Stands for the end of the process."""


def deadly(posts: Sequence[Post]) -> list[Decision]:
    if any(KILLS in post.text for post in posts):
        raise Death
    return FakeTriage().decide(posts)


def records_of(messages: Sequence[Message], partition: int = 0) -> list[Record]:
    return [Record(INCOMING, partition, offset, m.key, m.value, 0.0) for offset, m in enumerate(messages)]


def texts(values: Sequence[Message]) -> list[str]:
    return [json.loads(value.value)["post"]["text"] for value in values]


def origins(values: Sequence[Message]) -> list[int]:
    return [json.loads(value.value)["origin"]["offset"] for value in values]


@given(st.lists(st.booleans(), max_size=40))
def test_exactly_what_raises_is_quarantined_whatever_else_is_in_the_batch(poisonous: list[bool]) -> None:
    made = [message(f"{n} {POISON if poison else 'яма'}", f"vk:{n % 3}") for n, poison in enumerate(poisonous)]
    triage = FakeTriage()
    outputs = Handler(triage.decide).handle(records_of(made)).outputs
    assert texts(outputs.get(DECIDED, [])) == [f"{n} яма" for n, poison in enumerate(poisonous) if not poison]
    assert origins(outputs.get(QUARANTINE, [])) == [n for n, poison in enumerate(poisonous) if poison]
    assert len(triage.batches) <= 1 + sum(poisonous) * 2 * len(poisonous).bit_length()


@settings(max_examples=300)
@given(
    st.one_of(
        st.binary(max_size=60),
        st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=5).map(
            lambda value: json.dumps({"schema": 1, "post": {"key": "vk:1", "text": "яма", "parent": value}}).encode()
        ),
        st.dictionaries(
            st.sampled_from(["schema", "key", "text", "published_at", "attachments", "revision", "url"]),
            st.none() | st.integers() | st.text(max_size=5) | st.lists(st.text(max_size=3), max_size=2),
        ).map(lambda post: json.dumps({"schema": 1, "post": post}).encode()),
    ),
    st.none() | st.binary(max_size=10),
)
def test_any_bytes_at_all_are_decided_or_quarantined_as_they_came(value: bytes, key: bytes | None) -> None:
    (record,) = records_of([Message(key, value)])
    outputs = Handler(FakeTriage().decide).handle([record]).outputs
    decided, refused = outputs.get(DECIDED, []), outputs.get(QUARANTINE, [])
    assert len(decided) + len(refused) == 1
    for one in refused:
        assert base64.b64decode(json.loads(one.value)["raw"]) == value
        assert one.key == key


@settings(max_examples=60)
@given(st.data())
def test_what_kills_ends_in_quarantine_wherever_the_carrier_begins_again(data: st.DataObject) -> None:
    """After a death the carrier meets anew what it had not committed, and cuts its batches elsewhere.

    A commit may fail; the last of a batch tried one by one does not.
    """
    kinds = st.sampled_from(["яма"] * 6 + [KILLS] + [POISON])
    queues = {part: records_of([message(data.draw(kinds), f"vk:{part}") for _ in range(12)], part) for part in (0, 1)}
    killers = {(r.partition, r.offset) for queue in queues.values() for r in queue if KILLS.encode() in r.value}
    committed, refused, decided = dict.fromkeys(queues, 0), {}, set()
    deaths = 0
    with tempfile.TemporaryDirectory() as folder:
        while any(committed[part] < len(queue) for part, queue in queues.items()):
            attempts = Attempts(Path(folder) / "attempts.sqlite", READER)
            portions = Portions(Handler(deadly), attempts, 60.0)
            place = dict(committed)
            try:
                while batch := _batch(data, queues, place):
                    for portion in portions.of(batch):
                        for output in portion.handled.outputs.get(QUARANTINE, []):
                            found = json.loads(output.value)
                            refused[found["origin"]["partition"], found["origin"]["offset"]] = found["reason"]
                        decided |= {(r.partition, r.offset) for r in portion.records}
                        place |= {r.partition: r.offset + 1 for r in portion.records}
                        if (portion.alone and portion.records[-1] is batch[-1]) or data.draw(st.booleans()):
                            committed = dict(place)
                committed = dict(place)
            except Death:
                deaths += 1
            attempts.close()
            assert deaths <= len(killers) * (MOST_DEATHS + 1)
    assert {place for place, reason in refused.items() if KILLED in reason} == killers
    assert decided == {(r.partition, r.offset) for queue in queues.values() for r in queue}


def _batch(data: st.DataObject, queues: dict[int, list[Record]], place: dict[int, int]) -> list[Record]:
    left = {part: queue[place[part] :] for part, queue in queues.items() if place[part] < len(queue)}
    sizes = {part: data.draw(st.integers(0, 5)) for part in left}
    if not any(sizes.values()):
        sizes = dict.fromkeys(left, 1)
    return [record for part, records in left.items() for record in records[: sizes[part]]]


def test_of_many_culprits_in_a_batch_each_kills_once_more_though_nothing_is_committed_between(tmp_path: Path) -> None:
    batch = records_of([message(word, "vk:1") for word in (KILLS, "яма", KILLS, KILLS, "яма", KILLS)])
    deaths = 0
    while True:
        try:
            portions = [*_portions(tmp_path).of(batch)]
            break
        except Death:
            deaths += 1
    assert deaths == MOST_DEATHS + 4
    assert [QUARANTINE in portion.handled.outputs for portion in portions] == [True, False, True, True, False, True]


def test_a_worker_that_is_killed_from_outside_blames_nothing(tmp_path: Path) -> None:
    """While its outputs are on their way, as often as one likes; a batch that is done is forgotten."""
    batch = records_of([message(f"яма {n}", f"vk:{n}") for n in range(5)])
    for _ in range(3 * MOST_DEATHS):
        portion = next(_portions(tmp_path).of(batch))
        assert QUARANTINE not in portion.handled.outputs
    assert portion.alone
    for _ in range(2):
        assert len([*_portions(tmp_path).of(batch)]) in (1, len(batch))
    assert not next(_portions(tmp_path).of(batch)).alone


def _portions(folder: Path) -> Portions:
    return Portions(Handler(deadly), Attempts(folder / "attempts.sqlite", READER), 60.0)


def test_a_journal_that_breaks_while_it_is_open_is_told_in_words(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    with EmbeddedJournal(path) as journal:
        journal.append(INCOMING, [message("яма")])
    with EmbeddedJournal(path) as journal:
        path.write_bytes(path.read_bytes()[:4096] + b"x" * 50_000)
        for asked in (
            lambda: journal.position(READER, INCOMING),
            lambda: journal.positions(INCOMING),
            lambda: journal.bookmark("sink"),
        ):
            with pytest.raises(JournalError, match="повреждён"):
                asked()


def test_a_ledger_that_cannot_be_used_is_told_in_words(tmp_path: Path) -> None:
    path = tmp_path / "attempts.sqlite"
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(JournalError, match="не база SQLite") as failure:
        Attempts(path, READER)
    assert failure.value.mend


def test_a_full_ledger_stops_the_batch_and_counts_again_once_there_is_room(tmp_path: Path) -> None:
    attempts = Attempts(tmp_path / "attempts.sqlite", READER)
    record = Record(INCOMING, 0, 0, None, b"", 0.0)
    attempts._db.execute("PRAGMA max_page_count = 2")
    with pytest.raises(JournalError, match="кончилось место"):
        for part in range(10_000):
            attempts.begin([replace(record, partition=part)])
    attempts._db.execute("PRAGMA max_page_count = 100000")
    attempts.begin([replace(record, partition=10_000)])
    assert attempts.begin([replace(record, partition=10_000)]) == 1


# Real processes over both carriers


one_broker = pytest.mark.xdist_group("broker of test_stream")


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=one_broker)])
def on(request: pytest.FixtureRequest) -> str:
    """The servers of Kafka, or nothing for the embedded carrier."""
    if request.param == "embedded":
        return ""
    own: Broker = request.getfixturevalue("servers")
    return own.servers


def supervised(on: str) -> list[str]:
    return ["up", "--workers", "2"] if on else ["up"]


def posts(count: int, words: dict[int, str] | None = None) -> list[Message]:
    """Of a few keys that no other test has; ``words`` by number of the post."""
    prefix = named("vk:")
    return [message(f"яма {n} {(words or {}).get(n, '')}", f"{prefix}-{n % 23}") for n in range(count)]


def append(stream: Stream, messages: Sequence[Message]) -> None:
    for start in range(0, len(messages), 1_000):
        stream.append(*messages[start : start + 1_000])


def bad_messages() -> dict[bytes, tuple[bytes | None, str]]:
    """By value: the key of the record and the reason to expect."""
    key = named("vk:").encode()
    post = {"key": key.decode(), "text": "яма"}
    surrogate = json.dumps({"schema": 1, "post": {**post, "text": "\ud800"}}).encode()
    return {
        b"{": (key, "это не JSON"),
        b"": (key, "это не JSON"),
        b'"' * 7: (key, "это не JSON"),
        b"\xff\xfe": (key, "не UTF-8"),
        b"[" * 200_000: (key, "слишком глубокая вложенность"),
        b'{"schema": ' + b"1" * 5_000 + b"}": (key, "слишком длинное число"),
        b'{"schema": 2, "post": {}}': (key, "неизвестная схема"),
        b'{"post": {}}': (key, "нет поля schema"),
        surrogate: (key, ""),
        _incoming({**post, "text": POISON}): (key, RAISED),
        _incoming({**post, "text": "Ж" * 2_500_000}): (key, f"текст 5000000 байт, длиннее {LONGEST_TEXT}"),
        _incoming({**post, "text": "ж" * (LONGEST_TEXT // 2) + "!"}): (key, f"длиннее {LONGEST_TEXT}"),
        b" " * (8 * 2**20 - 200): (key, "это не JSON"),
        _incoming({**post, "text": "чужой ключ"}): (key + b"0", "ключ записи не равен"),
        _incoming({**post, "text": "без ключа"}): (None, "у записи нет ключа"),
        _incoming({**post, "text": "не ключ"}): (b"\xff", "ключ записи не равен"),
    }


def _incoming(post: dict[str, Any]) -> bytes:
    return json.dumps({"schema": 1, "post": post}, ensure_ascii=False).encode()


def test_what_cannot_be_decided_is_quarantined_by_the_same_process_that_decides_the_others(
    on: str, tmp_path: Path
) -> None:
    stream, good, bad = stream_of(tmp_path, on, size=16), posts(60), bad_messages()
    longest = "ж" * (LONGEST_TEXT // 2)
    good.insert(30, message(longest, good[0].key.decode()))
    broken = [Message(key, value) for value, (key, _) in bad.items()]
    mixed = [message for n, one in enumerate(good) for message in (one, *broken[n : n + 1])]
    append(stream, mixed)
    if on:
        _tombstone(on, good[0].key)
    port = free_port()
    with running(stream, "worker", "--port", port) as worker:
        until(lambda: drained(stream))
        metrics = urlopen(f"http://127.0.0.1:{port}/metrics").read().decode()
        assert worker.poll() is None
    found = outcome(stream, mixed)
    assert_nothing_lost(found, mixed, {value: reason for value, (_, reason) in bad.items()})
    assert found.repeats == (1 if on else 0)  # the value null is told as an empty one
    assert f"otklik_quarantined_total {len(bad) + bool(on)}.0" in metrics
    assert f"otklik_posts_total {len(mixed) + bool(on)}.0" in metrics


def _tombstone(server: str, key: bytes) -> None:
    producer = KafkaProducer(bootstrap_servers=server)
    producer.send(INCOMING, key=key, value=None).get(30)
    producer.close()


def test_what_hangs_or_kills_is_found_and_the_others_are_decided(on: str, tmp_path: Path) -> None:
    """On Kafka each death costs the session of a member of the group: one culprit there, three here."""
    culprits = {40: HANGS} if on else {40: HANGS, 43: KILLS, 90: EXITS}
    stream, made = stream_of(tmp_path, on, size=16, limit_seconds=1), posts(120, {**culprits, 44: POISON})
    append(stream, made)
    with running(stream, *supervised(on)):
        until(lambda: drained(stream))
    reasons = {made[n].value: KILLED for n in culprits} | {made[44].value: RAISED}
    found = outcome(stream, made)
    assert_nothing_lost(found, made, reasons)
    assert on or not found.repeats


def test_what_devours_memory_is_quarantined_and_the_process_goes_on(tmp_path: Path) -> None:
    stream, made = stream_of(tmp_path, size=16, limit_seconds=60), posts(40, {20: DEVOURS})
    append(stream, made)
    with running(stream, "worker", memory=4 * 2**30) as worker:
        until(lambda: drained(stream))
        assert worker.poll() is None
    assert_nothing_lost(outcome(stream, made), made, {made[20].value: f"{RAISED}: MemoryError"})


def test_nothing_is_lost_when_workers_are_killed_at_any_moment(on: str, tmp_path: Path) -> None:
    count, kills = (5_000, (0.1, 0.5, 0.7)) if on else (5_000, (0.1, 0.3, 0.5, 0.51, 0.7, 0.9))
    stream = stream_of(tmp_path, on, size=64, limit_seconds=60)
    made = posts(count, dict.fromkeys(range(7, count, 500), POISON))
    append(stream, made)
    with running(stream, *supervised(on), pause=0.02) as up:
        for number, part in enumerate(kills):
            until(lambda part=part: fewer(stream, (1 - part) * count))  # type: ignore[misc]
            until(lambda: bool(children(up)))
            killed(children(up)[number % len(children(up))])
        until(lambda: drained(stream))
    found = outcome(stream, made)
    assert_nothing_lost(found, made, {made[n].value: RAISED for n in range(7, count, 500)})
    assert on or not found.repeats


def test_told_to_stop_a_worker_finishes_its_batch_and_the_next_repeats_nothing(on: str, tmp_path: Path) -> None:
    stream, made = stream_of(tmp_path, on, size=16), posts(1_000)
    append(stream, made)
    with running(stream, "worker", pause=0.05):
        until(lambda: fewer(stream, 900))
    left = waiting(stream)
    assert left
    if on:
        assert not _members(on)
    with running(stream, "worker"):
        until(lambda: drained(stream))
    found = outcome(stream, made)
    assert_nothing_lost(found, made)
    assert found.repeats == 0


def test_stopped_before_the_end_run_says_so_and_goes_on_later(tmp_path: Path) -> None:
    stream, made = stream_of(tmp_path, size=16), posts(400)
    file = tmp_path / "posts.jsonl"
    file.write_bytes(b"\n".join(dump(message_of(m.value)["post"]).encode() for m in made))
    child = process("run", file, "--streams", stream.streams, pause=0.1)
    until(lambda: fewer(stream, 390))
    child.terminate()
    assert child.wait(PATIENCE) == 1
    assert waiting(stream)
    assert process("run", file, "--streams", stream.streams).wait(PATIENCE) == 0
    found = outcome(stream, made)
    assert_nothing_lost(found, made)
    assert found.repeats == 0


def test_a_watched_folder_with_nothing_left_is_stopped_with_nought(tmp_path: Path) -> None:
    stream, inbox = stream_of(tmp_path), tmp_path / "inbox"
    inbox.mkdir()
    with running(stream, "run", "--watch", inbox):
        (inbox / "a.txt").write_text("яма\n", encoding="utf-8")
        until(lambda: waiting(stream) == 0)


def _members(server: str) -> Sequence[Any]:
    admin = KafkaAdminClient(bootstrap_servers=server)
    (group,) = admin.describe_groups([READER]).values()
    admin.close()
    return group["members"]


@one_broker
def test_both_carriers_decide_the_same_byte_for_byte_as_the_bare_command(servers: Broker, tmp_path: Path) -> None:  # noqa: F811
    samples, written = ROOT / "samples" / "posts.jsonl", tmp_path / "embedded.jsonl"
    embedded = stream_of(tmp_path / "embedded", size=7, limit_seconds=60)
    on_kafka = stream_of(tmp_path / "kafka", servers.servers, size=5, limit_seconds=60)
    others = [
        process("triage", samples, "--out", "jsonl", "--output", tmp_path / "bare.jsonl", real=1),
        process("run", samples, "--decisions", written, "--streams", embedded.streams, real=1),
    ]
    assert on_kafka.otklik("produce", samples).exit_code == 0
    with running(on_kafka, "worker", real=1):
        until(lambda: drained(on_kafka))
    assert [other.wait() for other in others] == [0, 0]
    bare = sorted((tmp_path / "bare.jsonl").read_bytes().splitlines())
    assert sorted(written.read_bytes().splitlines()) == bare
    keys = {json.loads(line)["key"] for line in bare}
    with on_kafka.journal() as journal:
        values = [record.value for record in journal.scan(DECIDED) if (record.key or b"").decode() in keys]
    assert sorted(value[value.index(b'"decision":') + 11 : -1] for value in values) == bare


@pytest.mark.parametrize("command", ["worker", "up", "run"])
def test_with_a_faulty_file_nothing_starts_and_every_fault_is_told(command: str, tmp_path: Path) -> None:
    stream = stream_of(tmp_path)
    written = stream.streams.read_text(encoding="utf-8")
    for right, wrong in (("carrier: embedded", "carrier: pigeon"), ("size: 256", "size: 0"), ("topics:", "topic:")):
        assert right in written
        written = written.replace(right, wrong)
    stream.streams.write_text(written, encoding="utf-8")
    result = stream.otklik(command)
    assert result.exit_code == 2
    for told in ("pigeon", "size", "topic"):
        assert told in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["streams.yaml"]

"""What a carrier promises, asked of both: one SQLite file and a real Kafka."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import pytest
from broker import Broker, named

from deploy.broker import PASSWORD
from journal import Journal, JournalError, Message, Position, Reader, Record
from journal.embedded import EmbeddedJournal
from journal.kafka import KafkaJournal, KafkaSettings
from journal.topics import LARGEST, LARGEST_INCOMING, Topic, differences, topic
from records.messages import INCOMING

PARTITIONS = 4
MEGABYTE = 2**20


class Carrier(Protocol):
    """``journal`` opens the same journal once more, ``topic`` makes a topic of a new name."""

    def journal(self) -> Journal: ...

    def topic(self) -> str: ...


class Embedded:
    def __init__(self, path: Path) -> None:
        self._path = path

    def journal(self) -> Journal:
        return EmbeddedJournal(self._path)

    def topic(self) -> str:
        return named("topic")


class Kafka:
    def __init__(self, servers: str) -> None:
        self._settings = KafkaSettings((servers,))

    def journal(self) -> KafkaJournal:
        return KafkaJournal(self._settings)

    def topic(self, partitions: int = PARTITIONS) -> str:
        name = named("topic")
        with self.journal() as journal:
            journal.create([topic(name, partitions, 1)])
        return name


@pytest.fixture(params=["embedded", "kafka"])
def carrier(request: pytest.FixtureRequest, tmp_path: Path) -> Carrier:
    if request.param == "embedded":
        return Embedded(tmp_path / "var" / "journal.sqlite")
    return Kafka(request.getfixturevalue("broker"))


@pytest.fixture
def kafka(broker: str) -> Kafka:
    return Kafka(broker)


@pytest.fixture
def journal(carrier: Carrier) -> Iterator[Journal]:
    with carrier.journal() as opened:
        yield opened


def messages(*values: str, key: str = "vk:1") -> list[Message]:
    return [Message(key.encode(), value.encode()) for value in values]


def values(records: list[Record] | Iterator[Record]) -> list[str]:
    return [record.value.decode() for record in records]


def polled(reader: Reader, count: int, limit: int = 100) -> list[Record]:
    """So many records, however many polls that takes; then nothing more comes."""
    found: list[Record] = []
    until = time.monotonic() + 30
    while len(found) < count and time.monotonic() < until:
        found += reader.poll(min(limit, count - len(found)), 0.2)
    return found


# Append and scan


def test_what_is_appended_is_there_for_another_who_opens_the_journal(carrier: Carrier) -> None:
    name = carrier.topic()
    with carrier.journal() as journal:
        journal.append(name, messages("а", "б"))
        with carrier.journal() as other:
            (first, second) = other.scan(name)
    assert (first.topic, first.key, first.value.decode()) == (name, b"vk:1", "а")
    assert (second.partition, second.offset) == (first.partition, first.offset + 1)
    assert abs(first.at - time.time()) < 60


def test_records_of_a_key_keep_their_order_however_many_keys_there_are(journal: Journal, carrier: Carrier) -> None:
    name = carrier.topic()
    for number in range(20):
        journal.append(name, [Message(f"vk:{key}".encode(), f"{key}.{number}".encode()) for key in range(10)])
    for key in range(10):
        found = values(journal.scan(name, f"vk:{key}".encode()))
        assert found == [f"{key}.{number}" for number in range(20)]
    assert len(list(journal.scan(name))) == 200
    assert list(journal.scan(name, b"vk:nobody")) == []


def test_a_scan_goes_by_partition_and_offset_to_the_end_at_the_moment_of_the_call(
    journal: Journal, carrier: Carrier
) -> None:
    name = carrier.topic()
    journal.append(name, [Message(f"vk:{n}".encode(), b"x") for n in range(50)])
    scan = journal.scan(name)
    first = next(scan)
    journal.append(name, [Message(f"vk:{n}".encode(), b"late") for n in range(50)])
    found = [first, *scan]
    assert [record.value for record in found] == [b"x"] * 50
    places = [(record.partition, record.offset) for record in found]
    assert places == sorted(places)


def test_two_scans_at_once_do_not_disturb_one_another(journal: Journal, carrier: Carrier) -> None:
    name = carrier.topic()
    journal.append(name, messages(*map(str, range(10))))
    pairs = list(zip(journal.scan(name), journal.scan(name), strict=True))
    assert [one.value for one, _ in pairs] == [other.value for _, other in pairs]
    assert len(pairs) == 10


def test_nothing_appended_is_nothing_found(journal: Journal, carrier: Carrier) -> None:
    name = carrier.topic()
    journal.append(name, [])
    assert list(journal.scan(name)) == []
    assert journal.positions(name) == []


@pytest.mark.parametrize("value", [b"\xff\xfe broken \x00", b"", b"{", "текст".encode("cp1251")])
def test_bytes_pass_as_they_are(journal: Journal, carrier: Carrier, value: bytes) -> None:
    name = carrier.topic()
    journal.append(name, [Message(value or b"-", value)])
    (record,) = journal.scan(name)
    assert (record.key, record.value) == (value or b"-", value)


def test_a_record_may_lack_a_key(journal: Journal, carrier: Carrier) -> None:
    name = carrier.topic()
    journal.append(name, [Message(None, b"nobody's"), Message(b"", b"empty"), Message(b"vk:1", b"own")])
    found = {record.value: record.key for record in journal.scan(name)}
    assert found == {b"nobody's": None, b"empty": b"", b"own": b"vk:1"}


def test_five_megabytes_go_in_and_come_out(journal: Journal, carrier: Carrier) -> None:
    name = carrier.topic()
    large = b"\x00\xff" * (5 * MEGABYTE // 2)
    journal.append(name, [Message(b"vk:1", large), Message(b"vk:1", b"next"), Message(b"vk:1", large)])
    reader = journal.reader("large", name)
    found = polled(reader, 3)
    reader.close()
    assert [record.value for record in found] == [large, b"next", large]
    assert [len(record.value) for record in journal.scan(name, b"vk:1")] == [len(large), 4, len(large)]


# Readers


def test_a_reader_goes_on_from_where_it_committed(carrier: Carrier) -> None:
    name = carrier.topic()
    with carrier.journal() as journal:
        journal.append(name, messages(*"абвгд"))
        reader = journal.reader("triage", name)
        reader.commit(polled(reader, 3), {})
        reader.close()
    with carrier.journal() as journal:
        reader = journal.reader("triage", name)
        assert values(polled(reader, 2)) == ["г", "д"]
        assert reader.poll(10, 0.1) == []
        reader.close()


def test_what_was_not_committed_comes_again(carrier: Carrier) -> None:
    name = carrier.topic()
    with carrier.journal() as journal:
        journal.append(name, messages(*"абвг"))
        reader = journal.reader("triage", name)
        first = polled(reader, 4)
        reader.commit(first[:1], {})
        assert reader.poll(10, 0.1) == []
        reader.close()
        reader = journal.reader("triage", name)
        assert values(polled(reader, 3)) == ["б", "в", "г"]
        reader.close()


def test_outputs_are_durable_when_the_offset_is(journal: Journal, carrier: Carrier) -> None:
    name, decided, alarms = carrier.topic(), carrier.topic(), carrier.topic()
    journal.append(name, messages("а", "б"))
    reader = journal.reader("triage", name)
    records = polled(reader, 2)
    reader.commit(records, {decided: messages("решено а", "решено б"), alarms: messages("тревога б")})
    assert values(journal.scan(decided)) == ["решено а", "решено б"]
    assert values(journal.scan(alarms)) == ["тревога б"]
    assert sum(position.lag for position in journal.positions(name)) == 0
    reader.close()


def test_what_cannot_be_written_leaves_the_offset_where_it_was(journal: Journal, carrier: Carrier) -> None:
    name = carrier.topic()
    journal.append(name, messages("а"))
    reader = journal.reader("triage", name)
    records = polled(reader, 1)
    with pytest.raises((JournalError, ValueError)):
        reader.commit(records, {"нет такой": messages("решено")})
    reader.close()
    reader = journal.reader("triage", name)
    assert values(polled(reader, 1)) == ["а"]
    reader.close()


def test_readers_of_different_names_do_not_know_each_other(journal: Journal, carrier: Carrier) -> None:
    name = carrier.topic()
    journal.append(name, messages(*"абв"))
    fast, slow = journal.reader("fast", name), journal.reader("slow", name)
    fast.commit(polled(fast, 3), {})
    slow.commit(polled(slow, 1), {})
    journal.append(name, messages("г"))
    assert values(polled(fast, 1)) == ["г"]
    assert values(polled(slow, 3)) == ["б", "в", "г"]
    fast.close()
    slow.close()


def test_a_poll_takes_no_more_than_its_limit(journal: Journal, carrier: Carrier) -> None:
    name = carrier.topic()
    journal.append(name, messages(*map(str, range(100))))
    reader = journal.reader("triage", name)
    assert values(polled(reader, 100, limit=7)) == [str(n) for n in range(100)]
    reader.close()


def test_positions_tell_how_far_each_reader_is(journal: Journal, carrier: Carrier) -> None:
    name = carrier.topic()
    journal.append(name, messages(*"абвг"))
    for who, count in (("b", 4), ("a", 1)):
        reader = journal.reader(who, name)
        reader.commit(polled(reader, count), {})
        reader.close()
    found = [position for position in journal.positions(name) if position.end]
    (place,) = {position.partition for position in found}
    assert found == [Position("a", place, 1, 4), Position("b", place, 4, 4)]
    assert [position.lag for position in found] == [3, 0]


# One machine only


def test_the_embedded_journal_has_one_live_reader_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("journal.embedded.BUSY_SECONDS", 0.3)
    with EmbeddedJournal(tmp_path / "journal.sqlite") as journal:
        reader = journal.reader("triage", INCOMING)
        with pytest.raises(JournalError, match="уже читает другой живой «triage»"):
            journal.reader("triage", INCOMING)
        reader.close()
        journal.reader("triage", INCOMING).close()


# Kafka only


def test_readers_of_one_name_share_the_partitions(kafka: Kafka) -> None:
    name = kafka.topic()
    with kafka.journal() as journal:
        first, second = journal.reader("triage", name), journal.reader("triage", name)
        seen: dict[str, set[int]] = {"first": set(), "second": set()}
        committed: list[str] = []
        until = time.monotonic() + 60
        while not (seen["first"] and seen["second"]) and time.monotonic() < until:
            journal.append(name, [Message(f"vk:{n}".encode(), f"{n}".encode()) for n in range(20)])
            seen = {"first": set(), "second": set()}
            for who, reader in (("first", first), ("second", second)):
                records = reader.poll(100, 0.3)
                reader.commit(records, {})
                committed += values(records)
                seen[who] |= {record.partition for record in records}
        assert seen["first"] and seen["second"]
        assert not seen["first"] & seen["second"]
        first.close()
        second.close()


def test_a_partition_that_moved_is_not_committed_by_who_had_it(kafka: Kafka) -> None:
    """It has been polled and decided, then taken away: the new reader meets it again, nothing is skipped."""
    name = kafka.topic()
    with kafka.journal() as journal:
        journal.append(name, [Message(f"vk:{n}".encode(), b"x") for n in range(40)])
        first = journal.reader("triage", name)
        records = polled(first, 40)
        second = journal.reader("triage", name)
        again: list[Record] = []
        until = time.monotonic() + 60
        while not again and time.monotonic() < until:
            first.poll(100, 0.2)
            again += second.poll(100, 0.2)
        moved = {record.partition for record in again}
        assert moved
        assert {record.partition for record in records} > moved
        first.commit(records, {})
        for position in journal.positions(name):
            assert position.committed == (0 if position.partition in moved else position.end)
        first.close()
        second.close()


def test_a_partition_that_a_reader_has_never_committed_counts_from_its_start(kafka: Kafka) -> None:
    name = kafka.topic()
    with kafka.journal() as journal:
        journal.append(name, [Message(f"vk:{n}".encode(), b"x") for n in range(40)])
        reader = journal.reader("triage", name)
        (first, *_) = polled(reader, 40)
        reader.commit([first], {})
        reader.close()
        positions = journal.positions(name)
    assert [position.partition for position in positions] == list(range(PARTITIONS))
    assert sum(position.lag for position in positions) == 39


def test_who_follows_sees_what_comes_and_leaves_no_trace(kafka: Kafka) -> None:
    name = kafka.topic()
    with kafka.journal() as journal:
        journal.append(name, messages("раньше"))
        late, whole = journal.follow(name), journal.follow(name, from_start=True)
        journal.append(name, messages("потом"))
        assert values(polled(late, 1)) == ["потом"]
        assert values(polled(whole, 2)) == ["раньше", "потом"]
        late.close()
        whole.close()
        assert journal.positions(name) == []


def test_a_key_that_another_program_put_elsewhere_is_found(kafka: Kafka, broker: str) -> None:
    from kafka import KafkaProducer

    name = kafka.topic()
    with kafka.journal() as journal:
        producer = KafkaProducer(bootstrap_servers=broker)
        for partition in range(PARTITIONS):
            producer.send(name, key=b"vk:1", value=str(partition).encode(), partition=partition)
            producer.send(name, key=b"vk:2", value=b"x", partition=partition)
        producer.close()
        home = values(journal.scan(name, b"vk:1"))
        journal.append(name, messages("own"))
        assert values(journal.scan(name, b"vk:1")) == [*home, "own"]
        only_elsewhere = kafka.topic()
        producer = KafkaProducer(bootstrap_servers=broker)
        for partition in set(range(PARTITIONS)) - {int(home[0])}:
            producer.send(only_elsewhere, key=b"vk:1", value=str(partition).encode(), partition=partition)
        producer.close()
        assert len(values(journal.scan(only_elsewhere, b"vk:1"))) == PARTITIONS - 1


def test_a_missing_topic_is_named_with_its_mend(kafka: Kafka) -> None:
    asked: list[Callable[[KafkaJournal], object]] = [
        lambda journal: journal.append("nobody.made.it", messages("а")),
        lambda journal: journal.reader("triage", "nobody.made.it"),
        lambda journal: journal.scan("nobody.made.it"),
        lambda journal: journal.positions("nobody.made.it"),
    ]
    with kafka.journal() as journal:
        for ask in asked:
            with pytest.raises(JournalError, match=r"нет очереди nobody\.made\.it") as raised:
                ask(journal)
            assert "otklik topics create" in raised.value.mend


def test_a_message_over_the_limit_is_refused_and_the_next_one_passes(kafka: Kafka) -> None:
    name = kafka.topic()
    with kafka.journal() as journal:
        for size in (LARGEST + 1, LARGEST + MEGABYTE):
            with pytest.raises(JournalError, match="больше, чем принимает очередь"):
                journal.append(name, [Message(b"vk:1", bytes(size))])
        journal.append(name, messages("а"))
        assert values(journal.scan(name)) == ["а"]


def test_topics_differ_from_what_is_wanted_in_lines_with_a_mend(kafka: Kafka) -> None:
    name, missing = named("topic"), named("topic")
    wanted = [topic(name, 4, 24), topic(missing, 1, 1)]
    with kafka.journal() as journal:
        made = journal.create([Topic(name, 2, 3_600_000, 1_000_000)])
        assert made == [name]
        assert journal.create([topic(name, 4, 24)]) == []
        found = list(differences(wanted, journal.topics([name, missing])))
        assert [difference.what for difference in found] == [
            f"{name}: разделов 2, а нужно 4",
            f"{name}: хранит сообщения 1 ч, а нужно 24 ч",
            f"{name}: принимает сообщения до 1000000 байт, а нужно {LARGEST} байт",
            f"{missing}: нет такой очереди",
        ]
        assert all("otklik topics create" in difference.mend for difference in found)
        journal.alter(wanted)
        journal.create(wanted)
        assert list(differences(wanted, journal.topics([name, missing]))) == []
        assert journal.partitions(name) == [0, 1, 2, 3]
        journal.append(name, [Message(b"vk:1", bytes(11 * MEGABYTE))])


def test_the_quarantine_takes_what_the_incoming_topic_takes() -> None:
    in_base64 = (LARGEST_INCOMING + 2) // 3 * 4
    assert in_base64 + 100_000 < topic("posts.quarantine", 1, 1).largest
    assert topic(INCOMING, 1, 1).largest == LARGEST_INCOMING


# A broker that is away


@pytest.mark.parametrize("servers", [("127.0.0.1:1",), ("no.such.host.invalid:9092",)])
def test_a_broker_that_is_away_is_an_error_at_once(servers: tuple[str, ...]) -> None:
    with pytest.raises(JournalError, match=f"брокер {servers[0]} не отвечает") as raised:
        KafkaJournal(KafkaSettings(servers), patience=0.5)
    assert "streams.yaml" in raised.value.mend


def test_a_broker_that_dies_is_an_error_and_one_that_returns_has_lost_nothing(own_broker: Broker) -> None:
    kafka = Kafka(own_broker.servers)
    name = kafka.topic()
    journal = KafkaJournal(KafkaSettings((own_broker.servers,)), patience=2, answer=3)
    with journal:
        journal.append(name, messages("а"))
        reader = journal.reader("triage", name)
        reader.commit(polled(reader, 1), {})
        own_broker.kill()
        asked: list[Callable[[], object]] = [
            lambda: journal.append(name, messages("б")),
            lambda: journal.positions(name),
            lambda: list(journal.scan(name)),
        ]
        for ask in asked:
            with pytest.raises(JournalError, match="не отвечает"):
                ask()
        own_broker.start()
        journal.append(name, messages("в"))
        reader.commit(polled(reader, 1), {})
        reader.close()
        assert values(journal.scan(name))[0] == "а"
        assert values(journal.scan(name))[-1] == "в"


def test_tls_and_a_password_are_asked_for_and_given(broker: str, secure: KafkaSettings) -> None:
    with Kafka(broker).journal() as plain, KafkaJournal(secure) as journal:
        name = named("topic")
        journal.create([topic(name, 1, 1)])
        journal.append(name, messages("а"))
        reader = journal.reader("triage", name)
        assert values(polled(reader, 1)) == values(plain.scan(name)) == ["а"]
        reader.close()


@pytest.mark.parametrize("wrong", [{"password": "другой"}, {"ca_file": ""}, {"protocol": "SSL", "mechanism": ""}])
def test_a_wrong_password_or_certificate_is_told_from_a_broker_that_is_away(
    secure: KafkaSettings, wrong: dict[str, str]
) -> None:
    with pytest.raises(JournalError, match="принимает соединение, но не отвечает по") as raised:
        KafkaJournal(replace(secure, **wrong), patience=1.5)
    assert "имя и пароль" in raised.value.mend
    assert PASSWORD not in f"{raised.value!r}{secure!r}"

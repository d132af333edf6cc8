"""The journal on Kafka itself. The only module that knows kafka-python.

A reader's name is a consumer group: readers of one name share the partitions. Outputs are confirmed by the broker
(acks=all, idempotent producer) before the offsets are committed. Keys are spread by murmur2, as Java's client does.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, OffsetAndMetadata, OffsetSpec, TopicPartition, errors
from kafka.admin import ConfigResource
from kafka.partitioner.default import murmur2

from journal.protocol import Closing, JournalError, Message, Outputs, Position, Record
from journal.topics import LARGEST, Topic

PATIENCE = 5.0
ANSWER = 30.0
_PAGE = 1_000
_PAUSE = 0.2
_BATCH = 256 * 1024
_EXISTS = 36
_RETENTION, _LARGEST = "retention.ms", "max.message.bytes"
_MOVED = (
    errors.CommitFailedError,
    errors.RebalanceInProgressError,
    errors.IllegalGenerationError,
    errors.UnknownMemberIdError,
)


@dataclass(frozen=True, slots=True)
class KafkaSettings:
    """``protocol`` and ``mechanism`` as Kafka names them; ``mechanism`` and ``ca_file`` may be empty."""

    servers: tuple[str, ...]
    protocol: str = "PLAINTEXT"
    mechanism: str = ""
    user: str = ""
    password: str = field(default="", repr=False)
    ca_file: str = ""


class KafkaJournal(Closing):
    """``patience`` and ``answer``: seconds to wait for a broker at first, and for its answer from then on.

    Raises:
        JournalError: no broker answers as ``settings`` say.
    """

    def __init__(self, settings: KafkaSettings, patience: float = PATIENCE, answer: float = ANSWER) -> None:
        self._settings, self._patience, self.answer = settings, patience, answer
        self._producer: KafkaProducer | None = None
        self._partitions: dict[str, list[int]] = {}
        with self._explained():
            self._admin = KafkaAdminClient(**self._options(), request_timeout_ms=_milliseconds(answer))

    def append(self, topic: str, messages: Sequence[Message]) -> None:
        self.produce({topic: messages})

    def produce(self, outputs: Outputs) -> None:
        """Every message is confirmed by the broker when it returns. Raises: JournalError."""
        for topic, messages in outputs.items():
            if messages:
                self.partitions(topic)
        with self._explained():
            try:
                self._produce(outputs)
            except BaseException:
                self._forget_producer()
                raise

    def reader(self, name: str, topic: str) -> KafkaReader:
        self.partitions(topic)
        with self._explained():
            consumer = self._consumer(
                group_id=name,
                auto_offset_reset="earliest",
                session_timeout_ms=10_000,
                heartbeat_interval_ms=1_000,
            )
            consumer.subscribe([topic])
            # Known before the group is joined: else it is joined with none of them, and at once again, and what is
            # committed meanwhile is not taken.
            consumer.partitions_for_topic(topic)
        return KafkaReader(self, consumer)

    def follow(self, topic: str, *, from_start: bool = False) -> KafkaReader:
        """A reader without a name, that commits nothing: what comes from now on, or all from the start."""
        spans = self._spans(topic)
        with self._explained():
            consumer = self._consumer()
            consumer.assign([TopicPartition(topic, partition) for partition in spans])
            for partition, (start, end) in spans.items():
                consumer.seek(TopicPartition(topic, partition), start if from_start else end)
        return KafkaReader(self, consumer)

    def scan(self, topic: str, key: bytes | None = None) -> Iterator[Record]:
        """Of one key: its own partition; the others only where nothing is there, since another program wrote it."""
        return self._scan(topic, self._spans(topic), key)

    def positions(self, topic: str) -> list[Position]:
        """Of every group that has committed anywhere in the topic; where it has not, it would begin at the start."""
        spans = self._spans(topic)
        with self._explained():
            groups = [group["group_id"] for group in self._asked(self._admin.list_groups)]
            committed = self._asked(self._admin.list_group_offsets, groups) if groups else {}
        found = []
        for name, offsets in sorted(committed.items()):
            known = {tp.partition: at.offset for tp, at in offsets.items() if tp.topic == topic and at.offset >= 0}
            if known:
                found += [Position(name, p, max(start, known.get(p, 0)), end) for p, (start, end) in spans.items()]
        return found

    def partitions(self, topic: str) -> list[int]:
        """Raises: JournalError: there is no such topic."""
        if topic not in self._partitions:
            with self._explained():
                (described,) = self._asked(self._admin.describe_topics, [topic])
                if described["error_code"]:
                    raise errors.for_code(described["error_code"])(topic)
            self._partitions[topic] = sorted(partition["partition_index"] for partition in described["partitions"])
        return self._partitions[topic]

    def topics(self, names: Sequence[str]) -> dict[str, Topic]:
        """Those of the names that the broker has."""
        with self._explained():
            found = self._asked(self._admin.describe_topics, list(names))
            described = {one["name"]: len(one["partitions"]) for one in found}
            asked = [ConfigResource("TOPIC", name, [_RETENTION, _LARGEST]) for name in described if described[name]]
            configs = self._admin.describe_configs(asked, config_filter="all")["topic"] if asked else {}
        return {
            name: Topic(name, described[name], int(config[_RETENTION]["value"]), int(config[_LARGEST]["value"]))
            for name, config in configs.items()
        }

    def create(self, topics: Sequence[Topic]) -> list[str]:
        """Make those that are missing, with as many copies as the broker is set to; their names."""
        asked = {one.name: {"num_partitions": one.partitions, "configs": _configs(one)} for one in topics}
        with self._explained():
            answered = self._admin.create_topics(asked, raise_errors=False)["topics"] if asked else []
            for one in answered:
                if one["error_code"] not in (0, _EXISTS):
                    raise errors.for_code(one["error_code"])(one["name"])
            made = [one["name"] for one in answered if not one["error_code"]]
            self._admin.wait_for_topics(made)
        return made

    def alter(self, topics: Sequence[Topic]) -> None:
        """Bring those that exist to what is said here; partitions are only added."""
        found = self.topics([one.name for one in topics])
        few = {t.name: t.partitions for t in topics if t.name in found and found[t.name].partitions < t.partitions}
        configs = [ConfigResource("TOPIC", one.name, _configs(one)) for one in topics if one.name in found]
        with self._explained():
            if configs:
                self._admin.alter_configs(configs)
            if few:
                self._admin.create_partitions(few)
                self._partitions.clear()

    def close(self) -> None:
        self._forget_producer()
        self._admin.close()

    def _produce(self, outputs: Outputs) -> None:
        if self._producer is None:
            self._producer = KafkaProducer(
                **self._options(),
                acks="all",
                enable_idempotence=True,
                max_request_size=LARGEST + _BATCH,
                batch_size=_BATCH,
                linger_ms=50,  # flush does not wait for it
                request_timeout_ms=_milliseconds(self.answer / 2),
                delivery_timeout_ms=_milliseconds(self.answer),
                max_block_ms=_milliseconds(self.answer / 2),
                allow_auto_create_topics=False,
            )
        sent = [
            self._producer.send(topic, value=message.value, key=message.key)
            for topic, messages in outputs.items()
            for message in messages
        ]
        self._producer.flush(self.answer)
        for future in sent:
            future.get(0)

    def _forget_producer(self) -> None:
        """What it has not sent by now must not be sent behind the caller's back."""
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.close(timeout=0)

    def _scan(self, topic: str, spans: Mapping[int, tuple[int, int]], key: bytes | None) -> Iterator[Record]:
        order = sorted(spans)
        home = None if key is None else order[(murmur2(key) & 0x7FFFFFFF) % len(order)]
        if home is not None:
            order.sort(key=lambda partition: partition != home)
        with self._explained(), self._closing(self._consumer()) as consumer:
            for partition in order:
                found = False
                for record in self._span(consumer, TopicPartition(topic, partition), *spans[partition]):
                    if key is None or record.key == key:
                        found = True
                        yield record
                if found and partition == home:
                    return

    def _span(self, consumer: KafkaConsumer, place: TopicPartition, start: int, end: int) -> Iterator[Record]:
        if start >= end:
            return
        consumer.assign([place])
        consumer.seek(place, start)
        seconds = 0
        while consumer.position(place) < end:
            records = consumer.poll(timeout_ms=1_000, max_records=_PAGE).get(place, ())
            seconds = 0 if records else seconds + 1
            if seconds > self.answer:
                raise errors.KafkaTimeoutError
            for record in records:
                if record.offset >= end:
                    return
                yield _record(record)

    def _spans(self, topic: str) -> dict[int, tuple[int, int]]:
        """First offset and end of each partition."""
        places = [TopicPartition(topic, partition) for partition in self.partitions(topic)]
        with self._explained():
            starts, ends = (
                self._asked(self._admin.list_partition_offsets, dict.fromkeys(places, spec))
                for spec in (OffsetSpec.EARLIEST, OffsetSpec.LATEST)
            )
        return {place.partition: (starts[place].offset, ends[place].offset) for place in places}

    def _asked(self, ask: Callable[..., Any], *about: Any) -> Any:
        """The admin client raises at once between two tries to connect, also when the broker is there again."""
        until = time.monotonic() + self._patience
        while True:
            try:
                return ask(*about)
            except errors.UnknownTopicOrPartitionError:
                raise
            except errors.RetriableError:
                if time.monotonic() > until:
                    raise
            time.sleep(_PAUSE)

    def _consumer(self, **options: Any) -> KafkaConsumer:
        return KafkaConsumer(
            **self._options(),
            **options,
            enable_auto_commit=False,
            max_partition_fetch_bytes=LARGEST,
            allow_auto_create_topics=False,
        )

    @staticmethod
    @contextmanager
    def _closing(consumer: KafkaConsumer) -> Iterator[KafkaConsumer]:
        try:
            yield consumer
        finally:
            consumer.close(timeout_ms=0)

    def _options(self) -> dict[str, Any]:
        asked = self._settings
        return {
            "bootstrap_servers": list(asked.servers),
            "bootstrap_timeout_ms": _milliseconds(self._patience),
            "reconnect_backoff_max_ms": 1_000,
            "client_id": "otklik",
            "security_protocol": asked.protocol,
            "sasl_mechanism": asked.mechanism or None,
            "sasl_plain_username": asked.user or None,
            "sasl_plain_password": asked.password or None,
            "ssl_cafile": asked.ca_file or None,
        }

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (errors.KafkaError, OSError) as error:
            raise JournalError(*self._said(error)) from error

    def _said(self, error: Exception) -> tuple[str, str]:
        servers = ", ".join(self._settings.servers)
        if isinstance(error, errors.UnknownTopicOrPartitionError):
            return f"на брокере {servers} нет очереди {_words(error)}", "создайте её: otklik topics create"
        if isinstance(error, errors.MessageSizeTooLargeError | errors.RecordListTooLargeError):
            return "сообщение больше, чем принимает очередь", "проверьте настройку очередей: otklik topics check"
        if isinstance(error, errors.AuthorizationError):
            return f"брокер {servers} не дал прав: {_words(error)}", "попросите права у того, кто ведёт брокер"
        if not isinstance(error, errors.BrokerResponseError) or error.retriable:
            if self._connects():
                return (
                    f"брокер {servers} принимает соединение, но не отвечает по {self._settings.protocol}",
                    "проверьте в streams.yaml broker: protocol, mechanism, ca_file, а также имя и пароль",
                )
            return f"брокер {servers} не отвечает", "запустите его или исправьте broker.servers в streams.yaml"
        return f"брокер {servers} отказал: {type(error).__name__}", "покажите это тому, кто ведёт брокер"

    def _connects(self) -> bool:
        """kafka-python says only that time is up, whatever was the matter."""
        for server in self._settings.servers:
            host, _, port = server.rpartition(":")
            with suppress(OSError), socket.create_connection((host.strip("[]"), int(port)), timeout=1):
                return True
        return False


class KafkaReader:
    """Commits only what is still its own: what has moved, its new reader meets again."""

    def __init__(self, journal: KafkaJournal, consumer: KafkaConsumer) -> None:
        self._journal, self._consumer = journal, consumer

    def poll(self, limit: int, wait: float) -> list[Record]:
        with self._journal._explained():
            found = self._consumer.poll(timeout_ms=_milliseconds(wait), max_records=limit)
        return [_record(record) for records in found.values() for record in records]

    def commit(self, records: Sequence[Record], outputs: Outputs) -> None:
        self._journal.produce(outputs)
        owned = self._consumer.assignment()
        after = {TopicPartition(r.topic, r.partition): OffsetAndMetadata(r.offset + 1, "", -1) for r in records}
        after = {place: offset for place, offset in after.items() if place in owned}
        if after:
            with self._journal._explained(), suppress(*_MOVED):
                self._consumer.commit(after, timeout_ms=_milliseconds(self._journal.answer))

    def close(self) -> None:
        self._consumer.close(autocommit=False, timeout_ms=_milliseconds(PATIENCE))


def _record(record: Any) -> Record:
    """A value of null, which the contract does not know, is empty."""
    return Record(
        record.topic, record.partition, record.offset, record.key, record.value or b"", record.timestamp / 1000
    )


def _configs(topic: Topic) -> dict[str, str]:
    return {_RETENTION: str(topic.retention), _LARGEST: str(topic.largest)}


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000)


def _words(error: Exception) -> str:
    return ", ".join(str(word) for word in error.args)

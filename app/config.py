"""``streams.yaml``: by which carrier posts and decisions travel; every fault of it is found in one reading."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from records import Fault, FaultsError
from records.messages import TOPICS
from regulation.documents import Step, load
from regulation.fields import Fields

_KEYS = "carrier embedded broker topics batch sources"
_BROKER_KEYS = "servers protocol mechanism user_variable password_variable ca_file"
_SOURCE_KEYS = "name network watch token_variable every_seconds"
_SERVER = re.compile(r"[\w.-]+:\d{1,5}|\[[0-9a-fA-F:]+\]:\d{1,5}", re.ASCII)
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")
_LONGEST = 20 * 366 * 24


class Carrier(StrEnum):
    EMBEDDED = "embedded"
    KAFKA = "kafka"


class Protocol(StrEnum):
    PLAINTEXT = "PLAINTEXT"
    SSL = "SSL"
    SASL_PLAINTEXT = "SASL_PLAINTEXT"
    SASL_SSL = "SASL_SSL"

    @property
    def signs_in(self) -> bool:
        return self.value.startswith("SASL")


class Mechanism(StrEnum):
    PLAIN = "PLAIN"
    SCRAM_256 = "SCRAM-SHA-256"
    SCRAM_512 = "SCRAM-SHA-512"


@dataclass(frozen=True, slots=True)
class Broker:
    """Secrets are names of environment variables, empty where none is needed; so is the file of the CA."""

    servers: tuple[str, ...]
    protocol: Protocol
    mechanism: Mechanism
    user_variable: str
    password_variable: str
    ca_file: str


@dataclass(frozen=True, slots=True)
class TopicSettings:
    partitions: int
    retention_hours: int


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch goes when it is full or when its first post has waited so long; one over its limit ends the worker."""

    size: int
    wait_milliseconds: int
    limit_seconds: int


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """``watch``: communities, channels or files, as the network names them."""

    name: str
    network: str
    watch: tuple[str, ...]
    token_variable: str
    every_seconds: int


@dataclass(frozen=True, slots=True)
class Streams:
    """``journal``: the file of the embedded carrier, beside ``streams.yaml`` unless absolute."""

    carrier: Carrier
    journal: Path
    broker: Broker
    topics: Mapping[str, TopicSettings]
    batch: Batch
    sources: tuple[SourceSettings, ...]
    warnings: tuple[Fault, ...]


def load_streams(path: Path) -> Streams:
    """Raises: FaultsError: with each fault of the file."""
    document = load(path)
    top = Section(document, (), document.data, _KEYS)
    carrier = top.choice("carrier", Carrier, Carrier.EMBEDDED)
    journal = top.section("embedded", "path").text("path")
    broker = _broker(top.section("broker", _BROKER_KEYS))
    topics = _topics(top.section("topics", " ".join(TOPICS)))
    batch = _batch(top.section("batch", "size wait_milliseconds limit_seconds"))
    sources = _sources(top)
    if any(not fault.warning for fault in document.faults):
        raise FaultsError(document.faults)
    return Streams(carrier, path.parent / journal, broker, topics, batch, sources, tuple(document.faults))


class Section(Fields):
    """A mapping of ``streams.yaml``: whole numbers within bounds, names of variables, and the nearest right key."""

    def fault(self, key: Any, what: str, mend: str, *inner: Step) -> None:
        if key is not None and not inner and key not in self._keys:
            near = difflib.get_close_matches(str(key), self._keys, n=1)
            mend = f"возможно, {near[0]}; {mend}" if near else mend
        super().fault(key, what, mend, *inner)

    def section(self, key: str, keys: str) -> Section:
        if key not in self:
            self.fault(key, f"нет раздела {key}", f"добавьте {key} с ключами: {', '.join(keys.split())}")
        return Section(self.document, (*self.where, key), self.mapping(key), keys)

    def sections(self, key: str, keys: str) -> Iterator[Section]:
        for number, value in self._items(key):
            yield Section(self.document, (*self.where, key, number), value, keys)

    def whole(self, key: str, low: int, high: int, default: int | None = None) -> int:
        """As JSON Schema has it, 720.0 is a whole number."""
        value = self._data.get(key)
        if value is None:
            value = default
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if value is None:
            self.fault(key, f"нет значения {key}", f"добавьте {key}: число от {low} до {high}")
        elif isinstance(value, bool) or not isinstance(value, int):
            self.fault(key, f"{key}: ждут целое число, а не {value!r}", f"число от {low} до {high}, без кавычек")
        elif not low <= value <= high:
            self.fault(key, f"{key}: {value} вне пределов", f"число от {low} до {high}")
        else:
            return value
        return low

    def variable(self, key: str) -> str:
        """Name of an environment variable, or nothing."""
        name = self.text(key, "")
        if name and not _VARIABLE.fullmatch(name):
            mend = "сам секрет держите в переменной окружения, сюда впишите её имя: OTKLIK_KAFKA_PASSWORD"
            self.fault(key, f"{key}: это не имя переменной окружения", mend)
        return name


def _broker(section: Section) -> Broker:
    ca_file = section.text("ca_file", "")
    broker = Broker(
        servers=section.texts("servers"),
        protocol=section.choice("protocol", Protocol, Protocol.PLAINTEXT),
        mechanism=section.choice("mechanism", Mechanism, Mechanism.SCRAM_512),
        user_variable=section.variable("user_variable"),
        password_variable=section.variable("password_variable"),
        ca_file=str(section.document.path.parent / ca_file) if ca_file else "",
    )
    if not broker.servers:
        section.fault("servers", "не назван ни один сервер", 'servers: ["localhost:9092"]')
    for number, server in enumerate(broker.servers):
        if not _SERVER.fullmatch(server):
            section.fault("servers", f"«{server}» — не адрес сервера", "адрес и порт: kafka.local:9092", number)
    if broker.protocol.signs_in:
        for key in ("user_variable", "password_variable"):
            if key not in section:
                mend = f"{key}: имя переменной окружения"
                section.fault(key, f"для {broker.protocol} нужен {key}", mend)
    return broker


def _topics(section: Section) -> dict[str, TopicSettings]:
    found = {}
    for name in TOPICS:
        if name in section:
            topic = section.section(name, "partitions retention_hours")
            found[name] = TopicSettings(topic.whole("partitions", 1, 1000), topic.whole("retention_hours", 1, _LONGEST))
        else:
            section.fault(name, f"нет очереди {name}", f"добавьте {name}: {{partitions: 4, retention_hours: 720}}")
    return found


def _batch(section: Section) -> Batch:
    return Batch(
        size=section.whole("size", 1, 10_000),
        wait_milliseconds=section.whole("wait_milliseconds", 1, 60_000),
        limit_seconds=section.whole("limit_seconds", 1, 3_600, default=60),
    )


def _sources(top: Section) -> tuple[SourceSettings, ...]:
    found: list[SourceSettings] = []
    for section in top.sections("sources", _SOURCE_KEYS):
        source = SourceSettings(
            name=section.text("name"),
            network=section.text("network"),
            watch=section.texts("watch"),
            token_variable=section.variable("token_variable"),
            every_seconds=section.whole("every_seconds", 1, 24 * 3600),
        )
        if source.name and source.name in {other.name for other in found}:
            section.fault("name", f"источник «{source.name}» уже есть", "дайте источнику другое имя")
        if not source.watch:
            section.fault("watch", "не сказано, за чем следить", "watch: [сообщество или файл]")
        found.append(source)
    return tuple(found)

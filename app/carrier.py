"""The journal that ``streams.yaml`` names; the only module that knows both carriers.

Imports stand inside: ``otklik --help`` waits for neither SQLite nor Kafka, and one carrier not for the other.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from app.errors import UsageFault
from app.home import find_home, secret
from journal import Journal

if TYPE_CHECKING:
    from app.config import Streams
    from journal.kafka import KafkaJournal, KafkaSettings


def streams_of(home: Path | None, streams: Path | None) -> Streams:
    """By the options ``--home`` and ``--streams`` of a command. Raises: UsageFault, FaultsError."""
    from app.config import load_streams

    return load_streams(streams or find_home(home) / "streams.yaml")


def on_kafka(streams: Streams) -> bool:
    from app.config import Carrier

    return streams.carrier is Carrier.KAFKA


def open_journal(streams: Streams) -> Journal:
    """Raises: JournalError: the carrier cannot be had; UsageFault: a secret is not in the environment."""
    if on_kafka(streams):
        return open_kafka(streams)
    from journal.embedded import EmbeddedJournal

    return EmbeddedJournal(streams.journal)


def open_kafka(streams: Streams) -> KafkaJournal:
    """Raises: JournalError, UsageFault."""
    from journal.kafka import KafkaJournal

    return KafkaJournal(kafka_settings(streams))


def kafka_settings(streams: Streams) -> KafkaSettings:
    """With the secrets themselves. Raises: UsageFault: one of them, or the file of the CA, is not there."""
    from journal.kafka import KafkaSettings

    broker = streams.broker
    signs_in = broker.protocol.signs_in
    if broker.ca_file and not Path(broker.ca_file).is_file():
        raise UsageFault(f"нет файла {broker.ca_file}", "исправьте broker.ca_file в streams.yaml")
    return KafkaSettings(
        servers=broker.servers,
        protocol=broker.protocol.value,
        mechanism=broker.mechanism.value if signs_in else "",
        user=secret(broker.user_variable) if signs_in else "",
        password=secret(broker.password_variable) if signs_in else "",
        ca_file=broker.ca_file,
    )

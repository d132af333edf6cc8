"""One process that decides, by the carrier that ``streams.yaml`` names."""

from __future__ import annotations

import signal
import ssl
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from app import engine
from app.carrier import kafka_settings, on_kafka, open_kafka
from app.config import Streams
from app.health import Health, serve
from app.logs import start_logging
from app.sink import Sink
from journal import JournalError, Position
from journal.embedded import EmbeddedJournal
from pipeline.attempts import Attempts
from pipeline.handler import Handler
from pipeline.metrics import Metrics
from pipeline.portions import Portion, Portions
from pipeline.run import NEVER, READER, run
from records.clock import now
from records.messages import ALARMS, DECIDED, INCOMING, QUARANTINE

if TYPE_CHECKING:
    from journal.kafka import KafkaJournal, KafkaSettings
    from pipeline.worker import Security

STALL_MARGIN = 60.0
_WAIT = 0.5


def work(folder: Path, settings: Streams, port: int, decisions: Path | None) -> None:
    """Until SIGTERM or SIGINT. ``folder``: the home; ``port`` 0: no ``/metrics``; ``decisions``: embedded only."""
    start_logging()
    metrics, health = Metrics(), Health(settings.batch.limit_seconds + STALL_MARGIN)
    with ExitStack() as stack:
        stack.enter_context(serve(port, metrics, health))
        watched = Watched(metrics, health)
        if on_kafka(settings):
            _on_kafka(stack, folder, settings, watched)
        else:
            _embedded(stack, folder, settings, watched, decisions)


class Watched:
    """What the loop tells to the metrics and to ``/health``."""

    def __init__(self, metrics: Metrics, health: Health) -> None:
        self._metrics, self.health = metrics, health
        self._nothing_before = 0.0

    def committed(self, portion: Portion, seconds: float) -> None:
        self._metrics.committed(portion, seconds)
        self.health.progressed()
        self._nothing_before = max(self._nothing_before, portion.records[-1].at)

    def waiting(self, lag: int, oldest_at: float | None) -> None:
        self._metrics.waiting(lag, oldest_at)
        self.health.waiting(lag)
        self.health.turned()

    def waits(self, lag: int) -> None:
        """Where nobody says when the oldest message came: after what was decided last, and after nothing waited."""
        if not lag:
            self._nothing_before = now().timestamp()
        self.waiting(lag, self._nothing_before or None)

    def lost(self, error: Exception) -> None:
        """The carrier is; the loop turns."""
        self.health.turned()
        self.health.lost(str(error) if isinstance(error, JournalError) else type(error).__name__)


def _portions(stack: ExitStack, folder: Path, settings: Streams) -> Portions:
    """The ledger of attempts lies beside the journal, on Kafka too: it is this machine's own."""
    attempts = Attempts(settings.journal.with_name("attempts.sqlite"), READER)
    stack.callback(attempts.close)
    handler = Handler(engine.load(folder).decider.decide)
    return Portions(handler, attempts, settings.batch.limit_seconds)


def _embedded(stack: ExitStack, folder: Path, settings: Streams, watched: Watched, decisions: Path | None) -> None:
    stopping: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _: stopping.append(received))
    journal = stack.enter_context(EmbeddedJournal(settings.journal))
    reader = journal.reader(READER, INCOMING)
    stack.callback(reader.close)
    sink = stack.enter_context(Sink(journal, decisions)) if decisions is not None else None
    portions = _portions(stack, folder, settings)
    watched.health.loaded()

    def turned() -> None:
        if sink is not None:
            sink.catch_up()
        committed = journal.position(READER, INCOMING)
        oldest = journal.page(INCOMING, committed, 1)
        watched.waiting(journal.end(INCOMING) - committed, oldest[0].at if oldest else None)

    run(
        reader,
        portions,
        limit=settings.batch.size,
        wait=_WAIT,
        going=lambda: not stopping,
        after=watched.committed,
        turned=turned,
    )
    turned()


def _on_kafka(stack: ExitStack, folder: Path, settings: Streams, watched: Watched) -> None:
    from pipeline.worker import Settings, TriageWorker

    with open_kafka(settings) as journal:
        for topic in (INCOMING, DECIDED, ALARMS, QUARANTINE):
            journal.partitions(topic)
    secure = kafka_settings(settings)
    batch = settings.batch
    worker = TriageWorker(
        Settings(
            servers=secure.servers,
            security=_security(secure),
            size=batch.size,
            wait=batch.wait_milliseconds / 1_000,
            stall=batch.limit_seconds + STALL_MARGIN,
            folder=settings.journal.parent,
        ),
        _portions(stack, folder, settings),
        _positions(settings, watched),
        watched.committed,
        watched.waits,
    )
    watched.health.loaded()
    worker.run()


def _positions(settings: Streams, watched: Watched) -> Callable[[], Sequence[Position]]:
    """For the thread that watches: it asks the broker by a client of its own, opened at the first question."""
    opened: list[KafkaJournal] = []

    def positions() -> Sequence[Position]:
        try:
            if not opened:
                opened.append(open_kafka(settings))
            found = opened[0].positions(INCOMING)
            return found if any(p.reader == READER for p in found) else _unread(opened[0])
        except Exception as error:
            watched.lost(error)
            while opened:
                opened.pop().close()
            raise

    return positions


def _unread(journal: KafkaJournal) -> list[Position]:
    """Before the first commit of all Kafka knows nothing of the reader; the first message there is waits for it."""
    first = next(journal.scan(INCOMING), None)
    return [Position(READER, first.partition, NEVER, first.offset + 1)] if first else []


def _security(settings: KafkaSettings) -> Security:
    from pipeline.worker import Security

    context = None
    if settings.protocol.endswith("SSL"):
        context = ssl.create_default_context(cafile=settings.ca_file or None)
    return Security(settings.mechanism, settings.user, settings.password, context)

"""The stream on Kafka: a faust worker. The only module that knows faust.

Faust acknowledges a message even where its handler raised; so events are taken unacknowledged, a batch is decided
off the loop, every output is confirmed by the broker, and only then are its events acknowledged, in order. What
still raises ends the worker with nothing of the batch committed (``docs/decisions/0008-stream.md``).
"""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import faust
import mode
from aiokafka import AIOKafkaProducer

from journal import Outputs, Position, Record
from journal.topics import LARGEST, LARGEST_INCOMING
from pipeline.portions import Portion, Portions
from pipeline.run import NEVER, After
from pipeline.run import READER as GROUP
from records.messages import INCOMING

_FRAME = 256 * 1024  # what a request has around its largest message
SESSION_SECONDS = 10  # without a heartbeat, after which a worker's partitions go to the others
STALLED = 4
LOOK_SECONDS = 5.0

log = logging.getLogger("otklik.worker")


@dataclass(frozen=True, slots=True)
class Security:
    """``mechanism``: SASL, empty for none; ``context``: TLS, ``None`` for none. Secrets as they are."""

    mechanism: str = ""
    user: str = ""
    password: str = ""
    context: ssl.SSLContext | None = None

    @property
    def protocol(self) -> str:
        return ("SASL_" if self.mechanism else "") + ("SSL" if self.context else "PLAINTEXT")


@dataclass(frozen=True, slots=True)
class Settings:
    """``size`` and ``wait`` (seconds) of a batch; ``stall``: seconds without progress while messages wait."""

    servers: tuple[str, ...]
    security: Security
    size: int
    wait: float
    stall: float
    folder: Path


class TriageWorker:
    """``positions`` is asked by a thread of its own, which tells ``waits`` how many messages wait for this worker;
    ``after`` is told of every portion committed.
    """

    def __init__(
        self,
        settings: Settings,
        portions: Portions,
        positions: Callable[[], Sequence[Position]],
        after: After,
        waits: Callable[[int], None],
    ) -> None:
        self._settings, self._portions, self._after = settings, portions, after
        self._watch = Watch(positions, self._owned, settings.stall, waits)
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="decide")
        self._producer: AIOKafkaProducer | None = None
        self._app = _app(settings)
        topic = self._app.topic(INCOMING, key_serializer="raw", value_serializer="raw")
        self._app.agent(topic, name="triage", concurrency=1, supervisor_strategy=mode.CrashingSupervisor)(self._triage)

    def run(self) -> None:
        """Until SIGTERM or SIGINT: the batch is finished, committed, the group left. Exits with faust's code."""
        self._watch.start()
        worker = faust.Worker(self._app, loglevel="WARNING", quiet=True, redirect_stdouts=False, override_logging=False)
        worker.spinner = None  # it writes control characters into logs too
        worker.execute_from_commandline()

    async def _triage(self, stream: Any) -> AsyncIterator[None]:
        async for events in stream.noack_take(self._settings.size, within=self._settings.wait):
            portions = self._portions.of([_record(event) for event in events])
            done, begun = 0, time.perf_counter()
            while (portion := await self._next(portions)) is not None:
                await self._produce(portion.handled.outputs)
                for event in events[done : done + len(portion.records)]:
                    await stream.ack(event)
                if portion.alone:
                    await self._commit()
                done += len(portion.records)
                ended = time.perf_counter()
                self._after(portion, ended - begun)
                begun = ended
            yield

    async def _next(self, portions: Iterator[Portion]) -> Portion | None:
        return await asyncio.get_running_loop().run_in_executor(self._executor, next, portions, None)

    async def _commit(self) -> None:
        """Without waiting for the interval. One that was under way did not know of the last messages: once more."""
        if not await self._app.consumer.commit():
            await self._app.consumer.commit()

    async def _produce(self, outputs: Outputs) -> None:
        producer = await self._started()
        sent = [
            await producer.send(topic, value=message.value, key=message.key)
            for topic, messages in outputs.items()
            for message in messages
        ]
        await asyncio.gather(*sent)

    async def _started(self) -> AIOKafkaProducer:
        if self._producer is None:
            security = self._settings.security
            producer = AIOKafkaProducer(
                bootstrap_servers=list(self._settings.servers),
                acks="all",
                enable_idempotence=True,
                max_request_size=LARGEST + _FRAME,
                max_batch_size=_FRAME,
                linger_ms=0,
                security_protocol=security.protocol,
                sasl_mechanism=security.mechanism or "PLAIN",
                sasl_plain_username=security.user or None,
                sasl_plain_password=security.password or None,
                ssl_context=security.context,
            )
            await producer.start()
            self._producer = producer
        return self._producer

    def _owned(self) -> dict[int, int]:
        """By partition the offset up to which all is handled, for the watch: nought while anything is in work there."""
        consumer: Any = self._app.consumer if self._app.started else None
        inner = consumer and consumer._thread and consumer._thread._consumer
        subscription = inner and inner._subscription.subscription
        if not (subscription and subscription.assignment):
            return {}
        busy = {message.partition for message in consumer.unacked}
        owned = {}
        for tp in consumer.assignment():
            state = subscription.assignment.state_value(tp)
            idle = tp.partition not in busy and state is not None and state.has_valid_position
            owned[tp.partition] = state.position if idle else 0
        return owned


def _app(settings: Settings) -> faust.App:
    security = settings.security
    return faust.App(
        GROUP,
        broker=[f"kafka://{server}" for server in settings.servers],
        broker_credentials=_credentials(security),
        broker_session_timeout=SESSION_SECONDS,
        broker_heartbeat_interval=1,
        broker_commit_interval=1.0,
        broker_max_poll_records=500,
        consumer_max_fetch_size=LARGEST_INCOMING + _FRAME,
        consumer_auto_offset_reset="earliest",
        producer_acks=-1,
        stream_buffer_maxsize=1024,
        stream_wait_empty=True,
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
        worker_redirect_stdouts=False,
        datadir=settings.folder,
        store="memory://",
    )


def _credentials(security: Security) -> Any:
    if security.mechanism:
        return faust.SASLCredentials(
            mechanism=security.mechanism,
            username=security.user,
            password=security.password,
            ssl_context=security.context,
        )
    return faust.SSLCredentials(context=security.context) if security.context else None


def _record(event: Any) -> Record:
    message = event.message
    return Record(
        message.topic, message.partition, message.offset, message.key, message.value or b"", message.timestamp
    )


class Watch(threading.Thread):
    """Ends a worker that owns partitions where messages wait and whose commits stand still.

    Consumers are known to die without a word; the broker is asked from a thread, past the loop that may be stuck.
    A worker that owns nothing looks at all partitions. A broker that is away is not the worker's fault. Nor does what
    was read and is nobody's message wait: a transaction leaves an offset behind its last message.
    """

    def __init__(
        self,
        positions: Callable[[], Sequence[Position]],
        owned: Callable[[], Mapping[int, int]],
        seconds: float,
        waits: Callable[[int], None] = lambda _: None,
        end: Callable[[], None] = lambda: os._exit(STALLED),
    ) -> None:
        super().__init__(name="watch", daemon=True)
        self._positions, self._owned, self._seconds, self._waits, self._end = positions, owned, seconds, waits, end
        self._stood: dict[int, tuple[int, float]] = {}
        self._blind = False

    def run(self) -> None:
        while not self.stalled(time.monotonic()):
            time.sleep(LOOK_SECONDS)
        log.error("очередь %s стоит %.0f с, хотя сообщения ждут: процесс кончается", INCOMING, self._seconds)
        self._end()

    def stalled(self, moment: float) -> bool:
        """Whether a partition has stood still, with messages waiting, for the time allowed."""
        try:
            owned = self._owned()
            positions = [p for p in self._positions() if p.reader == GROUP]
        except Exception as error:  # whatever a client throws, the watch goes on
            if not self._blind:
                log.warning("очередь %s: не узнать, сколько ждёт (%s)", INCOMING, type(error).__name__)
            self._blind = True
            self._stood.clear()
            return False
        self._blind = False
        waiting = {
            p.partition: p for p in positions if (not owned or p.partition in owned) and p.end > _handled(p, owned)
        }
        self._waits(sum(p.lag for p in waiting.values() if p.partition in owned))
        self._stood = {
            partition: self._stood[partition]
            if partition in self._stood and self._stood[partition][0] == p.committed
            else (p.committed, moment)
            for partition, p in waiting.items()
        }
        return any(moment - since >= self._seconds for _, since in self._stood.values())


def _handled(position: Position, owned: Mapping[int, int]) -> int:
    """Before the first commit of all, nothing: what was read may be in hand, behind what is stuck."""
    return 0 if position.committed == NEVER else max(position.committed, owned.get(position.partition, 0))

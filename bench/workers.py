"""The processes that ``bench.stream`` measures, and the posts that it gives them."""

from __future__ import annotations

import gc
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from unittest.mock import patch

from app import deciding, engine
from app.config import Streams, load_streams
from bench.speed import BATCH, HOME, texts
from journal import Message, Record
from pipeline.each import Decide
from pipeline.handler import Handler
from pipeline.run import READER
from pipeline.triage import Triage
from records import Decision, Post, revision_of
from records.clock import now, stamp
from records.messages import INCOMING, incoming


def post_of(part: str, number: int, text: str) -> Post:
    key = f"vk:-{part}_{number}"
    return Post(key, text, network="vk", source="bench", detected_at=stamp(now()), revision=revision_of(text))


def messages_of(part: str, found: Sequence[str], count: int = 0) -> list[Message]:
    """``part``: makes keys that no other part has; ``count``: the texts repeated to so many."""
    posts = [post_of(part, number, found[number % len(found)]) for number in range(count or len(found))]
    return [Message(post.key.encode(), incoming(post)) for post in posts]


def records_of(messages: Sequence[Message]) -> list[Record]:
    return [Record(INCOMING, 0, number, m.key, m.value, 0.0) for number, m in enumerate(messages)]


def worker(settings: Streams, port: int) -> None:
    deciding.work(HOME, settings, port, None)


def cheap_worker(settings: Streams, port: int) -> None:
    """The same around a function that costs nothing: what is left is the carrier and the messages."""
    loaded = engine.Engine(Prepared(), {}, {}, {})
    with patch.object(engine, "load", lambda _: loaded):
        worker(settings, port)


class Prepared:
    """Decisions of real posts, made before."""

    def __init__(self) -> None:
        triage = Triage.load(HOME)
        self._decisions = triage.decide([post_of("", number, text) for number, text in enumerate(texts()[0][:BATCH])])
        del triage
        gc.collect()

    def decide(self, posts: Sequence[Post]) -> list[Decision]:
        return self._decisions[: len(posts)]


def plain(settings: Streams, _: int) -> None:
    plain_loop(settings, Triage.load(HOME).decide)


def cheap_plain(settings: Streams, _: int) -> None:
    plain_loop(settings, Prepared().decide)


def plain_loop(settings: Streams, decide: Decide) -> None:
    """What one would write without faust: no limit of time, no record of attempts, no watch."""
    from kafka import KafkaConsumer, KafkaProducer

    servers, handler = list(settings.broker.servers), Handler(decide)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    consumer = KafkaConsumer(
        INCOMING,
        bootstrap_servers=servers,
        group_id=READER,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    producer = KafkaProducer(bootstrap_servers=servers, acks="all", batch_size=256 * 1024)
    with suppress(KeyboardInterrupt):
        while True:
            found = consumer.poll(timeout_ms=settings.batch.wait_milliseconds, max_records=settings.batch.size)
            records = [
                Record(r.topic, r.partition, r.offset, r.key, r.value, r.timestamp / 1_000)
                for own in found.values()
                for r in own
            ]
            outputs = handler.handle(records).outputs
            sent = [producer.send(to, value=m.value, key=m.key) for to, messages in outputs.items() for m in messages]
            producer.flush()
            for future in sent:
                future.get(0)
            if records:
                consumer.commit()
    consumer.close()


WORKERS: dict[str, Callable[[Streams, int], None]] = {
    "worker": worker,
    "cheap-worker": cheap_worker,
    "plain": plain,
    "plain-cheap": cheap_plain,
}


if __name__ == "__main__":
    kind, streams, port = sys.argv[1:]
    WORKERS[kind](load_streams(Path(streams)), int(port))

"""What the tests of the stream share: a ``streams.yaml`` of one's own, messages, the loop with the quick pipeline."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import yaml
from click.testing import CliRunner, Result
from fake_triage import ROOT, FakeTriage

from app.carrier import open_journal
from app.command import otklik as group
from app.config import load_streams
from journal import Journal, Message
from pipeline.each import Decide
from pipeline.handler import Handler
from pipeline.run import READER
from records import Post, revision_of
from records.messages import INCOMING, incoming

_PATIENCE = 20.0


class Stream:
    """``streams``: its file; on Kafka where ``servers`` are named. Commands are called in this process."""

    def __init__(self, folder: Path, servers: str = "") -> None:
        self.streams = folder / "streams.yaml"
        settings = yaml.safe_load((ROOT / "streams.yaml").read_text(encoding="utf-8"))
        if servers:
            settings["carrier"], settings["broker"]["servers"] = "kafka", [servers]
        self.streams.write_text(yaml.safe_dump(settings), encoding="utf-8")

    def journal(self) -> Journal:
        return open_journal(load_streams(self.streams))

    def otklik(self, *words: object) -> Result:
        return CliRunner().invoke(group, [*map(str, words), "--streams", str(self.streams)], prog_name="otklik")

    def append(self, *messages: Message, topic: str = INCOMING) -> None:
        with self.journal() as journal:
            journal.append(topic, messages)

    def decide(self, count: int, decide: Decide | None = None) -> None:
        """So many messages that wait are handled and committed."""
        handler = Handler(decide or FakeTriage().decide)
        with self.journal() as journal:
            reader = journal.reader(READER, INCOMING)
            until = time.monotonic() + _PATIENCE
            while count > 0 and time.monotonic() < until:
                records = reader.poll(count, 2.0)
                reader.commit(records, handler.handle(records).outputs)
                count -= len(records)
            reader.close()
        assert count == 0


def message(text: str, key: str = "vk:-1_2", detected_at: str | None = "2026-03-14T09:30:00+03:00") -> Message:
    post = Post(key, text, network="vk", detected_at=detected_at, revision=revision_of(text))
    return Message(key.encode(), incoming(post))


def raw_message(value: str | bytes, key: str | None = "vk:-1_2") -> Message:
    return Message(None if key is None else key.encode(), value if isinstance(value, bytes) else value.encode())


def lines(result: Result) -> Sequence[str]:
    assert result.exit_code == 0, result.output
    return result.stdout.splitlines()

"""One handler for both carriers: records of ``posts.incoming`` in, what goes to the other topics out.

A message that cannot be read, or that makes the decision raise, goes to quarantine at once: a pure function fails
the same way twice. The others of its batch are decided as if it had not been there.
"""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePath

from journal import Message, Record
from pipeline.each import Decide, decide_each
from records import Decision, Post, PostError
from records.clock import now, stamp
from records.messages import ALARMS, DECIDED, QUARANTINE, Origin, decided, quarantined, read_incoming


@dataclass(slots=True)
class Handled:
    """``outputs``: by topic, in the order of the records; the counts are for the metrics."""

    outputs: dict[str, list[Message]] = field(default_factory=dict)
    verdicts: Counter[str] = field(default_factory=Counter)
    alarms: Counter[str] = field(default_factory=Counter)
    quarantined: int = 0

    def add(self, topic: str, key: bytes | None, value: bytes) -> None:
        self.outputs.setdefault(topic, []).append(Message(key, value))


class Handler:
    """``decide``: ``Triage.decide``, one decision for each post, in order."""

    def __init__(self, decide: Decide) -> None:
        self._decide = decide

    def handle(self, records: Sequence[Record]) -> Handled:
        read = [_read(record) for record in records]
        decisions = iter(decide_each(self._decide, [post for post in read if isinstance(post, Post)]))
        handled = Handled()
        for record, post in zip(records, read, strict=True):
            if isinstance(post, PostError):
                reason = f"{post.reason}; как исправить: {post.mend}"
                _quarantine(handled, record, reason, type(post).__name__)
                continue
            decision = next(decisions)
            if isinstance(decision, Exception):
                _quarantine(handled, record, f"сбой при разборе: {type(decision).__name__}", _where(decision))
            else:
                _decided(handled, record, post, decision)
        return handled

    def refuse(self, record: Record, reason: str, error: str) -> Handled:
        """To quarantine without another try."""
        handled = Handled()
        _quarantine(handled, record, reason, error)
        return handled


def _read(record: Record) -> Post | PostError:
    try:
        return read_incoming(record.value, record.key)
    except PostError as error:
        return error


def _decided(handled: Handled, record: Record, post: Post, decision: Decision) -> None:
    value = decided(post, decision)
    handled.add(DECIDED, record.key, value)
    handled.verdicts[decision.verdict.value] += 1
    if decision.alarms:
        handled.add(ALARMS, record.key, value)
        handled.alarms.update({alarm.kind.value for alarm in decision.alarms})


def _quarantine(handled: Handled, record: Record, reason: str, error: str) -> None:
    origin = Origin(record.topic, record.partition, record.offset)
    handled.add(QUARANTINE, record.key, quarantined(record.value, reason, error, stamp(now()), origin))
    handled.quarantined += 1


def _where(error: Exception) -> str:
    """The kind of the error and the line that raised it; never its words, which may quote the post."""
    frames = traceback.extract_tb(error.__traceback__)
    last = f" at {PurePath(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{last}"

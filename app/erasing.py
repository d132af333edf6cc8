"""What the journal holds about people: erased when its time is over, or of one author at once; and found."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import inf
from typing import TYPE_CHECKING, Any

from app.casebook import READER as CASEBOOK
from app.quarantined import iso, lying, raw, records_of
from casebook.forgetting import days_before
from casebook.intake import author_digest
from journal import Journal, Record
from pipeline.run import READER as TRIAGE
from records import PostError
from records.messages import ALARMS, DECIDED, INCOMING, QUARANTINE, message_of
from records.strict import json_object

if TYPE_CHECKING:
    from journal.embedded import EmbeddedJournal

# Each topic with people's words: the policy's value, and who must have read it though they never began.
TOPICS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    INCOMING: ("journal_days", (TRIAGE,)),
    DECIDED: ("journal_days", (CASEBOOK,)),
    ALARMS: ("journal_days", ()),
    QUARANTINE: ("quarantine_days", ()),
}


@dataclass(frozen=True, slots=True)
class Cleared:
    """Of one topic. ``kept``: not yet passed by the readers ``behind``; ``unresolved``: of ``gone``, in quarantine."""

    topic: str
    gone: int
    kept: int
    behind: tuple[str, ...]
    unresolved: int = 0


def clear_old(
    journal: EmbeddedJournal, days: Callable[[str], int], now: datetime, *, rehearsal: bool = False
) -> Iterator[Cleared]:
    """``days``: of a value of the policy ``retention``."""
    for topic, (name, readers) in TOPICS.items():
        before = days_before(now, days(name)).timestamp()
        waiting = [one for one in lying(journal).values() if one.at < before] if topic == QUARANTINE else []
        done = journal.erase(topic, before, readers=readers, rehearsal=rehearsal)
        yield Cleared(topic, done.gone, done.kept, done.behind, len(waiting))


def clear_author(journal: EmbeddedJournal, author: str, *, rehearsal: bool = False) -> Iterator[Cleared]:
    """``author``: the digest (``casebook.intake.author_digest``)."""

    def is_by(record: Record) -> bool:
        return author in authors_of(record)

    for topic, (_, readers) in TOPICS.items():
        waiting = [one for one in records_of(journal, lying(journal)) if is_by(one)] if topic == QUARANTINE else []
        done = journal.erase(topic, inf, readers=readers, chosen=is_by, rehearsal=rehearsal)
        yield Cleared(topic, done.gone, done.kept, done.behind, len(waiting))


def about(journal: Journal, author: str) -> dict[str, list[dict[str, Any]]]:
    """Records of an author on either carrier: ``journal``, and ``quarantine`` with the text as it came."""
    found: dict[str, list[dict[str, Any]]] = {"journal": [], "quarantine": []}
    for topic in TOPICS:
        for record in journal.scan(topic):
            if author in authors_of(record):
                place = {"topic": topic, "partition": record.partition, "offset": record.offset, "at": iso(record.at)}
                if topic == QUARANTINE:
                    text = raw(record).decode("utf-8", "backslashreplace")
                    found["quarantine"].append({**place, "reason": _reason(record), "raw": text})
                else:
                    found["journal"].append({**place, "value": json.loads(record.value)})
    return found


def _reason(record: Record) -> str | None:
    try:
        return str(message_of(record.value).get("reason"))
    except PostError:
        return None


def authors_of(record: Record) -> set[str]:
    """Digests of whoever a record says it is by; of what cannot be read (a line of text), nobody."""
    value = raw(record) if record.topic == QUARANTINE else record.value
    try:
        found = json_object(value.decode("utf-8"))
    except (PostError, UnicodeDecodeError):
        return set()
    post = found.get("post", found)
    if not isinstance(post, Mapping) or type(post.get("author")) not in (str, int):
        return set()
    network, key = post.get("network"), post.get("key")
    before, colon, _ = str(key).partition(":")
    named = network if isinstance(network, str) and network else before if colon else None
    return {author_digest(named, str(post["author"]))} - {""}

"""``otklik trace``: one post's whole way in order of time; its text is never shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import click

from app import labels
from app.carrier import open_journal, streams_of
from app.errors import FAILED, UsageFault
from app.options import Shown, home_option, one_of, streams_option
from app.quarantined import DROPPED, RETRIED, entry, iso, local
from app.tables import has_casebook, open_casebook
from app.target import standard_output
from app.words import one_line
from journal import Journal, Record
from records import AlarmKind, PostError, Track, Verdict, dump, post_from_json
from records.messages import ALARMS, DECIDED, INCOMING, QUARANTINE, message_of


class What(StrEnum):
    ACCEPTED = "accepted"
    DECIDED = "decided"
    ALARMED = "alarmed"
    QUARANTINED = "quarantined"
    RETRIED = "retried"
    DROPPED = "dropped"


STATES: Mapping[What | None, str] = {
    What.ACCEPTED: "ждёт разбора",
    What.DECIDED: "разобрано",
    What.QUARANTINED: "в карантине",
    What.DROPPED: "снято с карантина человеком",
    None: "неизвестно: запись о приёме уже стёрта",
}
_TITLES: Mapping[What, str] = {
    What.ACCEPTED: "принято",
    What.DECIDED: "разобрано",
    What.ALARMED: "тревога",
    What.QUARANTINED: "в карантин",
    What.RETRIED: "возвращено на разбор",
    What.DROPPED: "снято с карантина",
}


@dataclass(frozen=True, slots=True)
class Event:
    """What happened at a record; ``facts`` hold codes, times and reasons, no text of the post."""

    what: What
    record: Record
    facts: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        record = self.record
        where = {"topic": record.topic, "partition": record.partition, "offset": record.offset}
        return {"what": self.what.value, "at": iso(record.at), **where, **self.facts}


@dataclass(frozen=True, slots=True)
class Passed:
    """Whether a reader is past the post's last record in a topic."""

    reader: str
    topic: str
    partition: int
    committed: int
    end: int
    past: bool


class UnknownKeyError(UsageFault):
    """No message has the key: the call may be right all the same."""

    exit_code = FAILED


@click.command()
@click.argument("key", metavar="КЛЮЧ")
@click.option("--out", type=one_of(Shown), default=Shown.TEXT.value, show_default=True, help="Вид ответа.")
@home_option
@streams_option
def trace(key: str, out: Shown, home: Path | None, streams: Path | None) -> None:
    """Показать весь путь одного сообщения.

    Когда принято, как разобрано, было ли в карантине, что стало с карточкой. Сам текст не показывается.

    Код завершения: 0 — найдено; 1 — такого ключа в журнале нет.
    """
    with open_journal(streams_of(home, streams)) as journal:
        events = way(journal, key)
        readers = passed(journal, events)
    cases = cases_of(home, key)
    if not events and not cases:
        mend = "ключ — network:id, например vk:-123_45; проверьте его и --streams; старые записи стираются по сроку"
        raise UnknownKeyError(f"в журнале нет сообщения с ключом {one_line(key)}", mend)
    if out is Shown.TEXT:
        click.echo("\n".join([*_told(key, events, readers), *_told_of(cases)]))
        return
    found = {
        "key": key,
        "state": state(events) or "unknown",
        "events": [event.to_json() for event in events],
        "cases": cases,
        "readers": [{name: getattr(reader, name) for name in Passed.__slots__} for reader in readers],
    }
    standard_output().write(f"{dump(found)}\n".encode())


def cases_of(home: Path | None, key: str) -> list[dict[str, Any]]:
    """The cases of a post with their events, where there is a casebook."""
    if not has_casebook(home):
        return []
    open_casebook(home)
    from casebook.events import message_of as event_of
    from casebook.models import Case

    return [
        {
            "case": str(case.ordinal),
            "state": case.state,
            "track": case.track or None,
            "events": [event_of(event) for event in case.events.select_related("case").order_by("number")],
        }
        for case in Case.objects.filter(key=key).order_by("ordinal")
    ]


def _told_of(cases: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for case in cases:
        yield ""
        yield f"карточка {case['case']}: {case['state']}, срок {case['track'] or '—'}"
        for event in case["events"]:
            at = local(datetime.fromisoformat(event["at"]).timestamp())
            yield f"{at}  {event['kind']} — {event['actor']} ({event['role']})"


def way(journal: Journal, key: str) -> list[Event]:
    """In order of time; at one moment in the order of the topics."""
    topics = (INCOMING, QUARANTINE, DECIDED, ALARMS)
    events = [
        _event(record) for topic in topics for record in journal.scan(topic, key.encode("utf-8", "surrogatepass"))
    ]
    return sorted(events, key=lambda event: event.record.at)


def state(events: Sequence[Event]) -> What | None:
    """Where the post is now: what was retried was accepted again just before."""
    lasting = [event.what for event in events if event.what in STATES]
    return lasting[-1] if lasting else None


def passed(journal: Journal, events: Sequence[Event]) -> list[Passed]:
    last = {(event.record.topic, event.record.partition): event.record.offset for event in events}
    return [
        Passed(p.reader, topic, p.partition, p.committed, p.end, p.committed > last[topic, p.partition])
        for topic in dict.fromkeys(topic for topic, _ in last)
        for p in journal.positions(topic)
        if (topic, p.partition) in last
    ]


def _event(record: Record) -> Event:
    read = {INCOMING: _accepted, DECIDED: _decided, ALARMS: _alarmed, QUARANTINE: _quarantined}[record.topic]
    return read(record)


def _accepted(record: Record) -> Event:
    try:
        post = post_from_json(message_of(record.value).get("post"))
    except PostError as error:
        return Event(What.ACCEPTED, record, {"unreadable": error.reason})
    return Event(What.ACCEPTED, record, {"revision": post.revision, "detected_at": post.detected_at})


def _decided(record: Record) -> Event:
    decision = _decision(record)
    route = decision.get("route") or {}
    facts = {
        **{name: decision.get(name) for name in ("revision", "verdict", "track")},
        "department": route.get("department"),
        "proposed": route.get("proposed"),
        "versions": decision.get("versions"),
    }
    return Event(What.DECIDED, record, facts)


def _alarmed(record: Record) -> Event:
    decision = _decision(record)
    kinds = sorted({alarm["kind"] for alarm in decision.get("alarms") or ()})
    return Event(What.ALARMED, record, {"revision": decision.get("revision"), "kinds": kinds})


def _decision(record: Record) -> Mapping[str, Any]:
    """Empty where another program wrote the record."""
    try:
        found = message_of(record.value).get("decision")
    except PostError:
        return {}
    return found if isinstance(found, Mapping) else {}


def _quarantined(record: Record) -> Event:
    found = entry(record)
    resolves = found.resolves
    if resolves is None:
        return Event(What.QUARANTINED, record, {"reason": found.reason, "error": found.error})
    of = {"number": f"{resolves[0]}/{resolves[1]}"}
    if found.reason == RETRIED:
        return Event(What.RETRIED, record, of)
    assert found.reason == DROPPED
    return Event(What.DROPPED, record, {**of, "why": found.error})


def _told(key: str, events: Sequence[Event], readers: Sequence[Passed]) -> Iterator[str]:
    yield f"{one_line(key)}: {STATES[state(events)]}"
    for event in events:
        record = event.record
        yield ""
        yield f"{local(record.at)}  {_TITLES[event.what]}  ({record.topic} {record.partition}/{record.offset})"
        yield from (f"    {label:<10}{one_line(said)}" for label, said in _rows(event))
    if readers:
        yield "\nЧитатели"
    for reader in readers:
        where = f"{reader.topic} {reader.partition}: {reader.committed} из {reader.end}"
        yield f"    {one_line(reader.reader)}: {'прошёл' if reader.past else 'ещё не дошёл'} ({where})"


def _rows(event: Event) -> Iterator[tuple[str, str]]:
    facts = event.facts
    said = {
        "Редакция": facts.get("revision"),
        "Выявлено": facts.get("detected_at"),
        "Вердикт": _label(Verdict, labels.VERDICTS, facts.get("verdict")),
        "Срок": _label(Track, labels.TRACKS, facts.get("track")),
        "Отдел": _department(facts),
        "Версии": _versions(facts.get("versions")),
        "Вид": ", ".join(filter(None, (_label(AlarmKind, labels.ALARMS, kind) for kind in facts.get("kinds", ())))),
        "Почему": facts.get("reason") or facts.get("why") or facts.get("unreadable"),
        "Ошибка": facts.get("error"),
        "Номер": facts.get("number"),
    }
    return ((label, str(value)) for label, value in said.items() if value)


def _label(codes: type[StrEnum], words: Mapping[Any, str], code: object) -> str | None:
    """A code of a later version is shown as it is."""
    known = {member.value: words[member] for member in codes}
    return None if code is None else known.get(str(code), str(code))


def _department(facts: Mapping[str, Any]) -> str | None:
    department = facts.get("department")
    return f"{department} (не предложен)" if department and not facts["proposed"] else department


def _versions(versions: object) -> str:
    if not isinstance(versions, Mapping):
        return ""
    models = versions.get("models")
    named = [f"{name} {version}" for name, version in versions.items() if name != "models"]
    named += [f"{name} {version}" for name, version in models.items()] if isinstance(models, Mapping) else []
    return ", ".join(named)

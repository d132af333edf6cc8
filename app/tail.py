"""``otklik tail``: what passes through a topic, for people and for pipes."""

from __future__ import annotations

import base64
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import click

from app import labels
from app.carrier import open_journal, streams_of
from app.errors import say
from app.home import columns
from app.options import home_option, one_of, streams_option
from app.tables import has_casebook, open_casebook
from app.target import standard_output
from app.who import login
from app.words import one_line, shortened
from journal import Follower, Record
from records import PostError, Track, Verdict, dump
from records.clock import now, stamp
from records.messages import ALARMS, CASES, DECIDED, INCOMING, QUARANTINE, TOPICS, message_of

_LIMIT = 256
_WAIT = 0.5
_KEY = 24


class Shown(StrEnum):
    TABLE = "table"
    JSONL = "jsonl"


@click.command(name="tail")
@click.argument("topic", metavar="ОЧЕРЕДЬ", type=click.Choice(TOPICS))
@click.option("--from-start", is_flag=True, help="С самого начала; иначе только то, что придёт.")
@click.option("--count", type=click.IntRange(1), help="Закончить после стольких; иначе — по Ctrl+C.")
@click.option("--out", type=one_of(Shown), help="Вид; без указания на экране table, иначе jsonl.")
@home_option
@streams_option
def tail(
    topic: str, from_start: bool, count: int | None, out: Shown | None, home: Path | None, streams: Path | None
) -> None:
    """Показывать сообщения очереди по мере того, как они приходят.

    Ничьего чтения это не меняет. Где есть карточки, о том, что вы прочли, остаётся запись (152-ФЗ): otklik audit
    readings. Очереди: posts.incoming, posts.decided, posts.alarms, posts.quarantine, cases.events.
    """
    table = (out or (Shown.TABLE if sys.stdout.isatty() else Shown.JSONL)) is Shown.TABLE
    show: Callable[[Record], str] = _row if table else _json
    put_on_record = _reader(home) if topic != CASES and has_casebook(home) else None
    with open_journal(streams_of(home, streams)) as journal:
        follower = journal.follow(topic, from_start=from_start)
        if not from_start:
            say(f"Жду сообщений в {topic}; остановить — Ctrl+C.")
        target = standard_output()
        try:
            for records in _batches(follower, count):
                if put_on_record:
                    put_on_record(records)
                target.write("".join(f"{show(record)}\n" for record in records).encode("utf-8", "replace"))
        except KeyboardInterrupt:
            pass
        finally:
            follower.close()


def _reader(home: Path | None) -> Callable[[Sequence[Record]], None]:
    """What puts on record who reads which messages, by the login name."""
    open_casebook(home)
    from casebook.readings import record_reading

    def put_on_record(records: Sequence[Record]) -> None:
        places: dict[int, list[int]] = {}
        for record in records:
            places.setdefault(record.partition, []).append(record.offset)
        for partition, offsets in places.items():
            record_reading(login(), f"{records[0].topic} {partition}/{offsets[0]}-{offsets[-1]}", now())

    return put_on_record


def _batches(follower: Follower, count: int | None) -> Iterator[list[Record]]:
    left = count
    while left is None or left > 0:
        records = follower.poll(_LIMIT if left is None else min(left, _LIMIT), _WAIT)
        if records:
            yield records
        left = None if left is None else left - len(records)


def _json(record: Record) -> str:
    """``value`` as it is where it is JSON, else ``raw`` in base64."""
    try:
        value: dict[str, Any] = {"value": message_of(record.value)}
    except PostError:
        value = {"raw": base64.b64encode(record.value).decode("ascii")}
    place = {"topic": record.topic, "partition": record.partition, "offset": record.offset, "key": _key(record)}
    return dump({**place, "at": stamp(datetime.fromtimestamp(record.at, UTC)), **value})


def _row(record: Record) -> str:
    at = datetime.fromtimestamp(record.at)
    start = f"{at:%d.%m %H:%M:%S}  {record.partition}/{record.offset:<8}  "
    start += f"{shortened(one_line(_key(record) or '(без ключа)'), _KEY):<{_KEY}}  "
    return shortened(start + _told(record), columns())


def _key(record: Record) -> str | None:
    return None if record.key is None else record.key.decode("utf-8", "backslashreplace")


def _told(record: Record) -> str:
    """One line about a message; of one that is not of the contract, its size."""
    try:
        return _TOLD.get(record.topic, _event)(message_of(record.value))
    except (PostError, KeyError, TypeError, ValueError):
        return f"(не по образцу, {len(record.value)} байт)"


def _incoming(message: Mapping[str, Any]) -> str:
    return one_line(str(message["post"]["text"]))


def _decided(message: Mapping[str, Any]) -> str:
    decision, route = message["decision"], message["decision"]["route"]
    track = labels.TRACKS[Track(decision["track"])] if decision["track"] else ""
    department = f"{one_line(str(route['department']))}{'' if route['proposed'] else ' ?'}" if route else ""
    return f"{labels.VERDICTS[Verdict(decision['verdict'])]:<10}  {track:<3}  {department:<8}  {_incoming(message)}"


def _quarantined(message: Mapping[str, Any]) -> str:
    return one_line(str(message["reason"]))


def _event(message: Mapping[str, Any]) -> str:
    return one_line(f"{message['kind']}  {message.get('number') or ''}  {message.get('actor') or ''}")


_TOLD: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    INCOMING: _incoming,
    DECIDED: _decided,
    ALARMS: _decided,
    QUARANTINE: _quarantined,
}

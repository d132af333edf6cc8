"""``otklik quarantine``: what could not be decided, why, and what a person makes of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path

import click

from app.carrier import open_journal, streams_of
from app.errors import DONE, SOME_REJECTED, UsageFault, say
from app.home import columns
from app.options import home_option, one_of, streams_option
from app.quarantined import DROPPED, RETRIED, Entry, Place, iso, local, lying, raw, records_of, resolution
from app.tables import open_casebook
from app.target import standard_output
from app.who import login
from app.words import counted, grouped, harmless, one_line, shortened
from journal import Journal, Message, Record
from records import dump
from records.clock import now
from records.messages import INCOMING, QUARANTINE

_FULL_NUMBER = re.compile(r"(\d+)/(\d+)")
_NUMBERS = "номера показывает otklik quarantine list"
_BATCH_BYTES = 8 << 20
_BATCH = 256
_SHOWN = 4_000
_LEAST_REASON = 30


class Listed(StrEnum):
    TABLE = "table"
    JSONL = "jsonl"


class Shown(StrEnum):
    TEXT = "text"
    RAW = "raw"


@click.group(subcommand_metavar="КОМАНДА …", options_metavar="[ПАРАМЕТРЫ]")
def quarantine() -> None:
    """Карантин: сообщения, которые не удалось разобрать.

    Ничего не пропадает: что не читается или ломает разбор, ждёт здесь решения человека.
    """


@quarantine.command("list", options_metavar="[ПАРАМЕТРЫ]")
@click.option("--out", type=one_of(Listed), default=Listed.TABLE.value, show_default=True, help="Вид ответа.")
@home_option
@streams_option
def list_(out: Listed, home: Path | None, streams: Path | None) -> None:
    """Показать, что лежит в карантине."""
    with _journal(home, streams) as journal:
        entries = lying(journal)
    numbers = _numbers(entries)
    if out is Listed.JSONL:
        lines = (f"{dump(_json(numbers[place], entry))}\n" for place, entry in entries.items())
        standard_output().write("".join(lines).encode())
    elif entries:
        click.echo("\n".join(_table(numbers, entries.values())))
        say(f"В карантине {counted(len(entries), 'сообщение', 'сообщения', 'сообщений')}.")
    else:
        say("Карантин пуст.")


@quarantine.command(options_metavar="[ПАРАМЕТРЫ]")
@click.argument("number", metavar="НОМЕР")
@click.option(
    "--out", type=one_of(Shown), default=Shown.TEXT.value, show_default=True, help="raw — байты сообщения как пришли."
)
@home_option
@streams_option
def show(number: str, out: Shown, home: Path | None, streams: Path | None) -> None:
    """Показать одно сообщение: почему оно здесь и что пришло.

    О том, что вы его прочли, остаётся запись (152-ФЗ): otklik audit readings.
    """
    with _journal(home, streams) as journal:
        chosen = _chosen(lying(journal), [number], everything=False)
        (record,) = records_of(journal, chosen)
    (entry,) = chosen.values()
    _put_on_record(home, entry)
    if out is Shown.RAW:
        standard_output().write(raw(record))
        return
    for label, said in _told(number, entry):
        click.echo(f"{label:<10}{one_line(said)}")
    click.echo(f"\n{_readable(raw(record))}")


@quarantine.command(options_metavar="[ПАРАМЕТРЫ]")
@click.argument("numbers", metavar="[НОМЕР]…", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Всё, что лежит в карантине.")
@home_option
@streams_option
@click.pass_context
def retry(
    context: click.Context, numbers: Sequence[str], everything: bool, home: Path | None, streams: Path | None
) -> None:
    """Вернуть на разбор.

    Нужно после исправления правил или обновления программы. Строки файлов так не возвращают: их исправляют в файле
    и подают файл снова.

    Код завершения: 0 — возвращено всё; 3 — часть нельзя вернуть; 2 — нет такого номера.
    """
    with _journal(home, streams) as journal:
        entries = lying(journal)
        chosen = _chosen(entries, numbers, everything)
        again = {place: entry for place, entry in chosen.items() if entry.readable and not entry.is_line}
        for records in _batches(records_of(journal, again)):
            journal.append(INCOMING, [Message(record.key, raw(record)) for record in records])
            journal.append(QUARANTINE, [resolution(record, RETRIED, "") for record in records])
    shown = _numbers(entries)
    for place, entry in chosen.items():
        if place not in again:
            say(f"{shown[place]}: {_cannot_return(entry)}")
    say(f"Возвращено на разбор: {grouped(len(again))}.")
    context.exit(DONE if len(again) == len(chosen) else SOME_REJECTED)


@quarantine.command(options_metavar="[ПАРАМЕТРЫ]")
@click.argument("numbers", metavar="[НОМЕР]…", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Всё, что лежит в карантине.")
@click.option("--why", metavar="ПРИЧИНА", required=True, help="Почему сообщение не нужно; останется в журнале.")
@home_option
@streams_option
def drop(numbers: Sequence[str], everything: bool, why: str, home: Path | None, streams: Path | None) -> None:
    """Снять с карантина ненужное.

    Запись и причина остаются в журнале.
    """
    if not why.strip():
        raise UsageFault("причина пуста", 'скажите, почему сообщение не нужно: --why "проверка связи"')
    with _journal(home, streams) as journal:
        chosen = _chosen(lying(journal), numbers, everything)
        for records in _batches(records_of(journal, chosen)):
            journal.append(QUARANTINE, [resolution(record, DROPPED, why) for record in records])
    say(f"Снято с карантина: {grouped(len(chosen))}.")


def _journal(home: Path | None, streams: Path | None) -> Journal:
    return open_journal(streams_of(home, streams))


def _put_on_record(home: Path | None, entry: Entry) -> None:
    """Before it is shown: who reads it, by the login name."""
    open_casebook(home)
    from casebook.readings import record_reading

    partition, offset = entry.place
    record_reading(login(), f"quarantine {partition}/{offset}", now())


def _numbers(entries: Mapping[Place, Entry]) -> dict[Place, str]:
    """The offset alone where all lies in the first partition."""
    alone = not any(partition for partition, _ in entries)
    return {(part, offset): str(offset) if alone else f"{part}/{offset}" for part, offset in entries}


def _chosen(entries: Mapping[Place, Entry], numbers: Sequence[str], everything: bool) -> dict[Place, Entry]:
    """Raises: UsageFault: nothing is named, or something that does not lie in the quarantine."""
    if everything == bool(numbers):
        raise UsageFault("не сказано, какие сообщения" if not everything else "и номера, и --all", _NUMBERS)
    if everything:
        return dict(entries)
    shown = {said: place for place, said in _numbers(entries).items()}
    chosen: dict[Place, Entry] = {}
    for number in numbers:
        match = _FULL_NUMBER.fullmatch(number)
        place = (int(match[1]), int(match[2])) if match else shown.get(number)
        if place is None or place not in entries:
            raise UsageFault(f"в карантине нет номера {one_line(number)}", _NUMBERS)
        chosen[place] = entries[place]
    return chosen


def _batches(records: Iterable[Record]) -> Iterator[list[Record]]:
    batch: list[Record] = []
    size = 0
    for record in records:
        batch.append(record)
        size += len(record.value)
        if len(batch) == _BATCH or size > _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _cannot_return(entry: Entry) -> str:
    if entry.is_line:
        return "это строка файла; исправьте её там и подайте файл снова, а запись снимите: otklik quarantine drop"
    return "запись не читается; посмотрите её: otklik quarantine show"


def _json(number: str, entry: Entry) -> dict[str, object]:
    origin = entry.origin
    return {
        "number": number,
        "at": iso(entry.at),
        "origin": {"topic": origin.topic, "partition": origin.partition, "offset": origin.offset},
        "key": _key(entry),
        "reason": entry.reason,
        "error": entry.error,
        "size": entry.size,
    }


def _key(entry: Entry) -> str | None:
    return None if entry.key is None else entry.key.decode("utf-8", "backslashreplace")


def _table(numbers: Mapping[Place, str], entries: Iterable[Entry]) -> Iterator[str]:
    rows = [("№", "Когда", "Откуда", "Ключ", "Байт", "Почему")]
    for entry in entries:
        origin, key, reason = one_line(entry.came_from), one_line(_key(entry) or ""), one_line(entry.reason)
        rows.append((numbers[entry.place], local(entry.at), origin, key, grouped(entry.size), reason))
    *widths, _ = (max(map(len, column)) for column in zip(*rows, strict=True))
    room = max(columns() - sum(widths) - 2 * len(widths), _LEAST_REASON)
    for number, when, origin, key, size, reason in rows:
        cells = (number.rjust(widths[0]), when.ljust(widths[1]), origin.ljust(widths[2]), key.ljust(widths[3]))
        yield "  ".join((*cells, size.rjust(widths[4]), shortened(reason, room)))


def _told(number: str, entry: Entry) -> Iterator[tuple[str, str]]:
    yield "Номер", number
    yield "Когда", local(entry.at)
    yield "Откуда", entry.came_from
    yield "Ключ", _key(entry) or "(без ключа)"
    yield "Почему", entry.reason
    yield "Ошибка", entry.error or "–"
    yield "Размер", counted(entry.size, "байт", "байта", "байт")


def _readable(data: bytes) -> str:
    """Text as far as it is text; what moves a cursor, and what is no text, made visible."""
    text = harmless(data.decode("utf-8", "backslashreplace"))
    if len(text) <= _SHOWN:
        return text
    rest = counted(len(text) - _SHOWN, "знак", "знака", "знаков")
    return f"{text[:_SHOWN]}…\n(и ещё {rest}; целиком: --out raw)"

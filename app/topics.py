"""``otklik topics``: the topics of the broker as ``streams.yaml`` wants them, and how far behind their readers are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.carrier import on_kafka, open_journal, open_kafka, streams_of
from app.errors import DONE, WRONG_USAGE, say
from app.options import home_option, streams_option
from app.words import grouped
from journal import Position
from records.messages import TOPICS

if TYPE_CHECKING:
    from app.config import Streams
    from journal.topics import Difference, Topic

_OF_ITSELF = "Журнал на одной машине (carrier: embedded) заводит очереди сам."
_HEADINGS = ("Очередь", "Читатель", "Раздел", "Прочитано до", "Конец", "Отстаёт")


@click.group(subcommand_metavar="КОМАНДА …", options_metavar="[ПАРАМЕТРЫ]")
def topics() -> None:
    """Очереди брокера: создать, сверить со streams.yaml, показать отставание читателей."""


@topics.command(options_metavar="[ПАРАМЕТРЫ]")
@click.option("--alter", is_flag=True, help="Привести и те, что есть, к streams.yaml.")
@home_option
@streams_option
def create(alter: bool, home: Path | None, streams: Path | None) -> None:
    """Создать очереди, которых нет.

    С --alter меняются и прежние. Меньший срок хранения удалит старые сообщения. Больше разделов — сообщения одного
    ключа до и после перемены лягут в разные разделы: сначала дайте читателям дочитать.
    """
    settings = streams_of(home, streams)
    if not on_kafka(settings):
        say(_OF_ITSELF)
        return
    wanted = _wanted(settings)
    with open_kafka(settings) as journal:
        made = journal.create(wanted)
        if alter:
            journal.alter(wanted)
        found = _differences(wanted, journal.topics([one.name for one in wanted]))
    say(f"Созданы очереди: {', '.join(made)}." if made else "Все очереди уже есть.")
    for difference in found:
        say(_shown(difference))


@topics.command(options_metavar="[ПАРАМЕТРЫ]")
@home_option
@streams_option
@click.pass_context
def check(context: click.Context, home: Path | None, streams: Path | None) -> None:
    """Сверить очереди брокера со streams.yaml.

    Код завершения: 0 — всё как нужно, 2 — есть отличия.
    """
    settings = streams_of(home, streams)
    if not on_kafka(settings):
        say(_OF_ITSELF)
        return
    wanted = _wanted(settings)
    with open_kafka(settings) as journal:
        found = _differences(wanted, journal.topics([one.name for one in wanted]))
    for difference in found:
        click.echo(_shown(difference))
    say("Очереди не такие, как в streams.yaml." if found else "Очереди такие, как в streams.yaml.")
    context.exit(WRONG_USAGE if found else DONE)


@topics.command(options_metavar="[ПАРАМЕТРЫ]")
@home_option
@streams_option
def lag(home: Path | None, streams: Path | None) -> None:
    """Показать, сколько сообщений ждут каждого читателя."""
    with open_journal(streams_of(home, streams)) as journal:
        rows = [_row(topic, position) for topic in TOPICS for position in journal.positions(topic)]
    if rows:
        click.echo("\n".join(_table([_HEADINGS, *rows])))
    else:
        say("Ещё никто ничего не прочитал.")


def _wanted(streams: Streams) -> list[Topic]:
    from journal.topics import topic

    return [topic(name, one.partitions, one.retention_hours) for name, one in streams.topics.items()]


def _differences(wanted: Sequence[Topic], found: dict[str, Topic]) -> list[Difference]:
    from journal.topics import differences

    return list(differences(wanted, found))


def _shown(difference: Difference) -> str:
    return f"{difference.what}\n    как исправить: {difference.mend}"


def _row(topic: str, position: Position) -> tuple[str, ...]:
    numbers = (position.partition, position.committed, position.end, position.lag)
    return (topic, position.reader, *map(grouped, numbers))


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Words to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) if place < 2 else cell.rjust(width) for place, (cell, width) in enumerate(pairs))
        for pairs in (list(zip(row, widths, strict=True)) for row in rows)
    ]

"""``otklik produce``: posts into the journal, by hand or from another program."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import click

from app.carrier import open_journal, streams_of
from app.decoding import Encoding, read_lines
from app.errors import DONE, SOME_REJECTED, UsageFault, say
from app.options import home_option, one_of, streams_option
from app.posts import Accepted, Format, Parsed, detected, read_posts
from app.rejects import Rejection, Rejects
from app.source import open_source
from app.target import opened
from app.words import grouped
from journal import JournalError, Message
from records.messages import INCOMING, incoming

BATCH = 256
BATCH_BYTES = 8 << 20
_FILE = click.Path(dir_okay=False)


@click.command()
@click.argument("file", metavar="[ФАЙЛ|-]", default="-")
@click.option("--in", "kind", type=one_of(Format), help="Что на входе; без указания узнаётся само.")
@click.option("--rejects", metavar="ФАЙЛ", type=_FILE, help="Записать непринятые строки в файл (JSON lines).")
@home_option
@streams_option
@click.pass_context
def produce(
    context: click.Context,
    file: str,
    kind: Format | None,
    rejects: str | None,
    home: Path | None,
    streams: Path | None,
) -> None:
    """Положить сообщения в очередь posts.incoming.

    На входе то же, что у triage; в строках JSON обязателен key. Время обнаружения (detected_at) ставится здесь,
    если его нет: с него идут сроки. Повтор того же файла безвреден: ключи те же.

    Код завершения: 0 — принято всё; 3 — часть строк не принята; 2 — неверный вызов или настройка; 1 — сбой.
    """
    if rejects and file != "-" and os.path.realpath(file) == os.path.realpath(rejects):
        raise UsageFault(f"файл {file} назван дважды", "вход и --rejects должны быть разными файлами")
    settings = streams_of(home, streams)
    source = open_source(file)
    if file == "-" and sys.stdin.isatty():
        say("Жду сообщения, по одному в строке; конец ввода — Ctrl+D.")
    count = 0
    with ExitStack() as stack:
        stack.callback(source.close)
        journal = stack.enter_context(open_journal(settings))
        refused = Rejects(file, None if rejects is None else stack.enter_context(opened(rejects)))
        try:
            for batch in batches(read_posts(read_lines(source.pieces(), Encoding()), file, kind, keyed=True), refused):
                journal.append(INCOMING, batch)
                count += len(batch)
        except JournalError:
            say(f"Принято до сбоя: {grouped(count)}. Подайте тот же файл снова: повторы безвредны.")
            raise
    refused.close()
    say(_summary(count, refused.count, rejects))
    context.exit(SOME_REJECTED if refused.count else DONE)


def batches(parsed: Parsed, rejects: Rejects) -> Iterator[list[Message]]:
    """Messages of ``posts.incoming``; a pause in the input lets a batch go before it is full."""
    batch: list[Message] = []
    size = 0
    for item in parsed:
        made = _message(item) if isinstance(item, Accepted) else item
        if isinstance(made, Rejection):
            rejects.add(made)
        elif made is not None:
            batch.append(made)
            size += len(made.value)
        if batch and (item is None or len(batch) == BATCH or size > BATCH_BYTES):
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _message(accepted: Accepted) -> Message | Rejection:
    from journal.topics import LARGEST_INCOMING

    message = Message(accepted.post.key.encode(), incoming(detected(accepted.post)))
    if len(message.value) > LARGEST_INCOMING:
        reason = f"сообщение {len(message.value)} байт, больше {LARGEST_INCOMING}"
        return Rejection(accepted.line, reason, "сократите его или разберите вручную", accepted.raw)
    return message


def _summary(count: int, rejected: int, rejects: str | None) -> str:
    if not count and not rejected:
        return "Вход пуст: ни одного сообщения."
    line = f"Принято сообщений: {grouped(count)}."
    if rejected:
        where = f" (записаны в {rejects})" if rejects else ""
        line += f" Не принято строк: {grouped(rejected)}{where}."
    return line

"""``otklik triage``: posts in, decisions out."""

from __future__ import annotations

import io
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

import click

from app import engine, labels
from app.decoding import Encoding, read_lines
from app.errors import DONE, SOME_REJECTED, UsageFault
from app.home import colours_wanted, columns, find_home
from app.options import home_option, one_of
from app.outputs import Csv, JsonLines, Out, Output
from app.posts import Format, read_posts
from app.progress import Watched, progress_bar
from app.rejects import Rejects
from app.run import Run
from app.source import open_source
from app.words import grouped
from records import Verdict

_FILE = click.Path(dir_okay=False)


@click.command()
@click.argument("file", metavar="[ФАЙЛ|-]", default="-")
@click.option("--in", "kind", type=one_of(Format), help="Что на входе; без указания узнаётся само.")
@click.option("--out", type=one_of(Out), help="Вид ответа; без указания на экране table, иначе jsonl.")
@click.option("--output", metavar="ФАЙЛ", type=_FILE, help="Записать ответ в файл, а не на экран.")
@click.option("--rejects", metavar="ФАЙЛ", type=_FILE, help="Записать непринятые строки в файл (JSON lines).")
@click.option("--link-duplicates", "link", is_flag=True, help="Назвать прежние почти такие же (duplicates_of).")
@home_option
@click.pass_context
def triage(
    context: click.Context,
    file: str,
    kind: Format | None,
    out: Out | None,
    output: str | None,
    rejects: str | None,
    link: bool,
    home: Path | None,
) -> None:
    """Разобрать сообщения: вердикт, срок, отдел и почему.

    На входе строки JSON, строки текста или выгрузка «Инцидента» (CSV), можно сжатые gzip.
    Без имени файла читается стандартный ввод.

    Код завершения: 0 — разобрано всё; 3 — часть строк не принята; 2 — неверный вызов или настройка; 1 — сбой.
    """
    _keep_apart([file, output, rejects])
    source = open_source(file)
    encoding = Encoding()
    with ExitStack() as stack:
        stack.callback(source.close)
        _greet(file)
        bar = stack.enter_context(progress_bar(source.size))
        loaded = engine.load(find_home(home))
        refused = Rejects(file, _opened(stack, rejects), bar)
        target = _opened(stack, output)
        same_screen = target is None and sys.stdout.isatty()
        shown = Watched(_output(out, target, loaded.departments), bar, source, same_screen=same_screen)
        run = Run(loaded.decider, shown, refused, link=link)
        run.over(read_posts(read_lines(source.pieces(), encoding), file, kind))
    refused.close()
    click.echo(_summary(run.verdicts, refused.count, rejects, encoding), err=True)
    context.exit(SOME_REJECTED if refused.count else DONE)


def _keep_apart(paths: Sequence[str | None]) -> None:
    """Raises: UsageFault: one file would be read and written at once."""
    named = [Path(path).resolve() for path in paths if path not in (None, "-")]
    for path in named:
        if named.count(path) > 1 and (path.is_file() or not path.exists()):
            raise UsageFault(f"файл {path} назван дважды", "вход, --output и --rejects должны быть разными файлами")


def _greet(file: str) -> None:
    if file == "-" and sys.stdin.isatty():
        click.echo("Жду сообщения, по одному в строке; конец ввода — Ctrl+D.", err=True)


def _opened(stack: ExitStack, path: str | None) -> BinaryIO | None:
    """Raises: UsageFault."""
    if path is None:
        return None
    try:
        return stack.enter_context(Path(path).open("wb"))
    except OSError as error:
        raise UsageFault(f"{path} не открыть для записи: {error.strerror}", "укажите другой файл") from None


def _output(out: Out | None, target: BinaryIO | None, departments: Mapping[str, engine.Named]) -> Output:
    on_screen = target is None and sys.stdout.isatty()
    out = out or (Out.TABLE if on_screen else Out.JSONL)
    stream = target or click.get_binary_stream("stdout")
    if out is Out.JSONL:
        return JsonLines(stream)
    return Csv(stream, departments) if out is Out.CSV else _table(target, departments)


def _table(target: BinaryIO | None, departments: Mapping[str, engine.Named]) -> Output:
    from app.table import TableOutput

    if target is not None:
        return TableOutput(io.TextIOWrapper(target, "utf-8"), departments, columns(), colours=False)
    stream = click.get_text_stream("stdout", errors="replace")
    return TableOutput(stream, departments, columns(), colours=stream.isatty() and colours_wanted())


def _summary(verdicts: Mapping[Verdict, int], rejected: int, rejects: str | None, encoding: Encoding) -> str:
    total = sum(verdicts.values())
    if not total and not rejected:
        return "Вход пуст: ни одного сообщения."
    parts = [f"{label} {grouped(verdicts.get(verdict, 0))}" for verdict, label in labels.VERDICTS.items()]
    line = f"Разобрано сообщений: {grouped(total)} ({', '.join(parts)})."
    if rejected:
        where = f" (записаны в {rejects})" if rejects else ""
        line += f" Не принято строк: {grouped(rejected)}{where}."
    return f"{line} Вход прочитан как windows-1251." if encoding.old else line

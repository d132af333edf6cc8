"""``otklik triage``: posts in, decisions out."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import click

from app import engine, labels
from app.decoding import Encoding, read_lines
from app.errors import DONE, SOME_REJECTED, UsageFault, say
from app.home import colours_wanted, columns, find_home
from app.options import home_option, one_of
from app.outputs import Csv, JsonLines, Out, Output
from app.posts import Format, read_posts
from app.progress import Watched, progress_bar
from app.rejects import Rejects
from app.run import Run
from app.source import open_source
from app.target import Target, is_standard, opened, standard_output
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
    _keep_apart(file, output, rejects)
    source = open_source(file)
    encoding = Encoding()
    with ExitStack() as stack:
        stack.callback(source.close)
        # ended by kill as by Ctrl+C: half a file is cleared away
        stack.callback(signal.signal, signal.SIGTERM, signal.signal(signal.SIGTERM, signal.default_int_handler))
        refused_to = stack.enter_context(opened(rejects)) if rejects is not None else None
        target = stack.enter_context(opened(output)) if output is not None else standard_output()
        on_screen = is_standard(output or "-") and sys.stdout.isatty()
        _greet(file)
        bar = stack.enter_context(progress_bar(source.size))
        loaded = engine.load(find_home(home))
        bar.begin()
        refused = Rejects(file, refused_to, bar)
        shown = Watched(_output(out, target, loaded.departments, on_screen), bar, source, same_screen=on_screen)
        run = Run(loaded.decider, shown, refused, link=link)
        run.over(read_posts(read_lines(source.pieces(), encoding), file, kind))
    refused.close()
    say(_summary(run.verdicts, refused.count, rejects, encoding))
    context.exit(SOME_REJECTED if refused.count else DONE)


def _keep_apart(file: str, output: str | None, rejects: str | None) -> None:
    """Raises: UsageFault: one file would be read and written at once, or two kinds of lines would be mixed."""
    if rejects and is_standard(rejects) and is_standard(output or "-"):
        raise UsageFault(
            "ответ и непринятые строки смешались бы в стандартном выводе", "назовите файл в --output или в --rejects"
        )
    named = [Path(os.path.realpath(path)) for path in (file, output, rejects) if path and not is_standard(path)]
    for path in named:
        if named.count(path) > 1 and (path.is_file() or not path.exists()):
            raise UsageFault(f"файл {path} назван дважды", "вход, --output и --rejects должны быть разными файлами")


def _greet(file: str) -> None:
    if file == "-" and sys.stdin.isatty():
        say("Жду сообщения, по одному в строке; конец ввода — Ctrl+D.")


def _output(out: Out | None, target: Target, departments: Mapping[str, engine.Named], on_screen: bool) -> Output:
    out = out or (Out.TABLE if on_screen else Out.JSONL)
    if out is Out.JSONL:
        return JsonLines(target)
    return Csv(target, departments) if out is Out.CSV else _table(target, departments, on_screen)


def _table(target: Target, departments: Mapping[str, engine.Named], on_screen: bool) -> Output:
    from app.table import TableOutput

    return TableOutput(target, departments, columns(), colours=on_screen and colours_wanted())


def _summary(verdicts: Mapping[Verdict, int], rejected: int, rejects: str | None, encoding: Encoding) -> str:
    total = sum(verdicts.values())
    if not total and not rejected:
        return "Вход пуст: ни одного сообщения."
    parts = [f"{label} {grouped(verdicts.get(verdict, 0))}" for verdict, label in labels.VERDICTS.items()]
    line = f"Разобрано сообщений: {grouped(total)} ({', '.join(parts)})."
    if rejected:
        where = f" (записаны в {rejects})" if rejects and not is_standard(rejects) else ""
        line += f" Не принято строк: {grouped(rejected)}{where}."
    return f"{line} Вход прочитан как {encoding.code_page}." if encoding.code_page else line

"""``otklik explain``: one post with its words marked, and why it was decided so."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from app import engine
from app.decoding import LONGEST, Encoding, read_lines
from app.errors import UsageFault, say
from app.home import find_home
from app.marking import LEGEND, bracketed, styles
from app.options import Shown, home_option, one_of
from app.reasons import Row, Words, explanation
from app.rejects import Rejection
from app.source import Pieces, open_source
from app.words import harmless
from records import Decision, Post, PostError, decision_to_json, dump, post_from_json, revision_of


@click.command()
@click.argument("text", metavar="ТЕКСТ|-")
@click.option("--out", type=one_of(Shown), default=Shown.TEXT.value, show_default=True, help="Вид ответа.")
@home_option
def explain(text: str, out: Shown, home: Path | None) -> None:
    """Показать, как и почему разобрано одно сообщение.

    «-» читает текст со стандартного ввода.
    """
    post = _post(_read(open_source("-").pieces()) if text == "-" else _argument(text))
    loaded = engine.load(find_home(home))
    (decision,) = loaded.decider.decide([post])
    if out is Shown.JSON:
        click.get_binary_stream("stdout").write(f"{dump(decision_to_json(decision))}\n".encode())
        return
    show = _on_screen if sys.stdout.isatty() else _in_pipe
    show(post, decision, explanation(decision, Words(loaded)))


def _post(text: str) -> Post:
    """Raises: UsageFault."""
    try:
        return post_from_json({"text": text}, key=f"file:{revision_of(text)}-1")
    except PostError as error:
        raise UsageFault(error.reason, error.mend) from None


def _argument(text: str) -> str:
    """A terminal in an old code page hands over bytes that Python could not decode."""
    return _read(iter([os.fsencode(text)])) if any("\udc80" <= c <= "\udcff" for c in text) else text


def _read(pieces: Pieces) -> str:
    """Raises: UsageFault: what comes in cannot be read."""
    encoding = Encoding()
    lines: list[str] = []
    size = 0
    for item in read_lines(pieces, encoding):
        if isinstance(item, Rejection):
            raise UsageFault(f"строка {item.line}: {item.reason}", item.mend)
        if item is not None:
            lines.append(item.text)
            size += len(item.text) + 1
        if size > LONGEST:
            raise UsageFault("текст слишком длинный", "дайте одно сообщение; много сообщений разбирает otklik triage")
    if encoding.code_page:
        say(f"Текст прочитан как {encoding.code_page}.")
    return "\n".join(lines)


def _in_pipe(post: Post, decision: Decision, rows: Sequence[Row]) -> None:
    click.echo(f"{bracketed(post.text, decision)}\n\n{LEGEND}\n")
    for label, said in rows:
        click.echo(f"{label:<13}{said}")


def _on_screen(post: Post, decision: Decision, rows: Sequence[Row]) -> None:
    from rich.console import Console
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False, markup=False, emoji=False)
    text = Text(harmless(post.text))
    for style, (start, stop) in styles(decision):
        text.stylize(style, start, stop)
    console.print(Padding(text, (1, 2)))
    table = Table.grid(padding=(0, 2))
    for label, said in rows:
        table.add_row(Text(label, "bold"), Text(said))
    console.print(table)

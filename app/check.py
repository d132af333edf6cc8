"""``otklik check``: ``streams.yaml``, ``regulation/``, ``rules/`` and ``models/``; every fault, not the first alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import click

from app.errors import DONE, WRONG_USAGE
from app.home import find_home
from app.options import home_option
from app.words import counted
from records import Fault, FaultsError

Part = Callable[[Path], tuple[str, Sequence[Fault]]]


@click.command()
@home_option
@click.pass_context
def check(context: click.Context, home: Path | None) -> None:
    """Проверить настройки, отделы, правила и модели.

    Показывает все ошибки сразу: файл, строку, место и как исправить. Предупреждения не мешают работе.

    Код завершения: 0 — ошибок нет, 2 — есть.
    """
    folder = find_home(home)
    told: list[str] = []
    faults: list[Fault] = []
    for part in (_streams, _regulation, _rules, _models):
        says, found = _examined(part, folder)
        told.append(says)
        faults.extend(found)
    for fault in faults:
        click.echo(fault)
    errors = sum(not fault.warning for fault in faults)
    if errors:
        click.echo(f"Проверено в {folder}: {counted(errors, 'ошибка', 'ошибки', 'ошибок')}.")
    else:
        click.echo(f"Ошибок нет: {'; '.join(told)}.")
    context.exit(WRONG_USAGE if errors else DONE)


def _examined(part: Part, home: Path) -> tuple[str, Sequence[Fault]]:
    try:
        return part(home)
    except FaultsError as error:
        return "", error.faults


def _streams(home: Path) -> tuple[str, Sequence[Fault]]:
    from app.config import load_streams

    streams = load_streams(home / "streams.yaml")
    sources = counted(len(streams.sources), "источник", "источника", "источников")
    return f"{streams.carrier}, {sources}", streams.warnings


def _regulation(home: Path) -> tuple[str, Sequence[Fault]]:
    from regulation import Regulation

    regulation = Regulation.load(home / "regulation")
    departments = counted(len(regulation.departments), "отдел", "отдела", "отделов")
    topics = counted(len(regulation.topics), "тема", "темы", "тем")
    return f"{departments}, {topics}, regulation {regulation.version}", ()


def _rules(home: Path) -> tuple[str, Sequence[Fault]]:
    from rules import RuleBook

    book = RuleBook.load(home / "rules")
    return f"{counted(len(book.rules), 'правило', 'правила', 'правил')}, rules {book.version}", ()


def _models(home: Path) -> tuple[str, Sequence[Fault]]:
    from classifiers.shelf import check as faults_of

    folder = home / "models"
    faults = faults_of(folder)
    return f"модели: {', '.join(_current(folder)) or 'нет'}", faults


def _current(models: Path) -> Iterator[str]:
    for pointer in sorted(models.glob("*/current")):
        yield f"{pointer.parent.name} {pointer.read_text(encoding='utf-8').strip()}"

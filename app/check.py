"""``otklik check``: ``streams.yaml``, ``regulation/``, ``rules/`` and ``models/``; every fault, not the first alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.errors import DONE, WRONG_USAGE
from app.home import find_home
from app.options import home_option
from app.words import counted
from cases.errors import UnknownYearError
from records import Fault, FaultsError, file_fault
from records.clock import now
from records.messages import ALARMS, DECIDED, INCOMING, QUARANTINE

if TYPE_CHECKING:
    from regulation import Regulation


class House:
    """What is checked; ``regulation`` is read once, though models are held against it too."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def regulation(self) -> Regulation:
        from regulation import Regulation

        return Regulation.load(self.folder / "regulation")


Part = Callable[[House], tuple[str, Sequence[Fault]]]


@click.command()
@home_option
@click.pass_context
def check(context: click.Context, home: Path | None) -> None:
    """Проверить настройки, отделы, правила и модели.

    Показывает все ошибки сразу: файл, строку, место и как исправить. Предупреждения не мешают работе.

    Код завершения: 0 — ошибок нет, 2 — есть.
    """
    house = House(find_home(home))
    told: list[str] = []
    faults: list[Fault] = []
    for part in (_streams, _regulation, _rules, _models):
        says, found = _examined(part, house)
        told.append(says)
        faults.extend(sorted(found, key=lambda fault: (fault.file, fault.line, fault.column)))
    for fault in faults:
        click.echo(fault)
    errors = sum(not fault.warning for fault in faults)
    if errors:
        click.echo(f"Проверено в {house.folder}: {counted(errors, 'ошибка', 'ошибки', 'ошибок')}.")
    else:
        click.echo(f"Ошибок нет: {'; '.join(told)}.")
    context.exit(WRONG_USAGE if errors else DONE)


def _examined(part: Part, house: House) -> tuple[str, Sequence[Fault]]:
    try:
        return part(house)
    except FaultsError as error:
        return "", error.faults


def _streams(house: House) -> tuple[str, Sequence[Fault]]:
    from app.config import load_streams

    streams = load_streams(house.folder / "streams.yaml")
    sources = counted(len(streams.sources), "источник", "источника", "источников")
    return f"{streams.carrier}, {sources}", (*streams.warnings, *_kept_too_long(house))


# What holds people's words, and for how many days the policy ``retention`` lets it (152-ФЗ); cases.events holds none.
_KEPT = {INCOMING: "journal_days", DECIDED: "journal_days", ALARMS: "journal_days", QUARANTINE: "quarantine_days"}


def _kept_too_long(house: House) -> Iterator[Fault]:
    """Topics that keep people's words longer than the policy says; where ``regulation/`` has faults, those are told."""
    from regulation.documents import load

    try:
        values = house.regulation.policies["retention"].values
    except FaultsError:
        return
    document = load(house.folder / "streams.yaml")
    for topic, name in _KEPT.items():
        hours, most = document.data["topics"][topic]["retention_hours"], values[name]
        if isinstance(most, int) and hours > most * 24:
            what = f"{topic} хранит тексты {hours:g} ч, а можно {counted(most, 'день', 'дня', 'дней')} ({name})"
            mend = f"не больше {most * 24} ч или измените retention в regulation/policies.yaml (152-ФЗ)"
            yield document.fault(("topics", topic, "retention_hours"), what, mend)


def _regulation(house: House) -> tuple[str, Sequence[Fault]]:
    regulation = house.regulation
    departments = counted(len(regulation.departments), "отдел", "отдела", "отделов")
    topics = counted(len(regulation.topics), "тема", "темы", "тем")
    warnings = (*regulation.warnings, *_next_year(house, regulation))
    return f"{departments}, {topics}, regulation {regulation.version}", warnings


def _next_year(house: House, regulation: Regulation) -> Iterator[Fault]:
    if year := regulation.days.missed(now().date()):
        path, missing = house.folder / "regulation" / "calendar.yaml", UnknownYearError(year)
        yield replace(file_fault(path, missing.what, missing.mend), warning=True)


def _rules(house: House) -> tuple[str, Sequence[Fault]]:
    from rules import RuleBook

    book = RuleBook.load(house.folder / "rules", whole=True)
    return f"{counted(len(book.says), 'правило', 'правила', 'правил')}, rules {book.version}", ()


def _models(house: House) -> tuple[str, Sequence[Fault]]:
    """Each model by itself; then all of them together, with the regulation, where that could be read."""
    from classifiers import shelf
    from classifiers.predictor import Predictor
    from regulation.documents import load
    from regulation.topics import compare_topics

    folder = house.folder / "models"
    artefacts = shelf.load_all(folder)
    try:
        regulation = house.regulation
    except FaultsError:
        return "", ()
    predictor = Predictor.of(artefacts, folder, regulation.departments, regulation.topics)
    versions = ", ".join(f"{name} {version}" for name, version in sorted(predictor.versions.items()))
    topics = load(house.folder / "regulation" / "topics.yaml")
    return f"модели: {versions}", compare_topics(topics, predictor.topic_names)

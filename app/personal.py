"""Personal data (152-ФЗ): ``otklik forget``, ``otklik export``, ``otklik audit readings``."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.carrier import on_kafka, open_journal, streams_of
from app.casebook import audit
from app.errors import DONE, FAILED, SOME_REJECTED, UsageFault, say
from app.options import Shown, home_option, one_of, streams_option
from app.tables import as_option, moment_of, now_option, open_casebook, refuse, shown, user_of
from app.target import opened
from app.words import counted, one_line
from cases.lifecycle import MoveError
from records.clock import stamp

if TYPE_CHECKING:
    from app.config import Streams
    from app.erasing import Cleared
    from casebook.decree import Decree
    from casebook.forgetting import Forgotten
    from casebook.models import User
    from journal.embedded import EmbeddedJournal

_TITLES = {"post": "сообщений", "draft": "проектов ответа", "reason": "причин", "proof": "доказательств"}
_ONLY_OWNER = 0o077


class UnknownAuthorError(UsageFault):
    """Nothing is kept about the author: the call may be right all the same."""

    exit_code = FAILED


def read_author(written: str) -> tuple[str, str]:
    """Network and the network's own id. Raises: UsageFault."""
    network, _, author = written.partition(":")
    if not network or not author:
        raise UsageFault(f"не автор: {one_line(written)[:60]}", "сеть и номер автора в ней: vk:123456")
    return network, author


@click.command()
@click.option("--author", metavar="СЕТЬ:АВТОР", help="Всё об одном авторе сразу: он отозвал согласие.")
@click.option("--reason", metavar="ТЕКСТ", help="Почему стирают об авторе; обязательна с --author.")
@click.option("--as", "user_code", metavar="КТО", help="Кто это делает; обязательно с --author.")
@click.option("--dry-run", "rehearsal", is_flag=True, help="Только показать, что будет стёрто.")
@now_option
@streams_option
@home_option
@click.pass_context
def forget(
    context: click.Context,
    author: str | None,
    reason: str | None,
    user_code: str | None,
    rehearsal: bool,
    moment: str | None,
    streams: Path | None,
    home: Path | None,
) -> None:
    """Стереть тексты людей и сведения об авторах, срок хранения которых вышел (настройка retention).

    Счёт, сроки и события остаются, otklik audit verify сходится. Что ещё в работе или не прочитано, остаётся: сказано,
    почему. Прерванное можно начать снова. С --now в будущем сотрётся то, чему время тогда: сначала --dry-run.

    Код завершения: 0 — стёрто всё, чему время; 3 — часть оставлена.
    """
    settings = streams_of(home, streams)
    decree = open_casebook(home)
    from casebook.scrubbing import overwrite_what_is_freed

    now = moment_of(moment, decree)
    _not_sealed(decree, now)
    overwrite_what_is_freed()
    user = _who(user_code, author, reason)
    if author is None:
        left = _forget_old(decree, settings, user, now, rehearsal)
    else:
        left = _forget_author(decree, settings, user, author, reason or "", now, rehearsal)
    if rehearsal:
        say("Ничего не стёрто: это проба (--dry-run).")
    elif not _scrub(settings):
        left = True
    context.exit(SOME_REJECTED if left else DONE)


def _not_sealed(decree: Decree, now: datetime) -> None:
    """An event of a day whose root is written would contradict it."""
    from casebook.models import Root

    last = Root.objects.order_by("-day").first()
    if last is not None and now.astimezone(decree.clocks.working.zone).date() <= last.day:
        raise UsageFault(
            f"--now: день {last.day:%d.%m.%Y} уже закрыт", "назовите более поздний момент или уберите --now"
        )


def _who(user_code: str | None, author: str | None, reason: str | None) -> User:
    """Raises: UsageFault."""
    from casebook.readings import must_oversee
    from casebook.sweep import SYSTEM

    if author is not None:
        read_author(author)
        if user_code is None or not (reason and reason.strip()):
            raise UsageFault("не сказано, кто стирает и почему", "добавьте --as КТО --reason «…»")
    elif reason is not None:
        raise UsageFault("--reason без --author", "по сроку стирают без причины; об одном авторе: --author СЕТЬ:АВТОР")
    if user_code is None:
        return SYSTEM
    user = user_of(user_code)
    try:
        must_oversee(user, "стирание")
    except MoveError as error:
        raise refuse(error) from None
    return user


def _forget_old(decree: Decree, settings: Streams, user: User, now: datetime, rehearsal: bool) -> bool:
    """Whether something is left that should go."""
    from app.erasing import clear_old
    from casebook.forgetting import forget_old
    from casebook.scrubbing import remove_rows, remove_unnamed

    done = forget_old(decree, user, now, rehearsal=rehearsal)
    files = remove_unnamed(now, rehearsal=rehearsal)
    readings, answers = remove_rows(decree, now, rehearsal=rehearsal)
    _tell(done)
    click.echo(f"Файлы: {files}. Записи о чтении: {readings}. Ответы на повторы запросов: {answers}.")
    if on_kafka(settings):
        click.echo("Журнал: на Kafka стирает срок хранения очередей; сверяют его otklik check и otklik topics check.")
        return bool(done.kept)
    with _embedded(settings) as journal:
        cleared = clear_old(journal, lambda name: decree.policy("retention", name), now, rehearsal=rehearsal)
        return _tell_cleared(cleared) or bool(done.kept)


def _forget_author(
    decree: Decree, settings: Streams, user: User, written: str, reason: str, now: datetime, rehearsal: bool
) -> bool:
    from app.erasing import clear_author
    from casebook.about import quoted
    from casebook.forgetting import forget_author
    from casebook.intake import author_digest
    from casebook.models import Case
    from casebook.scrubbing import remove_files

    author = author_digest(*read_author(written))
    others = quoted(list(Case.objects.filter(author=author).values_list("key", flat=True)), author)
    done = forget_author(author, user, reason.strip(), now, rehearsal=rehearsal)
    files = len(done.digests) if rehearsal else remove_files(done.digests)
    _tell(done)
    click.echo(f"Файлы: {files}.")
    if others:
        click.echo(f"Слова автора стоят и в чужих карточках, как исходное сообщение: {_listed(others)}.")
    if on_kafka(settings):
        click.echo("Журнал: на Kafka одного автора не стереть; записи уйдут в срок хранения очередей.")
        return True
    with _embedded(settings) as journal:
        left = _tell_cleared(clear_author(journal, author, rehearsal=rehearsal))
    return left or bool(done.kept or others)


def _tell(done: Forgotten) -> None:
    told = ", ".join(f"{_TITLES[kind]} {done.erased[kind]}" for kind in _TITLES)
    cases = counted(done.cases, "карточке", "карточках", "карточках")
    click.echo(f"Стёрто в {cases}: {told}, вложений {done.erased['attachment']}, авторов {done.authors}.")
    for number, why in sorted(done.kept.items()):
        click.echo(f"Оставлено в карточке {number}: {why}.")


def _tell_cleared(cleared: Iterable[Cleared]) -> bool:
    """Whether something is left."""
    left = False
    for one in cleared:
        unresolved = f", из них никто не разобрал {one.unresolved}" if one.unresolved else ""
        click.echo(f"{one.topic}: записей {one.gone}{unresolved}.")
        if one.kept:
            left = True
            names = ", ".join(map(one_line, one.behind))
            click.echo(f"{one.topic}: оставлено {one.kept}: ещё не прочитал {names}. Запустите его, потом повторите.")
    return left


def _embedded(settings: Streams) -> EmbeddedJournal:
    from journal.embedded import EmbeddedJournal

    return EmbeddedJournal(settings.journal)


def _listed(numbers: list[int]) -> str:
    most = 20
    rest = f" и ещё {len(numbers) - most}" if len(numbers) > most else ""
    return ", ".join(map(str, numbers[:most])) + rest


def _scrub(settings: Streams) -> bool:
    """Whether no byte is left in the files of this machine."""
    from casebook.scrubbing import scrub

    clean = scrub()
    if not clean:
        say("База карточек занята: стёртое ещё не вычищено из её файла. Повторите otklik forget.")
    if on_kafka(settings):
        return clean
    with _embedded(settings) as journal:
        cleared = journal.scrub()
    if not cleared:
        say("Журнал занят: стёртое ещё не вычищено из его файла. Повторите otklik forget.")
    return clean and cleared


@click.command()
@click.argument("author", metavar="СЕТЬ:АВТОР")
@as_option
@click.option("--out", "path", metavar="ФАЙЛ", default="-", help="Куда записать; иначе на экран.")
@now_option
@streams_option
@home_option
def export(author: str, user_code: str, path: str, moment: str | None, streams: Path | None, home: Path | None) -> None:
    """Выгрузить всё, что хранится об одном авторе: JSON.

    Сообщения, решения, карточки, ответы, тревоги, записи журнала и карантина, кто их читал. О самой выгрузке остаётся
    запись. Кто может: manager, administrator.

    Код завершения: 0 — выгружено; 1 — об авторе ничего нет.
    """
    settings = streams_of(home, streams)
    decree = open_casebook(home)
    from app.erasing import about as about_in_journal
    from casebook.about import about
    from casebook.intake import author_digest
    from casebook.readings import must_oversee, record_reading, record_readings

    user, now = user_of(user_code), moment_of(moment, decree)
    try:
        must_oversee(user, "выгрузка")
    except MoveError as error:
        raise refuse(error) from None
    digest = author_digest(*read_author(author))
    found = about(digest)
    with open_journal(settings) as journal:
        passed = about_in_journal(journal, digest)
    if not (found.cases or passed["journal"] or passed["quarantine"]):
        raise UnknownAuthorError(
            f"об авторе {one_line(author)[:80]} ничего нет", "проверьте сеть и номер; стёртое не выгрузить"
        )
    whole = {
        "schema": 1,
        "author": author,
        "at": stamp(now),
        "cases": found.cases,
        "quoted_in": found.quoted,
        **passed,
    }
    record_readings(user.code, found.read, now, within="export")
    for part in ("journal", "quarantine"):
        if passed[part]:
            record_reading(user.code, f"export {part} {len(passed[part])}", now)
    with _for_owner_only(), opened(path) as target:
        target.write(f"{json.dumps(whole, ensure_ascii=False, indent=1)}\n".encode("utf-8", "replace"))


@contextmanager
def _for_owner_only() -> Iterator[None]:
    before = os.umask(_ONLY_OWNER)
    try:
        yield
    finally:
        os.umask(before)


@audit.command(name="readings")
@click.option("--case", "number", metavar="N", type=click.IntRange(1), help="Только тексты карточки N.")
@click.option("--actor", metavar="КТО", help="Только этого человека.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="Сколько показать.")
@click.option("--out", type=one_of(Shown), default=Shown.TEXT.value, show_default=True, help="Вид ответа.")
@home_option
def audit_readings(number: int | None, actor: str | None, limit: int, out: Shown, home: Path | None) -> None:
    """Показать, кто какие тексты читал, последние сначала (152-ФЗ)."""
    decree = open_casebook(home)
    from casebook.readings import readings

    for one in readings(case=number, actor=actor)[:limit]:
        case = one.case.ordinal if one.case else None
        if out is Shown.JSON:
            row = {"at": stamp(one.at), "actor": one.actor, "what": one.what, "case": case}
            click.echo(json.dumps(row, ensure_ascii=False))
        else:
            click.echo(f"{shown(one.at, decree)}  {one.actor:<16} карточка {case or '—':<6} {one.what}")

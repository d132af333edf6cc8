"""What keeps the casebook going: intake, relay, sweep; and what looks after it: audit, clocks, alarm."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import click

from app.carrier import on_kafka, open_journal, streams_of
from app.errors import DONE, FAILED, SOME_REJECTED, say
from app.logs import start_logging
from app.options import home_option, streams_option
from app.supervisor import stop_with_parent, stopping
from app.tables import as_option, moment_of, now_option, open_casebook, refuse, shown, user_of
from app.words import counted
from cases.lifecycle import MoveError
from records.clock import now
from records.messages import DECIDED

READER = "casebook"
log = logging.getLogger("otklik.casebook")
_BATCH = 50  # a transaction: on SQLite people who move cases wait for it
_WAIT, _NO_WAIT, _TO_JOIN = 1.0, 0.2, 8.0
once_option = click.option("--once", is_flag=True, help="Сделать, что есть, и закончить; иначе — пока не остановят.")


child_option = click.option("--child", is_flag=True, hidden=True)


def _begin(child: bool, once: bool) -> None:
    if child:
        stop_with_parent()
    if not once:
        start_logging()


def _repeat(work: Callable[[], int], once: bool, pause: float) -> None:
    """``work`` until it has nothing left (``once``), else until told to stop: what was begun is finished first."""
    with stopping() as stop:
        while not stop.is_set():
            done = work()
            if once and not done:
                return
            if not done:
                stop.wait(pause)


@click.command()
@once_option
@child_option
@streams_option
@home_option
@click.pass_context
def intake(context: click.Context, once: bool, child: bool, streams: Path | None, home: Path | None) -> None:
    """Открывать карточки по решениям из posts.decided. Повтор ничего не меняет."""
    _begin(child, once)
    decree = open_casebook(home)
    from casebook.intake import take

    total, settings = Counter[str](), streams_of(home, streams)
    # On Kafka a reader gets its partitions a few seconds after it has come.
    wait = _WAIT if not once else _TO_JOIN if on_kafka(settings) else _NO_WAIT
    with open_journal(settings) as journal, closing(journal.reader(READER, DECIDED)) as reader:

        def work() -> int:
            records = reader.poll(_BATCH, wait)
            if records:
                taken = take(decree, records, now())
                reader.commit(records, {})
                counts = {name: getattr(taken, name) for name in ("opened", "repeated", "proposed", "edited")}
                counts["refused"] = len(taken.refused)
                total.update(counts)
                log.info("intake", extra=counts)
                for offset, why in taken.refused:
                    say(f"posts.decided, смещение {offset}: {why}")
            return len(records)

        _repeat(work, once, 0)
    if once:
        say(
            f"Открыто карточек: {total['opened']}, правок: {total['edited']}, судили заново: {total['proposed']}, "
            f"повторов: {total['repeated']}, отвергнуто: {total['refused']}"
        )
    context.exit(SOME_REJECTED if total["refused"] else DONE)


@click.command()
@once_option
@child_option
@streams_option
@home_option
def relay(once: bool, child: bool, streams: Path | None, home: Path | None) -> None:
    """Передавать события карточек в cases.events: каждое хотя бы раз, по порядку."""
    _begin(child, once)
    open_casebook(home)
    from casebook.relay import relay as publish

    total = 0
    with open_journal(streams_of(home, streams)) as journal:

        def work() -> int:
            nonlocal total
            if done := publish(journal, now()):
                log.info("relay", extra={"events": done})
            total += done
            return done

        _repeat(work, once, _WAIT)
    if once:
        say(f"Передано событий: {total}")


@click.command()
@once_option
@child_option
@now_option
@home_option
def sweep(once: bool, child: bool, moment: str | None, home: Path | None) -> None:
    """Напоминать о сроках и тревогах, принимать молчание за согласие (п. 6)."""
    _begin(child, once)
    decree = open_casebook(home)
    from app.channels import channels
    from casebook.clocks import recompute
    from casebook.notices import deliver
    from casebook.sweep import look_anew
    from casebook.sweep import sweep as look

    # The calendar or a policy may have changed since the clocks were counted.
    recompute(decree, moment_of(moment, decree))
    look_anew()

    places = channels()
    if once:
        done = look(decree, moment_of(moment, decree), places)
        sent, failed = deliver(places, now)
        click.echo(
            f"Принято молчанием: {done.accepted}, напоминаний: {done.said}, отправлено: {sent}, не ушло: {failed}"
        )
        return

    def work() -> int:
        done = look(decree, now(), places)
        sent, failed = deliver(places, now)
        if done.accepted or done.said or sent or failed:
            said = {"accepted": done.accepted, "said": done.said, "sent": sent, "failed": failed}
            log.info("sweep", extra=said)
        return 0

    _repeat(work, False, 5.0)


@click.group()
def audit() -> None:
    """Целость записей: ничего не изменено, не вынуто и не вставлено."""


@audit.command(name="verify")
@home_option
@click.pass_context
def audit_verify(context: click.Context, home: Path | None) -> None:
    """Проверить цепочки событий, открытия карточек и дневные корни."""
    decree = open_casebook(home)
    from casebook.audit import verify
    from casebook.models import Case, Event

    found = list(verify(decree))
    for what in found:
        click.echo(what)
    cards, events = Case.objects.count(), Event.objects.count()
    click.echo(f"Проверено карточек: {cards}, событий: {events}. " + (_wrong(len(found)) if found else "Всё сходится."))
    context.exit(FAILED if found else DONE)


def _wrong(number: int) -> str:
    return f"Не сходится: {counted(number, 'место', 'места', 'мест')}."


@click.group()
def clocks() -> None:
    """Сроки карточек: проверить и пересчитать после перемены календаря или правил."""


@clocks.command(name="verify")
@home_option
@click.pass_context
def clocks_verify(context: click.Context, home: Path | None) -> None:
    """Сосчитать идущие сроки заново и показать, что не совпало; ничего не меняет."""
    decree = open_casebook(home)
    from casebook.clocks import differing, misdated

    wrong = 0
    for clock, fresh in differing(decree):
        wrong += 1
        click.echo(
            f"карточка {clock.case.ordinal}, {clock.name}: {shown(clock.due, decree)}, а должно быть {fresh.why}"
        )
    for one in misdated():
        wrong += 1
        click.echo(f"карточка {one.ordinal}: ближайший срок {shown(one.due, decree)} не тот")
    click.echo(f"{_wrong(wrong)} Пересчитать: otklik clocks recompute" if wrong else "Все сроки сходятся.")
    context.exit(FAILED if wrong else DONE)


@clocks.command(name="recompute")
@now_option
@home_option
def clocks_recompute(moment: str | None, home: Path | None) -> None:
    """Пересчитать сроки открытых карточек по нынешним календарю и правилам; о каждой остаётся запись."""
    decree = open_casebook(home)
    from casebook.clocks import recompute

    changed = recompute(decree, moment_of(moment, decree))
    click.echo(f"Сроки изменились у {counted(changed, 'карточки', 'карточек', 'карточек')}.")


@click.group()
def alarm() -> None:
    """Тревоги: список и приём. Повторяются, пока их не примет человек."""


@alarm.command(name="list")
@home_option
def alarm_list(home: Path | None) -> None:
    """Показать тревоги, которых никто не принял."""
    decree = open_casebook(home)
    from casebook.lists import open_alarms

    for one in open_alarms():
        click.echo(f"{one.case.ordinal:>6} {one.kind:<8} с {shown(one.raised_at, decree)}, до {shown(one.due, decree)}")


@alarm.command(name="ack")
@click.argument("number", metavar="N", type=click.IntRange(1))
@click.argument("kind", metavar="ВИД")
@as_option
@now_option
@home_option
def alarm_ack(number: int, kind: str, user_code: str, moment: str | None, home: Path | None) -> None:
    """Принять тревогу карточки N: threat, danger, crisis, crime."""
    decree = open_casebook(home)
    from casebook.alarms import acknowledge

    try:
        found = acknowledge(number, kind, acting_user=user_of(user_code), now=moment_of(moment, decree))
    except MoveError as error:
        raise refuse(error) from None
    click.echo(f"Тревога {found.kind} карточки {number} принята: {user_code}")

"""``otklik case``: list and show cases, make every move of the lifecycle."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app.errors import say
from app.options import Shown, home_option, one_of
from app.tables import as_option, moment_of, now_option, open_casebook, refuse, shown, user_of
from app.words import harmless, one_line, shortened
from cases.lifecycle import MOVES, MoveError, MoveName, Role, State, moves_from
from cases.titles import CLOCKS
from records.clock import now, stamped

if TYPE_CHECKING:
    from casebook.decree import Decree
    from casebook.models import Case

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
# What a move is told beside who, when and why: option, what it is.
_GIVEN: dict[MoveName, dict[str, tuple[str, Any]]] = {
    MoveName.CONFIRM: {"department": ("Отдел; иначе предложенный.", str), "office": ("Территориальный отдел.", str)},
    MoveName.ASSIGN: {"executor": ("Исполнитель.", str)},
    MoveName.JOIN: {"department": ("Отдел-соисполнитель.", str)},
    MoveName.DRAFT: {"text": ("Текст ответа; «-» — со стандартного ввода.", str)},
    MoveName.SEND: {"body": ("Кто согласует: CUR или UPR.", str), "number": ("Номер запроса.", str)},
    MoveName.APPROVE: {"number": ("Номер согласования.", str)},
    MoveName.PUBLISH: {"link": ("Ссылка на ответ.", str)},
    MoveName.PUBLISH_UNAPPROVED: {"link": ("Ссылка на ответ.", str)},
    MoveName.UNPUBLISHABLE: {"proof": ("Доказательство: ссылка или описание снимка.", str)},
    MoveName.REPLY: {"link": ("Ссылка на ответ.", str)},
    MoveName.RESTORE: {"track": ("Срок: 4h или 8h.", click.Choice(["4h", "8h"]))},
    MoveName.RAISE: {"code": ("Код причины: danger, outage, accident, vulnerable, resonance.", str)},
    MoveName.SPLIT: {"department": ("Отдел второго вопроса.", str)},
    MoveName.MERGE: {"into": ("Номер общей карточки.", int)},
    MoveName.ESCALATE: {
        "to": ("Кому: police, 112, management.", click.Choice(["police", "112", "management"])),
        "number": ("Номер сообщения.", str),
    },
}
_MOST_NAMED = 10
_METAVARS = {str: "ЗНАЧЕНИЕ", int: "N"}
version_option = click.option(
    "--version", metavar="N", type=int, help="Версия карточки, какой её видели; иначе нынешняя."
)


@click.group()
def case() -> None:
    """Карточки: посмотреть, подтвердить маршрут, вернуть, ответить — всё по положению.

    Показ не меняет карточку. Каждое действие — кем (--as), когда и по какой версии карточки; если её
    успел изменить другой, действие не делается.
    """


@case.command(name="list")
@as_option
@click.option("--state", type=one_of(State), help="Только в этом состоянии.")
@click.option("--department", metavar="КОД", help="Только этого отдела.")
@click.option("--late", is_flag=True, help="Только с прошедшим сроком.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="Сколько показать.")
@click.option("--out", type=one_of(Shown), default=Shown.TEXT.value, show_default=True, help="Вид ответа.")
@now_option
@home_option
def list_(
    user_code: str,
    state: State | None,
    department: str | None,
    late: bool,
    limit: int,
    out: Shown,
    moment: str | None,
    home: Path | None,
) -> None:
    """Показать карточки, ближайший срок первым."""
    decree = open_casebook(home)
    from casebook.lists import cards

    now = moment_of(moment, decree)
    found = cards(user_of(user_code), state=state, department=department, late_at=now if late else None)[:limit]
    for one in found:
        click.echo(json.dumps(_row(one), ensure_ascii=False) if out is Shown.JSON else _line(one, decree))


def _row(one: Case) -> dict[str, Any]:
    return {
        "case": str(one.ordinal),
        "key": one.key,
        "state": one.state,
        "track": one.track or None,
        "department": one.department or None,
        "office": one.office or None,
        "external": one.external or None,
        "due": stamped(one.due),
        "version": one.version,
    }


def _line(one: Case, decree: Decree) -> str:
    marks = "".join(mark for mark, is_set in (("!", one.resonance), ("?", one.second_look)) if is_set)
    return (
        f"{one.ordinal:>6} {marks:<2} {one.state:<18} {one.track or '—':<3} {one.department or '—':<10} "
        f"{shown(one.due, decree):<17} {one_line(one.key)}"
    )


@case.command()
@click.argument("number", metavar="N", type=click.IntRange(1))
@as_option
@click.option("--out", type=one_of(Shown), default=Shown.TEXT.value, show_default=True, help="Вид ответа.")
@home_option
def show(number: int, user_code: str, out: Shown, home: Path | None) -> None:
    """Показать карточку N: сообщение, сроки и почему, что было и что можно сделать.

    О том, что вы прочли сообщение, остаётся запись (152-ФЗ): otklik audit readings.
    """
    decree = open_casebook(home)
    from casebook.lists import copies
    from casebook.moves import visible
    from casebook.readings import read_case

    user = user_of(user_code)
    try:
        one = visible(number, user)
    except MoveError as error:
        raise refuse(error) from None
    read_case(user, one, now(), drafts=False)
    alike = list(copies(one, user).values_list("ordinal", flat=True))
    if out is Shown.JSON:
        click.echo(json.dumps(_whole(one, alike), ensure_ascii=False))
    else:
        click.echo("\n".join(_page(one, alike, decree, Role(user.role))))


def _whole(one: Case, alike: Sequence[int]) -> dict[str, Any]:
    from casebook.events import message_of
    from casebook.lists import clocks, words

    return {
        **_row(one),
        **words(one),
        "alike": [str(number) for number in alike],
        "resonance": one.resonance,
        "clocks": clocks(one),
        "events": [message_of(event) for event in one.events.select_related("case").order_by("number")],
    }


def _page(one: Case, alike: Sequence[int], decree: Decree, role: Role) -> Iterator[str]:
    from casebook.lists import words

    yield f"Карточка {one.ordinal}, версия {one.version}: {one.state}, срок {one.track or '—'}"
    yield f"  {one.key}, выявлено {shown(one.detected_at, decree)}, отдел {one.department or '—'}"
    text = words(one)["post"]
    yield f"  {shortened(harmless(one_line(text['text'])), 400) if text else '(текст стёрт)'}"
    if alike:
        named = ", ".join(map(str, alike[:_MOST_NAMED])) + (" …" if len(alike) > _MOST_NAMED else "")
        yield f"  похожие сообщения ({len(alike)}): карточки {named}{'; много авторов за сутки' * one.resonance}"
    yield "Сроки:"
    for clock in one.clocks.order_by("id"):
        ended = f"выполнено {shown(clock.stopped_at, decree)}" if clock.stopped_at else "идёт"
        yield f"  {CLOCKS[clock.name]:<22} {shown(clock.due, decree)}  {ended}"
        yield f"  {'':<22} {clock.why}"
    yield "Что было:"
    for event in one.events.order_by("number"):
        yield f"  {event.number:>3} {shown(event.at, decree)}  {event.kind} — {event.actor} ({event.role})"
    yield f"Можно ({role}): {', '.join(moves_from(State(one.state), role)) or 'ничего'}"


def _option(key: str) -> tuple[str, str]:
    """The number of a letter is not that of the case: each option has a parameter of its own."""
    return f"--{key}", f"given_{key}"


def _move_command(name: MoveName) -> click.Command:
    """One command of the lifecycle, from its row in the table and what it is given."""

    def make(
        number: int,
        user_code: str,
        version: int | None,
        reason: str | None,
        moment: str | None,
        home: Path | None,
        **given: Any,
    ) -> None:
        told = {key.removeprefix("given_"): value for key, value in given.items()}
        _make(name, number, user_code, version, reason, moment, home, told)

    options: list[Callable[..., Any]] = [
        click.argument("number", metavar="N", type=click.IntRange(1)),
        as_option,
        *(
            click.option(*_option(key), metavar=_METAVARS.get(kind), help=told, type=kind)
            for key, (told, kind) in _GIVEN.get(name, {}).items()
        ),
        click.option("--reason", metavar="ТЕКСТ", help="Причина." + (" Обязательна." if MOVES[name].reasoned else "")),
        version_option,
        now_option,
        home_option,
    ]
    if name is MoveName.DRAFT:
        options.append(click.option("--file", "files", type=_FILE, multiple=True, help="Приложить файл."))
    for option in reversed(options):
        make = option(make)
    states = ", ".join(sorted(MOVES[name].before))
    roles = ", ".join(sorted(MOVES[name].roles))
    text = f"{MOVES[name].title[:1].upper()}{MOVES[name].title[1:]}.\n\nИз состояний: {states}.\nКто: {roles}."
    return click.command(name=name.replace("_", "-"), help=text)(make)


def _make(
    name: MoveName,
    number: int,
    user_code: str,
    version: int | None,
    reason: str | None,
    moment: str | None,
    home: Path | None,
    given: dict[str, Any],
) -> None:
    decree = open_casebook(home)
    from casebook.files import keep_file
    from casebook.moves import perform, visible

    user = user_of(user_code)
    if given.get("text") == "-":
        given["text"] = click.get_text_stream("stdin", encoding="utf-8").read()
    try:
        seen = visible(number, user).version if version is None else version
        if "files" in given:
            given["files"] = [keep_file(path) for path in given["files"]]
        now = moment_of(moment, decree)
        event = perform(decree, number, name, acting_user=user, version=seen, now=now, reason=reason, **given)
    except MoveError as error:
        raise refuse(error) from None
    after = event.case
    click.echo(f"Карточка {number}: {after.state}, версия {after.version}, ближайший срок {shown(after.due, decree)}")
    if wished := event.body.get("longer_than_wished"):
        say(f"Ответ длинный: желательно до {wished} знаков")


@case.command()
@click.argument("number", metavar="N", type=click.IntRange(1))
@as_option
@click.option("--text", metavar="ТЕКСТ", required=True, help="Текст промежуточного ответа с датой окончательного.")
@click.option("--reason", metavar="ТЕКСТ", required=True, help="Почему сразу не ответить.")
@version_option
@now_option
@home_option
def interim(
    number: int, user_code: str, text: str, reason: str, version: int | None, moment: str | None, home: Path | None
) -> None:
    """Внести проект промежуточного ответа: причина и дата окончательного обязательны (п. 12)."""
    _make(MoveName.DRAFT, number, user_code, version, reason, moment, home, {"text": text, "interim": True})


for _name in MoveName:
    if _name is not MoveName.ACCEPT:  # made by time alone
        case.add_command(_move_command(_name))

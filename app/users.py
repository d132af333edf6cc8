"""``otklik user``, ``otklik token``: who works with the cases, and with what other programs come."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.errors import UsageFault
from app.options import home_option, one_of
from app.tables import open_casebook, shown, user_of
from cases.lifecycle import OF_A_DEPARTMENT, Role
from records.clock import now

if TYPE_CHECKING:
    from casebook.decree import Decree
    from casebook.models import User

_LONGEST_CODE = 64
_department = click.option("--department", metavar="КОД", help="Отдел: обязателен руководителю и исполнителю.")
_office = click.option("--office", metavar="КОД", help="Территориальный отдел, если видит только его карточки.")
_name = click.option("--name", metavar="ИМЯ", help="Имя.")


@click.group()
def user() -> None:
    """Кто работает с карточками: роли, отделы, пароли.

    Что какой роли можно — docs/access.md.
    """


@user.command(name="add")
@click.argument("code", metavar="КОД")
@click.option("--role", type=one_of(Role), required=True, help="Роль.")
@_name
@_department
@_office
@home_option
def user_add(
    code: str, role: Role, name: str | None, department: str | None, office: str | None, home: Path | None
) -> None:
    """Добавить пользователя; показывает одноразовый пароль, один раз.

    Первым добавьте администратора: otklik user add admin --role administrator
    """
    decree = open_casebook(home)
    _check_code(code)
    _check(decree, role, department or "", office or "")
    from casebook.models import User

    defaults = {"role": role, "name": name or code, "department": department or "", "office": office or ""}
    found, is_new = User.objects.get_or_create(code=code, defaults=defaults)
    if not is_new:
        raise UsageFault(f"пользователь {code} уже есть", "выберите другой код; изменить: otklik user edit")
    click.echo(f"Добавлен {code}: {role}")
    _tell_password(found)


def _check_code(code: str) -> None:
    if not 0 < len(code) <= _LONGEST_CODE or not code.isprintable() or code != code.strip() or " " in code:
        raise UsageFault(
            f"негодный код пользователя {code[:_LONGEST_CODE]!r}", "латинские буквы, цифры, дефис: ivanova"
        )


def _check(decree: Decree, role: Role, department: str, office: str) -> None:
    if role is Role.SYSTEM:
        raise UsageFault("system — сама программа", "выберите другую роль")
    if role in OF_A_DEPARTMENT and not department:
        raise UsageFault(f"у роли {role} должен быть отдел", "добавьте --department КОД")
    if department and decree.department(department) is None:
        raise UsageFault(f"нет отдела {department}", "возьмите код из regulation/departments.yaml")
    if office and office not in decree.regulation.places.offices:
        raise UsageFault(f"нет территориального отдела {office}", "возьмите код из regulation/places.yaml")


def _tell_password(one: User) -> None:
    from desk.accounts import give_one_time_password

    click.echo(f"Одноразовый пароль: {give_one_time_password(one)}")
    click.echo("Больше он показан не будет. При первом входе нужно выбрать свой.")


@user.command(name="edit")
@click.argument("code", metavar="КОД")
@click.option("--role", type=one_of(Role), help="Роль.")
@_name
@_department
@_office
@click.option("--active/--inactive", default=None, help="Работает или больше нет: входы и ключи перестают действовать.")
@home_option
def user_edit(
    code: str,
    role: Role | None,
    name: str | None,
    department: str | None,
    office: str | None,
    active: bool | None,
    home: Path | None,
) -> None:
    """Изменить роль, отдел или имя; закрыть или открыть вход. Чтобы убрать отдел, назовите пустой: --department ''."""
    decree = open_casebook(home)
    from desk.accounts import revoke_all

    one = _named(code)
    told = {"role": role, "name": name, "department": department, "office": office, "active": active}
    for field, value in told.items():
        if value is not None:
            setattr(one, field, value)
    _check(decree, Role(one.role), one.department, one.office)
    one.save(update_fields=[field for field, value in told.items() if value is not None])
    if active is False:
        revoke_all(one, now())
    click.echo(f"{code}: {_line(one)}")


@user.command(name="password")
@click.argument("code", metavar="КОД")
@home_option
def user_password(code: str, home: Path | None) -> None:
    """Дать новый одноразовый пароль; начатые входы кончаются."""
    open_casebook(home)
    from desk.accounts import revoke_sessions

    one = _named(code)
    revoke_sessions(one, now())
    _tell_password(one)


@user.command(name="list")
@home_option
def user_list(home: Path | None) -> None:
    """Показать пользователей."""
    open_casebook(home)
    from casebook.models import User

    for one in User.objects.order_by("code"):
        click.echo(f"{one.code:<16} {_line(one)}")


def _line(one: User) -> str:
    marks = ", ".join(
        mark
        for mark, is_so in (
            ("не работает", not one.active),
            ("без пароля", not one.password),
            ("пароль одноразовый", one.one_time),
        )
        if is_so
    )
    told = f"{one.role:<14} {one.department or '—':<10} {one.office or '—':<10} {one.name}"
    return f"{told} ({marks})" if marks else told


def _named(code: str) -> User:
    from casebook.models import User

    found = User.objects.filter(code=code).first()
    if found is None:
        raise UsageFault(f"нет пользователя {code}", "посмотрите: otklik user list")
    return found


@click.group()
def token() -> None:
    """Ключи доступа для других программ: на какие права и до какого дня."""


@token.command(name="add")
@click.argument("name", metavar="ИМЯ")
@click.option("--as", "user_code", metavar="КТО", required=True, help="От чьего имени: роль ограничивает права.")
@click.option("--scope", "scopes", metavar="ПРАВО", multiple=True, help="Право; иначе все, что есть у роли.")
@click.option("--days", type=click.IntRange(1, 366), default=365, show_default=True, help="Сколько дней действует.")
@home_option
def token_add(name: str, user_code: str, scopes: tuple[str, ...], days: int, home: Path | None) -> None:
    """Завести ключ для программы ИМЯ; показывает его один раз."""
    decree = open_casebook(home)
    from desk.access import Scope, scopes_of
    from desk.accounts import SESSION_NAME, issue

    one = user_of(user_code)
    own = scopes_of(Role(one.role))
    if name == SESSION_NAME:
        raise UsageFault(f"имя {name} занято: так зовутся входы людей", "назовите ключ по программе")
    wrong = [scope for scope in scopes if scope not in set(Scope)]
    if wrong:
        raise UsageFault(f"нет права {wrong[0]}", f"права: {', '.join(Scope)}")
    beyond = [scope for scope in scopes if scope not in own]
    if beyond:
        raise UsageFault(f"у роли {one.role} нет права {beyond[0]}", f"есть: {', '.join(sorted(own))}")
    given = [Scope(scope) for scope in scopes] or sorted(own)
    life = timedelta(days=days)
    secret = issue(one, name[:100], given, now(), life)
    click.echo(secret)
    click.echo(f"Права: {', '.join(given)}. Действует до {shown(now() + life, decree)}.", err=True)
    click.echo("Больше он показан не будет: храните его как пароль.", err=True)


@token.command(name="list")
@home_option
def token_list(home: Path | None) -> None:
    """Показать ключи; самих ключей нигде нет."""
    decree = open_casebook(home)
    from casebook.models import Token

    for one in Token.objects.select_related("user").order_by("id"):
        state = "отозван" if one.revoked_at else "вышел" if one.expires_at <= now() else "действует"
        until = shown(one.expires_at, decree)
        click.echo(f"{one.pk:>5} {one.name:<20} {one.user.code:<16} до {until} {state:<9} {' '.join(one.scopes)}")


@token.command(name="revoke")
@click.argument("number", metavar="N", type=click.IntRange(1))
@home_option
def token_revoke(number: int, home: Path | None) -> None:
    """Отозвать ключ N (номер показывает token list); действует сразу."""
    open_casebook(home)
    from casebook.models import Token

    if not Token.objects.filter(pk=number).update(revoked_at=now()):
        raise UsageFault(f"ключа {number} нет", "посмотрите: otklik token list")
    click.echo(f"Ключ {number} отозван.")

"""The casebook of a home: its database, its attachments, and the decree it goes by."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app.errors import AwayFault, UsageFault
from app.home import database_url, find_home
from app.moments import read_moment
from records.clock import now

if TYPE_CHECKING:
    from casebook.decree import Decree
    from casebook.models import User

now_option = click.option("--now", "moment", metavar="МОМЕНТ", help="Считать, что сейчас МОМЕНТ: для репетиции.")
as_option = click.option("--as", "user_code", metavar="КТО", required=True, help="Кто это делает: otklik user list.")


def open_casebook(home: Path | None, apart: Path | None = None, **more: Any) -> Decree:
    """Connect to the database (``DATABASE_URL``, else SQLite in ``var/``), bring its tables up to date.

    ``apart``: a folder for a casebook of its own, whatever the environment says; ``more``: settings of Django.

    Raises:
        UsageFault: not the address of a database; AwayFault: it cannot be had now; FaultsError: of ``regulation/``.
    """
    from casebook.setup import DatabaseUrlError, connect, migrate, sqlite_url
    from regulation import Regulation

    folder = find_home(home)
    data = apart or folder / "var"
    url = ("" if apart else database_url()) or sqlite_url((data / "casebook.sqlite").resolve())
    data.mkdir(exist_ok=True)
    try:
        connect(url, data / "files", **more)
        migrate()
    except DatabaseUrlError as error:
        raise UsageFault(f"DATABASE_URL: {error}", "исправьте переменную или уберите её: будет SQLite") from None
    except Exception as error:
        if not _is_of_the_database(error):
            raise
        what = f"база карточек недоступна: {str(error).splitlines()[0] if str(error) else type(error).__name__}"
        raise AwayFault(what, "проверьте DATABASE_URL, что сервер запущен и место на диске есть") from None
    from casebook.decree import Decree

    return Decree.of(Regulation.load(folder / "regulation"))


def has_casebook(home: Path | None) -> bool:
    """Whether there is one to ask; to ask is not to make one."""
    return bool(database_url()) or (find_home(home) / "var" / "casebook.sqlite").is_file()


def _is_of_the_database(error: Exception) -> bool:
    from django.db import Error

    return isinstance(error, Error | OSError)


def user_of(code: str) -> User:
    """Raises: UsageFault: nobody of that name, or no longer active."""
    from casebook.models import User

    found = User.objects.filter(code=code).first()
    if found is None or not found.active:
        raise UsageFault(f"нет пользователя {code}", "добавьте: otklik user add КОД --role …")
    return found


def moment_of(written: str | None, decree: Decree) -> datetime:
    """What ``--now`` says, else now. Raises: UsageFault."""
    if written is None:
        return now()
    try:
        return read_moment(written, decree.clocks.working.zone).astimezone(UTC)
    except UsageFault as fault:
        raise UsageFault(f"--now: {fault.message}", fault.mend) from None


def shown(moment: datetime | None, decree: Decree) -> str:
    return f"{moment.astimezone(decree.clocks.working.zone):%d.%m.%Y %H:%M}" if moment else "—"


def refuse(error: Any) -> UsageFault:
    """A move that may not be made, for the screen."""
    return UsageFault(str(error), error.mend)

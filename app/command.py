"""The command line ``otklik``: its commands, and what each kind of failure looks like to its user."""

from __future__ import annotations

import io
import sys
from contextlib import suppress
from typing import Any

import click

from app.backup import backup, restore
from app.calendar import calendar
from app.case import case
from app.casebook import alarm, audit, clocks, intake, relay, sweep
from app.check import check
from app.demo import demo
from app.diff import diff
from app.due import due
from app.errors import DONE, FAILED, WRONG_USAGE, say
from app.explain import explain
from app.home import debugging, keep_to_one_thread
from app.personal import export, forget
from app.produce import produce
from app.quarantine import quarantine
from app.report import report
from app.russian import speak_russian
from app.serve import serve
from app.streams import let_go, plug
from app.tail import tail
from app.topics import topics
from app.trace import trace
from app.triage import triage
from app.up import run, up
from app.users import token, user
from app.web import web
from app.worker import worker
from cases.errors import CalendarError
from journal import JournalError
from records import FaultsError
from records.system import why

keep_to_one_thread()


class Otklik(click.Group):
    """Exit 0: all done; 3: done, some input rejected; 2: wrong usage or configuration; 1: failure."""

    def main(self, *args: Any, **options: Any) -> Any:
        code = self._run(*args, **{**options, "standalone_mode": False})
        let_go()
        sys.exit(code)

    def _run(self, *args: Any, **options: Any) -> int:
        try:
            code = super().main(*args, **options)
            sys.stdout.flush()
            return code if isinstance(code, int) else DONE
        except BrokenPipeError:
            return DONE
        except SystemExit as end:  # what click makes of a broken pipe; shell completion ends so too
            if isinstance(end.__context__, BrokenPipeError):
                return DONE
            raise
        except click.ClickException as error:
            with suppress(OSError):
                error.show()
            return error.exit_code
        except FaultsError as error:
            say(f"{error}\nНастройка с ошибками; все сразу показывает otklik check.")
            return WRONG_USAGE
        except CalendarError as error:
            say(f"Ошибка: {error}")
            return WRONG_USAGE
        except JournalError as error:
            say(f"Сбой: {error}\n    как исправить: {error.mend}")
            return FAILED
        except (KeyboardInterrupt, click.Abort):
            say("Прервано.")
            return FAILED
        except Exception as error:
            if debugging():
                raise
            say(_failure(error))
            return FAILED


def _failure(error: Exception) -> str:
    if isinstance(error, OSError):
        what = f"{error.filename}: {why(error)}" if error.filename else f"стандартный вывод: {why(error)}"
        return f"Сбой: {what}\n    как исправить: проверьте место на диске, права и куда идёт вывод"
    said = "не хватило памяти" if isinstance(error, MemoryError) else type(error).__name__
    return f"Сбой: {said}\n    как исправить: повторите с OTKLIK_DEBUG=1 и пришлите вывод разработчикам"


def _show_version(context: click.Context, _: click.Parameter, asked: bool) -> None:
    if asked and not context.resilient_parsing:
        click.echo(f"otklik {code_version()}")
        context.exit()


def code_version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("otklik")
    except PackageNotFoundError:
        return "(не установлен, запущен из папки)"


@click.group(cls=Otklik, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_show_version, help="Показать версию."
)
def otklik() -> None:
    """Разбор сообщений граждан: что исключить, на что ответить, за сколько часов и в какой отдел.

    Решает человек: программа предлагает и показывает, почему.
    """


_ON_POSTS = (triage, explain, diff, run, worker, up, quarantine, trace, produce, tail, topics)
_ON_CASES = (
    case,
    alarm,
    intake,
    relay,
    sweep,
    web,
    serve,
    audit,
    clocks,
    forget,
    export,
    backup,
    restore,
    report,
    user,
    token,
    demo,
)
for _command in (*_ON_POSTS, *_ON_CASES, check, due, calendar):
    otklik.add_command(_command)
speak_russian(otklik)


def main() -> None:
    """A letter that the screen's encoding lacks is shown as a question mark."""
    plug()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    otklik(prog_name="otklik")

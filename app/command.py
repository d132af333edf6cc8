"""The command line ``otklik``: its commands, and what each kind of failure looks like to its user."""

from __future__ import annotations

import io
import os
import sys
from typing import Any

import click

from app.check import check
from app.diff import diff
from app.errors import DONE, FAILED, WRONG_USAGE
from app.explain import explain
from app.home import debugging, keep_to_one_thread
from app.russian import speak_russian
from app.triage import triage
from records import FaultsError

keep_to_one_thread()


class Otklik(click.Group):
    """Exit 0: all done; 3: done, some input rejected; 2: wrong usage or configuration; 1: failure."""

    def main(self, *args: Any, **options: Any) -> Any:
        sys.exit(self._run(*args, **{**options, "standalone_mode": False}))

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            _forget_stdout()
            return DONE

    def _run(self, *args: Any, **options: Any) -> int:
        try:
            code = super().main(*args, **options)
            return code if isinstance(code, int) else DONE
        except click.ClickException as error:
            error.show()
            return error.exit_code
        except FaultsError as error:
            click.echo(f"{error}\nНастройка с ошибками; все сразу показывает otklik check.", err=True)
            return WRONG_USAGE
        except (KeyboardInterrupt, click.Abort):
            click.echo("Прервано.", err=True)
            return FAILED
        except Exception as error:
            if debugging():
                raise
            click.echo(_failure(error), err=True)
            return FAILED


def _forget_stdout() -> None:
    """The reader went away, as ``head`` does: what is still buffered goes nowhere, without a complaint."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError:
        sys.stdout = io.StringIO()


def _failure(error: Exception) -> str:
    return f"Сбой: {type(error).__name__}\n    как исправить: повторите с OTKLIK_DEBUG=1 и пришлите вывод разработчикам"


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


for _command in (triage, explain, diff, check):
    otklik.add_command(_command)
speak_russian(otklik)


def main() -> None:
    """A letter that the screen's encoding lacks is shown as a question mark."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    otklik(prog_name="otklik")

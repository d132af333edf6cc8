"""``otklik serve``: everything that the service is made of, on one machine, under one supervisor."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from app.carrier import on_kafka, streams_of
from app.errors import UsageFault, say
from app.home import children_log_as_json, find_home
from app.options import home_option, streams_option
from app.running import DOES, command, where
from app.supervisor import GRACE_MARGIN, Child, Supervisor
from app.tables import open_casebook
from app.web import listening

_GRACE = 30.0
# What works on a backlog gives way to who answers people; a decision may hold an alarm, so it comes before its case.
_TRIAGE_NICE, _INTAKE_NICE = 10, 15
# Who accepts stops first, then who works on what was accepted, last who tells others.
_WEB, _TRIAGE, _INTAKE, _SWEEP, _RELAY = range(5)


@click.command()
@click.option("--host", metavar="АДРЕС", default="127.0.0.1", show_default=True, help="На каком адресе слушать.")
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True, help="Порт.")
@click.option("--name", "names", metavar="ИМЯ", multiple=True, help="Под каким именем обращаются, кроме localhost.")
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Сколько разбирают (Kafka).")
@click.option("--web", type=click.IntRange(1, 16), help="Сколько процессов отвечают по HTTP; иначе по ядрам, до двух.")
@streams_option
@home_option
def serve(
    host: str,
    port: int,
    names: tuple[str, ...],
    workers: int,
    web: int | None,
    streams: Path | None,
    home: Path | None,
) -> None:
    """Запустить службу целиком: разбор, карточки, передачу событий, обход сроков и HTTP.

    Что кончилось, запускается снова. Остановка — SIGTERM или Ctrl+C: по порядку, начатое заканчивается.
    """
    folder = find_home(home)
    path = (streams or folder / "streams.yaml").absolute()
    settings = streams_of(folder, path)
    if workers > 1 and not on_kafka(settings):
        raise UsageFault("журнал на одной машине читает один рабочий", "уберите --workers или перейдите на Kafka")
    listener = listening(host, port)
    open_casebook(home)  # its tables are there, and its faults told, before anybody starts
    both = ["--home", str(folder), "--streams", str(path)]
    called = ["--host", host, *(word for name in names for word in ("--name", name))]
    children = [
        *_workers(both, workers, settings.batch.limit_seconds + GRACE_MARGIN),
        Child("карточки", command("intake", *both), _GRACE, _INTAKE, _INTAKE_NICE, does=DOES["intake"]),
        Child("сроки", command("sweep", "--home", str(folder)), _GRACE, _SWEEP, does=DOES["sweep"]),
        Child("события", command("relay", *both), _GRACE, _RELAY, does=DOES["relay"]),
        *_webs([*both, *called], web or min(2, os.cpu_count() or 1), listener.fileno()),
    ]

    def stopped(rank: int) -> None:
        if rank == _WEB:
            listener.close()  # who comes now is turned away at once, and does not wait for the rest to stop

    say(f"Отклик, служба: {folder}")
    for line in where(settings, children, f"http://{host}:{port}"):
        say(line)
    _tell_first_steps()
    children_log_as_json()
    click.get_current_context().exit(Supervisor(children, say, stopped).run())


def _workers(both: Sequence[str], count: int, grace: float) -> Iterator[Child]:
    for number in range(1, count + 1):
        yield Child(f"разбор {number}", command("worker", *both), grace, _TRIAGE, _TRIAGE_NICE, does=DOES["worker"])


def _webs(words: Sequence[str], count: int, listener: int) -> Iterator[Child]:
    """One socket for all, held here: while one is started again, who comes is answered by the others or waits."""
    for number in range(1, count + 1):
        yield Child(
            f"HTTP {number}",
            command("web", *words, "--socket", listener),
            _GRACE,
            _WEB,
            files=[listener],
            does=DOES["web"],
        )


def _tell_first_steps() -> None:
    from casebook.models import User

    if not User.objects.exists():
        say("Пользователей ещё нет. Первый: otklik user add admin --role administrator — покажет одноразовый пароль.")

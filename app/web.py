"""``otklik web``: the HTTP API alone; on one machine ``otklik serve`` starts it with the rest."""

from __future__ import annotations

import errno
import gc
import socket
from contextlib import ExitStack
from pathlib import Path

import click

from app.carrier import open_journal, streams_of
from app.errors import UsageFault, say
from app.home import find_home
from app.options import home_option, streams_option
from app.supervisor import stop_with_parent
from app.tables import open_casebook
from desk.listener import bound
from records.messages import DECIDED, INCOMING
from records.system import why

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


@click.command()
@click.option("--host", metavar="АДРЕС", default="127.0.0.1", show_default=True, help="На каком адресе слушать.")
@click.option("--port", type=click.IntRange(1, 65535), default=8000, show_default=True, help="Порт.")
@click.option(
    "--name",
    "names",
    metavar="ИМЯ",
    multiple=True,
    help="Под каким именем к службе обращаются, кроме localhost; «*» — под любым (за своим посредником).",
)
@click.option("--child", is_flag=True, hidden=True)
@click.option("--socket", "inherited", type=int, hidden=True, help="Открытый сокет: его держит otklik serve.")
@streams_option
@home_option
def web(
    host: str,
    port: int,
    names: tuple[str, ...],
    child: bool,
    inherited: int | None,
    streams: Path | None,
    home: Path | None,
) -> None:
    """Отвечать по HTTP: приём сообщений, карточки, тревоги, события, отчёты.

    Описание — по адресу /docs, для программ — /openapi.json. Остановка — SIGTERM: начатые запросы заканчиваются.
    """
    if child:
        stop_with_parent()
    settings = streams_of(home, streams)
    listener = listening(host, port) if inherited is None else socket.socket(fileno=inherited)
    from app.casebook import READER
    from app.logs import start_logging
    from desk.setup import web_settings

    hosts = [*LOOPBACK, *names, *([host] if host not in ("0.0.0.0", "::") else [socket.gethostname()])]
    decree = open_casebook(home, **web_settings(hosts))
    start_logging()
    from django.core.asgi import get_asgi_application
    from django.urls import get_resolver

    from desk.acceptor import Acceptor
    from desk.asgi import Guarded
    from desk.pulse import Pulse
    from desk.server import Server
    from desk.wiring import Desk, install
    from pipeline.run import READER as TRIAGE

    watched = {"triage": (INCOMING, TRIAGE), "intake": (DECIDED, READER)}
    with ExitStack() as stack:
        acceptor = stack.enter_context(Acceptor(lambda: open_journal(settings)))
        pulse = stack.enter_context(Pulse(lambda: open_journal(settings), watched))
        data = find_home(home) / "var"
        desk = Desk(decree, acceptor, pulse, data)
        install(desk)
        _ = get_resolver().url_patterns  # built before the first request, which would wait for it
        gc.collect()
        gc.freeze()  # else each full collection walks all that was imported, and whoever asks meanwhile waits
        if inherited is None:
            say(f"Служба отвечает: http://{host}:{port}, описание — /docs")
        Server(Guarded(get_asgi_application()), desk.stopping).run(sockets=[listener])


def listening(host: str, port: int) -> socket.socket:
    """Raises: UsageFault: the port cannot be had."""
    try:
        return bound(host, port)
    except OSError as error:
        said = "он занят" if error.errno == errno.EADDRINUSE else why(error)
        raise UsageFault(f"порт {port} на {host} не открыть: {said}", "назовите другой: --port, --host") from None

"""``otklik worker``: the command alone; what decides (``app.deciding``) is loaded when it is called."""

from __future__ import annotations

from pathlib import Path

import click

from app.carrier import on_kafka, streams_of
from app.errors import UsageFault
from app.home import find_home
from app.options import home_option, streams_option
from app.supervisor import stop_with_parent

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.option("--decisions", metavar="ФАЙЛ", type=_FILE, help="Дописывать решения строками JSON (на одной машине).")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Порт /metrics и /health; 0 — не нужен.")
@click.option("--child", is_flag=True, hidden=True)
@streams_option
@home_option
def worker(decisions: Path | None, port: int, child: bool, streams: Path | None, home: Path | None) -> None:
    """Разбирать posts.incoming, пока не остановят (SIGTERM): начатая пачка заканчивается и записывается.

    На одной машине — из журнала SQLite; на Kafka — рабочий faust, и сколько их ни запущено, они делят очередь.
    Кончившегося рабочего никто не запустит снова: для этого есть otklik up.
    """
    if child:
        stop_with_parent()
    settings = streams_of(home, streams)
    if on_kafka(settings) and decisions is not None:
        raise UsageFault("--decisions пишет только журнал на одной машине", "на Kafka: otklik tail posts.decided")
    from app.deciding import work

    work(find_home(home), settings, port, decisions)

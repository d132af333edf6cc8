"""What runs on this machine: how each process is started, and where its work lies."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from app.carrier import on_kafka
from app.home import database_url
from app.supervisor import Child

if TYPE_CHECKING:
    from app.config import Streams

DOES = {
    "worker": "posts.incoming → posts.decided",
    "intake": "posts.decided → карточки",
    "sweep": "напоминания, тревоги, принятое молчанием",
    "relay": "события карточек → cases.events",
    "web": "приём, карточки, тревоги, события, отчёты",
}


def command(name: str, *words: object) -> list[str]:
    """A child of ours: it ends when its supervisor does."""
    return [sys.executable, "-P", "-m", "app", name, "--child", *map(str, words)]


def where(settings: Streams, children: Sequence[Child], address: str = "") -> Iterator[str]:
    """What runs where, for the terminal; of the database's address, not its password."""
    broker = f"Kafka {', '.join(settings.broker.servers)}"
    yield f"  журнал      {broker if on_kafka(settings) else settings.journal}"
    if {child.does for child in children} - {DOES["worker"]}:
        yield f"  карточки    {database_url().rpartition('@')[2] or 'SQLite, var/casebook.sqlite'}"
    for child in children:
        yield f"  {child.name:<11} {child.does}{', ' + address if child.does == DOES['web'] else ''}"

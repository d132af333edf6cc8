"""``otklik backup`` and ``otklik restore``: under writers, against damaged archives, killed with -9."""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path

import pytest
from casebooks import NOW, ROOT, Casebook, decided, use
from click.testing import CliRunner, Result
from django.conf import settings
from django.db import connections
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from app.command import otklik as group
from casebook.backup import Stand, Versions, back_up
from casebook.decree import Decree
from casebook.models import Answered, Attachment, Event
from casebook.relay import relay
from casebook.setup import sqlite_url
from journal import Message
from journal.embedded import EmbeddedJournal
from records.clock import now
from records.messages import CASES, DECIDED, INCOMING

READER = "casebook"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8
VERSIONS = Versions("1", "r1")


@dataclass
class House:
    """A home of one's own with its casebook and journal. ``put``: decisions into the journal, and cases of them."""

    folder: Path
    casebook: Casebook

    @property
    def data(self) -> Path:
        return self.folder / "var"

    @property
    def stand(self) -> Stand:
        return Stand(self.data / "journal.sqlite", self.data / "casebook.sqlite", self.data / "files")

    def journal(self) -> EmbeddedJournal:
        return EmbeddedJournal(self.stand.journal)

    def put(self, *keys: str) -> None:
        values = [decided(key, f"На Кленовой нет воды, обращение {key}.") for key in keys]
        with self.journal() as journal, closing(journal.reader(READER, DECIDED)) as reader:
            journal.append(DECIDED, [Message(key.encode(), value) for key, value in zip(keys, values, strict=True)])
            self.casebook.take(*values)
            reader.commit(reader.poll(len(keys), 0), {})

    def relay(self) -> None:
        with self.journal() as journal:
            while relay(journal, now()):
                pass

    def attach(self, number: int, folder: Path, data: bytes = PNG) -> str:
        """A draft with a file; its digest."""
        (folder / "a.png").write_bytes(data)
        self.casebook.person("executor")
        self.casebook.bring(number, "in_work")
        self.casebook.move(number, "draft", text="Проверим сегодня.", files=[folder / "a.png"])
        return str(Attachment.objects.latest("id").digest)

    def otklik(self, *words: object, **environment: str) -> Result:
        told = [*map(str, words), "--home", str(self.folder)]
        return CliRunner(env={"DATABASE_URL": "", **environment}).invoke(group, told, prog_name="otklik")

    def process(self, *words: object) -> subprocess.Popen[str]:
        told = [sys.executable, "-m", "app", *map(str, words), "--home", str(self.folder)]
        return subprocess.Popen(told, cwd=ROOT, env=environment(), text=True, stderr=subprocess.PIPE)

    def done(self, *words: object) -> None:
        process = self.process(*words)
        _, said = process.communicate(timeout=60)
        assert process.returncode == 0, said


def environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "DATABASE_URL"} | {"PYTHONPATH": str(ROOT)}


def home(folder: Path) -> Path:
    folder.mkdir()
    shutil.copy(ROOT / "streams.yaml", folder)
    for name in ("regulation", "rules", "models"):
        (folder / name).symlink_to(ROOT / name)
    return folder


@pytest.fixture
def house(tmp_path: Path, empty_sqlite: Path, decree: Decree) -> Iterator[House]:
    folder = home(tmp_path / "home")
    (folder / "var").mkdir()
    path = folder / "var" / "casebook.sqlite"
    shutil.copyfile(empty_sqlite, path)
    use(sqlite_url(path))
    settings.OTKLIK_FILES = str(folder / "var" / "files")
    yield House(folder, Casebook("sqlite", sqlite_url(path), folder / "var" / "files", decree))
    connections["default"].close()


@pytest.fixture
def other(house: House, tmp_path: Path) -> House:
    """An empty home to restore into."""
    return House(home(tmp_path / "other"), house.casebook)


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as db:
        return list(db.execute(query))


def cases(house: House) -> set[str]:
    return {str(key) for (key,) in rows(house.stand.casebook, "SELECT key FROM casebook_case")}


def published(house: House) -> list[str]:
    with house.journal() as journal:
        return [json.loads(record.value)["event_id"] for record in journal.scan(CASES)]


def recorded(house: House) -> set[str]:
    query = "SELECT c.ordinal || '-' || e.number FROM casebook_event e JOIN casebook_case c ON c.id = e.case_id"
    return {str(name) for (name,) in rows(house.stand.casebook, query)}


def let_go() -> None:
    connections["default"].close()


def at_copy(number: int, act: Callable[[], object]) -> Callable[[], datetime]:
    """A clock that lets something happen before a part is copied: 2 the journal, 3 the casebook, 4 the files."""
    asked = count(1)

    def moment() -> datetime:
        if next(asked) == number:
            act()
        return now()

    return moment


# What is copied


def test_what_was_copied_comes_back_whole(house: House, other: House, tmp_path: Path) -> None:
    house.put("vk:-1_1", "vk:-1_2")
    digest = house.attach(1, tmp_path)
    house.relay()
    made = house.otklik("backup", tmp_path / "c.tar.gz")
    assert made.exit_code == 0, made.output
    assert "карточек 2" in made.stdout
    done = other.otklik("restore", tmp_path / "c.tar.gz")
    assert done.exit_code == 0, done.output
    assert cases(other) == {"vk:-1_1", "vk:-1_2"}
    assert (other.stand.files / digest[:2] / digest).read_bytes() == PNG
    assert sorted(published(other)) == sorted(published(house))
    assert sorted(path.name for path in other.folder.iterdir()) == [
        "models", "regulation", "rules", "streams.yaml", "var"
    ]  # fmt: skip


def test_the_archive_is_readable_by_its_owner_alone_and_an_older_one_is_not_touched(
    house: House, tmp_path: Path
) -> None:
    house.put("vk:-1_1")
    path = tmp_path / "c.tar.gz"
    assert house.otklik("backup", path).exit_code == 0
    assert path.stat().st_mode & 0o777 == 0o600
    before = path.read_bytes()
    assert house.otklik("backup", path).exit_code == 2
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.glob("c.*")] == ["c.tar.gz"]


def test_a_copy_taken_while_processes_write_loses_nothing(house: House, other: House, tmp_path: Path) -> None:
    """Posts come in, ``intake`` and ``relay`` run; afterwards both finish their work over what was restored."""
    let_go()
    stop = threading.Event()

    def write() -> None:
        with house.journal() as journal:
            for number in count():
                key = f"vk:-7_{number}"
                value = decided(key, f"На Липовой, {number}, не вывозят мусор.")
                journal.append(INCOMING, [Message(key.encode(), b"{}")])
                journal.append(DECIDED, [Message(key.encode(), value)])
                if stop.wait(0.01):
                    return

    running = [house.process("intake"), house.process("relay")]
    writer = threading.Thread(target=write)
    writer.start()
    archives = [tmp_path / f"{number}.tar.gz" for number in range(2)]
    try:
        with house.journal() as journal:  # both are at work
            while journal.position(READER, DECIDED) < 20 or journal.end(CASES) < 20:
                stop.wait(0.05)
        for path in archives:
            assert house.otklik("backup", path).exit_code == 0
    finally:
        stop.set()
        writer.join()
        for process in running:
            process.terminate()
            process.communicate()
    for path in archives:
        assert other.otklik("restore", path, "--force").exit_code == 0
    other.done("intake", "--once")
    other.done("relay", "--once")
    with other.journal() as journal:
        assert {str(record.key, "utf-8") for record in journal.scan(DECIDED)} <= cases(other)
    assert recorded(other) <= set(published(other))
    other.done("audit", "verify")


def test_events_relayed_after_the_journal_was_copied_are_relayed_again(
    house: House, other: House, tmp_path: Path
) -> None:
    house.put("vk:-1_1")
    house.relay()

    def meanwhile() -> None:
        house.put("vk:-1_2", "vk:-1_3")
        house.relay()

    manifest = back_up(house.stand, tmp_path / "c.tar.gz", VERSIONS, at_copy(3, meanwhile))
    assert manifest["casebook"]["again"] == 2
    assert other.otklik("restore", tmp_path / "c.tar.gz").exit_code == 0
    assert published(other) == ["1-1"]
    other.done("relay", "--once")
    assert published(other) == ["1-1", "2-1", "3-1"]
    other.done("intake", "--once")
    assert cases(other) == {"vk:-1_1", "vk:-1_2", "vk:-1_3"}


def test_a_decision_that_the_journal_has_and_the_casebook_took_later_makes_one_case(
    house: House, other: House, tmp_path: Path
) -> None:
    value = decided("vk:-1_9")
    with house.journal() as journal:
        journal.append(DECIDED, [Message(b"vk:-1_9", value)])
    back_up(house.stand, tmp_path / "c.tar.gz", VERSIONS, at_copy(3, lambda: house.casebook.take(value)))
    assert other.otklik("restore", tmp_path / "c.tar.gz").exit_code == 0
    other.done("intake", "--once")
    assert recorded(other) == {"1-1"}


def test_a_client_whose_post_is_not_in_the_copy_is_heard_anew(house: House, other: House, tmp_path: Path) -> None:
    """An answer kept for repeats would tell it that the post is accepted."""
    house.put("vk:-1_1")
    user = house.casebook.person("operator")

    def answered(key: str, status: int) -> None:
        Answered.objects.create(user=user, key=key, asked="0" * 64, status=status, body={}, at=NOW)

    answered("before", 202)

    def meanwhile() -> None:
        answered("post", 202)
        answered("move", 200)

    back_up(house.stand, tmp_path / "c.tar.gz", VERSIONS, at_copy(3, meanwhile))
    assert other.otklik("restore", tmp_path / "c.tar.gz").exit_code == 0
    assert rows(other.stand.casebook, "SELECT key FROM casebook_answered ORDER BY id") == [("before",), ("move",)]


def test_new_events_come_after_any_cursor_that_was_given_before(house: House, other: House, tmp_path: Path) -> None:
    house.put("vk:-1_1")
    assert house.otklik("backup", tmp_path / "c.tar.gz").exit_code == 0
    house.put("vk:-1_2", "vk:-1_3")  # events that are lost, and a reader has seen
    cursor = Event.objects.latest("id").pk
    let_go()
    assert other.otklik("restore", tmp_path / "c.tar.gz").exit_code == 0
    with other.journal() as journal:
        journal.append(DECIDED, [Message(b"vk:-1_4", decided("vk:-1_4"))])
    other.done("intake", "--once")
    ((last,),) = rows(other.stand.casebook, "SELECT max(id) FROM casebook_event")
    assert int(str(last)) > cursor


def test_an_attachment_erased_while_copying_is_no_loss(house: House, other: House, tmp_path: Path) -> None:
    house.put("vk:-1_1")
    digest = house.attach(1, tmp_path)

    def forget() -> None:
        Attachment.objects.update(name="")
        (house.stand.files / digest[:2] / digest).unlink()

    manifest = back_up(house.stand, tmp_path / "c.tar.gz", VERSIONS, at_copy(4, forget))
    assert manifest["files"]["absent"] == {digest: "forgotten"}
    assert other.otklik("restore", tmp_path / "c.tar.gz").exit_code == 0


@pytest.mark.parametrize("harm", ["lost", "damaged"])
def test_an_attachment_that_the_disk_lost_is_told_and_the_rest_is_copied(
    house: House, other: House, tmp_path: Path, harm: str
) -> None:
    house.put("vk:-1_1")
    digest = house.attach(1, tmp_path)
    path = house.stand.files / digest[:2] / digest
    path.unlink() if harm == "lost" else path.write_bytes(PNG[:-1])
    made = house.otklik("backup", tmp_path / "c.tar.gz")
    assert made.exit_code == 3
    assert digest[:12] in made.stderr
    assert other.otklik("restore", tmp_path / "c.tar.gz").exit_code == 0


def test_words_that_were_erased_are_not_in_the_copy(house: House, tmp_path: Path) -> None:
    """Free pages of the databases stay behind."""
    word = "неповторимоеслово"
    with house.journal() as journal:
        journal.append(INCOMING, [Message(b"k", f"{word} {number}".encode()) for number in range(2_000)])
    with closing(sqlite3.connect(house.stand.journal)) as db:
        db.execute("PRAGMA secure_delete = OFF")
        db.execute(f'DELETE FROM "{INCOMING}"')
        db.commit()
    assert house.otklik("backup", tmp_path / "c.tar.gz").exit_code == 0
    assert word.encode() not in gzip.decompress((tmp_path / "c.tar.gz").read_bytes())


# What is refused


@pytest.fixture
def archive(house: House, tmp_path: Path) -> Path:
    house.put("vk:-1_1")
    house.attach(1, tmp_path)
    house.relay()
    path = tmp_path / "good.tar.gz"
    assert house.otklik("backup", path).exit_code == 0
    return path


def refused(house: House, path: Path, *options: str) -> str:
    """What is said; nothing changes."""
    before = sorted(house.folder.rglob("*"))
    found = house.otklik("restore", path, *options)
    assert found.exit_code in (1, 2), found.output
    assert "как исправить" in found.stderr
    assert "Traceback" not in found.output
    assert sorted(house.folder.rglob("*")) == before
    return found.stderr


@given(data=st.data())
@hypothesis_settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_flipped_byte_is_found_or_changes_nothing(
    archive: Path, other: House, tmp_path: Path, data: st.DataObject
) -> None:
    content = bytearray(archive.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    (tmp_path / "bad.tar.gz").write_bytes(content)
    checked = other.otklik("restore", tmp_path / "bad.tar.gz", "--check")
    if checked.exit_code == 0:  # the time of the archive's making, or the system that it was made on
        with gzip.open(tmp_path / "bad.tar.gz") as bad, gzip.open(archive) as good:
            assert bad.read() == good.read()
    else:
        assert checked.exit_code == 1
        assert "как исправить" in checked.stderr
    assert not other.data.exists()


@given(data=st.data())
@hypothesis_settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_an_archive_that_was_cut_is_refused(archive: Path, other: House, tmp_path: Path, data: st.DataObject) -> None:
    content = archive.read_bytes()
    (tmp_path / "bad.tar.gz").write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    refused(other, tmp_path / "bad.tar.gz")


def member(
    name: str, kind: bytes = tarfile.REGTYPE, data: bytes = b"x", link: str = ""
) -> tuple[tarfile.TarInfo, bytes]:
    found = tarfile.TarInfo(name)
    found.type, found.linkname, found.size = kind, link, len(data) if kind == tarfile.REGTYPE else 0
    return found, data


EVIL = {
    "upward": member("../evil"),
    "upward in files": member(f"files/../{'0' * 64}"),
    "absolute": member("/tmp/otklik-evil"),
    "symlink": member("files", tarfile.SYMTYPE, link="/tmp"),
    "symlink as a database": member("journal.sqlite", tarfile.SYMTYPE, link="/etc/passwd"),
    "hard link": member(f"files/00/{'0' * 64}", tarfile.LNKTYPE, link="/etc/passwd"),
    "device": member("null", tarfile.CHRTYPE),
    "pipe": member("pipe", tarfile.FIFOTYPE),
    "folder": member("files", tarfile.DIRTYPE),
    "false digest": member(f"files/00/{'0' * 64}"),
    "unknown": member("attempts.sqlite"),
    "second mark": member("format"),
    "second manifest": member("manifest.json"),
}


Extra = tuple[tarfile.TarInfo, bytes]


def remade(archive: Path, target: Path, change: Callable[[str, bytes], bytes | None], *more: Extra) -> None:
    """An archive with other contents by the name of the member (none: left out); ``more`` after the first member."""
    with tarfile.open(archive) as old, tarfile.open(target, "w:gz") as new:
        for number, info in enumerate(old):
            file = old.extractfile(info)
            assert file is not None
            data = change(info.name, file.read())
            if data is not None:
                info.size = len(data)
                new.addfile(info, io.BytesIO(data))
            for extra, content in more if number == 0 else ():
                new.addfile(extra, io.BytesIO(content))


@pytest.mark.parametrize("kind", EVIL)
def test_a_member_that_has_no_place_is_refused(archive: Path, other: House, tmp_path: Path, kind: str) -> None:
    remade(archive, tmp_path / "bad.tar.gz", lambda _, data: data, EVIL[kind])
    refused(other, tmp_path / "bad.tar.gz")
    refused(other, tmp_path / "bad.tar.gz", "--check")
    assert not Path("/tmp/otklik-evil").exists()


def test_what_does_not_agree_with_the_manifest_is_refused(archive: Path, other: House, tmp_path: Path) -> None:
    bad = tmp_path / "bad.tar.gz"

    def changed(name: str, change: Callable[[bytes], bytes | None]) -> str:
        remade(archive, bad, lambda one, data: change(data) if one == name else data)
        return refused(other, bad)

    with tarfile.open(archive) as tar:
        attachment = next(name for name in tar.getnames() if name.startswith("files/"))
    assert "casebook.sqlite" in changed("casebook.sqlite", lambda data: data[:-1] + b"!")
    assert "journal.sqlite" in changed("journal.sqlite", lambda _: None)
    assert "вложен" in changed(attachment, lambda data: data + b"!")
    assert "вложений" in changed(attachment, lambda _: None)
    assert "оглавления" in changed("manifest.json", lambda _: None)
    assert "оглавление" in changed("manifest.json", lambda _: b"[]")
    assert "записей" in changed("manifest.json", lambda data: data.replace(b'"cases": 1', b'"cases": 2'))
    assert "новее" in changed("format", lambda _: b"otklik-backup 2\n")
    assert "не копия" in changed("format", lambda _: b"something else\n")


def test_a_record_that_was_changed_before_the_copy_is_found_in_it(
    archive: Path, house: House, other: House, tmp_path: Path
) -> None:
    Event.objects.filter(number=1).update(actor="somebody")
    assert house.otklik("backup", tmp_path / "c.tar.gz").exit_code == 0
    assert "карточка 1, событие 1" in refused(other, tmp_path / "c.tar.gz")


def test_tables_of_a_newer_program_are_refused(house: House, other: House, tmp_path: Path) -> None:
    house.put("vk:-1_1")
    with closing(sqlite3.connect(house.stand.casebook)) as db:
        db.execute("INSERT INTO django_migrations (app, name, applied) VALUES ('casebook', '9999_later', '2026-01-01')")
        db.commit()
    assert house.otklik("backup", tmp_path / "c.tar.gz").exit_code == 0
    assert "9999_later" in refused(other, tmp_path / "c.tar.gz")


def test_data_that_are_there_are_put_aside_only_when_told(archive: Path, house: House) -> None:
    house.put("vk:-1_2")
    let_go()
    assert "уже есть данные" in refused(house, archive)
    (house.data / "note.txt").write_text("x")
    assert house.otklik("restore", archive, "--force").exit_code == 0
    assert cases(house) == {"vk:-1_1"}
    (before,) = house.folder.glob("var.before-*")
    assert (before / "note.txt").exists()
    assert rows(before / "casebook.sqlite", "SELECT count(*) FROM casebook_case") == [(2,)]


@pytest.mark.parametrize("command", ["sweep", "intake"])
def test_nothing_is_restored_while_a_process_has_the_files_open(archive: Path, house: House, command: str) -> None:
    let_go()
    process = house.process(command)
    try:
        while not any(process.pid == int(str(pid)) for pid in openers(house)):
            assert process.poll() is None
        said = house.otklik("restore", archive, "--force")
        assert said.exit_code == 2
        assert f"otklik {command} (процесс {process.pid})" in said.stderr
        assert house.otklik("restore", archive, "--check").exit_code == 0
    finally:
        process.terminate()
        process.communicate()
    assert house.otklik("restore", archive, "--force").exit_code == 0


def openers(house: House) -> list[str]:
    """Processes that have the casebook open (Linux)."""
    found = []
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if link.readlink() == house.stand.casebook:
                found.append(link.parts[2])
        except OSError:
            continue
    return found


def test_postgresql_and_kafka_are_told_where_to_read_on(house: House, tmp_path: Path) -> None:
    for words in (("backup", tmp_path / "c.tar.gz"), ("restore", __file__)):
        found = house.otklik(*words, DATABASE_URL="postgresql://host/name")
        assert found.exit_code == 2
        assert "docs/operations.md" in found.stderr
        streams = house.folder / "kafka.yaml"
        written = (ROOT / "streams.yaml").read_text(encoding="utf-8")
        streams.write_text(written.replace("carrier: embedded", "carrier: kafka"), encoding="utf-8")
        assert "docs/operations.md" in house.otklik(*words, "--streams", streams).stderr


# Killed

DYING = """
import os, signal, sys
home, archive, last = sys.argv[1:]
seen = 0
def watch(event, arguments):
    global seen
    if event in ("open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.chmod", "ctypes.dlsym") and (
        event == "ctypes.dlsym" or "/var" in str(arguments[0])
    ):
        seen += 1
        if seen == int(last):
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(watch)
from app.command import otklik
try:
    otklik(["restore", archive, "--force", "--home", home])
except SystemExit as end:
    print(seen)
    raise
"""


def dying(house: House, archive: Path, last: int) -> tuple[int, str]:
    told = [sys.executable, "-c", DYING, house.folder, archive, str(last)]
    done = subprocess.run(told, cwd=ROOT, env=environment(), text=True, capture_output=True, check=False)
    return done.returncode, done.stdout


def test_a_restore_killed_at_any_step_leaves_the_old_or_the_new(archive: Path, house: House) -> None:
    let_go()
    old, new = {"vk:-1_1", "vk:-1_2"}, {"vk:-1_1"}

    def put_back() -> None:
        shutil.rmtree(house.data)
        for path in house.folder.glob("var.*"):
            shutil.rmtree(path)
        shutil.copytree(kept, house.data)

    house.put("vk:-1_2")
    let_go()
    kept = house.folder / "kept"
    shutil.copytree(house.data, kept)
    code, said = dying(house, archive, -1)
    assert code == 0
    steps = int(said.split()[-1])
    seen = []
    for last in (steps // 2, *range(steps - 2, steps + 1)):
        put_back()
        assert dying(house, archive, last)[0] == -9
        seen.append(cases(house))
        assert seen[-1] in (old, new)
        again = house.otklik("restore", archive, "--force")
        assert again.exit_code == 0, again.output
        assert cases(house) == new
        aside = [
            rows(path / "casebook.sqlite", "SELECT count(*) FROM casebook_case") for path in house.folder.glob("var.b*")
        ]
        assert [(2,)] in aside  # what was there before is never lost
        assert not (house.folder / "var.restoring").exists()
    assert old in seen
    assert new in seen


def test_a_backup_killed_at_its_work_leaves_no_archive_and_the_next_one_clears_up(house: House, tmp_path: Path) -> None:
    house.put("vk:-1_1")
    let_go()
    path = tmp_path / "c.tar.gz"
    process = house.process("backup", path)
    while process.poll() is None and not path.with_name("c.tar.gz.part").exists():
        pass
    process.kill()
    process.communicate()
    path.unlink(missing_ok=True)  # it was quicker
    assert house.otklik("backup", path).exit_code == 0
    assert sorted(one.name for one in tmp_path.glob("c.*")) == ["c.tar.gz"]

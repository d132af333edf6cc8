"""Personal data (152-ФЗ): what is erased and when, what is exported, who has read what."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from casebooks import ANSWER, LINK, ROOT, Casebook, at, decided
from click.testing import CliRunner, Result
from django.db import connections
from hypothesis import given
from hypothesis import strategies as st
from stream import Stream, raw_message

from app.check import House, _streams
from app.command import otklik as group
from casebook.about import about
from casebook.forgetting import forget_author, forget_old
from casebook.intake import author_digest
from casebook.models import Answered, Attachment, Case, Draft, Event, Reading, Text
from casebook.readings import read_case
from casebook.scrubbing import remove_files, remove_rows, remove_unnamed, scrub
from casebook.sweep import SYSTEM
from journal import Message
from journal.embedded import EmbeddedJournal
from records import Post, revision_of
from records.messages import DECIDED, INCOMING, QUARANTINE, incoming

WORD, OTHER = "кракозябра", "филигрань"
AUTHOR, NEIGHBOUR = "id77001199", "id88002299"
FIRST = "vk:-5_1"
LATER = datetime(2035, 1, 1, tzinfo=UTC)
ON_SQLITE = pytest.mark.parametrize("casebook", ["sqlite"], indirect=True)


@pytest.fixture(autouse=True)
def executor(request: pytest.FixtureRequest) -> None:
    if "casebook" in request.fixturenames:
        request.getfixturevalue("casebook").person("executor")


def otklik(*words: object) -> Result:
    return CliRunner().invoke(group, [*map(str, words)], prog_name="otklik")


def answered(casebook: Casebook, key: str = FIRST, author: str = AUTHOR, word: str = WORD) -> int:
    """A closed case: a post, a draft with the word, a reason and a file."""
    number = casebook.open(key, f"Во дворе {word}, уберите.", author=author)
    casebook.bring(number, "in_work")
    casebook.move(number, "raise", reason=f"жалуются на {word}")
    casebook.files.parent.mkdir(exist_ok=True)
    path = casebook.files.parent / f"{word}.pdf"
    path.write_bytes(f"%PDF-1.4 {word}".encode())
    casebook.move(number, "draft", text=f"Уберём: {word}.", files=[path])
    path.unlink()
    for move, told in (("send", {}), ("approve", {}), ("publish", {"link": LINK}), ("close", {})):
        casebook.move(number, move, **told)
    return number


def forget(casebook: Casebook, now: datetime, *, rehearsal: bool = False) -> int:
    """How many cases lost something."""
    done = forget_old(casebook.decree, SYSTEM, now, rehearsal=rehearsal)
    if not rehearsal:
        remove_unnamed(now)
        assert scrub()
    casebook.check()
    return done.cases


def bytes_of(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def found(folder: Path, *words: str) -> list[str]:
    """Which of the words stand in any file: as they are, as JSON escapes them, in base64 wherever that begins."""
    data = bytes_of(folder)
    return [word for word in words if any(form in data for form in _forms(word))]


def _forms(word: str) -> list[bytes]:
    plain = word.encode()
    shifted = [base64.b64encode(bytes(shift) + plain)[4 if shift else 0 : -4] for shift in range(3)]
    return [plain, json.dumps(word)[1:-1].encode(), *shifted]


def kept(casebook: Casebook) -> set[str]:
    return set(Text.objects.filter(erased_at=None).values_list("kind", flat=True))


# By time


def test_after_its_time_everything_of_an_ended_case_is_erased_and_the_record_holds(casebook: Casebook) -> None:
    number = answered(casebook)
    kinds, before = casebook.kinds(number), casebook.clocks(number, running=False)
    assert forget(casebook, at("09:05") + timedelta(days=1824)) == 0
    assert kept(casebook) == {"post", "draft", "reason"}
    assert forget(casebook, LATER) == 1
    assert kept(casebook) == set()
    assert (casebook.case(number).author, Draft.objects.get().link, Attachment.objects.get().name) == ("", "", "")
    assert not list(casebook.files.rglob("*.*")) and not [path for path in casebook.files.rglob("*") if path.is_file()]
    assert casebook.kinds(number) == [*kinds, "forgotten"]
    assert casebook.clocks(number, running=False) == before
    event = Event.objects.get(kind="forgotten")
    erased = {"post": 1, "draft": 1, "reason": 1, "attachment": 1}
    assert event.body == {"erased": erased, "author": True, "why": "retention"}
    assert forget(casebook, LATER) == 0


@ON_SQLITE
def test_no_byte_of_what_was_erased_is_left_and_the_neighbours_stay(casebook: Casebook) -> None:
    answered(casebook)
    casebook.open("vk:-5_2", f"Во дворе {OTHER}.", author=NEIGHBOUR)
    folder = casebook.files.parent
    digest = author_digest("vk", AUTHOR)
    words = (WORD, AUTHOR, digest, OTHER, NEIGHBOUR)
    assert found(folder, *words) == list(words)
    assert forget(casebook, LATER) == 1
    assert found(folder, *words) == [OTHER, NEIGHBOUR]


def test_each_kind_has_a_time_of_its_own(casebook: Casebook) -> None:
    number = answered(casebook)
    policy = casebook.decree.regulation.policies["retention"]
    days = dict.fromkeys(policy.values, 100) | {"draft_days": 200}
    policies = {**casebook.decree.regulation.policies, "retention": replace(policy, values=days)}
    casebook.decree = replace(casebook.decree, regulation=replace(casebook.decree.regulation, policies=policies))
    assert forget(casebook, at("12:00", 150)) == 1
    assert kept(casebook) == {"draft"}
    assert forget(casebook, at("12:00", 250)) == 1
    assert kept(casebook) == set()
    assert casebook.kinds(number)[-2:] == ["forgotten", "forgotten"]


def test_what_is_still_worked_on_is_kept_and_told(casebook: Casebook) -> None:
    new = casebook.open()
    alarmed = casebook.open("vk:-5_3", "Горит камыш.", verdict="exclude", alarms=["danger"])
    done = forget_old(casebook.decree, SYSTEM, LATER)
    assert done.kept == {new: "по ней идёт работа (new)", alarmed: "тревогу danger никто не принял"}
    assert (done.cases, kept(casebook)) == (0, {"post"})


@pytest.mark.parametrize("verdict", ["exclude", "no_answer"])
def test_what_nobody_confirmed_is_not_kept_for_ever(casebook: Casebook, verdict: str) -> None:
    number = casebook.open(verdict=verdict, author=AUTHOR)
    assert forget(casebook, at("09:05", 1820)) == 0
    assert forget(casebook, LATER) == 1
    casebook.move(number, "restore", reason="ошибка")
    assert casebook.bring(number, "closed")
    casebook.check()


def test_an_edit_after_an_erasure_is_kept_for_its_own_time_with_its_author(casebook: Casebook) -> None:
    number = casebook.open(verdict="no_answer", author=AUTHOR)
    assert forget(casebook, LATER) == 1
    casebook.take(decided("vk:-1_1", "Совсем другое.", verdict="no_answer", author=AUTHOR), now=LATER)
    assert casebook.case(number).author == author_digest("vk", AUTHOR)
    assert forget(casebook, LATER + timedelta(days=1800)) == 0
    assert forget(casebook, LATER + timedelta(days=1830)) == 1


def test_the_post_of_a_split_case_waits_for_all_its_parts(casebook: Casebook) -> None:
    number = casebook.open()
    casebook.move(number, "split", reason="два вопроса", department="JKH")
    casebook.bring(number, "closed")
    assert forget(casebook, LATER) == 1
    assert kept(casebook) == {"post"}
    casebook.bring(number + 1, "closed")
    assert forget(casebook, LATER) == 2
    assert kept(casebook) == set()


def test_a_proof_goes_too(casebook: Casebook) -> None:
    number = casebook.open()
    casebook.bring(number, "approved")
    casebook.move(number, "unpublishable", proof="снимок", reason="удалено")
    assert kept(casebook) == {"post", "draft", "reason", "proof"}
    assert forget(casebook, LATER) == 1
    assert kept(casebook) == set()


def test_a_rehearsal_tells_the_same_and_erases_nothing(casebook: Casebook) -> None:
    number = answered(casebook)
    before = casebook.trace(number)
    told = forget_old(casebook.decree, SYSTEM, LATER, rehearsal=True)
    assert casebook.trace(number) == before
    assert kept(casebook) == {"post", "draft", "reason"}
    done = forget_old(casebook.decree, SYSTEM, LATER)
    assert (told.cases, told.erased, told.authors) == (done.cases, done.erased, done.authors)


def test_a_file_that_another_answer_shares_stays_until_that_goes(casebook: Casebook) -> None:
    answered(casebook)
    other = casebook.open("vk:-5_2", "Другое.", author=NEIGHBOUR)
    casebook.bring(other, "in_work")
    digest = Attachment.objects.get().digest
    path = casebook.files.parent / "снимок.pdf"
    path.write_bytes(f"%PDF-1.4 {WORD}".encode())
    casebook.move(other, "draft", text=ANSWER, files=[path])
    forget(casebook, LATER)
    assert [path.name for path in casebook.files.rglob("*") if path.is_file()] == [digest]
    casebook.bring(other, "closed")
    forget(casebook, LATER)
    assert not [path for path in casebook.files.rglob("*") if path.is_file()]


def test_old_readings_and_kept_answers_go(casebook: Casebook) -> None:
    number = casebook.open()
    user = casebook.person("operator")
    read_case(user, casebook.case(number), at("10:00"))
    Answered.objects.create(user=user, key="k", asked="a", status=200, body={}, at=at("10:00"))
    assert remove_rows(casebook.decree, at("10:00", 4), rehearsal=True) == (0, 1)
    assert remove_rows(casebook.decree, at("10:00", 4)) == (0, 1)
    assert remove_rows(casebook.decree, LATER) == (1, 0)
    assert (Reading.objects.count(), Answered.objects.count()) == (0, 0)


# One author


def test_who_withdraws_consent_is_erased_at_once_but_for_what_is_worked_on(casebook: Casebook) -> None:
    ended = answered(casebook)
    new = casebook.open("vk:-5_2", f"Ещё {WORD}.", author=AUTHOR)
    other = answered(casebook, "vk:-5_3", NEIGHBOUR, OTHER)
    boss = casebook.person("manager")
    done = forget_author(author_digest("vk", AUTHOR), boss, "заявление", at("15:00"))
    assert (done.cases, done.kept) == (1, {new: "по ней идёт работа (new)"})
    assert remove_files(done.digests) == 1
    assert casebook.kinds(ended)[-1] == "forgotten"
    assert casebook.kinds(new) == ["opened"]
    assert Text.objects.get(pk=Event.objects.get(kind="forgotten").body["text"]).body["text"] == "заявление"
    assert casebook.kinds(other)[-1] == "close"
    again = forget_author(author_digest("vk", AUTHOR), boss, "заявление", at("15:00"))
    assert (again.cases, again.kept) == (0, done.kept)
    casebook.check()


def test_all_about_an_author_is_exported_and_the_export_is_on_record(casebook: Casebook) -> None:
    number = answered(casebook)
    answered(casebook, "vk:-5_3", NEIGHBOUR, OTHER)
    told = about(author_digest("vk", AUTHOR))
    said = json.dumps(told.cases, ensure_ascii=False)
    (case,) = told.cases
    assert case["case"] == number
    assert case["posts"][0]["post"]["author"] == AUTHOR
    assert WORD in case["drafts"][0]["text"] and case["drafts"][0]["files"][0]["name"] == f"{WORD}.pdf"
    assert case["reasons"][0]["text"] == f"жалуются на {WORD}"
    assert {event["kind"] for event in case["events"]} >= {"opened", "publish", "close"}
    assert OTHER not in said and NEIGHBOUR not in said
    assert sorted(text.kind for text, _ in told.read) == ["draft", "post", "reason"]


# The journal


@pytest.fixture
def journal(tmp_path: Path) -> EmbeddedJournal:
    return EmbeddedJournal(tmp_path / "j" / "journal.sqlite")


def test_old_records_go_and_offsets_stay(journal: EmbeddedJournal) -> None:
    journal.append(INCOMING, [Message(b"k", f"{WORD} {n}".encode()) for n in range(3)])
    reader = journal.reader("r", INCOMING)
    reader.commit(reader.poll(2, 0), {})
    reader.close()
    done = journal.erase(INCOMING, LATER.timestamp(), readers=["r"])
    assert (done.gone, done.kept, done.behind) == (2, 1, ("r",))
    assert [record.offset for record in journal.scan(INCOMING)] == [2]
    assert journal.end(INCOMING) == 3
    journal.append(INCOMING, [Message(b"k", b"new")])
    assert journal.scrub()
    data = bytes_of(journal.path.parent)
    assert f"{WORD} 0".encode() not in data and f"{WORD} 2".encode() in data


def test_nothing_goes_before_a_reader_that_never_began(journal: EmbeddedJournal) -> None:
    journal.append(INCOMING, [Message(b"k", b"v")])
    assert journal.erase(INCOMING, LATER.timestamp(), readers=["triage"]).behind == ("triage",)
    assert len(list(journal.scan(INCOMING))) == 1


@given(sizes=st.lists(st.integers(1, 6000), min_size=1, max_size=60), goes=st.sets(st.integers(0, 59)))
def test_whatever_goes_leaves_no_byte_and_what_stays_is_whole(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], goes: set[int]
) -> None:
    with EmbeddedJournal(tmp_path_factory.mktemp("j") / "journal.sqlite") as journal:
        values = [f"<value {n}>".encode() + bytes([65 + n]) * size for n, size in enumerate(sizes)]
        for value in values:
            journal.append(INCOMING, [Message(b"k", value)])
        journal.erase(INCOMING, LATER.timestamp(), chosen=lambda record: record.offset in goes)
        assert journal.scrub()
        assert {r.offset: r.value for r in journal.scan(INCOMING)} == {
            n: value for n, value in enumerate(values) if n not in goes
        }
        data = bytes_of(journal.path.parent)
        assert not [n for n in range(len(values)) if n in goes and f"<value {n}>".encode() in data]


# The commands


@pytest.fixture
def stream(tmp_path: Path) -> Stream:
    return Stream(tmp_path)


def post(key: str, text: str, author: str) -> Message:
    when = "2026-11-16T09:00:00+03:00"
    return Message(
        key.encode(), incoming(Post(key, text, "vk", author=author, detected_at=when, revision=revision_of(text)))
    )


def filled(casebook: Casebook, stream: Stream) -> None:
    """Posts of two authors through the journal; one of the first lies in quarantine."""
    spoiled = json.dumps(
        {"schema": 1, "post": {"key": "vk:-5_9", "author": AUTHOR, "text": 5, "x": WORD}}, ensure_ascii=False
    )
    stream.append(post(FIRST, f"Здесь {WORD}.", AUTHOR), post("vk:-5_2", f"Здесь {OTHER}.", NEIGHBOUR))
    stream.append(raw_message(spoiled, "vk:-5_9"))
    stream.decide(3)
    assert stream.otklik("intake", "--once", "--home", ROOT).exit_code == 0
    casebook.person("manager")
    for case in Case.objects.filter(state="new"):
        casebook.bring(case.ordinal, "closed", now=at("12:00"))


@ON_SQLITE
def test_forget_and_export_see_tables_journal_and_quarantine(
    casebook: Casebook, stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", casebook.url)
    filled(casebook, stream)
    by = ("--home", ROOT, "--as", "manager")
    whole = json.loads(stream.otklik("export", f"vk:{AUTHOR}", *by).stdout)
    assert [case["key"] for case in whole["cases"]] == [FIRST]
    assert {one["topic"] for one in whole["journal"]} >= {INCOMING, DECIDED}
    assert [WORD in one["raw"] for one in whole["quarantine"]] == [True]
    assert NEIGHBOUR not in json.dumps(whole)
    stream.otklik("tail", DECIDED, "--from-start", "--count", 1, "--home", ROOT)
    listed = otklik("audit", "readings", "--home", ROOT).stdout
    assert "posts.decided 0/0-0" in listed
    assert "export post" in listed and "export journal" in listed and AUTHOR not in listed
    result = stream.otklik("forget", "--author", f"vk:{AUTHOR}", "--reason", "просит", *by)
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    assert "posts.quarantine: записей 1, из них никто не разобрал 1." in result.stdout
    folder = casebook.files.parent
    assert found(folder, WORD, AUTHOR, OTHER, NEIGHBOUR) == [OTHER, NEIGHBOUR]
    with stream.journal() as journal:
        assert len(list(journal.scan(QUARANTINE))) == 0
    assert stream.otklik("export", f"vk:{AUTHOR}", *by).exit_code == 1
    assert otklik("case", "show", 1, *by).exit_code == 0
    assert otklik("audit", "verify", "--home", ROOT).exit_code == 0


@ON_SQLITE
def test_forget_by_time_clears_the_journal_too(casebook: Casebook, stream: Stream) -> None:
    filled(casebook, stream)
    tried = stream.otklik("forget", "--home", ROOT, "--now", "2035-01-01", "--dry-run")
    assert (tried.exit_code, tried.stderr) == (0, "Ничего не стёрто: это проба (--dry-run).\n")
    done = stream.otklik("forget", "--home", ROOT, "--now", "2035-01-01")
    assert (done.exit_code, done.stdout) == (0, tried.stdout)
    assert found(casebook.files.parent, WORD, OTHER, AUTHOR, NEIGHBOUR) == []
    casebook.check()


@ON_SQLITE
def test_a_forgetting_that_is_killed_is_done_by_the_next(casebook: Casebook, stream: Stream) -> None:
    for n in range(12):
        casebook.open(f"vk:-5_{n}", f"{WORD} {n}", verdict="no_answer", author=f"{AUTHOR}{n}")
    connections["default"].close()
    home = casebook.files.parent / "home"
    home.mkdir()
    (home / "regulation").symlink_to(ROOT / "regulation")
    code = "import sys; from app.command import main; main()"
    words = ["forget", "--home", str(home), "--streams", str(stream.streams), "--now", "2035-01-01"]
    child = subprocess.Popen(
        [sys.executable, "-c", code, *words], cwd=ROOT, env={**os.environ, "DATABASE_URL": casebook.url}
    )
    while child.poll() is None and not Event.objects.filter(kind="forgotten").exists():
        pass
    child.kill()
    child.wait()
    half = Text.objects.filter(erased_at=None).count()
    assert half == Case.objects.exclude(author="").count() == 12 - Event.objects.filter(kind="forgotten").count()
    assert forget(casebook, LATER) == half
    assert found(casebook.files.parent, WORD, AUTHOR) == []


@ON_SQLITE
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("forget", "--author", "vk:1"), "не сказано, кто стирает и почему"),
        (("forget", "--author", "7", "--as", "manager", "--reason", "просит"), "не автор: 7"),
        (("forget", "--as", "operator"), "стирание — не для роли operator"),
        (("export", "vk:1", "--as", "operator"), "выгрузка — не для роли operator"),
    ],
)
def test_wrong_calls_erase_nothing(casebook: Casebook, stream: Stream, words: tuple[str, ...], said: str) -> None:
    casebook.person("operator")
    casebook.person("manager")
    result = stream.otklik(*words, "--home", ROOT)
    assert result.exit_code == 2
    assert said in result.stderr and "как исправить" in result.stderr


# Readings


def test_who_reads_a_case_is_on_record_and_of_what_is_erased_nothing(casebook: Casebook) -> None:
    number = answered(casebook)
    user = casebook.person("operator")
    read_case(user, casebook.case(number), at("15:00"))
    assert list(Reading.objects.values_list("actor", "what", "case__ordinal")) == [
        ("operator", "post", number),
        ("operator", "draft", number),
    ]
    forget(casebook, LATER)
    read_case(user, casebook.case(number), LATER)
    assert Reading.objects.count() == 2


@ON_SQLITE
def test_reading_the_quarantine_is_on_record_by_the_login_name(casebook: Casebook, stream: Stream) -> None:
    stream.append(raw_message("не JSON"))
    stream.decide(1)
    assert stream.otklik("quarantine", "show", 0, "--home", ROOT).exit_code == 0
    (one,) = Reading.objects.all()
    assert one.actor.startswith("cli:") and one.what == "quarantine 0/0"


@ON_SQLITE
def test_showing_a_case_is_a_reading_of_its_post(casebook: Casebook) -> None:
    number = casebook.open()
    casebook.person("operator")
    assert otklik("case", "show", number, "--as", "operator", "--home", ROOT).exit_code == 0
    assert Reading.objects.get().what == "post"


# Retention of topics


def test_check_faults_each_topic_that_keeps_words_longer_than_the_policy(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "regulation", tmp_path / "regulation", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    text = (ROOT / "streams.yaml").read_text(encoding="utf-8")
    text = text.replace("retention_hours: 720", "retention_hours: 721").replace("8760", "8761")
    (tmp_path / "streams.yaml").write_text(text, encoding="utf-8")
    _, faults = _streams(House(tmp_path))
    assert [fault.what.split()[0] for fault in faults] == [
        "posts.incoming",
        "posts.decided",
        "posts.alarms",
        "posts.quarantine",
    ]
    first = faults[0]
    assert first.source[first.column - 1 :].startswith("retention_hours: 721") and "не больше 720 ч" in first.mend
    assert yaml.safe_load(text)["topics"]["cases.events"]["retention_hours"] == 43800

"""``otklik case``, ``user``, ``alarm``, ``audit``, ``clocks``, ``intake`` from outside."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from casebooks import ANSWER, LINK, ROOT, TEXT, Casebook, at, decided
from click.testing import CliRunner, Result
from django.db import connections
from stream import Stream

from app.command import otklik as group
from casebook.models import Attachment, Case, Clock, Draft, Event, Text, User
from cases.lifecycle import MOVES, MoveName
from journal import Message
from journal.embedded import EmbeddedReader
from records.messages import DECIDED

MORNING = "2026-11-16T09:10"
on_sqlite = pytest.mark.parametrize("casebook", ["sqlite"], indirect=True)


def otklik(*words: object, stdin: str = "") -> Result:
    return CliRunner().invoke(group, [*map(str, words)], input=stdin, prog_name="otklik")


def done(*words: object, stdin: str = "") -> str:
    result = otklik(*words, stdin=stdin)
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    return result.stdout


def refused(*words: object) -> list[str]:
    """What went wrong and how to mend it."""
    result = otklik(*words)
    assert (result.exit_code, result.stdout) == (2, "")
    what, mend = result.stderr.splitlines()
    assert what.startswith("Ошибка: ")
    assert mend.startswith("    как исправить: ")
    return [what.removeprefix("Ошибка: "), mend.removeprefix("    как исправить: ")]


@pytest.fixture
def staff(casebook: Casebook) -> Casebook:
    """One case and those who work on it, added by the command itself."""
    casebook.open()
    done("user", "add", "olga", "--role", "operator", "--name", "Ольга")
    done("user", "add", "ivan", "--role", "executor", "--department", "JKH")
    done("user", "add", "petr", "--role", "head", "--department", "JKH")
    done("user", "add", "cur", "--role", "approver")
    done("user", "add", "boss", "--role", "manager")
    return casebook


# Moves


def test_a_case_goes_its_whole_way_by_commands(staff: Casebook) -> None:
    ways: list[tuple[str, str, list[object], str]] = [
        ("confirm", "olga", [], "with_department, версия 2, ближайший срок 16.11.2026 09:40"),
        ("assign", "petr", ["--executor", "ivan"], "in_work, версия 3, ближайший срок 16.11.2026 12:00"),
        ("draft", "ivan", ["--text", ANSWER], "in_work, версия 4, ближайший срок 17.11.2026 09:00"),
        (
            "send",
            "olga",
            ["--body", "CUR", "--number", "15/26"],
            "in_approval, версия 5, ближайший срок 16.11.2026 10:10",
        ),
        ("approve", "cur", ["--number", "88"], "approved, версия 6, ближайший срок 16.11.2026 09:40"),
        ("publish", "olga", ["--link", LINK], "published, версия 7, ближайший срок —"),
        ("close", "olga", [], "closed, версия 8, ближайший срок —"),
    ]
    for command, user, options, said in ways:
        assert done("case", command, 1, "--as", user, "--now", MORNING, *options) == f"Карточка 1: {said}\n"
    bodies = {event.kind: event.body for event in Event.objects.all()}
    assert (bodies["send"]["number"], bodies["approve"]["number"]) == ("15/26", "88")
    staff.check()


@on_sqlite
@pytest.mark.parametrize("name", [name for name in MoveName if name is not MoveName.ACCEPT])
def test_every_move_of_a_person_is_a_command_that_tells_from_where_and_by_whom(
    casebook: Casebook, name: MoveName
) -> None:
    told = " ".join(done("case", name.replace("_", "-"), "--help").split())
    assert MOVES[name].title.lower() in told.lower()
    assert ", ".join(sorted(MOVES[name].roles)) in told
    assert all(state in told for state in MOVES[name].before)
    assert ("Обязательна" in told) == MOVES[name].reasoned


@on_sqlite
def test_silence_is_no_command(casebook: Casebook) -> None:
    assert otklik("case", "accept", "1").exit_code == 2


def test_a_refusal_says_what_and_how_and_changes_nothing(staff: Casebook) -> None:
    before = staff.trace(1)
    assert refused("case", "close", 1, "--as", "olga") == [
        "карточка в состоянии new: «закрыть» из него нельзя",
        "можно: confirm, raise, lower, split, merge, withdraw, escalate, recall",
    ]
    assert refused("case", "confirm", 1, "--as", "cur")[0] == "«подтвердить маршрут» — не для роли approver"
    assert refused("case", "withdraw", 1, "--as", "olga")[1] == "назовите причину: --reason «…»"
    assert refused("case", "confirm", 1, "--as", "olga", "--version", 7)[0] == "карточка 1 изменилась: версия 1, а не 7"
    assert refused("case", "confirm", 1, "--as", "olga", "--department", "NASA")[0] == "нет отдела NASA"
    assert refused("case", "confirm", 5, "--as", "olga")[0] == "карточки 5 нет"
    assert refused("case", "confirm", 10**30, "--as", "olga")[0] == f"карточки {10**30} нет"
    assert refused("case", "confirm", 1, "--as", "ghost")[0] == "нет пользователя ghost"
    assert refused("case", "confirm", 1, "--as", "olga", "--now", "вчера")[0] == "--now: не момент: вчера"
    assert refused("case", "show", 1, "--as", "ivan")[0] == "карточки 1 нет"
    assert refused("case", "raise", 1, "--as", "olga", "--reason", "авария", "--code", "Мира, 7")[1].startswith(
        "назовите"
    )
    User.objects.filter(code="olga").update(active=False)
    assert refused("case", "confirm", 1, "--as", "olga")[0] == "нет пользователя olga"
    assert staff.trace(1) == before


@on_sqlite
def test_a_draft_comes_from_standard_input_with_its_files(staff: Casebook, tmp_path: Path) -> None:
    photo = tmp_path / "кран.jpg"
    photo.write_bytes(b"\xff\xd8\xff\xe0")
    staff.person("executor")
    staff.bring(1, "in_work")
    done("case", "draft", 1, "--as", "ivan", "--text", "-", "--file", photo, stdin=f"{ANSWER}\n")
    assert Draft.objects.get().text.body == {"text": ANSWER}
    assert Attachment.objects.get().name == "кран.jpg"
    script = tmp_path / "кран.jpg.exe"
    script.write_bytes(b"MZ")
    assert "не фото" in refused("case", "draft", 1, "--as", "ivan", "--text", ANSWER, "--file", script)[0]
    assert "до 1000 знаков" in otklik("case", "draft", 1, "--as", "ivan", "--text", "а" * 1001).stderr


@on_sqlite
def test_an_interim_answer_has_a_command_of_its_own(staff: Casebook) -> None:
    staff.person("executor")
    staff.bring(1, "in_work")
    words = ("case", "interim", 1, "--as", "ivan", "--reason", "ждём акт")
    assert "нет даты" in refused(*words, "--text", "Ответим позже.")[0]
    done(*words, "--text", "Ответим до 25 ноября.")
    assert Draft.objects.get().interim
    assert otklik("case", "interim", 1, "--as", "ivan", "--text", "Ответим до 25 ноября.").exit_code == 2


@on_sqlite
def test_escalation_and_splitting_and_merging_by_commands(staff: Casebook) -> None:
    done("case", "escalate", 1, "--as", "olga", "--to", "112", "--number", "77", "--reason", "газ")
    assert Event.objects.get(kind="escalated").body["number"] == "77"
    done("case", "split", 1, "--as", "olga", "--department", "DOR", "--reason", "два вопроса")
    done("case", "merge", 2, "--as", "olga", "--into", 1, "--reason", "всё же одно")
    assert (staff.state(1), staff.state(2)) == ("new", "merged")
    done("case", "restore", 2, "--as", "olga", "--track", "4h", "--reason", "нет, два")
    assert (staff.state(2), staff.case(2).track) == ("new", "4h")


# Looking


def test_a_list_shows_the_nearest_deadline_first_and_what_was_asked_for(staff: Casebook) -> None:
    staff.open("vk:-1_2", "Где автобус?", detected_at=at("08:30"))
    staff.open("vk:-1_3", "брань", verdict="exclude")
    rows = [line.split() for line in done("case", "list", "--as", "olga").splitlines()]
    assert [row[0] for row in rows] == ["2", "1", "3"]
    assert rows[0] == ["2", "new", "8h", "—", "16.11.2026", "09:30", "vk:-1_2"]
    found = [json.loads(line) for line in done("case", "list", "--as", "olga", "--out", "json").splitlines()]
    assert found[1] == {
        "case": "1",
        "key": "vk:-1_1",
        "state": "new",
        "track": "8h",
        "department": None,
        "office": None,
        "external": None,
        "due": found[1]["due"],
        "version": 1,
    }
    assert found[2]["due"] is None
    late = done("case", "list", "--as", "olga", "--late", "--now", "2026-11-16T09:45")
    assert [line.split()[0] for line in late.splitlines()] == ["2"]
    assert done("case", "list", "--as", "olga", "--state", "excluded").split()[0] == "3"
    assert len(done("case", "list", "--as", "olga", "--limit", 1).splitlines()) == 1
    assert done("case", "list", "--as", "ivan") == ""
    done("case", "confirm", 1, "--as", "olga", "--now", MORNING)
    assert done("case", "list", "--as", "ivan").split()[0] == "1"
    assert done("case", "list", "--as", "olga", "--department", "JKH").split()[0] == "1"


def test_a_case_is_shown_with_its_post_clocks_events_and_what_may_be_done(staff: Casebook) -> None:
    done("case", "confirm", 1, "--as", "olga", "--now", MORNING)
    page = done("case", "show", 1, "--as", "olga")
    for said in (
        "Карточка 1, версия 2: with_department, срок 8h",
        TEXT,
        "8 рабочих часов от 16.11 09:00 = 17.11 09:00; п. 7",
        "confirm — olga (operator)",
        "Можно (operator): ",
    ):
        assert said in page
    assert "Можно (approver): escalate, recall" in done("case", "show", 1, "--as", "cur")
    shown = json.loads(done("case", "show", 1, "--as", "olga", "--out", "json"))
    assert shown["post"]["text"] == TEXT
    assert [clock["name"] for clock in shown["clocks"]] == ["dispatch", "draft", "answer", "return"]
    assert [event["kind"] for event in shown["events"]] == ["opened", "confirm"]


def test_showing_changes_nothing(staff: Casebook) -> None:
    before = staff.trace(1)
    for words in (("case", "show", 1), ("case", "list")):
        done(*words, "--as", "olga")
        done(*words, "--as", "olga", "--out", "json")
    for words in (("audit", "verify"), ("clocks", "verify"), ("alarm", "list"), ("user", "list")):
        done(*words)
    assert staff.trace(1) == before


@on_sqlite
def test_a_post_cannot_draw_on_the_screen_and_an_erased_one_is_said_to_be(staff: Casebook) -> None:
    number = staff.open("vk:-1_2", "вода\x1b[2J\u202e\nгде")
    page = done("case", "show", number, "--as", "olga")
    assert "\x1b" not in page
    assert "\u202e" not in page
    Text.objects.update(body=None)
    assert "(текст стёрт)" in done("case", "show", number, "--as", "olga")
    assert json.loads(done("case", "show", number, "--as", "olga", "--out", "json"))["post"] is None


# Users


@on_sqlite
def test_users_are_added_once_with_what_their_role_needs(casebook: Casebook) -> None:
    added = done("user", "add", "anna", "--role", "executor", "--department", "TERR", "--office", "TERR_SHANGALA")
    assert added.startswith("Добавлен anna: executor\nОдноразовый пароль: ")
    wrong: list[tuple[list[object], str]] = [
        (["anna", "--role", "operator"], "пользователь anna уже есть"),
        (["max", "--role", "system"], "system — сама программа"),
        (["max", "--role", "head"], "у роли head должен быть отдел"),
        (["max", "--role", "head", "--department", "NASA"], "нет отдела NASA"),
        (["max", "--role", "head", "--department", "TERR", "--office", "X"], "нет территориального отдела X"),
    ]
    for words, what in wrong:
        assert refused("user", "add", *words)[0] == what
    assert otklik("user", "add", "max", "--role", "tsar").exit_code == 2
    assert otklik("user", "add", "max").exit_code == 2
    assert done("user", "list").split()[:5] == ["anna", "executor", "TERR", "TERR_SHANGALA", "anna"]


# Alarms


def test_an_alarm_is_listed_until_one_person_has_taken_it(staff: Casebook) -> None:
    staff.open("vk:-1_2", "брань, горит", verdict="exclude", alarms=("danger", "crime"))
    assert [line.split()[:2] for line in done("alarm", "list").splitlines()] == [["2", "danger"], ["2", "crime"]]
    assert (
        done("alarm", "ack", 2, "danger", "--as", "olga", "--now", MORNING)
        == "Тревога danger карточки 2 принята: olga\n"
    )
    assert refused("alarm", "ack", 2, "danger", "--as", "boss")[0] == "тревогу уже принял olga"
    assert refused("alarm", "ack", 1, "danger", "--as", "olga")[0] == "у карточки 1 нет тревоги danger"
    assert [line.split()[1] for line in done("alarm", "list").splitlines()] == ["crime"]
    staff.check()


# Audit and clocks


def test_audit_says_what_does_not_hold_and_its_code_too(staff: Casebook) -> None:
    assert done("audit", "verify") == "Проверено карточек: 1, событий: 1. Всё сходится.\n"
    Event.objects.update(actor="other")
    result = otklik("audit", "verify")
    assert (result.exit_code, result.stdout) == (
        1,
        "карточка 1, событие 1: изменено или вставлено\nПроверено карточек: 1, событий: 1. Не сходится: 1 место.\n",
    )


def test_clocks_are_verified_and_counted_anew(staff: Casebook) -> None:
    assert done("clocks", "verify") == "Все сроки сходятся.\n"
    Clock.objects.filter(name="answer").update(due=at("17:00"))
    Case.objects.update(due=at("17:00"))
    result = otklik("clocks", "verify")
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "карточка 1, answer: 16.11.2026 17:00, а должно быть 8 рабочих часов от 16.11 09:00 = 17.11 09:00; п. 7",
        "карточка 1: ближайший срок 16.11.2026 17:00 не тот",
        "Не сходится: 2 места. Пересчитать: otklik clocks recompute",
    ]
    assert done("clocks", "recompute", "--now", MORNING) == "Сроки изменились у 1 карточки.\n"
    assert done("clocks", "verify") == "Все сроки сходятся.\n"
    assert done("clocks", "recompute") == "Сроки изменились у 0 карточек.\n"
    staff.check()


# Intake


def test_intake_takes_what_was_decided_once(casebook: Casebook, tmp_path: Path) -> None:
    stream = Stream(tmp_path)
    stream.append(*(Message(b"k", value) for value in (decided(), decided("vk:-1_2", "Иной"))), topic=DECIDED)
    for opened in (2, 0):
        result = stream.otklik("intake", "--once")
        assert (result.exit_code, Case.objects.count()) == (0, 2)
        assert f"Открыто карточек: {opened}" in result.stderr
    assert [position.lag for position in _positions(stream)] == [0]
    casebook.check()


def _positions(stream: Stream) -> list[Any]:
    with stream.journal() as journal:
        return [position for position in journal.positions(DECIDED) if position.reader == "casebook"]


def test_intake_tells_what_it_cannot_read_and_goes_on(casebook: Casebook, tmp_path: Path) -> None:
    stream = Stream(tmp_path)
    stream.append(Message(b"k", b"{"), Message(b"k", decided()), topic=DECIDED)
    result = stream.otklik("intake", "--once")
    assert (result.exit_code, Case.objects.count()) == (3, 1)
    assert result.stderr.startswith("posts.decided, смещение ")


def test_intake_that_ended_before_its_offset_was_kept_changes_nothing_the_second_time(
    casebook: Casebook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = Stream(tmp_path)
    stream.append(Message(b"k", decided()), topic=DECIDED)

    def ends(*_: object) -> None:
        assert Case.objects.count() == 1  # the offset comes after the case
        raise SystemExit(9)

    with monkeypatch.context() as patch:
        patch.setattr(EmbeddedReader, "commit", ends)
        assert stream.otklik("intake", "--once").exit_code == 9
    before = casebook.trace(1)
    assert [position.lag for position in _positions(stream)] in ([], [1])
    assert stream.otklik("intake", "--once").exit_code == 0
    assert casebook.trace(1) == before


# A process of its own


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    for name in ("regulation", "rules"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    return folder


def process(home: Path, *words: object, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "OTKLIK_HOME")}
    command = [sys.executable, "-m", "app", *map(str, words), "--home", str(home)]
    return subprocess.run(
        command, cwd=ROOT, env={**kept, **environment}, capture_output=True, text=True, encoding="utf-8", check=False
    )


def test_a_home_gets_a_casebook_of_its_own_in_sqlite(home: Path) -> None:
    added = process(home, "user", "add", "olga", "--role", "operator")
    assert (added.returncode, added.stdout.splitlines()[0]) == (0, "Добавлен olga: operator")
    assert (home / "var" / "casebook.sqlite").is_file()
    assert "olga" in process(home, "user", "list").stdout


def test_a_database_that_is_not_there_or_is_none_is_a_refusal(home: Path) -> None:
    for url, code, said in (
        ("postgresql://nobody@127.0.0.1:1/none", 1, "база карточек недоступна"),  # it may come back: try again
        ("mysql://root@localhost/otklik", 2, "DATABASE_URL: не адрес базы: mysql"),
        ("postgresql://host:порт/otklik", 2, "DATABASE_URL: "),
    ):
        result = process(home, "user", "list", DATABASE_URL=url)
        assert (result.returncode, result.stdout) == (code, "")
        assert said in result.stderr
        assert "как исправить" in result.stderr
        assert "Traceback" not in result.stderr


@pytest.mark.parametrize("casebook", ["postgresql"], indirect=True)
def test_two_processes_that_move_one_case_do_not_both_move_it(staff: Casebook, home: Path) -> None:
    connections["default"].close()
    commands = [
        [sys.executable, "-m", "app", "case", "confirm", "1", "--as", user, "--version", "1", "--home", str(home)]
        for user in ("olga", "boss")
    ]
    environment = {**os.environ, "DATABASE_URL": staff.url}
    running = [
        subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for command in commands
    ]
    errors = [one.communicate()[1] for one in running]
    assert sorted(one.returncode for one in running) == [0, 2]
    assert "карточка 1 изменилась: версия 2, а не 1" in "".join(errors)
    assert staff.kinds(1) == ["opened", "confirm"]

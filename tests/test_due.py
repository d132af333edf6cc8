"""``otklik due`` and ``otklik calendar`` from outside, days against the shared calendar, the December warning."""

from __future__ import annotations

import json
import re
import shutil
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from conftest import SHARED
from hypothesis import given, settings
from hypothesis import strategies as st

from app import check
from app.command import otklik as group
from cases.clocks import ClockName
from regulation import DayKind, Days, Regulation
from regulation.federal import federal_days

ROOT = Path(__file__).parent.parent
FRIDAY = "2026-11-20T16:40"


@pytest.fixture(autouse=True)
def _home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OTKLIK_HOME", raising=False)


def otklik(*arguments: str, stdin: str | bytes = "") -> Result:
    return CliRunner().invoke(group, list(arguments), input=stdin, prog_name="otklik")


def asked(*arguments: str) -> dict[str, Any]:
    result = otklik("due", *arguments, "--out", "json")
    assert result.exit_code == 0, result.stderr
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def dues(found: dict[str, Any]) -> dict[str, str]:
    return {name: clock["due"].removesuffix(":00+03:00") for name, clock in found["clocks"].items() if clock["due"]}


# One moment


def test_the_text_tells_every_clock_and_why() -> None:
    result = otklik("due", FRIDAY)
    assert (result.exit_code, result.stderr) == (0, "")
    first, *lines = result.stdout.splitlines()
    assert first == "Выявлено пт 20.11.2026 16:40, срок ответа 8 рабочих часов (п. 7)"
    rows = [tuple(re.split("  +", line.strip(), maxsplit=1)) for line in lines[::2]]
    assert rows == [
        ("рассылка отделу", "пн 23.11.2026 08:40"),
        ("возврат не по адресу", "пн 23.11.2026 09:10"),
        ("проект ответа", "пн 23.11.2026 10:40"),
        ("согласование", "пн 23.11.2026 11:40"),
        ("размещение", "пн 23.11.2026 13:10"),
        ("ответ", "пн 23.11.2026 16:40"),
        ("промежуточный ответ", "пн 23.11.2026 16:40"),
        ("проект окончательного", "ср 02.12.2026 11:00"),
        ("окончательный ответ", "ср 02.12.2026 17:00"),
    ]
    assert "8 рабочих часов от 20.11 16:40 = 23.11 16:40; 21–22.11 выходные; п. 7" in map(str.strip, lines[1::2])


def test_on_four_hours_the_draft_has_a_limit() -> None:
    said = " ".join(otklik("due", FRIDAY, "--track", "4h").stdout.split())
    assert "срок ответа 4 рабочих часа (п. 8)" in said
    assert "проект ответа пн 23.11.2026 09:40 (предел пн 23.11.2026 10:40)" in said
    assert "ответ пн 23.11.2026 11:40" in said


def test_json_is_of_the_contract() -> None:
    found = asked(FRIDAY, "--track", "4h")
    assert list(found) == ["at", "track", "clocks"]
    assert (found["at"], found["track"]) == ("2026-11-20T16:40:00+03:00", "4h")
    assert found["clocks"]["draft"] == {
        "due": "2026-11-23T09:40:00+03:00",
        "limit": "2026-11-23T10:40:00+03:00",
        "why": "2 рабочих часа от 20.11 16:40 = 23.11 09:40; 21–22.11 выходные; п. 9; предел 23.11 10:40",
        "point": "9",
    }
    assert set(found["clocks"]) == set(ClockName) - {ClockName.ALARM, ClockName.CRISIS}
    assert all(list(clock) == ["due", "limit", "why", "point"] for clock in found["clocks"].values())
    assert [name for name, clock in found["clocks"].items() if clock["limit"]] == ["draft"]


@pytest.mark.parametrize(
    "written",
    ["2026-11-20T16:40", "2026-11-20 16:40:00", "2026-11-20T13:40Z", "2026-11-20T23:40+10:00", "20261120T1640"],
)
def test_a_moment_is_local_unless_it_names_its_zone(written: str) -> None:
    assert asked(written) == asked(FRIDAY)


def test_seconds_are_kept() -> None:
    assert asked("2026-11-20T16:40:30")["clocks"]["answer"]["due"] == "2026-11-23T16:40:30+03:00"
    assert "ответ                  пн 23.11.2026 16:40:30" in otklik("due", "2026-11-20T16:40:30").stdout


def test_other_hours_are_tried_without_touching_the_regulation() -> None:
    found = dues(asked(FRIDAY, "--hours", "09-13,14-18"))
    assert (found["dispatch"], found["answer"]) == ("2026-11-20T17:40", "2026-11-23T16:40")
    assert (found["final_draft"], found["final"]) == ("2026-12-02T12:00", "2026-12-02T18:00")
    assert dues(asked(FRIDAY, "--hours", "8:30-12:30, 13:15-17:00"))["answer"] == "2026-11-23T16:55"
    assert asked(FRIDAY, "--hours", "08-12,13-17") == asked(FRIDAY)
    assert dues(asked("2026-11-18T08:00", "--hours", "08-12,12-16"))["answer"] == "2026-11-18T16:00"


def test_the_final_answer_is_counted_from_the_day_of_the_interim() -> None:
    found = asked("--interim", "2026-04-29")
    assert list(found) == ["interim", "clocks"]
    assert dues(found) == {"final_draft": "2026-05-12T11:00", "final": "2026-05-12T17:00"}
    result = otklik("due", "--interim", "2026-04-29")
    assert result.stdout.splitlines()[0] == "Промежуточный ответ размещён ср 29.04.2026"
    assert dues(asked("--interim", "2026-04-29T23:59")) == dues(found)
    both = asked("2026-04-28T10:00", "--interim", "2026-04-29")
    assert dues(both)["final"] == "2026-05-12T17:00"
    assert dues(both)["answer"] == "2026-04-29T10:00"
    assert "Выявлено вт 28.04.2026 10:00" in otklik("due", "2026-04-28T10:00", "--interim", "2026-04-29").stdout


def test_help_is_in_russian() -> None:
    for command in ("due", "calendar"):
        result = otklik(command, "--help")
        assert result.exit_code == 0
        assert not re.search(r"\b(Show|Usage|Options|default)\b", result.stdout)


# Wrong usage


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ((), "не назван момент"),
        (("завтра",), "не момент: завтра"),
        (("2026-02-30T10:00",), "не момент"),
        (("2026-11-20T25:00",), "не момент"),
        (("0001-01-01T00:00+14:00",), "не момент"),
        (("",), "не момент"),
        (("\x1b[31m2026",), "не момент: ·[31m2026"),
        ((FRIDAY, "--interim", "когда-то"), "не момент: когда-то"),
        (("2098-11-20T16:40",), "нет календаря на 2098 год"),
        (("0001-01-01T00:00",), "нет календаря на 1 год"),
        (("9999-12-31T23:59",), "нет календаря на 9999 год"),
        (("--interim", "2098-04-29"), "нет календаря на 2098 год"),
        (("--interim", "9999-12-31"), "нет календаря на 9999 год"),
        ((FRIDAY, "--interim", "2098-04-29"), "нет календаря на 2098 год"),
        ((FRIDAY, "--track", "6h"), "--track"),
        ((FRIDAY, "--out", "xml"), "--out"),
        ((FRIDAY, "--home", "/нет/такой"), "нет папки"),
    ],
)
def test_a_wrong_call_is_told_with_its_mend(arguments: tuple[str, ...], what: str) -> None:
    result = otklik("due", *arguments)
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    assert what in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    "hours",
    [
        "",
        ",",
        "9",
        "09-",
        "-18",
        "с девяти",
        "09-13;14-18",
        "13-09",
        "09-09",
        "09-13,12-18",
        "14-18,09-13",
        "09-25",
        "9:60-10",
        "09-24:00",
        "8-12-16",
        "09-13,",
    ],
)
def test_hours_that_make_no_sense_are_refused(hours: str) -> None:
    result = otklik("due", FRIDAY, "--hours", hours)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "--hours 09-13,14-18" in result.stderr


def test_an_unknown_year_tells_what_to_do() -> None:
    said = otklik("due", "2098-11-20T16:40").stderr
    assert "обновите библиотеку holidays" in said
    assert "regulation/calendar.yaml" in said


# A year that ends: the days stand in the file itself, so that no new version of the library changes them


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A house whose last known year is 2097: Christmas is off, 31 December is short."""
    (tmp_path / "rules").mkdir()
    shutil.copytree(ROOT / "regulation", tmp_path / "regulation", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    with (tmp_path / "regulation" / "calendar.yaml").open("a", encoding="utf-8") as file:
        file.write("federal:\n")
        file.write("  2097-12-25: {kind: нерабочий, name: Рождество}\n")
        file.write("  2097-12-31: {kind: сокращённый, name: канун}\n")
    return tmp_path


def test_a_year_written_in_the_file_is_known(home: Path) -> None:
    found = asked("2097-12-24T16:00", "--home", str(home))
    assert dues(found)["answer"] == "2097-12-26T16:00"
    assert "25.12 Рождество" in found["clocks"]["answer"]["why"]


def test_where_the_final_answer_alone_leads_into_an_unknown_year_the_others_are_shown(home: Path) -> None:
    found = asked("2097-12-24T16:00", "--home", str(home))
    final = found["clocks"]["final"]
    assert (final["due"], final["limit"], final["point"]) == (None, None, "12")
    assert final["why"] == "нет календаря на 2098 год"
    assert "окончательный ответ    неизвестно" in otklik("due", "2097-12-24T16:00", "--home", str(home)).stdout
    result = otklik("due", "--interim", "2097-12-24", "--home", str(home))
    assert (result.exit_code, "нет календаря на 2098 год" in result.stderr) == (2, True)


def test_an_answer_that_leads_into_an_unknown_year_is_refused(home: Path) -> None:
    """2097 ends on a Tuesday, at 16:00: an hour from 15:00 is there, eight are not."""
    result = otklik("due", "2097-12-31T15:00", "--home", str(home))
    assert (result.exit_code, "нет календаря на 2098 год" in result.stderr) == (2, True)


# Many moments


def test_each_line_is_answered_with_a_line() -> None:
    result = otklik("due", "-", stdin=f"{FRIDAY}\n{FRIDAY} 4h\n\n2026-11-20 16:40 8h\n  {FRIDAY}  \r\n")
    assert (result.exit_code, result.stderr) == (0, "")
    found = [json.loads(line) for line in result.stdout.splitlines()]
    assert [one["track"] for one in found] == ["8h", "4h", "8h", "8h"]
    assert found[0] == found[2] == found[3] == asked(FRIDAY)
    assert found[1] == asked(FRIDAY, "--track", "4h")


def test_the_track_of_the_call_is_of_the_lines_that_name_none() -> None:
    result = otklik("due", "-", "--track", "4h", "--hours", "09-13,14-18", stdin=f"\ufeff{FRIDAY}\n{FRIDAY} 8h")
    assert [json.loads(line)["track"] for line in result.stdout.splitlines()] == ["4h", "8h"]
    assert json.loads(result.stdout.splitlines()[1]) == asked(FRIDAY, "--hours", "09-13,14-18")


def test_lines_that_cannot_be_read_are_told_by_number_and_the_others_answered() -> None:
    junk = ["мусор", f"{FRIDAY} 6h", "8h", f"{FRIDAY} 4h 8h", "2098-01-12T10:00", "a b c d", "{}", "\x1b[2J", "9" * 500]
    lines = [FRIDAY, *junk, FRIDAY]
    result = otklik("due", "-", stdin="\n".join(lines))
    assert result.exit_code == 3
    assert [json.loads(line) for line in result.stdout.splitlines()] == [asked(FRIDAY)] * 2
    told = [line for line in result.stderr.splitlines() if line.startswith("строка ")]
    assert [int(line.split()[1].rstrip(":")) for line in told] == list(range(2, len(junk) + 2))
    assert told[4] == "строка 6: нет календаря на 2098 год"
    assert result.stderr.count("как исправить") == len(junk)
    assert "\x1b" not in result.stderr
    assert max(map(len, told)) < 120


def test_bytes_that_are_no_text_are_lines_as_others() -> None:
    result = otklik("due", "-", stdin=b"\xff\xfe\x00\n" + FRIDAY.encode() + b"\n")
    assert (result.exit_code, len(result.stdout.splitlines())) == (3, 1)
    assert "строка 1: " in result.stderr


def test_no_lines_are_no_failure() -> None:
    result = otklik("due", "-", stdin="\n\n")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")


junk = st.text(st.characters(exclude_characters="\n\r", exclude_categories=["Cs"]), max_size=20)
moments = st.datetimes().map(datetime.isoformat)


@settings(max_examples=15)
@given(lines=st.lists(junk | moments | st.tuples(moments | junk, st.sampled_from(("4h", "8h"))).map(" ".join)))
def test_every_line_is_answered_or_told(lines: list[str]) -> None:
    result = otklik("due", "-", stdin="".join(f"{line}\n" for line in lines))
    refused = len(re.findall(r"(?m)^строка \d+: ", result.stderr))
    assert result.exit_code == (3 if refused else 0), result.output
    assert len(result.stdout.splitlines()) + refused == sum(bool(line.replace("\ufeff", "").split()) for line in lines)


# The calendar


def test_the_calendar_shows_months_days_and_hours() -> None:
    """In 2026 the country works 247 days and 1972 hours; the region has Radonitsa off."""
    result = otklik("calendar", "2026")
    assert (result.exit_code, result.stderr) == (0, "")
    lines = [line.rstrip() for line in result.stdout.splitlines()]
    assert lines[0] == "январь 2026: 15 рабочих дней, 120 ч"
    assert lines[1].split() == "пн вт ср чт пт сб вс".split()
    assert lines[2].split("(")[0].isspace(), "2026 begins on a Thursday"
    assert lines[-1] == "Всего за 2026: 246 рабочих дней, 1964 ч"
    assert "  21.04  нерабочий: Радоница, закон СК от 23.06.2016 № 60-кз (ред. 2022)" in lines
    assert "  03.11  сокращённый: предпраздничный день" in lines
    assert "    2    3* ( 4)   5    6  ( 7) ( 8)" in lines


def test_the_calendar_as_json_has_every_day() -> None:
    result = otklik("calendar", "2025", "--out", "json")
    found = json.loads(result.stdout)
    days = {day["date"]: day for day in found["days"]}
    assert (found["year"], len(days), min(days), max(days)) == (2025, 365, "2025-01-01", "2025-12-31")
    assert days["2025-11-01"] == {
        "date": "2025-11-01",
        "kind": "сокращённый",
        "name": "рабочий день вместо 03.11, предпраздничного",
        "hours": 7,
        "intervals": ["08:00-12:00", "13:00-16:00"],
    }
    assert (days["2025-04-29"]["kind"], days["2025-04-29"]["hours"]) == ("нерабочий", 0)
    assert (days["2025-11-05"]["kind"], days["2025-11-08"]["kind"]) == ("рабочий", "выходной")
    # The country's 247 days and 1972 hours, without 29.04 and the eve 30.04, with the short Saturday 26.04.
    assert sum(bool(day["hours"]) for day in days.values()) == 246
    assert sum(day["hours"] for day in days.values()) == 1972 - 8 - 7 + 7
    assert len(json.loads(otklik("calendar", "2024", "--out", "json").stdout)["days"]) == 366


def test_a_calendar_that_is_not_known_is_refused() -> None:
    result = otklik("calendar", "2098")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "нет календаря на 2098 год" in result.stderr
    assert "как исправить" in result.stderr
    for year in ("x", "0", "99999"):
        assert otklik("calendar", year).exit_code == 2


# The days of the regulation against those that were collected by hand

KINDS = {"off": DayKind.OFF, "short": DayKind.SHORT, "work": DayKind.WORK}


@pytest.mark.shared
@pytest.mark.parametrize("year", range(2023, 2028))
def test_days_equal_the_shared_calendar(year: int) -> None:
    """Off days that are weekends anyway are left out there."""
    path = SHARED / "domain" / "calendar_stavropol_2023_2027.json"
    given = json.loads(path.read_text(encoding="utf-8"))
    expected = {date.fromisoformat(day): KINDS[entry["kind"]] for day, entry in given.items()}
    days = Regulation.load(ROOT / "regulation").days.of(year)
    found = {day: entry.kind for day, entry in days.items()}
    assert {day: kind for day, kind in found.items() if kind is not DayKind.OFF or day.isoweekday() <= 5} == {
        day: kind for day, kind in expected.items() if day.year == year
    }
    assert {day for day, entry in days.items() if entry.scope == "regional"} == {
        date.fromisoformat(day)
        for day, entry in given.items()
        if entry["scope"] == "regional" and day.startswith(str(year))
    }


def test_a_worked_saturday_knows_the_day_it_was_swapped_for() -> None:
    days = federal_days(2024)
    assert {day: entry.instead for day, entry in days.items() if entry.instead} == {
        date(2024, 4, 27): date(2024, 4, 29),
        date(2024, 11, 2): date(2024, 4, 30),
        date(2024, 12, 28): date(2024, 12, 30),
    }
    assert days[date(2024, 11, 2)].kind is DayKind.SHORT, "30 April is the eve of a holiday"
    assert days[date(2024, 4, 27)].kind is DayKind.WORK


def test_a_year_without_data_has_no_days() -> None:
    """Not even its holidays, of which the library would be sure."""
    days = Days({}, {})
    assert (days.knows(2026), days.knows(2098)) == (True, False)
    for read in (days.of, federal_days):
        with pytest.raises(KeyError):
            read(2098)


# The warning of December


@pytest.mark.parametrize(
    ("today", "next_known", "warned"),
    [
        (datetime(2097, 12, 1, tzinfo=UTC), False, True),
        (datetime(2097, 12, 31, tzinfo=UTC), False, True),
        (datetime(2097, 11, 30, tzinfo=UTC), False, False),
        (datetime(2026, 12, 15, tzinfo=UTC), True, False),
    ],
)
def test_in_december_check_warns_of_a_next_year_without_a_calendar(
    monkeypatch: pytest.MonkeyPatch, home: Path, today: datetime, next_known: bool, warned: bool
) -> None:
    """It is a warning: the work goes on."""
    monkeypatch.setattr(check, "now", lambda: today)
    assert Regulation.load(home / "regulation").days.knows(today.year + 1) is next_known
    said = otklik("check", "--home", str(home)).stdout
    assert ("нет календаря на 2098 год" in said) is warned
    if warned:
        line = next(line for line in said.splitlines() if "нет календаря" in line)
        assert "calendar.yaml" in line
        assert "предупреждение" in line
        assert "обновите библиотеку holidays" in said

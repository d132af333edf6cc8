"""Weekly reports: every figure counted by hand, whose cases it tells of, and that nothing in it can bite."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from casebooks import ANSWER, DEPARTMENT, LINK, ZONE, Casebook, at
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from app.command import otklik
from casebook.decree import Decree
from casebook.forgetting import forget_author
from casebook.intake import author_digest
from casebook.models import Event, User
from casebook.report import Answers, Exclusions, Proposals, Report, SecondLooks, Step, to_json
from casebook.report_week import Week, WeekError, measured
from casebook.reporting import figures
from casebook.sweep import SYSTEM
from cases.lifecycle import MoveError
from desk.reports import Format, render
from desk.reports.plots import plots

on_sqlite = pytest.mark.parametrize("casebook", ["sqlite"], indirect=True)  # what no database can change
WEEK = Week.read("2026-W47")
AFTER = at("12:00", 8)
BITES = "=cmd|' /C calc'!A0"
MARKUP = '<img src=x onerror="alert(1)">&$x^2$'


def drawn_key() -> str:
    """Of a post that a person looks at again (``casebook.intake.SECOND_LOOK``)."""
    keys = (f"vk:-9_{n}" for n in range(1000))
    return next(key for key in keys if int(hashlib.sha256(key.encode()).hexdigest(), 16) % 20 == 0)


def answer(casebook: Casebook, number: int, *times: str, department: str | None = None, interim: bool = False) -> None:
    """``times``: of confirm, assign, draft, send, approve, publish."""
    casebook.person("executor")
    text = f"{ANSWER} Окончательно ответим до 25.11, карточка {number}."
    steps = (
        ("confirm", {"department": department}),
        ("assign", {"executor": "executor-jkh"}),
        ("draft", {"text": text, "interim": interim, "reason": "ждём материалы" if interim else None}),
        ("send", {}),
        ("approve", {}),
        ("publish", {"link": LINK}),
    )
    for time, (name, told) in zip(times, steps, strict=False):
        casebook.move(number, name, now=at(time), **told)


def live(casebook: Casebook) -> None:
    """A week small enough to be counted by hand."""
    in_time = casebook.open("vk:-1_1")
    answer(casebook, in_time, "09:30", "09:40", "10:30", "10:40", "11:00", "11:20")
    late = casebook.open("vk:-1_2", track="4h", department="DOR", alarms=("danger",))
    answer(casebook, late, "10:30", "10:35", "14:00", "14:05", "14:10", "14:20", department="JKH")
    interim = casebook.open("telegram:-1_3")
    answer(casebook, interim, "09:30", "09:40", "10:00", "10:05", "10:10", "10:20", interim=True)
    returned = casebook.open("ok:1_4", proposed=False)
    casebook.move(returned, "confirm", now=at("09:30"), department="DOR")
    casebook.move(returned, "return", casebook.person("executor", "DOR"), now=at("09:45"), reason="дорога не наша")
    casebook.move(returned, "withdraw", now=at("10:00"), reason="автор удалил")
    casebook.open("vk:-1_5")  # nobody ever confirms it
    restored, confirmed, _ = (casebook.open(f"vk:-2_{n}", verdict="exclude") for n in (1, 2, 3))
    casebook.move(confirmed, "confirm_exclusion", now=at("10:00"))
    casebook.move(restored, "restore", now=at("16:30", 4), reason="есть вопрос")
    looked = casebook.open(drawn_key(), verdict="no_answer")
    casebook.move(looked, "confirm_no_answer", now=at("10:00"))
    acknowledge(casebook, late, "danger", at("09:20"))


def acknowledge(casebook: Casebook, number: int, kind: str, now: datetime) -> None:
    from casebook.alarms import acknowledge as accept

    accept(number, kind, acting_user=casebook.person("operator"), now=now)


def told(casebook: Casebook, user: User = SYSTEM, week: Week = WEEK, now: datetime = AFTER) -> Report:
    return figures(casebook.decree, user, week, now)


def hours(h: int, m: int = 0) -> timedelta:
    return timedelta(hours=h, minutes=m)


# The figures


def test_a_week_is_counted_as_a_person_would_count_it(casebook: Casebook) -> None:
    live(casebook)
    found = told(casebook)
    d = found.detected
    assert (d.posts, d.usual, d.fast, d.no_answer, d.excluded) == (9, 4, 1, 1, 3)
    assert [(n.network, n.posts) for n in d.networks] == [("vk", 7), ("ok", 1), ("telegram", 1)]
    assert {one.ground: one.posts for one in found.grounds} == {"obscenity": 3, "insult": 0, "threat": 0}
    assert found.answers == (Answers("8h", 2, 0, 1, 1), Answers("4h", 0, 1, 0, 0), Answers("final", 0, 0, 1, 0))
    assert [(one.track, one.answers, one.median) for one in found.times] == [
        ("", 2, hours(3, 20)),
        ("8h", 1, hours(2, 20)),
        ("4h", 1, hours(4, 20)),
    ]
    assert found.exclusions == Exclusions(confirmed=1, restored=1, late_by_filter=1, waiting=1)
    assert found.second_looks == SecondLooks(drawn=1, confirmed=1, restored=0, waiting=0)
    assert found.proposals == (Proposals("JKH", 2, 1, 0), Proposals("DOR", 0, 0, 1))
    (danger,) = found.alarms
    assert (danger.kind, danger.raised, danger.waiting, danger.late) == ("danger", 1, 0, 0)
    assert danger.median == danger.longest == hours(0, 15)


def test_each_step_is_on_time_late_or_not_done(casebook: Casebook) -> None:
    live(casebook)
    found = told(casebook)
    assert found.steps == (
        Step("dispatch", 3, 1, 1, 2),
        Step("return", 4, 0, 0, 0),
        Step("draft", 2, 1, 2, 3),
        Step("approval", 3, 0, 0, 0),
        Step("publish", 2, 1, 0, 1),
        Step("answer", 2, 1, 1, 2),
    )
    of = {one.department: one for one in found.departments}
    assert list(of) == ["JKH", "DOR", ""]
    jkh, dor, nobody = of["JKH"], of["DOR"], of[""]
    assert (jkh.on_time, jkh.late, jkh.overdue, jkh.breaches) == (14, 4, 0, 4)
    assert (jkh.answers, jkh.interim, jkh.returns, jkh.median) == (3, 1, 0, hours(3, 20))
    assert (dor.on_time, dor.late, dor.returns, dor.median) == (2, 0, 1, None)
    assert (nobody.on_time, nobody.overdue, nobody.breaches) == (0, 4, 4)


def test_late_cases_are_told_by_number_step_and_working_time(casebook: Casebook) -> None:
    live(casebook)
    late = {(one.number, one.step): one for one in told(casebook).late}
    assert {key: one.late for key, one in late.items() if one.done} == {
        (2, "dispatch"): hours(0, 30),
        (2, "draft"): hours(1),
        (2, "publish"): hours(0, 20),
        (2, "answer"): hours(0, 20),
    }
    assert {key for key, one in late.items() if not one.done} == {
        *((5, step) for step in ("dispatch", "draft", "answer")),
        (6, "draft"),
    }
    assert late[5, "answer"].late == hours(3 * 8 + 7)  # Tuesday 09:00 to the end of Friday
    assert {one.department for one in late.values()} == {"JKH", ""}


def test_a_report_asked_for_later_is_the_same(casebook: Casebook) -> None:
    live(casebook)
    at_its_end = told(casebook, now=WEEK.span(ZONE)[1])
    casebook.move(8, "confirm_exclusion", now=at("09:00", 7))
    casebook.move(5, "confirm", now=at("09:00", 7))
    casebook.take(now=at("10:00", 7))
    assert told(casebook) == at_its_end
    following = told(casebook, week=Week.read("2026-W48"))
    assert (following.exclusions.confirmed, following.exclusions.waiting) == (1, 0)
    assert [one for one in following.steps if one.step == "dispatch"] == [Step("dispatch", 0, 1, 1, 1)]


def test_the_series_ends_with_the_week_and_begins_eight_weeks_ago(casebook: Casebook) -> None:
    live(casebook)
    series = told(casebook, week=Week.read("2026-W48")).series
    assert [one.week for one in series] == [f"2026-W{n}" for n in range(41, 49)]
    assert (series[-2].detected, series[-2].on_time, series[-2].late) == (9, 2, 1)
    assert told(casebook).series[-1] == series[-2]


def test_a_recalled_move_never_was(casebook: Casebook) -> None:
    number = casebook.open()
    casebook.move(number, "confirm", now=at("09:30"), department="DOR")
    casebook.move(number, "recall", now=at("09:35"))
    casebook.move(number, "confirm", now=at("09:40"))
    found = told(casebook, now=at("09:50"))
    assert found.proposals == (Proposals(DEPARTMENT, 1, 0, 0),)
    assert [one.department for one in found.departments] == [DEPARTMENT]


def test_grounds_outlive_the_words(casebook: Casebook) -> None:
    number = casebook.open(verdict="exclude", author="id7")
    casebook.move(number, "confirm_exclusion", now=at("10:00"))
    before = told(casebook).grounds
    forget_author(author_digest("vk", "id7"), casebook.person("administrator"), "просит", at("11:00", 1))
    assert before[0].posts == 1
    assert told(casebook).grounds == before


def test_grounds_of_events_of_an_older_version_are_read_from_the_words_while_they_are_kept(casebook: Casebook) -> None:
    number = casebook.open(verdict="exclude", author="id7")
    opened = Event.objects.get(case__ordinal=number, kind="opened")
    del opened.body["grounds"]
    opened.save()
    assert told(casebook).grounds[0].posts == 1
    casebook.move(number, "confirm_exclusion", now=at("10:00"))
    forget_author(author_digest("vk", "id7"), casebook.person("administrator"), "просит", at("11:00", 1))
    assert [(one.ground, one.posts) for one in told(casebook).grounds if one.posts] == [("", 1)]


def test_an_edited_post_counts_by_its_latest_decision(casebook: Casebook) -> None:
    casebook.open("vk:-1_1", "мат", verdict="exclude")
    casebook.open("vk:-1_1", "Простите. Когда починят свет?", now=at("11:00"))
    d = told(casebook).detected
    assert (d.posts, d.excluded, d.usual) == (1, 0, 1)


# Whose


def test_a_head_sees_the_own_department_alone(casebook: Casebook) -> None:
    live(casebook)
    whole = told(casebook)
    head = told(casebook, casebook.person("head"))
    assert {one.department for one in head.departments} == {"JKH"}
    assert head.departments == tuple(one for one in whole.departments if one.department == "JKH")
    assert head.cells == tuple(one for one in whole.cells if one.department == "JKH")
    assert {one.number for one in head.late} == {2}
    assert head.detected.posts == 3
    assert (head.exclusions.waiting, head.second_looks.drawn) == (0, 0)
    other = told(casebook, casebook.person("head", "DOR"))
    assert [(one.department, one.returns) for one in other.departments] == [("DOR", 1)]


def test_an_office_sees_its_own_cases_alone(casebook: Casebook) -> None:
    codes = list(casebook.decree.regulation.places.offices)[:2]
    for n, office in enumerate(codes):
        number = casebook.open(f"vk:-1_{n}", department="TERR")
        casebook.move(number, "confirm", now=at("09:30"), department="TERR", office=office)
    assert told(casebook, casebook.person("head", "TERR")).detected.posts == 2
    assert told(casebook, casebook.person("executor", "TERR", codes[0])).detected.posts == 1


@on_sqlite
@pytest.mark.parametrize("role", ["operator", "manager", "approver", "analyst", "administrator"])
def test_all_other_roles_see_all(casebook: Casebook, role: str) -> None:
    casebook.open()
    assert told(casebook, casebook.person(role)) == told(casebook)


_MOVES = ("confirm", "return", "assign", "draft", "send", "approve", "remark", "publish", "withdraw", "restore")
_WALK = st.lists(st.tuples(st.sampled_from(_MOVES), st.integers(1, 300)), max_size=14)


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    walk=_WALK,
    verdict=st.sampled_from(["answer", "answer", "exclude", "no_answer"]),
    department=st.sampled_from(["JKH", "DOR", "RJD"]),
    minutes=st.integers(0, 5 * 24 * 60),
    track=st.sampled_from(["4h", "8h"]),
)
def test_departments_steps_and_networks_add_up_to_the_totals(
    casebook: Casebook, walk: list[tuple[str, int]], verdict: str, department: str, minutes: int, track: str
) -> None:
    now = at("00:30") + timedelta(minutes=minutes)
    key = f"vk:-1_{Event.objects.count()}"
    number = casebook.open(key, verdict=verdict, department=department, track=track, now=now, detected_at=now)
    for name, pause in walk:
        now += timedelta(minutes=pause)
        wander(casebook, number, name, now)
    check_sums(casebook, now + timedelta(days=10))


def wander(casebook: Casebook, number: int, name: str, now: datetime) -> None:
    """A move, where it may be made."""
    department = casebook.case(number).department or "JKH"
    executor = casebook.person("executor", department)
    by = {"return": executor, "draft": executor, "assign": casebook.person("head", department)}
    given = {"draft": {"text": f"{ANSWER} {number} РЖД"}, "publish": {"link": LINK}}
    try:
        casebook.move(
            *(number, name, by.get(name, "")),
            now=now,
            reason="так надо",
            **given.get(name, {"executor": executor.code} if name == "assign" else {}),
        )
    except MoveError:
        return


def check_sums(casebook: Casebook, now: datetime) -> None:
    kinds = ("on_time", "late", "overdue", "breaches")
    found = told(casebook, now=now)
    for kind in kinds:
        total = sum(getattr(one, kind) for one in found.cells)
        assert total == sum(getattr(one, kind) for one in found.departments)
        assert total == sum(getattr(one, kind) for one in found.steps)
    d = found.detected
    assert d.posts == d.excluded + d.no_answer + d.fast + d.usual == sum(one.posts for one in d.networks)
    answering = [one for one in found.steps if one.step in ("answer", "final")]
    assert sum(one.on_time for one in found.answers) == sum(one.on_time for one in answering)
    assert sum(one.overdue for one in found.answers) == sum(one.overdue for one in answering)
    heads = [told(casebook, casebook.person("head", code), now=now) for code in ("JKH", "DOR", "ORG")]
    assert [c for c in found.cells if c.department] == sorted(
        (c for head in heads for c in head.cells), key=lambda one: found.cells.index(one)
    )
    point = found.series[-1]
    assert (point.on_time, point.late) == (sum(a.on_time for a in found.answers), sum(a.late for a in found.answers))


# Weeks


@pytest.mark.parametrize(
    ("written", "monday"),
    [("2026-W47", date(2026, 11, 16)), ("2026-w01", date(2025, 12, 29)), ("2026-W53", date(2026, 12, 28))],
)
def test_a_week_is_read_as_iso_has_it(written: str, monday: date) -> None:
    assert Week.read(written) == Week(monday)
    assert Week.read(written).name == written.upper()


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("2025-W53", "в 2025 году нет недели 53"),
        ("2026-W54", "в 2026 году нет недели 54"),
        ("2026-W00", "в 2026 году нет недели 0"),
        ("2026-47", "не неделя"),
        ("47", "не неделя"),
        ("1326-W05", "года 1326 в отчётах нет"),
        ("２０２６-W05", "не неделя"),
    ],
)
def test_what_is_no_week_is_refused_with_a_mend(written: str, why: str) -> None:
    with pytest.raises(WeekError, match=why) as caught:
        Week.read(written)
    assert caught.value.mend


def test_a_week_begins_at_midnight_of_the_decree_zone() -> None:
    begin, end = WEEK.span(ZONE)
    assert begin == at("00:00") and end == at("00:00", 7)
    assert Week.of(at("23:59", 6), ZONE) == WEEK
    assert Week.of(at("00:00", 7), ZONE) == Week.read("2026-W48")


@on_sqlite
def test_a_post_of_the_last_minute_is_of_its_own_week(casebook: Casebook) -> None:
    for key, moment in (("vk:-1_1", at("23:59", -1)), ("vk:-1_2", at("00:00")), ("vk:-1_3", at("00:00", 7))):
        casebook.open(key, detected_at=moment, now=moment)
    assert [told(casebook, week=WEEK.before(n)).detected.posts for n in (1, 0, -1)] == [1, 1, 1]


@on_sqlite
def test_a_week_to_come_is_refused(casebook: Casebook) -> None:
    with pytest.raises(WeekError, match="2026-W49 ещё не наступила") as caught:
        told(casebook, week=Week.read("2026-W49"))
    assert "2026-W47" in caught.value.mend


@on_sqlite
def test_a_week_that_still_runs_is_told_as_of_now(casebook: Casebook) -> None:
    casebook.open()
    found = told(casebook, now=at("09:30"))
    assert not found.is_over and found.answers[0].open == 1
    assert "неделя ещё идёт" in render(found, Format.HTML).decode()


@given(st.integers(0, 60 * 24 * 30), st.integers(0, 60 * 24 * 30))
def test_working_time_of_many_pairs_is_that_of_each(decree: Decree, start: int, length: int) -> None:
    begin = at("00:00") + timedelta(minutes=start - 60 * 24 * 20)
    end = begin + timedelta(minutes=length)
    assert measured(decree.clocks.working)(begin, end) == decree.clocks.working.measure(begin, end)


# Every format


@on_sqlite
def test_an_empty_week_says_so_in_every_format(casebook: Casebook) -> None:
    found = told(casebook)
    assert found.is_empty
    assert "За эту неделю ничего нет" in render(found, Format.HTML).decode()
    assert len(load_workbook(io.BytesIO(render(found, Format.XLSX))).worksheets) > 1
    assert json.loads(render(found, Format.JSON))["detected"]["posts"] == 0
    assert render(found, Format.CSV)


class Structure(HTMLParser):
    """Headings, heads of tables, plots."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.tags: set[str] = set()
        self._open = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self._open = tag if tag in ("h1", "h2", "h3", "th", "figcaption") else ""
        if self._open:
            self.lines.append(f"{tag} ")

    def handle_data(self, data: str) -> None:
        if self._open:
            self.lines[-1] += data

    def handle_endtag(self, tag: str) -> None:
        self._open = ""


@on_sqlite
def test_the_page_has_its_parts_in_order(casebook: Casebook, golden: Callable[[str, str], str]) -> None:
    live(casebook)
    page = render(told(casebook), Format.HTML).decode()
    structure = Structure()
    structure.feed(page)
    found = "\n".join(structure.lines) + "\n"
    assert found == golden("report_structure.txt", found)
    assert "3\u00a0ч 20\u00a0мин".replace(" ", "\u00a0") in page
    assert "16–22\u00a0ноября 2026\u00a0года" in page


@on_sqlite
def test_plots_are_svg_with_text_and_the_same_every_time(casebook: Casebook) -> None:
    live(casebook)
    found = plots(told(casebook))
    assert found == plots(told(casebook))
    assert list(found) == ["series", "departments", "steps", "alarms", "looks", "proposals"]
    for plot in found.values():
        assert ElementTree.fromstring(plot.svg).findall(".//{http://www.w3.org/2000/svg}text")
        assert "dc:date" not in plot.svg


def biting(casebook: Casebook) -> Report:
    """A key that is a formula, a department that is markup."""
    departments = dict(casebook.decree.regulation.departments)
    departments["JKH"] = replace(departments["JKH"], short=MARKUP)
    decree = Decree(replace(casebook.decree.regulation, departments=departments), casebook.decree.clocks)
    number = casebook.open(BITES, text="<script>alert(1)</script> воды нет", alarms=("danger",))
    casebook.move(number, "confirm", now=at("09:30"))
    return figures(decree, SYSTEM, WEEK, AFTER)


@on_sqlite
def test_markup_in_a_name_or_a_key_is_shown_as_text(casebook: Casebook) -> None:
    page = render(biting(casebook), Format.HTML).decode()
    structure = Structure()
    structure.feed(page)
    assert not structure.tags & {"img", "script"}
    assert "&lt;img src=x" in page and "$x^2$" in page
    assert "воды нет" not in page


@on_sqlite
def test_no_cell_of_a_csv_begins_a_formula(casebook: Casebook) -> None:
    text = render(biting(casebook), Format.CSV).decode("utf-8")
    assert text.startswith("\ufeffРаздел;Отдел;Шаг;Показатель;Значение\r\n")
    lines = list(csv.reader(io.StringIO(text.removeprefix("\ufeff")), delimiter=";"))
    assert {len(line) for line in lines} == {5}
    assert not [cell for line in lines for cell in line if cell.lstrip().startswith(tuple("=+-@\t\r"))]
    assert any(cell == f"'{BITES}" for line in lines for cell in line)


@given(st.text())
def test_whatever_is_written_into_a_cell_stays_text(text: str) -> None:
    from desk.reports.inert import inert

    cell = inert(text)
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert not set("\r\n\t\0") & set(cell)
    cell.encode()


@on_sqlite
def test_a_workbook_holds_numbers_as_numbers_and_no_formula(casebook: Casebook) -> None:
    live(casebook)
    book = load_workbook(io.BytesIO(render(biting(casebook), Format.XLSX)))
    cells = [cell for sheet in book.worksheets for row in sheet.iter_rows() for cell in row]
    assert not [cell for cell in cells if cell.data_type == "f"]
    assert BITES in [cell.value for cell in cells]
    assert book["Отделы"].freeze_panes == "B2"
    detected = [[cell.value for cell in row] for row in book["Выявлено"].iter_rows()]
    assert detected[-1] == ["Всего", 10, 5, 1, 1, 3]
    assert book["От выявления до ответа"]["C2"].value == hours(3, 20)
    charts = {sheet.title for sheet in book.worksheets if sheet._charts}
    assert {"Шаги", "Отделы", "Предложения маршрута", "Тревоги", "Последние недели"} <= charts


@on_sqlite
def test_json_is_the_whole_report(casebook: Casebook) -> None:
    live(casebook)
    found = told(casebook)
    read = json.loads(render(found, Format.JSON))
    assert read == json.loads(json.dumps(to_json(found)))
    assert read["times"][0]["median"] == 12_000
    assert read["begin"] == "2026-11-16T00:00:00.000+03:00"


# The command


@pytest.fixture
def run(casebook: Casebook, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., tuple[int, bytes, str]]:
    monkeypatch.setenv("DATABASE_URL", casebook.url)
    monkeypatch.chdir(tmp_path)

    def call(*args: str) -> tuple[int, bytes, str]:
        done = CliRunner().invoke(otklik, ["report", "--now", "2026-11-24T12:00", *args])
        return done.exit_code, done.stdout_bytes, done.stderr

    return call


@on_sqlite
def test_the_command_writes_the_last_full_week_in_the_format_of_its_file(
    casebook: Casebook, run: Callable[..., tuple[int, bytes, str]], tmp_path: Path
) -> None:
    live(casebook)
    begins = {"html": b"<!doctype html>", "csv": b"\xef\xbb\xbf", "xlsx": b"PK", "json": b"{"}
    for ending, begin in begins.items():
        code, _, said = run("--out", f"отчёт.{ending}")
        assert (code, "2026-W47" in said) == (0, True)
        assert (tmp_path / f"отчёт.{ending}").read_bytes().startswith(begin)
    code, out, _ = run("--format", "json", "--as", casebook.person("head").code)
    assert (code, json.loads(out)["scope"]["department"]) == (0, "JKH")


@on_sqlite
@pytest.mark.parametrize(
    ("args", "why"),
    [
        (("--week", "2026-W49"), "ещё не наступила"),
        (("--week", "2025-W53"), "нет недели 53"),
        (("--week", "завтра"), "не неделя"),
        (("--out", "отчёт.pdf"), "не понять, какой нужен вид"),
        (("--as", "никто"), "нет пользователя"),
    ],
)
def test_wrong_usage_is_told_with_its_mend(
    run: Callable[..., tuple[int, bytes, str]], args: tuple[str, ...], why: str
) -> None:
    code, out, said = run(*args)
    assert (code, out) == (2, b"")
    assert why in said and "как исправить" in said

"""Cases on both databases: intake of decisions, every move, what is refused, what two people do at once."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from casebooks import ANSWER, DETECTED, LINK, NOW, TEXT, VERSIONS, Casebook, at, decided, records
from django.db import connections
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from casebook.files import LARGEST, place
from casebook.intake import SECOND_LOOK, read, take
from casebook.lists import cards, words
from casebook.models import Alarm, Attachment, Case, Clock, Event, Text, User, Verdict
from casebook.sweep import sweep
from cases.lifecycle import MOVES, MoveError, Role, State
from records import PostError, revision_of

OTHER_TEXT = "На Кленовой, 7, четвёртый день нет горячей воды, обещали вчера."
OTHER_VERSIONS = {**VERSIONS, "rules": "r2"}
LATE = at("15:00", 2)  # long after any deadline of Monday
REASON = "другой участок"
INTERIM = "Здравствуйте! Причину выясняем, подробно ответим до 25 ноября."


# Intake


@pytest.mark.parametrize(
    ("verdict", "state", "track", "running"),
    [
        ("answer", "new", "8h", {"dispatch": "16.11 10:00", "draft": "16.11 12:00", "answer": "17.11 09:00"}),
        ("exclude", "excluded", "", {}),
        ("no_answer", "no_answer", "", {}),
    ],
)
def test_every_verdict_opens_a_case_and_only_an_answer_starts_the_clocks(
    casebook: Casebook, verdict: str, state: str, track: str, running: dict[str, str]
) -> None:
    taken = casebook.take(decided(verdict=verdict))
    case = casebook.case(1)
    assert (taken.opened, taken.refused) == (1, [])
    assert (case.state, case.track, case.version, case.department) == (state, track, 1, "")
    assert casebook.clocks(1) == running
    assert case.due == (at("10:00") if running else None)
    assert casebook.kinds(1) == ["opened"]
    assert words(case)["post"]["text"] == TEXT
    casebook.check()


def test_clocks_start_when_the_post_was_detected_not_when_it_was_taken(casebook: Casebook) -> None:
    number = casebook.open(track="4h", detected_at=at("16:40"), now=at("11:00", 1))
    assert casebook.clocks(number) == {"dispatch": "17.11 08:40", "draft": "17.11 09:40", "answer": "17.11 11:40"}


def test_a_replay_of_the_whole_topic_changes_nothing(casebook: Casebook) -> None:
    topic = [
        decided("vk:-1_1"),
        decided("vk:-1_2", OTHER_TEXT, verdict="exclude", alarms=("danger",)),
        decided("vk:-1_1", OTHER_TEXT),
        decided("vk:-1_1", OTHER_TEXT, versions=OTHER_VERSIONS),
        decided("ok:1_1", "Спасибо за каток!", verdict="no_answer"),
        b"{}",
    ]
    first = casebook.take(*topic)
    casebook.move(1, "confirm")
    before = [casebook.trace(number) for number in (1, 2, 3)], Text.objects.count(), Alarm.objects.count()
    again = casebook.take(*topic, now=LATE)
    assert (first.opened, first.edited, first.proposed, len(first.refused)) == (3, 1, 1, 1)
    assert (again.opened, again.edited, again.proposed, again.repeated) == (0, 0, 0, 5)
    assert ([casebook.trace(number) for number in (1, 2, 3)], Text.objects.count(), Alarm.objects.count()) == before
    casebook.check()


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_however_a_topic_is_cut_and_repeated_the_cases_are_the_same(casebook: Casebook, data: st.DataObject) -> None:
    prefix = f"vk:-{data.draw(st.uuids())}"
    topic = [decided(f"{prefix}_{n % 3}", f"{TEXT} {n // 3}", verdict=("answer", "exclude")[n % 2]) for n in range(7)]
    stops = sorted(data.draw(st.lists(st.integers(0, len(topic)), max_size=4)))
    for stop in [*stops, len(topic)]:
        casebook.take(*topic[data.draw(st.integers(0, stop)) :][:0], *topic[:stop])  # from the start, as after a crash
    found = Case.objects.filter(key__startswith=prefix).order_by("key")
    assert [case.version for case in found] == [3, 2, 2]
    assert [case.revision for case in found] == [revision_of(f"{TEXT} {n}") for n in (2, 1, 1)]


def test_an_edited_post_is_judged_anew_on_the_same_case(casebook: Casebook) -> None:
    number = casebook.open(office="TERR_SHANGALA")
    taken = casebook.take(
        decided(text=OTHER_TEXT, track="4h", department="BLAG", office="TERR_GOFITSKOE"), now=at("10:00")
    )
    case = casebook.case(number)
    assert (taken.edited, Case.objects.count()) == (1, 1)
    assert (case.revision, case.track, case.office) == (revision_of(OTHER_TEXT), "4h", "TERR_GOFITSKOE")
    assert casebook.clocks(number) == {"dispatch": "16.11 10:00", "draft": "16.11 11:00", "answer": "16.11 14:00"}
    assert casebook.kinds(number) == ["opened", "judged_anew"]
    assert casebook.move(number, "confirm").body["department"] == "BLAG"
    casebook.check()


def test_an_edit_into_swearing_stops_the_clocks_and_back_gives_an_hour(casebook: Casebook) -> None:
    number = casebook.open()
    casebook.take(decided(text=OTHER_TEXT, verdict="exclude"), now=at("10:00"))
    assert (casebook.state(number), casebook.clocks(number), casebook.case(number).due) == ("excluded", {}, None)
    casebook.take(decided(text="Всё ещё нет воды, третья редакция."), now=at("10:00", 1))
    assert casebook.state(number) == "new"
    assert casebook.clocks(number)["answer"] == "17.11 11:00"
    casebook.check()


def test_an_edit_of_a_case_that_a_person_moved_is_on_record_and_changes_no_state(casebook: Casebook) -> None:
    number = casebook.open()
    casebook.move(number, "confirm")
    clocks = casebook.clocks(number)
    casebook.take(decided(text=OTHER_TEXT, verdict="exclude"))
    case = casebook.case(number)
    assert (case.state, case.track, case.revision) == ("with_department", "8h", revision_of(OTHER_TEXT))
    assert casebook.clocks(number) == clocks
    assert casebook.kinds(number) == ["opened", "confirm", "judged_anew"]


def test_other_versions_make_a_further_proposal_that_never_touches_a_moved_case(casebook: Casebook) -> None:
    untouched, moved = casebook.open("vk:-1_1"), casebook.open("vk:-1_2", OTHER_TEXT)
    casebook.move(moved, "confirm")
    before = casebook.trace(moved)[1]
    for key, text in (("vk:-1_1", TEXT), ("vk:-1_2", OTHER_TEXT)):
        casebook.take(decided(key, text, track="4h", department="BLAG", versions=OTHER_VERSIONS))
    assert [casebook.kinds(number)[-1] for number in (untouched, moved)] == ["proposed", "proposed"]
    assert (casebook.case(untouched).track, casebook.case(moved).track) == ("4h", "8h")
    assert (casebook.state(moved), casebook.case(moved).department) == ("with_department", "JKH")
    assert casebook.trace(moved)[1] == before
    assert Verdict.objects.filter(case__ordinal=moved).count() == 2
    casebook.check()


def _message(**changes: Any) -> bytes:
    message = json.loads(decided())
    for path, value in changes.items():
        part, _, name = path.partition("__")
        message[part] = {**message[part], name: value} if name else value
    return json.dumps(message).encode()


_BROKEN = [
    b"",
    b"\xff",
    b"[]",
    b'{"schema": 2}',
    b'{"schema": 1, "post": {}}',
    _message(post=None),
    _message(post=["vk:-1_1"]),
    _message(decision="answer"),
    _message(post__key=None),
    _message(post__key=""),
    _message(post__key="vk:" + "1" * 300),
    _message(post__key="vk:1\0"),
    _message(post__network=["vk"]),
    _message(decision__verdict="maybe"),
    _message(decision__verdict=["answer"]),
    _message(decision__track=None),
    _message(decision__track="6h"),
    _message(decision__verdict="exclude"),
    _message(decision__revision="abc"),
    _message(decision__fingerprint="zz"),
    _message(decision__fingerprint="f" * 40),
    _message(decision__fingerprint=12),
    _message(decision__route={}),
    _message(decision__route={"department": "JKH"}),
    _message(decision__route="JKH"),
    _message(decision__alarms=[{"kind": "boredom"}]),
    _message(decision__alarms=None),
]


def test_broken_messages_are_refused_and_the_others_of_the_batch_are_taken(casebook: Casebook) -> None:
    taken = casebook.take(*_BROKEN, decided("vk:-9_9"))
    assert [offset for offset, _ in taken.refused] == list(range(len(_BROKEN)))
    assert (taken.opened, Case.objects.get().key) == (1, "vk:-9_9")
    assert not [why for _, why in taken.refused if TEXT[:10] in why]
    casebook.check()


@given(
    path=st.sampled_from(["post", "decision"]),
    name=st.text(max_size=8),
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
        max_leaves=4,
    ),
)
def test_reading_a_message_gives_a_decision_or_says_why_not(path: str, name: str, value: Any) -> None:
    for key in (*json.loads(decided())[path], name):
        try:
            assert read(_message(**{f"{path}__{key}": value}))
        except PostError as error:
            assert error.mend


def test_any_text_that_a_network_lets_through_opens_a_case(casebook: Casebook) -> None:
    for n, text in enumerate(["вода\0 где", "вода \U0001f6b0 где", "\u202eвода", "а" * 50_000]):
        number = casebook.open(f"vk:-1_{n}", text)
        assert words(casebook.case(number))["post"]["text"] == text.replace("\0", "\ufffd")
    casebook.check()


def test_a_post_without_words_has_no_route_and_a_person_names_the_department(casebook: Casebook) -> None:
    number = casebook.open(department=None)
    assert casebook.refused(number, "confirm") == "нет отдела (не назван)"
    assert casebook.move(number, "confirm", department="DOR").body["proposed"] == ""


@pytest.mark.parametrize(
    ("detected_at", "found"),
    [
        (at("09:00", 3), NOW),
        ("2099-01-01T00:00:00+03:00", NOW),
        ("1812-09-07T06:00:00+03:00", NOW),
        (None, NOW),
        ("2026-11-16T09:00:00+03:00", DETECTED),
        ("2026-11-16T16:00:00+10:00", DETECTED),
    ],
)
def test_a_clock_that_runs_wrong_does_not_start_the_clocks_of_the_decree(
    casebook: Casebook, detected_at: Any, found: Any
) -> None:
    number = casebook.open(detected_at=detected_at)
    assert casebook.case(number).detected_at == found
    casebook.check()


def test_a_batch_that_fails_leaves_nothing_behind(casebook: Casebook, monkeypatch: pytest.MonkeyPatch) -> None:
    def power_failure(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("casebook.intake.raise_alarms", power_failure)
        casebook.take(decided("vk:-1_2"), decided(alarms=["danger"]))
    assert (Case.objects.count(), Event.objects.count(), Text.objects.count()) == (0, 0, 0)
    assert casebook.take(decided("vk:-1_2"), decided(alarms=["danger"])).opened == 2
    casebook.check()


def _is_drawn(key: str) -> bool:
    return int(hashlib.sha256(key.encode()).hexdigest(), 16) % SECOND_LOOK == 0


_KEYS = [f"vk:-5_{n}" for n in range(2_000)]
_DRAWN = [key for key in _KEYS if _is_drawn(key)]


def test_one_in_twenty_that_need_no_answer_is_drawn_for_a_second_look(casebook: Casebook) -> None:
    assert SECOND_LOOK == 20
    assert 80 < len(_DRAWN) < 120
    keys = [*_DRAWN[:3], *(key for key in _KEYS[:9] if key not in _DRAWN)]
    casebook.take(*(decided(key, f"Спасибо, {key}!", verdict="no_answer") for key in keys))
    assert set(Case.objects.filter(second_look=True).values_list("key", flat=True)) == set(_DRAWN[:3])


def test_what_is_answered_or_excluded_is_never_drawn(casebook: Casebook) -> None:
    casebook.take(*(decided(key, key, verdict=("answer", "exclude")[n % 2]) for n, key in enumerate(_DRAWN[:4])))
    assert not Case.objects.filter(second_look=True).exists()


# The usual way


def test_a_case_goes_from_the_post_to_the_published_answer(casebook: Casebook) -> None:
    number = casebook.open()
    casebook.person("executor")
    steps: list[tuple[str, str, dict[str, Any], str, str | None]] = [
        ("confirm", "09:10", {}, "with_department", "16.11 09:40"),
        ("assign", "09:20", {"executor": "executor-jkh"}, "in_work", "16.11 12:00"),
        ("draft", "10:30", {"text": ANSWER}, "in_work", "17.11 09:00"),
        ("send", "10:40", {"number": "15/26"}, "in_approval", "16.11 11:40"),
        ("approve", "11:20", {"number": "88"}, "approved", "16.11 11:50"),
        ("publish", "11:45", {"link": LINK}, "published", None),
        ("close", "11:50", {}, "closed", None),
    ]
    for move, time, told, state, due in steps:
        event = casebook.move(number, move, now=at(time), **told)
        case = casebook.case(number)
        assert (event.kind, event.at, event.actor.partition("-")[0]) == (move, at(time), event.role)
        assert case.state == state
        assert (case.due and f"{case.due.astimezone(casebook.decree.clocks.working.zone):%d.%m %H:%M}") == due
        casebook.check()
    assert casebook.kinds(number) == ["opened", *(step[0] for step in steps)]
    late = [clock for clock in Clock.objects.all() if clock.stopped_at is None or clock.stopped_at > clock.due]
    assert late == []


def test_every_move_writes_one_event_with_actor_role_time_and_reason(casebook: Casebook) -> None:
    number = casebook.open()
    casebook.move(number, "confirm")
    event = casebook.move(number, "return", now=at("09:20"), reason=f"  {REASON} ")
    assert (event.actor, event.role, event.at, event.number) == ("executor-jkh", "executor", at("09:20"), 3)
    assert Text.objects.get(pk=event.body["text"]).body == {"text": REASON, "case": number}
    assert casebook.case(number).version == 3


def test_no_event_holds_a_word_of_anybody(casebook: Casebook) -> None:
    number = casebook.open(alarms=("danger",))
    casebook.move(number, "confirm")
    casebook.move(number, "return", reason="Вокзальная относится к железной дороге")
    casebook.move(number, "confirm", department="MZ")
    casebook.move(number, "assign", "manager", executor=casebook.person("executor", "ORG").code)
    casebook.move(number, "draft", casebook.person("executor", "ORG"), text=f"{ANSWER} Минздрав: 2-10-03.")
    casebook.move(number, "send")
    casebook.move(number, "remark", reason="Уточните телефон")
    casebook.move(number, "publish_unapproved", link=LINK, reason="Срок через минуту")
    written = json.dumps([[event.body, event.before] for event in Event.objects.all()], ensure_ascii=False).lower()
    for word in ("кленов", "вокзальн", "бригад", "минздрав", "уточните", "минуту", "wall-1"):
        assert word not in written


# What a department may do


def test_a_return_needs_a_reason_and_comes_within_half_an_hour(casebook: Casebook) -> None:
    number = casebook.open()
    casebook.move(number, "confirm", now=at("11:50"))
    assert "без причины" in casebook.refused(number, "return", now=at("11:55"))
    late = casebook.refused(number, "return", now=at("13:21"), reason=REASON)
    assert "принятой" in late
    answer = casebook.clocks(number)["answer"]
    casebook.move(number, "return", now=at("13:20"), reason=REASON)  # working minutes: the dinner does not count
    assert casebook.state(number) == "returned"
    assert casebook.clocks(number)["answer"] == answer
    assert casebook.move(number, "confirm", department="BLAG", now=at("13:30")).body["department"] == "BLAG"
    assert casebook.clocks(number)["return"] == "16.11 14:00"
    casebook.check()


def test_silence_is_consent_as_of_the_moment_it_was_due(casebook: Casebook) -> None:
    number = casebook.open()
    casebook.move(number, "confirm", now=at("09:10"))
    assert sweep(casebook.decree, at("09:39")).accepted == 0
    assert sweep(casebook.decree, at("11:00")).accepted == 1
    assert sweep(casebook.decree, at("11:00")).accepted == 0
    case = casebook.case(number)
    assert (case.state, case.accepted_at) == ("with_department", at("09:40"))
    assert Clock.objects.get(name="return").stopped_at == at("09:40")
    last = Event.objects.latest("id")
    assert (last.kind, last.actor, last.role) == ("accept", "system", "system")
    assert "принятой" in casebook.refused(number, "return", now=at("09:30"), reason=REASON)
    casebook.check()


def test_nobody_accepts_before_the_half_hour_is_over(casebook: Casebook) -> None:
    number = casebook.open()
    casebook.move(number, "confirm", now=at("09:10"))
    assert "ещё не прошли" in casebook.refused(number, "accept", User(code="system", role=Role.SYSTEM), now=at("09:39"))
    assert "не для роли" in casebook.refused(number, "accept", "manager", now=at("10:00"))


def test_after_two_returns_the_manager_alone_chooses(casebook: Casebook) -> None:
    number = casebook.open()
    for department in ("JKH", "BLAG"):
        casebook.move(number, "confirm", department=department)
        casebook.move(number, "return", casebook.person("head", department), reason=REASON)
    assert "управляющий делами" in casebook.refused(number, "confirm", department="DOR")
    casebook.move(number, "confirm", "manager", department="DOR")
    assert (casebook.state(number), casebook.case(number).returns) == ("with_department", 2)


def test_the_head_names_an_executor_of_the_department(casebook: Casebook) -> None:
    number = casebook.open()
    casebook.person("executor", "BLAG")
    casebook.person("operator")
    casebook.move(number, "confirm")
    for code in ("executor-blag", "operator", "nobody"):
        assert "нет исполнителя" in casebook.refused(number, "assign", executor=code)
    assert "не сказано" in casebook.refused(number, "assign")
    casebook.person("executor")
    casebook.move(number, "assign", executor="executor-jkh")
    assert casebook.case(number).executor == casebook.person("executor")
    assert "return" not in casebook.clocks(number)


def test_an_executor_of_another_office_is_not_named(casebook: Casebook) -> None:
    number = casebook.open(department="TERR", office="TERR_SHANGALA")
    casebook.move(number, "confirm")
    far = casebook.person("executor", "TERR", "TERR_GOFITSKOE")
    near_by = casebook.person("executor", "TERR", "TERR_SHANGALA")
    head = casebook.person("head", "TERR")
    assert "нет исполнителя" in casebook.refused(number, "assign", head, executor=far.code)
    casebook.move(number, "assign", head, executor=near_by.code)


def test_a_coexecutor_sees_and_drafts_but_does_not_decide_whose_the_case_is(casebook: Casebook) -> None:
    number = casebook.open()
    casebook.move(number, "confirm")
    helper = casebook.person("head", "BLAG")
    assert "карточки 1 нет" in casebook.refused(number, "return", helper, reason=REASON)
    casebook.move(number, "join", department="BLAG")
    assert "ведёт JKH" in casebook.refused(number, "return", helper, reason=REASON)
    assert "ведёт JKH" in casebook.refused(number, "assign", helper, executor=helper.code)
    assert "уже соисполнитель" in casebook.refused(number, "join", department="BLAG")
    assert "не может" in casebook.refused(number, "join", department="JKH")
    assert "не может" in casebook.refused(number, "join", department="NASA")
    casebook.person("executor")
    casebook.bring(number, "in_work")
    casebook.move(number, "draft", helper, text=ANSWER)


def test_a_department_sees_its_own_cases_alone_and_an_office_its_own(casebook: Casebook) -> None:
    places = [("JKH", None), ("TERR", "TERR_SHANGALA"), ("TERR", "TERR_GOFITSKOE")]
    for n, (department, office) in enumerate(places):
        number = casebook.open(f"vk:-1_{n}", f"Текст {n}", department=department, office=office)
        casebook.move(number, "confirm")
    casebook.open("vk:-1_9", "Никому ещё не отдано")
    seen = {
        "head-jkh": {1},
        "executor-jkh": {1},
        "head-terr": {2, 3},
        "executor-terr-terr_shangala": {2},
        "executor-blag": set(),
        "operator": {1, 2, 3, 4},
        "manager": {1, 2, 3, 4},
        "analyst": {1, 2, 3, 4},
        "approver": {1, 2, 3, 4},
    }
    casebook.person("executor", "TERR", "TERR_SHANGALA")
    for code, numbers in seen.items():
        role, _, rest = code.partition("-")
        department, _, office = rest.upper().partition("-")
        user = casebook.person(role, department, office)
        assert {case.ordinal for case in cards(user)} == numbers, code
        for number in {1, 2, 3, 4} - numbers:
            assert casebook.refused(number, "escalate", user, to="112", reason="проба") == f"карточки {number} нет"


def test_a_list_is_by_deadline_and_by_what_is_asked(casebook: Casebook) -> None:
    casebook.open("vk:-1_1", "а", verdict="exclude")
    casebook.open("vk:-1_2", "б", detected_at=at("08:30"))
    casebook.open("vk:-1_3", "в", detected_at=at("08:10"))
    user = casebook.person("operator")
    assert [case.ordinal for case in cards(user)] == [3, 2, 1]
    assert [case.ordinal for case in cards(user, state="excluded")] == [1]
    assert [case.ordinal for case in cards(user, late_at=at("09:15"))] == [3]
    casebook.move(2, "confirm", department="BLAG")
    assert [case.ordinal for case in cards(user, department="BLAG")] == [2]


# The answer


def test_an_external_body_is_named_in_the_answer(casebook: Casebook) -> None:
    number = casebook.open(department="SETI", external=True)
    casebook.move(number, "confirm")
    case = casebook.case(number)
    assert (case.department, case.external) == ("ORG", "SETI")
    casebook.move(number, "assign", "manager", executor=casebook.person("executor", "ORG").code)
    writer = casebook.person("executor", "ORG")
    casebook.move(number, "draft", writer, text="Это не наша компетенция.")
    assert "Россети" in casebook.refused(number, "send")
    assert "Россети" in casebook.refused(number, "publish_unapproved", link=LINK, reason="срок")
    casebook.move(number, "draft", writer, text="Линию обслуживают Россети, их телефон 8-800-220-0-220.")
    casebook.move(number, "send")
    assert casebook.state(number) == "in_approval"


def test_an_answer_longer_than_the_network_takes_is_refused(casebook: Casebook) -> None:
    number = casebook.bring(_with_executor(casebook), "in_work")
    assert "4096" in casebook.refused(number, "draft", text="а" * 4097)
    assert "не сказано" in casebook.refused(number, "draft", text="  ")
    assert casebook.move(number, "draft", text="а" * 4096).body["longer_than_wished"] == 1000
    assert casebook.move(number, "draft", text=ANSWER).body["longer_than_wished"] is None


def test_telegram_takes_less_under_a_photo(casebook: Casebook, tmp_path: Path) -> None:
    number = casebook.bring(_with_executor(casebook, "telegram:-1_1"), "in_work")
    photo = tmp_path / "a.png"
    photo.write_bytes(_PNG)
    assert "1024 знаков" in casebook.refused(number, "draft", text="а" * 1025, files=[photo])
    casebook.move(number, "draft", text="а" * 1024, files=[photo])
    casebook.move(number, "draft", text="а" * 1025)


def _with_executor(casebook: Casebook, key: str = "vk:-1_1", text: str = TEXT, **given: Any) -> int:
    casebook.person("executor")
    return casebook.open(key, text, **given)


def test_remarks_give_an_hour_but_never_more_than_the_answer_has(casebook: Casebook) -> None:
    number = casebook.bring(_with_executor(casebook, track="4h"), "in_approval")
    assert "без причины" in casebook.refused(number, "remark", now=at("11:00"))
    casebook.move(number, "remark", now=at("11:00"), reason="нет даты")
    assert casebook.clocks(number) == {"answer": "16.11 14:00", "draft": "16.11 12:00"}
    casebook.bring(number, "in_approval", now=at("13:20"))
    casebook.move(number, "remark", now=at("13:40"), reason="ещё раз")
    assert casebook.clocks(number) == {"answer": "16.11 14:00", "draft": "16.11 14:00"}
    casebook.check()


def test_only_cur_or_upr_approves_and_without_a_draft_nothing_is_sent(casebook: Casebook) -> None:
    number = casebook.bring(_with_executor(casebook), "in_work")
    Case.objects.filter(ordinal=number).update(draft_number=0)
    assert "нет проекта" in casebook.refused(number, "send")
    casebook.move(number, "draft", text=ANSWER)
    assert "не FSB" in casebook.refused(number, "send", body="FSB")
    assert casebook.move(number, "send", body="UPR").body["to"] == "UPR"


@pytest.mark.parametrize("link", ["", "vk.com/wall1", "https://", "ftp://vk.com/1", "https://vk.com/a b"])
def test_a_publication_is_proved_by_a_link(casebook: Casebook, link: str) -> None:
    number = casebook.bring(_with_executor(casebook), "approved")
    assert "ссылка" in casebook.refused(number, "publish", link=link)


def test_the_manager_alone_publishes_without_approval_and_says_why(casebook: Casebook) -> None:
    number = casebook.bring(_with_executor(casebook), "in_approval")
    assert "не для роли" in casebook.refused(number, "publish_unapproved", "operator", link=LINK, reason="срок")
    assert "без причины" in casebook.refused(number, "publish_unapproved", link=LINK)
    event = casebook.move(number, "publish_unapproved", link=LINK, reason="ЦУР молчит второй час")
    assert (casebook.state(number), event.role, event.body["unapproved"]) == ("published", "manager", True)
    assert casebook.clocks(number) == {}
    casebook.check()


def test_where_nothing_can_be_published_there_is_a_proof_of_it(casebook: Casebook) -> None:
    number = casebook.bring(_with_executor(casebook), "approved")
    assert "не сказано" in casebook.refused(number, "unpublishable", reason="комментарии закрыты")
    assert "без причины" in casebook.refused(number, "unpublishable", proof="снимок 12")
    casebook.move(number, "unpublishable", reason="комментарии закрыты", proof="снимок экрана 16.11, папка 3")
    assert (casebook.state(number), casebook.clocks(number)) == ("unpublishable", {})
    assert Text.objects.filter(kind="proof").count() == 1
    casebook.move(number, "close")
    assert casebook.state(number) == "closed"


def test_more_than_five_same_answers_in_a_working_hour_are_not_published(casebook: Casebook) -> None:
    numbers = [_with_executor(casebook, f"vk:-1_{n}", f"Текст {n}") for n in range(7)]
    for number in numbers:
        casebook.bring(number, "approved", now=at("11:30"))
    for number in numbers[:5]:
        casebook.move(number, "publish", now=at("11:50"), link=LINK)
    assert "уже 5" in casebook.refused(numbers[5], "publish", now=at("13:30"), link=LINK)
    other = _with_executor(casebook, "vk:-1_8", "Текст 8")
    casebook.bring(other, "approved", now=at("11:30"), text=f"{ANSWER} По улице Мира — тоже.")
    casebook.move(other, "publish", now=at("13:30"), link=LINK)
    casebook.move(numbers[5], "publish", now=at("13:51"), link=LINK)


# The interim answer


def test_an_interim_answer_gives_a_reason_and_a_date_and_starts_the_final_clocks(casebook: Casebook) -> None:
    number = casebook.bring(_with_executor(casebook), "in_work")
    assert "нет причины" in casebook.refused(number, "draft", text=INTERIM, interim=True)
    for dateless in ("Ответим позже.", "Ответим до 14.00.", "Телефон 2-10-30."):
        assert "нет даты" in casebook.refused(number, "draft", text=dateless, interim=True, reason="ждём акт")
    casebook.move(number, "draft", text=INTERIM, interim=True, reason="ждём акт")
    casebook.move(number, "send", now=at("10:00"))
    casebook.move(number, "approve", now=at("10:30"))
    casebook.move(number, "publish", now=at("16:30"), link=LINK)
    assert casebook.state(number) == "interim_published"
    # the seventh working day, the first being the one after the posting
    assert casebook.clocks(number) == {"final_draft": "25.11 11:00", "final": "25.11 17:00"}
    casebook.check()
    casebook.move(number, "draft", now=at("10:00", 2), text=ANSWER)
    casebook.move(number, "send", now=at("11:00", 2))
    casebook.move(number, "approve", now=at("16:50", 2))
    assert casebook.clocks(number) == {"final": "25.11 17:00", "publish": "19.11 08:20"}
    casebook.move(number, "publish", now=at("16:55", 2), link=LINK)
    assert (casebook.state(number), casebook.clocks(number)) == ("published", {})
    casebook.check()


def test_a_second_interim_answer_is_the_managers_and_starts_no_days_anew(casebook: Casebook) -> None:
    number = casebook.bring(_with_executor(casebook), "in_work")
    casebook.move(number, "draft", text=INTERIM, interim=True, reason="ждём акт")
    casebook.move(number, "send")
    casebook.move(number, "approve")
    casebook.move(number, "publish", link=LINK)
    final = casebook.clocks(number)
    second = {"text": "Акт обещают к 24.11, ответим 25.11.", "interim": True, "reason": "акта нет"}
    assert "уже был" in casebook.refused(number, "draft", now=at("10:00", 3), **second)
    casebook.move(number, "draft", "manager", now=at("10:00", 3), **second)
    casebook.move(number, "send", now=at("10:00", 3))
    casebook.move(number, "approve", now=at("10:30", 3))
    casebook.move(number, "publish", now=at("10:40", 3), link=LINK)
    assert casebook.clocks(number) == final
    casebook.check()


# Splitting and merging


def test_a_second_question_becomes_a_case_of_its_own(casebook: Casebook) -> None:
    number = casebook.open()
    casebook.move(number, "confirm")
    assert "нет отдела" in casebook.refused(number, "split", department="NASA", reason="два вопроса")
    event = casebook.move(number, "split", now=at("10:00"), department="DOR", reason="два вопроса")
    other = casebook.case(2)
    assert event.body == {**event.body, "split_to": 2, "department": "DOR"}
    assert (other.key, other.part > 0, other.state, other.track, other.version) == ("vk:-1_1", True, "new", "8h", 1)
    assert casebook.clocks(2) == {"dispatch": "16.11 11:00", "draft": "16.11 12:00", "answer": "17.11 09:00"}
    assert casebook.state(number) == "with_department"
    assert words(other)["post"]["text"] == TEXT
    assert casebook.move(2, "confirm").body["department"] == "DOR"
    assert casebook.take(decided()).repeated == 1
    casebook.check()


def test_a_late_split_has_an_hour_from_now(casebook: Casebook) -> None:
    number = casebook.open()
    casebook.move(number, "split", now=LATE, department="DOR", reason="два вопроса")
    assert casebook.clocks(2)["answer"] == "18.11 16:00"
    casebook.check()


def test_a_merged_case_owes_its_author_a_reply(casebook: Casebook) -> None:
    common, own = _with_executor(casebook), casebook.open("ok:1_2", OTHER_TEXT)
    assert "не к чему" in casebook.refused(own, "merge", into=own, reason="то же")
    assert "не к чему" in casebook.refused(own, "merge", into=99, reason="то же")
    casebook.move(own, "merge", now=at("10:00"), into=common, reason="то же самое")
    assert (casebook.state(own), casebook.clocks(own)) == ("merged", {"answer": "17.11 09:00"})
    assert casebook.kinds(common)[-1] == "joined_by"
    assert "не ответили" in casebook.refused(own, "reply", link=LINK)
    casebook.bring(common, "published")
    assert "не ссылка" in casebook.refused(own, "reply", link="ответили")
    casebook.move(own, "reply", link="https://ok.ru/group/1/topic/2")
    assert (casebook.state(own), casebook.clocks(own)) == ("closed", {})
    casebook.check()


def test_a_merged_case_is_answered_by_whatever_its_common_case_was_merged_into(casebook: Casebook) -> None:
    first, second, third = (_with_executor(casebook, f"vk:-1_{n}", f"Текст {n}") for n in range(3))
    casebook.move(first, "merge", into=second, reason="то же")
    casebook.move(second, "merge", into=third, reason="то же")
    assert "не к чему" in casebook.refused(third, "merge", into=first, reason="круг")
    casebook.bring(third, "published")
    for number in (first, second):
        casebook.move(number, "reply", link=LINK)
    casebook.check()


def test_nothing_is_merged_into_what_nobody_will_answer_and_what_was_can_be_taken_back(casebook: Casebook) -> None:
    excluded = casebook.open("vk:-1_8", "брань", verdict="exclude")
    common, own = casebook.open("vk:-1_1"), casebook.open("vk:-1_2", OTHER_TEXT)
    assert "не к чему" in casebook.refused(own, "merge", into=excluded, reason="то же")
    casebook.move(own, "merge", into=common, reason="то же")
    casebook.move(common, "withdraw", now=LATE, reason="автор удалил")
    assert "не ответили" in casebook.refused(own, "reply", link=LINK)
    event = casebook.move(own, "restore", now=LATE, reason="общая карточка снята")
    assert (casebook.state(own), casebook.case(own).owner, event.body["late_by_filter"]) == ("new", None, False)
    assert casebook.clocks(own)["answer"] == "18.11 16:00"
    casebook.check()


# Exclusion and back


@pytest.mark.parametrize(("verdict", "move"), [("exclude", "confirm_exclusion"), ("no_answer", "confirm_no_answer")])
def test_a_person_confirms_that_there_is_no_answer(casebook: Casebook, verdict: str, move: str) -> None:
    number = casebook.open(verdict=verdict)
    assert "не для роли" in casebook.refused(number, move, "analyst")
    casebook.move(number, move)
    assert (casebook.state(number), casebook.kinds(number)) == ("closed", ["opened", move])


@pytest.mark.parametrize("verdict", ["exclude", "no_answer"])
def test_a_case_brought_back_late_has_an_hour_and_says_that_the_filter_was_late(
    casebook: Casebook, verdict: str
) -> None:
    number = casebook.open(verdict=verdict)
    assert "без причины" in casebook.refused(number, "restore", now=LATE)
    event = casebook.move(number, "restore", now=LATE, reason="это вопрос о воде")
    case = casebook.case(number)
    assert (case.state, case.track, event.body["late_by_filter"]) == ("new", "8h", True)
    both = [datetime.fromisoformat(event.body[name]) for name in ("from_detection", "due")]
    assert both == [at("09:00", 1), at("16:00", 2)]
    assert casebook.clocks(number) == {"dispatch": "18.11 16:00", "draft": "18.11 15:00", "answer": "18.11 16:00"}
    casebook.check()


def test_a_case_brought_back_in_time_keeps_the_count_from_detection(casebook: Casebook) -> None:
    number = casebook.open(verdict="exclude", alarms=("danger",))
    event = casebook.move(number, "restore", now=at("10:00"), reason="цитата")
    assert (casebook.case(number).track, event.body["late_by_filter"]) == ("4h", False)
    assert casebook.clocks(number)["answer"] == "16.11 14:00"
    other = casebook.open("vk:-1_2", OTHER_TEXT, verdict="exclude")
    casebook.move(other, "restore", now=at("10:00"), reason="цитата", track="4h")
    assert casebook.clocks(other)["answer"] == "16.11 14:00"


# Four hours and eight


def test_raising_never_makes_a_case_late_at_once(casebook: Casebook) -> None:
    number = casebook.open()
    assert "нет кода" in casebook.refused(number, "raise", reason="авария", code="прорвало трубу на Мира")
    casebook.move(number, "raise", now=at("15:30"), reason="авария", code="accident")
    assert casebook.clocks(number) == {"dispatch": "16.11 10:00", "draft": "16.11 15:30", "answer": "16.11 16:30"}
    assert "уже 4" in casebook.refused(number, "raise", reason="авария")
    casebook.check()


def test_lowering_counts_eight_hours_from_detection(casebook: Casebook) -> None:
    number = casebook.open(track="4h")
    assert "без причины" in casebook.refused(number, "lower")
    casebook.move(number, "lower", now=at("13:00"), reason="вода есть")
    assert casebook.clocks(number) == {"dispatch": "16.11 10:00", "draft": "16.11 12:00", "answer": "17.11 09:00"}
    assert Clock.objects.filter(name="draft", limit=None).exists()
    assert "уже 8" in casebook.refused(number, "lower", reason="вода есть")
    casebook.check()


def test_what_was_brought_back_is_not_made_late_by_raising_or_lowering(casebook: Casebook) -> None:
    number = casebook.open(verdict="exclude")
    casebook.move(number, "restore", now=LATE, reason="ошибка", track="8h")
    casebook.move(number, "raise", now=LATE + timedelta(minutes=30), reason="авария")
    assert casebook.clocks(number)["answer"] == "18.11 16:00"
    casebook.move(number, "lower", now=LATE + timedelta(minutes=40), reason="не авария")
    assert casebook.clocks(number)["answer"] == "18.11 16:00"
    casebook.check()


def test_a_draft_that_was_given_is_not_asked_for_again(casebook: Casebook) -> None:
    number = casebook.bring(_with_executor(casebook), "in_work")
    casebook.move(number, "draft", text=ANSWER)
    casebook.move(number, "raise", now=at("10:00"), reason="авария")
    assert casebook.clocks(number) == {"answer": "16.11 14:00"}


# Beside the way


def test_to_escalate_is_a_record_and_the_case_stays_where_it_is(casebook: Casebook) -> None:
    number = casebook.open(verdict="exclude", alarms=("threat",))
    assert "неизвестно, кому" in casebook.refused(number, "escalate", to="FSB", reason="угроза")
    event = casebook.move(number, "escalate", to="police", number="КУСП 114", reason="угроза")
    assert (casebook.state(number), event.kind) == ("excluded", "escalated")
    assert event.body == {**event.body, "to": "police", "number": "КУСП 114"}
    assert "отменить нельзя" in casebook.refused(number, "recall")


def test_a_deleted_post_is_withdrawn_by_a_person(casebook: Casebook) -> None:
    number = casebook.open()
    casebook.move(number, "withdraw", reason="автор удалил")
    assert (casebook.state(number), casebook.clocks(number), casebook.case(number).due) == ("withdrawn", {}, None)
    casebook.check()


def test_what_a_move_does_not_know_is_refused(casebook: Casebook) -> None:
    number = casebook.open()
    assert "не знает: link" in casebook.refused(number, "confirm", link=LINK)
    assert "карточки 77 нет" in _refusal(lambda: casebook.move(77, "confirm", version=1))


def _refusal(move: Callable[[], object]) -> str:
    with pytest.raises(MoveError) as caught:
        move()
    return str(caught.value)


def test_each_move_is_refused_from_every_state_that_is_not_its_own(casebook: Casebook) -> None:
    number = casebook.open()
    for state in State:
        Case.objects.filter(ordinal=number).update(state=state, department="JKH")
        before = casebook.trace(number)
        for name, move in MOVES.items():
            if state not in move.before:
                user = User(code="x", role=min(move.roles), department="JKH")
                assert state in _refusal(lambda: casebook.move(number, name, user, version=1, reason="проба"))  # noqa: B023
        assert casebook.trace(number) == before


# Undo


_UNDOABLE: list[tuple[str, str, dict[str, Any]]] = [
    ("new", "confirm", {"department": "BLAG"}),
    ("new", "raise", {"reason": "авария"}),
    ("new", "withdraw", {"reason": "удалено"}),
    ("with_department", "return", {"reason": REASON}),
    ("with_department", "assign", {"executor": "executor-jkh"}),
    ("with_department", "join", {"department": "BLAG"}),
    ("in_work", "draft", {"text": ANSWER}),
    ("in_work", "assign", {"executor": "head-jkh"}),
    ("in_approval", "approve", {}),
    ("in_approval", "remark", {"reason": "нет даты"}),
    ("approved", "unpublishable", {"reason": "закрыто", "proof": "снимок"}),
    ("published", "close", {}),
]


@pytest.mark.parametrize(("state", "move", "told"), _UNDOABLE, ids=[f"{row[0]}-{row[1]}" for row in _UNDOABLE])
def test_recall_puts_back_fields_and_clocks_exactly(
    casebook: Casebook, state: str, move: str, told: dict[str, Any]
) -> None:
    casebook.person("head")
    number = casebook.bring(_with_executor(casebook), state)
    before, clocks = _fields(casebook, number), casebook.trace(number)[1]
    actor = casebook.move(number, move, now=at("09:20"), **told).actor
    casebook.move(number, "recall", User.objects.get(code=actor), now=at("09:25"))
    assert _fields(casebook, number) == before
    assert casebook.trace(number)[1] == clocks
    assert casebook.kinds(number)[-2:] == [move, "recalled"]
    casebook.check()
    casebook.move(number, move, now=at("09:20"), **told)
    casebook.check()


def _fields(casebook: Casebook, number: int) -> list[Any]:
    case = Case.objects.filter(ordinal=number).values().get()
    helpers = list(casebook.case(number).coexecutors.values_list("department", flat=True))
    return [{name: value for name, value in case.items() if name not in ("version", "moved")}, helpers]


@pytest.mark.parametrize("verdict", ["exclude", "no_answer"])
def test_a_case_brought_back_can_be_put_away_again(casebook: Casebook, verdict: str) -> None:
    number = casebook.open(verdict=verdict)
    before = _fields(casebook, number)
    casebook.move(number, "restore", reason="ошибка")
    casebook.move(number, "recall")
    assert (_fields(casebook, number), casebook.clocks(number, running=False)) == (before, {})
    casebook.check()


def test_nothing_is_recalled_once_something_followed(casebook: Casebook) -> None:
    number = casebook.open()
    assert "отменить нельзя" in casebook.refused(number, "recall")
    casebook.move(number, "confirm")
    casebook.take(decided(text=OTHER_TEXT))
    assert "отменить нельзя" in casebook.refused(number, "recall")
    casebook.move(number, "raise", reason="авария")
    casebook.move(number, "recall")
    assert "отменить нельзя" in casebook.refused(number, "recall")


def test_a_published_answer_and_a_split_are_not_recalled(casebook: Casebook) -> None:
    number = casebook.open()
    casebook.move(number, "split", department="DOR", reason="два вопроса")
    assert "отменить нельзя" in casebook.refused(number, "recall")
    published = casebook.bring(_with_executor(casebook, "vk:-1_2", OTHER_TEXT), "published")
    assert "отменить нельзя" in casebook.refused(published, "recall", "manager")


def test_only_who_made_a_move_or_the_manager_recalls_it(casebook: Casebook) -> None:
    number = casebook.open()
    casebook.move(number, "confirm")
    another = User.objects.create(code="another", role="operator")
    assert "сделал operator" in casebook.refused(number, "recall", another)
    casebook.move(number, "recall", "manager")
    assert casebook.state(number) == "new"


# Two at once


def test_the_second_of_two_people_gets_a_refusal_and_overwrites_nothing(casebook: Casebook) -> None:
    number = casebook.open()
    seen = casebook.case(number).version
    casebook.move(number, "confirm", version=seen, department="BLAG")
    refusal = casebook.refused(number, "confirm", "manager", version=seen, department="DOR")
    assert refusal == f"карточка {number} изменилась: версия 2, а не 1"
    assert casebook.case(number).department == "BLAG"


def test_a_move_refused_half_way_is_not_half_done(casebook: Casebook, tmp_path: Path) -> None:
    number = casebook.bring(_with_executor(casebook), "in_work")
    texts = Text.objects.count()
    (tmp_path / "a.txt").write_text("не фото", encoding="utf-8")
    casebook.refused(number, "draft", text=ANSWER, files=[tmp_path / "a.txt"])
    assert Text.objects.count() == texts


def test_of_many_who_move_at_the_same_time_one_is_first(casebook: Casebook) -> None:
    number = casebook.open()
    departments = ["BLAG", "DOR", "JKH", "ECON"]
    user = casebook.person("operator")
    outcomes = _together(
        lambda department: casebook.move(number, "confirm", user, version=1, department=department), departments
    )
    refused = [outcome for outcome in outcomes.values() if isinstance(outcome, MoveError)]
    (winner,) = [department for department, outcome in outcomes.items() if isinstance(outcome, Event)]
    assert len(refused) == 3
    assert {str(error) for error in refused} == {f"карточка {number} изменилась: версия 2, а не 1"}
    assert (casebook.case(number).department, casebook.kinds(number)) == (winner, ["opened", "confirm"])
    casebook.check()


def test_two_cases_merged_into_each_other_at_the_same_time_do_not_both_go(casebook: Casebook) -> None:
    user = casebook.person("operator")
    pairs = [(casebook.open(f"vk:-1_{n}", f"Текст {n}"), casebook.open(f"ok:1_{n}", f"Другой {n}")) for n in range(2)]
    for one, other in pairs:
        outcomes = _together(
            lambda way: casebook.move(way[0], "merge", user, version=1, into=way[1], reason="то же"),
            [(one, other), (other, one)],
        )
        assert sorted(type(outcome).__name__ for outcome in outcomes.values()) == ["Event", "MoveError"]
    casebook.check()


def test_cases_opened_at_the_same_time_are_numbered_without_gaps(casebook: Casebook) -> None:
    def opens(part: int) -> object:
        values = [decided(f"vk:-{part}_{n}", f"Текст {part} {n}") for n in range(5)]
        return take(casebook.decree, records(*values), NOW)

    outcomes = _together(opens, range(4))
    assert [getattr(outcome, "opened", outcome) for outcome in outcomes.values()] == [5, 5, 5, 5]
    assert list(Case.objects.order_by("ordinal").values_list("ordinal", flat=True)) == list(range(1, 21))
    casebook.check()


def _together(work: Callable[[Any], object], given: Any) -> dict[Any, object]:
    """What each thread came to: a value, or what it raised."""
    outcomes: dict[Any, object] = {}
    gate = threading.Barrier(len(given))

    def run(one: Any) -> None:
        gate.wait()
        try:
            outcomes[one] = work(one)
        except Exception as error:
            outcomes[one] = error
        finally:
            connections["default"].close()

    threads = [threading.Thread(target=run, args=(one,)) for one in given]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


# Attachments


_PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)


def test_a_file_is_kept_once_under_its_own_digest(casebook: Casebook, tmp_path: Path) -> None:
    number = casebook.bring(_with_executor(casebook), "in_work")
    digest = hashlib.sha256(_PNG).hexdigest()
    files = [tmp_path / "кран.png", tmp_path / "снова.jpg"]
    for path in files:
        path.write_bytes(_PNG)
    event = casebook.move(number, "draft", text=ANSWER, files=files)
    assert event.body["files"] == [digest, digest]
    assert [(one.digest, one.type, one.size, one.name) for one in Attachment.objects.order_by("id")] == [
        (digest, "image/png", len(_PNG), "кран.png"),
        (digest, "image/png", len(_PNG), "снова.jpg"),
    ]
    assert place(digest) == casebook.files / digest[:2] / digest
    assert [path.read_bytes() for path in casebook.files.rglob("*") if path.is_file()] == [_PNG]


@pytest.mark.parametrize(
    ("begins", "type_"),
    [
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (b"\0\0\0\x18ftypmp42", "video/mp4"),
        (b"%PDF-1.7", "application/pdf"),
        (b"MZ", None),
        (b"<svg xmlns=", None),
        (b"<html>", None),
        (b"", None),
    ],
)
def test_the_type_of_a_file_is_told_by_its_content(
    casebook: Casebook, tmp_path: Path, begins: bytes, type_: str | None
) -> None:
    number = casebook.bring(_with_executor(casebook), "in_work")
    path = tmp_path / "файл.png"
    path.write_bytes(begins)
    if type_ is None:
        assert "не фото" in casebook.refused(number, "draft", text=ANSWER, files=[path])
        assert not casebook.files.exists()
    else:
        casebook.move(number, "draft", text=ANSWER, files=[path])
        assert Attachment.objects.get().type == type_


def test_a_file_that_is_too_large_or_not_there_is_refused(casebook: Casebook, tmp_path: Path) -> None:
    number = casebook.bring(_with_executor(casebook), "in_work")
    large = tmp_path / "видео.mp4"
    with large.open("wb") as file:
        file.write(b"\0\0\0\x18ftypmp42")
        file.truncate(LARGEST + 1)
    assert "больше 20 МБ" in casebook.refused(number, "draft", text=ANSWER, files=[large])
    assert "не читается" in casebook.refused(number, "draft", text=ANSWER, files=[tmp_path / "нет.png"])
    with large.open("r+b") as file:
        file.truncate(LARGEST)
    casebook.move(number, "draft", text=ANSWER, files=[large])

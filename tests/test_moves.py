"""Every move of a case and what is refused, on both databases."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from casebooks import ANSWER, LINK, TEXT, Casebook, at, decided, with_executor

from casebook.lists import cards, words
from casebook.models import Case, Clock, Event, Text, User
from casebook.sweep import sweep
from cases.lifecycle import MOVES, MoveError, Role, State

OTHER_TEXT = "На Кленовой, 7, четвёртый день нет горячей воды, обещали вчера."
LATE = at("15:00", 2)  # long after any deadline of Monday
REASON = "другой участок"


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
    common, own = with_executor(casebook), casebook.open("ok:1_2", OTHER_TEXT)
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
    first, second, third = (with_executor(casebook, f"vk:-1_{n}", f"Текст {n}") for n in range(3))
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
    number = casebook.bring(with_executor(casebook), "in_work")
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

"""The last move taken back; what two people do at once; on both databases."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from casebooks import ANSWER, NOW, Casebook, at, decided, records, with_executor
from django.db import connections

from casebook.intake import take
from casebook.models import Case, Event, Text, User
from cases.lifecycle import MoveError

OTHER_TEXT = "На Кленовой, 7, четвёртый день нет горячей воды, обещали вчера."
REASON = "другой участок"


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
    number = casebook.bring(with_executor(casebook), state)
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
    published = casebook.bring(with_executor(casebook, "vk:-1_2", OTHER_TEXT), "published")
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
    number = casebook.bring(with_executor(casebook), "in_work")
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

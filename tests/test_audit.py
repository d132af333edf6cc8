"""What is on record cannot be changed, taken out or put in unseen; deadlines are what the decree gives today."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from casebooks import ANSWER, NOW, ROOT, Casebook, at, decided
from django.db import connections
from django.db.models import Model
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from casebook.audit import seal, verify
from casebook.clocks import differing, misdated, recompute
from casebook.decree import Decree
from casebook.events import chained, opening
from casebook.lists import words
from casebook.models import Case, Clock, Event, Ledger, Root, Text
from casebook.sweep import sweep
from regulation import Regulation

NIGHT = at("03:00", 1)


def found(casebook: Casebook) -> list[str]:
    return list(verify(casebook.decree))


@pytest.fixture
def three(casebook: Casebook) -> Casebook:
    """Three cases, the second with a whole way behind it."""
    casebook.person("executor")
    for n in (1, 2, 3):
        casebook.open(f"vk:-1_{n}", f"Где вода, дом {n}?")
    casebook.move(2, "confirm")
    casebook.move(2, "return", reason="другой участок")
    casebook.bring(2, "in_approval")
    assert found(casebook) == []
    return casebook


def erase(case: Case) -> None:
    """Out of all tables, past every guard of the models."""
    for relation in case._meta.related_objects:
        if relation.related_model is not Case:
            _out(relation.related_model, **{relation.field.name: case})
    _out(Case, pk=case.pk)


def _out(model: type[Model], **where: Any) -> None:
    chosen = model._default_manager.filter(**where)  # type: ignore[misc]
    for relation in model._meta.related_objects:
        if model is not Case and relation.related_model is not Case:
            for one in chosen:
                _out(relation.related_model, **{relation.field.name: one})
    chosen._raw_delete(chosen.db)


def event(case: int, number: int) -> Any:
    return Event.objects.filter(case__ordinal=case, number=number)


# Events


def test_a_change_of_any_field_of_an_event_is_found(three: Casebook) -> None:
    kept = event(2, 2).values().get()
    changes: dict[str, Any] = {
        "kind": "approve",
        "at": NOW + timedelta(milliseconds=1),
        "actor": "manager",
        "role": "manager",
        "body": {"department": "BLAG"},
        "before": None,
        "digest": "0" * 64,
    }
    for name, value in changes.items():
        event(2, 2).update(**{name: value})
        assert found(three)[0] == "карточка 2, событие 2: изменено или вставлено", name
        event(2, 2).update(**{name: kept[name]})
        assert found(three) == []


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_event_changed_in_any_way_is_found_and_put_back_is_not(three: Casebook, data: st.DataObject) -> None:
    one = data.draw(st.sampled_from(list(Event.objects.order_by("id"))))
    name = data.draw(st.sampled_from(["kind", "actor", "role", "body", "before"]))
    value = data.draw(
        st.dictionaries(st.text("абв", max_size=3), st.integers(0, 5))
        if name in ("body", "before")
        else st.text("абв", min_size=1, max_size=9)
    )
    Event.objects.filter(pk=one.pk).update(**{name: value})
    assert (found(three) == []) == (value == getattr(one, name))
    Event.objects.filter(pk=one.pk).update(**{name: getattr(one, name)})
    assert found(three) == []


@pytest.mark.parametrize("number", [1, 3, 7])
def test_a_missing_event_is_found(three: Casebook, number: int) -> None:
    event(2, number).delete()
    said = found(three)
    assert said
    assert all("карточка 2" in line for line in said)


def test_a_missing_first_event_of_a_case_that_has_no_other_is_found(three: Casebook) -> None:
    event(3, 1).delete()
    assert found(three) == ["карточка 3: событий 0, а должно быть 1"]


def test_an_inserted_event_is_found_even_with_a_right_digest(three: Casebook) -> None:
    last = event(2, 7).get()
    new = Event(case=last.case, number=8, kind="approve", at=NOW, actor="approver", role="approver", body={})
    new.digest = chained(last.digest, new)
    new.save()
    assert found(three) == ["карточка 2: событий 8, а должно быть 7"]


def test_an_event_of_one_case_does_not_pass_for_one_of_another(three: Casebook) -> None:
    event(3, 1).update(case=three.case(1), number=2)
    assert "карточка 1, событие 2: изменено или вставлено" in found(three)


def test_events_that_changed_places_are_found(three: Casebook) -> None:
    event(2, 2).update(number=99)
    event(2, 3).update(number=2)
    event(2, 99).update(number=3)
    assert "карточка 2, событие 2: изменено или вставлено" in found(three)


# Cases


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_missing_case_is_found_also_the_last(three: Casebook, number: int) -> None:
    erase(three.case(number))
    assert f"карточки {number} нет" in found(three)


def test_all_cases_gone_are_found(three: Casebook) -> None:
    for number in (1, 2, 3):
        erase(three.case(number))
    assert found(three) == ["карточки 1 нет", "карточки 2 нет", "карточки 3 нет"]


def test_a_change_of_any_field_of_an_opening_is_found(three: Casebook) -> None:
    changes: dict[str, Any] = {
        "key": "vk:-7_7",
        "part": 4,
        "detected_at": at("09:04"),
        "opened_at": at("09:06"),
        "opening": "0" * 64,
    }
    for number in (2, 3):
        case = Case.objects.filter(ordinal=number)
        kept = case.values().get()
        for name, value in changes.items():
            case.update(**{name: value})
            assert f"карточка {number}: запись об открытии изменена" in found(three), name
            case.update(**{name: kept[name]})
            assert found(three) == []


def test_an_inserted_case_is_found(three: Casebook) -> None:
    last = three.case(3)
    new = Case.objects.get(ordinal=3)
    new.pk, new.ordinal, new.key, new.version, new._state.adding = None, 4, "vk:-9_9", 0, True
    new.opening = opening(last.opening, new)
    new.save()
    assert found(three) == ["карточек 4, а открыто 3: лишние вставлены"]


def test_a_last_case_replaced_by_another_is_found(three: Casebook) -> None:
    case = three.case(3)
    case.key = "vk:-9_9"
    case.opening = opening(three.case(2).opening, case)
    case.save()
    assert found(three) == ["последняя карточка не та, что была открыта"]


# Texts


def test_a_changed_text_is_found(three: Casebook) -> None:
    text = Text.objects.filter(kind="draft").get()
    text.body = {"text": f"{ANSWER} Но не сегодня."}
    text.save()
    assert found(three) == [f"текст {text.pk} (draft) изменён"]


def test_after_texts_were_erased_the_record_still_holds(three: Casebook) -> None:
    seal(three.decree, NIGHT)
    assert Text.objects.update(body=None, erased_at=NIGHT) == 5
    assert found(three) == []
    assert words(three.case(2)) == {"post": None, "decision": None}
    three.move(2, "approve", now=NIGHT)
    assert three.take(decided("vk:-1_1", "Где вода, дом 1?")).repeated == 1
    three.check()


# Roots


def test_a_day_gets_one_root_once_it_is_over(three: Casebook) -> None:
    for moment in (at("18:00"), at("23:59"), at("00:30", 1)):  # what was begun before midnight may still be written
        sweep(three.decree, moment)
        assert not Root.objects.filter(day=date(2026, 11, 16)).exists()
    for moment in (at("01:00", 1), at("09:00", 1)):
        sweep(three.decree, moment)
        assert [root.cases for root in Root.objects.filter(day=date(2026, 11, 16))] == [3]
    sweep(three.decree, at("09:00", 2))
    assert Root.objects.latest("day").day == date(2026, 11, 17)
    three.check()


def test_an_empty_casebook_has_no_root_and_nothing_wrong(casebook: Casebook) -> None:
    seal(casebook.decree, NIGHT)
    assert (Root.objects.count(), found(casebook)) == (0, [])


def test_what_happens_the_next_day_does_not_move_the_root(three: Casebook) -> None:
    seal(three.decree, NIGHT)
    three.open("vk:-1_4", "Завтрашнее", detected_at=NIGHT, now=NIGHT)
    three.move(2, "approve", now=NIGHT)
    three.check()


def test_a_chain_forged_as_a_whole_is_found_by_the_root(three: Casebook) -> None:
    seal(three.decree, NIGHT)
    previous = ""
    for one in Event.objects.filter(case__ordinal=2).order_by("number"):
        one.actor = "somebody"
        one.digest = previous = chained(previous, one)
        one.save()
    (line,) = found(three)
    assert line.startswith("корень за 16.11.2026 не сходится")


def test_a_casebook_begun_anew_is_found_by_the_root(three: Casebook) -> None:
    seal(three.decree, NIGHT)
    for number in (1, 2, 3):
        erase(three.case(number))
    Ledger.objects.update(cases=0, digest="")
    (line,) = found(three)
    assert line == "корень за 16.11.2026 не сходится: было 3 карточек, 9 событий, стало 0 и 0"


def test_who_verifies_while_others_work_sees_nothing_wrong(casebook: Casebook) -> None:
    stop = threading.Event()
    wrong: list[str] = []

    def works() -> None:
        for n in range(15):
            casebook.open(f"vk:-1_{n}", f"Где вода, дом {n}?")
            casebook.move(n + 1, "confirm")
        connections["default"].close()
        stop.set()

    casebook.person("operator")
    worker = threading.Thread(target=works)
    worker.start()
    while not stop.is_set() and worker.is_alive():
        wrong += found(casebook)
    worker.join()
    assert (wrong, Case.objects.count()) == ([], 15)


# Clocks


def dues(casebook: Casebook, decree: Decree | None = None) -> list[tuple[int, str]]:
    return [(clock.case.ordinal, clock.name) for clock, _ in differing(decree or casebook.decree)]


@pytest.mark.parametrize("change", [{"due": at("16:00")}, {"limit": at("16:00")}], ids=["due", "limit"])
def test_a_changed_deadline_is_found_and_counted_anew(three: Casebook, change: Mapping[str, Any]) -> None:
    before = three.clocks(1)
    Clock.objects.filter(case__ordinal=1, name="draft").update(**change)
    assert dues(three) == [(1, "draft")]
    assert recompute(three.decree, NOW) == 1
    assert three.clocks(1) == before
    assert three.kinds(1) == ["opened", "recounted"]
    three.check()


def test_a_changed_due_of_a_case_is_found_and_put_right(three: Casebook) -> None:
    Case.objects.filter(ordinal=3).update(due=at("16:00"))
    assert [case.ordinal for case in misdated()] == [3]
    assert recompute(three.decree, NOW) == 1
    assert three.case(3).due == at("10:00")
    three.check()


def test_where_nothing_differs_nothing_is_recorded(three: Casebook) -> None:
    before = [three.trace(number) for number in (1, 2, 3)]
    assert recompute(three.decree, NOW) == 0
    assert [three.trace(number) for number in (1, 2, 3)] == before


@pytest.fixture
def changed(tmp_path: Path) -> Callable[[str, Callable[[Any], None]], Decree]:
    """The decree with one file of ``regulation/`` rewritten."""

    def change(name: str, edit: Callable[[Any], None]) -> Decree:
        folder = shutil.copytree(ROOT / "regulation", tmp_path / "regulation")
        path = folder / name
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        edit(content)
        path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
        return Decree.of(Regulation.load(folder))

    return change


def test_a_changed_policy_recounts_open_cases_and_says_so(
    three: Casebook, changed: Callable[[str, Callable[[Any], None]], Decree]
) -> None:
    three.open("vk:-1_4", "брань", verdict="exclude")
    three.bring(3, "closed")
    closed = three.trace(3)

    def edit(content: Any) -> None:
        content["policies"]["draft_8h"]["values"]["limit_hours"] = 6

    decree = changed("policies.yaml", edit)
    assert dues(three, decree) == [(1, "draft"), (1, "answer"), (2, "answer")]
    assert recompute(decree, at("09:30")) == 2
    assert three.clocks(1) == {"dispatch": "16.11 10:00", "draft": "16.11 10:00", "answer": "16.11 16:00"}
    (recounted,) = Event.objects.filter(case__ordinal=1, kind="recounted")
    assert (recounted.actor, recounted.body["regulation"]) == ("system", decree.regulation.version)
    assert set(recounted.body["clocks"]) == {"draft", "answer"}
    assert (three.kinds(4), three.trace(3)) == (["opened"], closed)
    assert (recompute(decree, at("09:30")), found(three)) == (0, [])


def test_a_day_off_that_was_added_moves_the_deadlines_of_open_cases(
    three: Casebook, changed: Callable[[str, Callable[[Any], None]], Decree]
) -> None:
    def edit(content: Any) -> None:
        content["regional"][date(2026, 11, 17)] = {"kind": "нерабочий", "name": "траур"}

    decree = changed("calendar.yaml", edit)
    assert recompute(decree, at("09:30")) == 3
    assert three.clocks(1)["answer"] == "18.11 09:00"
    assert (list(misdated()), found(three)) == ([], [])
    assert recompute(three.decree, at("09:40")) == 3
    three.check()

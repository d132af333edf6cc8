"""What opens a case, and what a decision met again does to it, on both databases."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from casebooks import DETECTED, NOW, TEXT, VERSIONS, Casebook, at, decided
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from casebook.intake import SECOND_LOOK, read
from casebook.lists import words
from casebook.models import Alarm, Case, Event, Text, Verdict
from records import PostError, revision_of

OTHER_TEXT = "На Кленовой, 7, четвёртый день нет горячей воды, обещали вчера."
OTHER_VERSIONS = {**VERSIONS, "rules": "r2"}
LATE = at("15:00", 2)  # long after any deadline of Monday


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

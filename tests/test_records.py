"""Posts and decisions as JSON: what is read, what is refused and why, what is written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from records import (
    Alarm,
    AlarmKind,
    Also,
    Attachment,
    Decision,
    Evidence,
    Fault,
    FaultsError,
    Ground,
    Hit,
    Parent,
    Place,
    Post,
    PostError,
    Reason,
    ReasonCode,
    Review,
    ReviewCode,
    Route,
    Significance,
    Topic,
    Track,
    Verdict,
    decision_to_json,
    dump,
    file_fault,
    post_from_json,
    post_to_json,
    revision_of,
)

TIMES = ("published_at", "detected_at")
OPTIONAL = ("source", "author", "url", *TIMES)
some_text = st.text(max_size=30)
maybe = st.none() | some_text
name = st.text(min_size=1, max_size=20)
times = st.none() | st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=3))])).map(datetime.isoformat)
attachment_lists = st.lists(st.builds(Attachment, type=name, url=maybe), max_size=3)


@st.composite
def posts(draw: st.DrawFn) -> Post:
    """Any post that may stand: its text is empty only where there are attachments."""
    text = draw(st.text(max_size=60))
    attachments = draw(attachment_lists if text.strip() else attachment_lists.filter(bool))
    return Post(
        key=draw(name),
        text=text,
        network=draw(name),
        parent=draw(st.none() | st.builds(Parent, key=maybe, text=maybe)),
        attachments=tuple(attachments),
        revision=revision_of(text),
        **{field: draw(times if field in TIMES else maybe) for field in OPTIONAL},
    )


def refusal(value: object, **more: Any) -> PostError:
    with pytest.raises(PostError) as raised:
        post_from_json(value, **more)
    return raised.value


# Posts


@given(posts())
def test_a_post_comes_back_from_its_json_as_it_was(post: Post) -> None:
    assert post_from_json(json.loads(dump(post_to_json(post)))) == post


@given(posts())
def test_a_post_is_written_in_the_order_of_the_contract_on_one_line(post: Post) -> None:
    line = dump(post_to_json(post))
    assert not set(line) & {"\n", "\r"}
    assert list(json.loads(line)) == [
        "schema", "key", "network", "source", "author", "url", "text", "published_at", "detected_at", "parent",
        "attachments", "revision",
    ]  # fmt: skip


def test_only_key_and_text_are_needed() -> None:
    """The key comes from the caller where the line has none; all else has its absence."""
    assert post_from_json({"text": "Нет воды"}, key="file:1") == Post(
        key="file:1", text="Нет воды", network="file", revision=revision_of("Нет воды")
    )


def test_a_key_of_its_own_goes_before_the_one_offered() -> None:
    assert post_from_json({"text": "а", "key": "vk:-1_2"}, key="file:1").key == "vk:-1_2"


@pytest.mark.parametrize(
    ("key", "network"),
    [("vk:-123_45", "vk"), ("telegram:-100:7", "telegram"), ("max:5", "max"), ("17", "file"), (":17", "file")],
)
def test_the_network_is_read_from_the_key(key: str, network: str) -> None:
    assert post_from_json({"text": "а", "key": key}).network == network


def test_a_network_that_is_named_goes_before_the_key() -> None:
    assert post_from_json({"text": "а", "key": "vk:-1_2", "network": "http"}).network == "http"


def test_text_may_be_empty_where_there_is_an_attachment() -> None:
    post = post_from_json({"text": "", "key": "k", "attachments": [{"type": "photo", "url": "https://a/b.jpg"}]})
    assert post.attachments == (Attachment("photo", "https://a/b.jpg"),)


def test_an_attachment_without_a_type_is_a_file() -> None:
    assert post_from_json({"text": "", "key": "k", "attachments": [{}]}).attachments == (Attachment("file"),)


def test_a_numeric_author_is_kept_as_text() -> None:
    assert post_from_json({"text": "а", "key": "k", "author": 570031}).author == "570031"


def test_a_parent_is_kept() -> None:
    post = post_from_json({"text": "а", "key": "k", "parent": {"key": "vk:-1_1", "text": "Ремонт начат"}})
    assert post.parent == Parent("vk:-1_1", "Ремонт начат")


def test_fields_of_tomorrow_are_passed_by() -> None:
    """More names may be nested beside those of the contract."""
    assert post_from_json({"text": "а", "key": "k", "likes": 5}) == post_from_json({"text": "а", "key": "k"})


# Times


@pytest.mark.parametrize("field", TIMES)
@pytest.mark.parametrize(
    "time", ["2026-03-14T09:30:00+03:00", "2026-03-14T06:30:00Z", "2024-02-29T23:59:59.123456789-11:30"]
)
def test_a_time_with_its_zone_is_kept_as_written(field: str, time: str) -> None:
    assert getattr(post_from_json({"text": "а", "key": "k", field: time}), field) == time


@pytest.mark.parametrize("field", TIMES)
def test_an_empty_time_is_no_time(field: str) -> None:
    assert getattr(post_from_json({"text": "а", "key": "k", field: ""}), field) is None


@pytest.mark.parametrize("field", TIMES)
@pytest.mark.parametrize(
    ("time", "said"),
    [
        ("2026-03-14T09:30:00", "время без часового пояса"),
        ("2026-02-30T09:30:00Z", "такого времени не бывает"),
        ("2026-03-14T25:30:00Z", "такого времени не бывает"),
        ("2026-03-14T09:30:00+99:00", "такого времени не бывает"),
        ("2026-03-14", "не дата и время ISO 8601"),
        ("2026-03-14 09:30:00+03:00", "не дата и время ISO 8601"),
        ("2026-03-14T09:30+03:00", "не дата и время ISO 8601"),
        ("14.03.2026 09:30", "не дата и время ISO 8601"),
        ("٢٠٢٦-03-14T09:30:00Z", "не дата и время ISO 8601"),
        ("вчера", "не дата и время ISO 8601"),
        (1763000000, "не строка, а число"),
        (False, "не строка, а false"),
    ],
)
def test_a_time_that_starts_no_clock_is_refused(field: str, time: object, said: str) -> None:
    error = refusal({"text": "а", "key": "k", field: time})
    assert error.reason.startswith(f"поле {field}")
    assert said in error.reason
    assert f'"{field}": "2026-03-14T09:30:00+03:00"' in error.mend


# Revisions


def test_a_revision_is_the_first_sixteen_digits_of_the_hash() -> None:
    assert revision_of("") == "e3b0c44298fc1c14"
    assert revision_of("Нет воды") == hashlib.sha256("Нет воды".encode()).hexdigest()[:16]


def test_a_revision_may_be_given_and_one_missing_is_computed() -> None:
    for absent in ({}, {"revision": None}, {"revision": ""}, {"revision": revision_of("а")}):
        assert post_from_json({"text": "а", "key": "k", **absent}).revision == revision_of("а")
    assert post_to_json(Post(key="k", text="а"))["revision"] == revision_of("а")


@pytest.mark.parametrize("revision", ["00ff", "вторая", revision_of("б"), revision_of("а").upper()])
def test_a_revision_of_another_text_is_refused(revision: str) -> None:
    """It would pass an edited post for a repeat."""
    error = refusal({"text": "а", "key": "k", "revision": revision})
    assert error.reason == "поле revision не от этого текста"
    assert revision_of("а") in error.mend


@given(some_text, some_text)
def test_another_text_has_another_revision(one: str, other: str) -> None:
    assert (revision_of(one) == revision_of(other)) == (one == other)


# Refusals


@pytest.mark.parametrize(
    ("value", "reason", "mend"),
    [
        ([], "строка не является объектом JSON", '{"text": "…"}'),
        ("текст", "строка не является объектом JSON", '{"text": "…"}'),
        (None, "строка не является объектом JSON", '{"text": "…"}'),
        ({"text": "а", "key": "k", "schema": 2}, "неизвестная схема: 2", 'только "schema": 1'),
        ({"text": "а", "key": "k", "schema": "1"}, 'поле schema — "1", а нужно число 1 без кавычек', '"schema": 1'),
        ({"text": "а", "key": "k", "schema": "1" * 99}, 'поле schema — "1111', '"schema": 1'),
        ({"text": "а", "key": "k", "schema": True}, "поле schema — true, а нужно число 1", '"schema": 1'),
        ({"text": "а", "key": "k", "schema": 1.0}, "поле schema — 1.0, а нужно число 1", '"schema": 1'),
        ({"key": "k"}, "нет поля text", "добавьте поле text"),
        ({"key": "k", "text": None}, "нет поля text", "добавьте поле text"),
        ({"key": "k", "text": 5}, "поле text — не строка, а число", 'в кавычках: "text": "…"'),
        ({"key": "k", "text": ["а"]}, "поле text — не строка, а список", "в кавычках"),
        ({"key": "k", "text": ""}, "пустой text без вложений", "attachments"),
        ({"key": "k", "text": " \n\t\u00a0"}, "пустой text без вложений", "attachments"),
        ({"key": "k", "text": "", "attachments": []}, "пустой text без вложений", "attachments"),
        ({"text": "а"}, "нет поля key", "vk:-123_45"),
        ({"text": "а", "key": ""}, "нет поля key", "vk:-123_45"),
        ({"text": "а", "key": 5}, "поле key — не строка, а число", '"key": "…" или null'),
        ({"text": "а", "key": "k", "author": True}, "поле author — не строка, а true", "целое число или null"),
        ({"text": "а", "key": "k", "author": 1.5}, "поле author — не строка, а число", "целое число или null"),
        ({"text": "а", "key": "k", "source": 5}, "поле source — не строка", "или null"),
        ({"text": "а", "key": "k", "url": []}, "поле url — не строка", "или null"),
        ({"text": "а", "key": "k", "network": 1}, "поле network — не строка", "или null"),
        ({"text": "а", "key": "k", "revision": 1}, "поле revision — не строка", "или null"),
        ({"text": "а", "key": "k", "parent": "p"}, "поле parent — не объект", "parent должен быть"),
        ({"text": "а", "key": "k", "parent": {"key": 5}}, "поле key — не строка", "или null"),
        ({"text": "а", "key": "k", "attachments": {}}, "поле attachments — не список объектов", "attachments: ["),
        ({"text": "а", "key": "k", "attachments": ["a.jpg"]}, "поле attachments — не список объектов", "type"),
        ({"text": "а", "key": "k", "attachments": [{"type": 5}]}, "поле type — не строка", "или null"),
        ({"text": "а", "key": "k", "attachments": [{"url": 5}]}, "поле url — не строка", "или null"),
    ],
)  # fmt: skip
def test_a_refusal_says_what_is_wrong_and_what_to_do(value: object, reason: str, mend: str) -> None:
    error = refusal(value)
    assert error.reason.startswith(reason)
    assert mend in error.mend
    assert str(error) == error.reason
    assert len(error.reason) < 100


def test_a_missing_key_is_refused_even_where_an_empty_one_is_offered() -> None:
    assert refusal({"text": "а"}, key="").reason == "нет поля key"


@pytest.mark.parametrize("half", ["\ud83d", "\ude00"], ids=["high", "low"])
def test_half_of_a_surrogate_pair_is_refused_with_its_place(half: str) -> None:
    error = refusal({"key": "k", "text": f"огонь {half}"})
    assert error.reason == "поле text: половина суррогатной пары на месте 6"
    assert "UTF-8" in error.mend
    error.reason.encode("utf-8")


@pytest.mark.parametrize("field", ["key", "network", "revision", "source", "author", "url"])
def test_half_of_a_surrogate_pair_is_refused_in_any_field(field: str) -> None:
    assert refusal({"key": "k", "text": "а", field: "x\ud83d"}).reason.startswith(f"поле {field}: половина")


@pytest.mark.parametrize("part", [{"parent": {"text": "\ud83d"}}, {"attachments": [{"url": "\ud83d"}]}])
def test_half_of_a_surrogate_pair_is_refused_inside_the_parts(part: dict[str, Any]) -> None:
    assert "половина суррогатной пары" in refusal({"key": "k", "text": "а", **part}).reason


any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
FIELDS = ("schema", "key", "network", "text", "parent", "attachments", "revision", *OPTIONAL)


@given(any_json | st.dictionaries(st.sampled_from(FIELDS), any_json))
def test_any_json_is_read_or_refused(value: object) -> None:
    """Nothing else happens, whatever the line holds."""
    try:
        assert isinstance(post_from_json(value), Post)
    except PostError as error:
        assert error.reason
        assert error.mend


# Decisions

FULL = Decision(
    key="vk:-1_2",
    revision="00ff",
    fingerprint="0123456789abcdef",
    verdict=Verdict.EXCLUDE,
    needs_answer=0.123456,
    significance=Significance(0.987654, (Reason(ReasonCode.DANGER, "искрит", 3, 9),)),
    track=Track.FOUR_HOURS,
    route=Route(
        department="TERR",
        probability=2 / 3,
        proposed=True,
        office="TERR_SHANGALA",
        runners_up=(("JKH", 0.22222), ("DOR", 1e-9)),
        topic=Topic("Уличное освещение", 0.55555, (("Ямы", 0.33333),)),
        also=(Also("DOR", 10, 20),),
        evidence=(Evidence("фонарь", 0, 6, 1.234567),),
    ),
    place=Place("Шангала", "Мира", "5", "школа"),
    grounds=(Hit(Ground.OBSCENITY, "obscenity.x", 0, 3, "бля"),),
    alarms=(Alarm(AlarmKind.DANGER, "model:danger", None, None, None),),
    review=(Review(ReviewCode.EMERGENCY_EXCLUDED, "model:urgency"),),
    versions={"code": "1", "rules": "r", "regulation": "g", "models": {"words": "w"}},
)
BARE = Decision("k", "r", "f", Verdict.NO_ANSWER, 0.0, Significance(0.0), None, None, None)
SPAN = ["rule", "start", "stop", "text"]


def floats(value: object) -> Iterator[float]:
    if isinstance(value, float):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from floats(inner)


@pytest.mark.parametrize("decision", [FULL, BARE])
def test_a_decision_is_written_in_the_order_of_the_contract(decision: Decision) -> None:
    """All keys stand, whatever is absent."""
    assert list(json.loads(dump(decision_to_json(decision)))) == [
        "key", "revision", "fingerprint", "verdict", "grounds", "alarms", "needs_answer", "significance", "track",
        "route", "place", "review", "versions",
    ]  # fmt: skip


def test_the_parts_of_a_decision_are_written_in_the_order_of_the_contract() -> None:
    value = decision_to_json(FULL)
    route = value["route"]
    assert list(value["grounds"][0]) == ["ground", *SPAN]
    assert list(value["alarms"][0]) == ["kind", *SPAN]
    assert list(value["review"][0]) == ["code", *SPAN]
    assert list(value["needs_answer"]) == ["probability"]
    assert list(value["significance"]) == ["probability", "reasons"]
    assert list(value["significance"]["reasons"][0]) == ["code", "text", "start", "stop"]
    assert list(value["place"]) == ["settlement", "street", "house", "object"]
    assert list(route) == [
        "department", "office", "external", "probability", "proposed", "runners_up", "topic", "also", "evidence",
    ]  # fmt: skip
    assert list(route["runners_up"][0]) == ["department", "probability"]
    assert list(route["topic"]) == ["name", "probability", "runners_up"]
    assert list(route["topic"]["runners_up"][0]) == ["name", "probability"]
    assert list(route["also"][0]) == ["department", "start", "stop"]
    assert list(route["evidence"][0]) == ["text", "start", "stop", "weight"]
    assert list(value["versions"]) == ["code", "rules", "regulation", "models"]


def test_codes_are_written_as_the_contract_spells_them() -> None:
    value = decision_to_json(FULL)
    assert (value["verdict"], value["track"]) == ("exclude", "4h")
    assert value["grounds"] == [{"ground": "obscenity", "rule": "obscenity.x", "start": 0, "stop": 3, "text": "бля"}]
    assert value["alarms"] == [{"kind": "danger", "rule": "model:danger", "start": None, "stop": None, "text": None}]
    assert value["review"][0]["code"] == "emergency_excluded"


def test_what_is_absent_is_null_or_empty() -> None:
    value = decision_to_json(BARE)
    assert [value[key] for key in ("track", "route", "place")] == [None, None, None]
    assert [value[key] for key in ("grounds", "alarms", "review")] == [[], [], []]


def test_the_enums_have_the_codes_of_the_contract() -> None:
    assert [*Verdict] == ["exclude", "no_answer", "answer"]
    assert [*Ground] == ["obscenity", "insult", "threat"]
    assert [*AlarmKind] == ["threat", "danger", "crisis", "crime"]
    assert [*ReasonCode] == ["danger", "outage", "accident", "vulnerable", "resonance", "topic"]
    assert [*Track] == ["4h", "8h"]
    assert [*ReviewCode] == [
        "quote", "suspected_obscenity", "suspected_insult", "suspected_threat", "rude", "wish", "emergency_excluded",
        "urgent_doubt", "answer_doubt", "attachment_only", "no_address", "crisis", "low_confidence",
    ]  # fmt: skip


def test_probabilities_are_rounded_to_four_digits() -> None:
    value = decision_to_json(FULL)
    assert value["needs_answer"]["probability"] == 0.1235
    assert value["route"]["runners_up"] == [
        {"department": "JKH", "probability": 0.2222}, {"department": "DOR", "probability": 0.0},
    ]  # fmt: skip


unit = st.floats(0, 1)


@given(unit, unit, st.lists(st.tuples(name, unit), min_size=2, max_size=4), st.floats(-50, 50))
def test_no_number_has_more_than_four_digits(
    probability: float, needs_answer: float, ranked: list[tuple[str, float]], weight: float
) -> None:
    route = Route(
        "JKH", probability, False, runners_up=tuple(ranked), topic=Topic("Ямы", probability, tuple(ranked)),
        evidence=(Evidence("яма", 0, 3, weight),),
    )  # fmt: skip
    decision = Decision("k", "r", "f", Verdict.ANSWER, needs_answer, Significance(probability), None, route, None)
    found = list(floats(json.loads(dump(decision_to_json(decision)))))
    assert len(found) >= 7
    assert all(round(number, 4) == number for number in found)


# Faults


def test_a_fault_shows_file_line_caret_and_mend() -> None:
    fault = Fault("rules/threat.yaml", 3, 5, "неизвестный ключ «ani»", "ключи: any, hits", "    ani: [убью]")
    assert str(fault) == (
        "rules/threat.yaml:3:5: неизвестный ключ «ani»\n"
        "        ani: [убью]\n"
        "        ^\n"
        "    как исправить: ключи: any, hits"
    )  # fmt: skip


def test_a_fault_of_a_whole_file_has_no_line() -> None:
    assert str(file_fault("models/words", "модели нет", "make train")) == (
        "models/words: модели нет\n    как исправить: make train"
    )


def test_faults_are_told_all_at_once() -> None:
    faults = [file_fault("a", "раз", "б"), Fault("c", 1, 1, "два", "г", warning=True)]
    error = FaultsError(iter(faults))
    assert error.faults == tuple(faults)
    assert "a: раз" in str(error)
    assert "c:1:1: предупреждение: два" in str(error)

"""Near copies of a post: their group, resonance, and the term of one author's repeat (policy ``duplicates``)."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest
from casebooks import DETECTED, NOW, TEXT, Casebook, at, decided
from click.testing import CliRunner

from app.command import otklik
from casebook import clocks
from casebook.lists import copies
from casebook.models import Case, Clock, Event

SAME = "00000000000000ff"


def near(bits: int) -> str:
    """A fingerprint that differs from ``SAME`` in so many bits."""
    return f"{int(SAME, 16) ^ ((1 << bits) - 1):016x}"


def test_near_copies_are_linked_to_the_first_of_them(casebook: Casebook) -> None:
    first = casebook.open("vk:-1_1", "а", fingerprint=SAME)
    second = casebook.open("ok:1_1", "б", fingerprint=near(6))
    third = casebook.open("vk:-1_3", "в", fingerprint=near(7))
    assert [casebook.case(number).group for number in (first, second, third)] == [
        None,
        casebook.case(first),
        casebook.case(first) if (6 ^ 7).bit_count() > 6 else casebook.case(third).group,
    ]
    assert casebook.case(second).detected_at == DETECTED


def test_far_texts_and_old_texts_are_not_linked(casebook: Casebook) -> None:
    casebook.open("vk:-1_1", "а", fingerprint=SAME, detected_at=DETECTED - timedelta(days=8))
    other = casebook.open("vk:-1_2", "б", fingerprint=SAME)
    far = casebook.open("vk:-1_3", "в", fingerprint=near(7))
    assert (casebook.case(other).group, casebook.case(far).group) == (None, None)


@pytest.mark.parametrize("order", [(0, 1, 2, 3, 4), (4, 3, 2, 1, 0), (1, 4, 2, 0, 3)])
def test_five_people_within_a_day_are_resonance_in_whatever_order_they_come(
    casebook: Casebook, order: tuple[int, ...]
) -> None:
    for n in order:
        casebook.open(
            f"vk:-1_{n}",
            f"текст {n}",
            fingerprint=near(n),
            author=f"u{n}",
            detected_at=DETECTED - timedelta(hours=6 * n),
        )
    marks = [casebook.case(number).resonance for number in range(1, 6)]
    assert marks == [False, False, False, False, True]


def test_one_person_who_repeats_himself_and_people_over_two_days_are_no_resonance(casebook: Casebook) -> None:
    for n in range(5):
        casebook.open(f"vk:-1_{n}", f"один {n}", fingerprint=SAME, author="u1")
    for n in range(5):
        casebook.open(
            f"vk:-2_{n}",
            f"разные {n}",
            fingerprint="ff00ff00ff00ff00",
            author=f"u{n}",
            detected_at=DETECTED - timedelta(hours=7 * n),
        )
    assert not Case.objects.filter(resonance=True).exists()


# The same author says it again


def repeat(casebook: Casebook, moment: datetime, text: str = TEXT, key: str = "vk:-1_2", **given: str) -> int:
    return casebook.open(key, text, fingerprint=SAME, author="u1", detected_at=moment, now=moment, **given)


@pytest.fixture
def first(casebook: Casebook) -> int:
    """Detected at nine on Monday: due at nine on Tuesday."""
    return repeat(casebook, DETECTED, key="vk:-1_1")


def test_a_repeat_has_the_term_of_the_first_and_its_own_dispatch(casebook: Casebook, first: int) -> None:
    again = repeat(casebook, at("14:00"))
    assert casebook.clocks(again) == {"dispatch": "16.11 15:00", "draft": "16.11 14:00", "answer": "17.11 09:00"}
    assert casebook.case(again).group == casebook.case(first)
    assert "срок первого сообщения" in Clock.objects.get(case__ordinal=again, name="answer").why
    assert Event.objects.get(case__ordinal=again, kind="opened").body["repeats"] == first
    casebook.check()


def test_a_card_names_those_like_it_that_its_reader_may_see(casebook: Casebook, first: int) -> None:
    again = repeat(casebook, at("14:00"))
    other = casebook.open("vk:-1_9", "другое", fingerprint="ff00ff00ff00ff00")
    casebook.person("operator")
    said = CliRunner().invoke(otklik, ["case", "show", str(again), "--as", "operator"])
    assert f"похожие сообщения (1): карточки {first}" in said.output
    shown = CliRunner().invoke(otklik, ["case", "show", str(first), "--as", "operator", "--out", "json"])
    assert json.loads(shown.output)["alike"] == [str(again)]
    assert "похожие" not in CliRunner().invoke(otklik, ["case", "show", str(other), "--as", "operator"]).output
    casebook.move(again, "confirm", "operator", department="JKH", now=at("14:05"))
    assert list(copies(casebook.case(again), casebook.person("executor"))) == []  # the first is not yet of JKH


def test_a_repeat_whose_term_has_passed_is_given_a_working_hour(casebook: Casebook, first: int) -> None:
    again = repeat(casebook, at("11:00", 2))
    assert casebook.clocks(again)["answer"] == "18.11 12:00"
    assert "повтор" in Clock.objects.get(case__ordinal=again, name="answer").why
    third = repeat(casebook, at("14:00", 2), key="vk:-1_3")
    assert casebook.clocks(third)["answer"] == "18.11 15:00"


def test_a_repeat_that_is_raised_and_lowered_keeps_what_it_counts_from(casebook: Casebook, first: int) -> None:
    again = repeat(casebook, at("10:00"))
    casebook.move(again, "raise", "operator", now=at("10:05"), code="danger", reason="провод висит")
    assert casebook.clocks(again)["answer"] == "16.11 14:00"  # four hours from the first
    casebook.move(again, "lower", "operator", now=at("10:10"), reason="провод обесточен")
    assert casebook.clocks(again)["answer"] == "17.11 09:00"
    casebook.check()


@pytest.mark.parametrize(
    "given",
    [
        {"text": TEXT.replace("7", "9")},  # another house
        {"key": "ok:-1_2"},  # another network: its own answer there
    ],
)
def test_what_says_something_new_or_elsewhere_has_its_own_term(
    casebook: Casebook, first: int, given: dict[str, str]
) -> None:
    again = repeat(casebook, at("14:00"), **given)
    assert casebook.clocks(again)["answer"] == "17.11 14:00"
    assert casebook.case(again).group == casebook.case(first)


def test_what_was_answered_and_is_said_again_has_its_own_term(casebook: Casebook, first: int) -> None:
    clocks.stop(casebook.case(first), NOW, "answer")
    assert casebook.clocks(repeat(casebook, at("14:00")))["answer"] == "17.11 14:00"


def test_an_edit_that_makes_two_posts_alike_links_them(casebook: Casebook) -> None:
    one = casebook.open("vk:-1_1", "а", fingerprint=SAME)
    other = casebook.open("vk:-1_2", "б", fingerprint="ff00ff00ff00ff00")
    casebook.take(decided("vk:-1_2", "в", fingerprint=near(3)))
    casebook.take(decided("vk:-1_1", "г", fingerprint=near(2)))
    assert (casebook.case(one).group, casebook.case(other).group) == (None, casebook.case(one))

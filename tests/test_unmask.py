"""What disguised places read as, whatever words are sought."""

from __future__ import annotations

import time

import pytest
import razdel
from hypothesis import given, settings
from hypothesis import strategies as st

from language.reading import read
from language.sentences import sentences
from language.unmask import candidates, mend


def letters(text: str) -> set[str]:
    return {found.letters for found in candidates(read(text))}


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("купил xлeб", "хлеб"),
        ("п0м0гите нам", "помогите"),
        ("пом@гите", "помагите"),
        ("п.о.м.о.г.и.т.е", "помогите"),
        ("п-о-м-о-г-и-т-е", "помогите"),
        ("п р и р е ж у", "прирежу"),
        ("прев ет всем", "превет"),
        ("pomogite", "помогите"),
        ("gjvjubnt", "помогите"),
        ("п*м*гите", "п*м*гите"),
        ("п🌟мощник", "п*мощник"),
        ("χлеб", "хлеб"),
        ("ｘлеб", "хлеб"),
    ],
)
def test_a_disguise_is_read_plainly(text: str, plain: str) -> None:
    assert plain in letters(text)


@pytest.mark.parametrize(
    "text",
    [
        "Добрый день! Когда уберут снег на улице Ленина, у дома 5?",
        "кто-то из-за угла, по-русски",
        "дом.Очень темно",
        "**важно** и __важно__",
        "в 3-м подъезде, 6-я парадная, 5* и скидка *** руб",
        "за́мок и замо́к",
        "NFD: мои\u0306 и ее\u0308",
    ],
)
def test_plain_text_needs_no_reading(text: str) -> None:
    assert letters(text.split(":")[-1]) == set()


def test_a_candidate_stands_where_it_was_written() -> None:
    text = "сказали: п.о.м.о.г.и.т.е!"
    found = next(c for c in candidates(read(text)) if c.letters == "помогите")
    assert text[found.start : found.stop] == "п.о.м.о.г.и.т.е"


def test_mend_puts_in_words_of_mixed_scripts() -> None:
    assert mend(read("yбью кoгo yвижу")).norms == ["убью", "кого", "увижу"]


def test_mend_joins_what_was_pulled_apart() -> None:
    text = "я y6b.ю вас, п р и р е ж у вот"
    mended = mend(read(text))
    assert mended.norms == ["я", "убью", "вас", "прирежу", "вот"]
    assert [text[a:b] for a, b in zip(mended.starts, mended.stops, strict=True)][1] == "y6b.ю"
    assert mended.text == text and mended.folded == text


@pytest.mark.parametrize("text", ["в доме 3а темно", "дом5", "кто-то там", "wi-fi не работает", "Ростов-на-Дону", ""])
def test_mend_leaves_plain_text_alone(text: str) -> None:
    reading = read(text)
    assert mend(reading) is reading


@given(st.text(alphabet="хуйпизде ё.*-_@6b y\u200b\u0301🌟[,<`\n", max_size=80))
@settings(max_examples=300, deadline=None)
def test_candidates_lie_inside_the_text(text: str) -> None:
    for found in candidates(read(text)):
        assert 0 <= found.start < found.stop <= len(text)
        assert found.letters


@given(st.text(alphabet="прежу .*-@6b y\u200b", max_size=60))
@settings(max_examples=200, deadline=None)
def test_a_mended_reading_is_in_order(text: str) -> None:
    mended = mend(read(text))
    assert all(a < b for a, b in zip(mended.starts, mended.stops, strict=True))
    assert all(b <= a for b, a in zip(mended.stops, mended.starts[1:], strict=False))


@pytest.mark.parametrize("unit", ["а", "*", "а.", " ", "х ", "xy", "х*", "зщшк ", "(х)", "х🌟", "а** ", "[eq,", "е6"])
def test_work_is_linear_in_the_length(unit: str) -> None:
    def seconds(size: int) -> float:
        reading = read(unit * (size // len(unit)))
        best = float("inf")
        for _ in range(3):
            started = time.perf_counter()
            for _found in candidates(reading):
                pass
            best = min(best, time.perf_counter() - started)
        return best

    small, large = seconds(12_500), seconds(100_000)
    assert large < 40 * small + 0.05


@given(
    st.lists(
        st.sampled_from('Яма ул им г А т Е п др вс тыс XI IV 5 слово Слово_а . . ! ? … ; « » " ( ) - — :) _'.split())
    )
)
def test_sentences_are_those_of_razdel(parts: list[str]) -> None:
    for blank in ("", " ", "\n"):
        text = blank.join(parts).replace(" .", ".")
        assert sentences(text) == tuple((part.start, part.stop) for part in razdel.sentenize(text))

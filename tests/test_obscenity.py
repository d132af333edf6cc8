"""The filter of point 15 for obscene words: every disguise found, no clean word taken for one."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from language.reading import read
from regulation.documents import Document, load
from rules.unmasked import Exceptions, Unmasked, UnmaskedRule, marked

RULES = Path(__file__).parent.parent / "rules" / "obscenity.yaml"


@pytest.fixture(scope="module")
def document() -> Document:
    return load(RULES)


@pytest.fixture(scope="module")
def rules(document: Document) -> Unmasked:
    return Unmasked.from_document(document)


def words(rules: Unmasked, text: str) -> list[tuple[str, bool]]:
    return [(text[start:stop], sure) for _, start, stop, sure in rules.find(read(text))]


def test_the_file_has_no_faults(document: Document, rules: Unmasked) -> None:
    assert document.faults == []


def test_every_rule_honours_its_examples(rules: Unmasked) -> None:
    assert rules.check() == []
    assert list(rules.failing()) == []


@pytest.mark.parametrize(
    "text",
    [
        "хуй", "ХуЙ", "xуй", "ху\u200bй", "х\u0336у\u0336й\u0336", "хуууй", "х.у.й", "х_у_й", "х у й", "ху й", "х*й",
        "х🌟й", "пиздец", "пи3дец", "п1здец", "п!здец", "пизdец", "π3дец", "песдец", "пи здец", "pizdec",
        "п и з д е ц", "ебать", "ёбаный", "йобаный", "ипать", "е6ать", "заебал", "з@ебал", "за*бал", "ебаNый", "еb@ть",
        "блядь", "бля", "блять", "бл@дь", "бл*ть", "6лядь", "блеать", "б л я т ь", "blyat", "dolboeb",
    ],
)  # fmt: skip
def test_a_disguised_word_is_found_for_sure(rules: Unmasked, text: str) -> None:
    found = words(rules, f"ну {text}, сколько ждать")
    assert [sure for _, sure in found] == [True]


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("П и з д е ц, а не дорога", "П и з д е ц"),
        ("иди н а х у й, я устал", "н а х у й"),
        ("х, у, й вам", "х, у, й"),
        ("п и з, д е ц какой", "п и з, д е ц"),
    ],
)
def test_a_comma_ends_a_word_but_not_the_half_of_one(rules: Unmasked, text: str, word: str) -> None:
    assert words(rules, text) == [(word, True)]


@pytest.mark.parametrize(
    "text",
    [
        "на х** такой ремонт", "бл* опять", "huy vam", "п*ц", "стойте дальше от них**.", "как вы зае...",
        "одни колдоебины на дороге", "смотрели на них...я испугалась",
    ],
)  # fmt: skip
def test_what_is_mostly_guessed_goes_to_a_person(rules: Unmasked, text: str) -> None:
    assert [sure for _, sure in words(rules, text)] == [False]


@pytest.mark.parametrize(
    "text",
    [
        "страховать рубля хлебать команда скипидар мандарин психует бляха сабля Сухая Буйвола двоеборье",
        "требовать употреблять учёба ЕБРР ЕБС Ебург huawei Hue ebay ebook",
        "у еврея не бывает, тебе батарею, не было бы",
        "блин хрен капец пипец ёпрст ёпта нафиг офигеть",
        "С Р О Ч Н О помогите, **важно**, 5*, скидка *** руб",
        "с. Просянка, ул. Ленина, д. 6, кв. 3, р-н, им. Горького, и т. д.",
        "учёба и не\u0301бо, мои\u0306 дом",
        "https://example.ru/huilo и почта ebal@example.ru",
        "n = [equal, fast, reliable]; if, text, not, at, that",
        "машина е616вв, договор 12-ХУ/5 от 3.10",
        "А. Х. Уйгуров и Е. Б. Лаптева",
        "отвечаю за неё...т.к. мала, у неё…и портфель, а спросите у её...ну, у мамы",
        "при ЕБН, сухую...т.к. мокрая",
        "застрахуй дом, страхуй машину, подстрахуй соседа, не психуй",
    ],
)
def test_clean_text_is_passed_by(rules: Unmasked, text: str) -> None:
    assert words(rules, text) == []


def test_spans_are_in_order_and_do_not_overlap(rules: Unmasked) -> None:
    text = "бля, х у й знает, заебали; п*здец и 6лядь"
    found = rules.find(read(text))
    assert [text[start:stop] for _, start, stop, _ in found] == ["бля", "х у й", "заебали", "п*здец", "6лядь"]
    assert [name for name, *_ in found] == [f"obscenity.{r}" for r in ("blya", "huy", "eb", "pizd", "blya")]


@pytest.mark.parametrize("filler", ["аб", "а.", "*", " ", "а ", "xa", "🌟"])
@pytest.mark.parametrize("word", ["хуй", "п*здец", "х.у.й"])
def test_a_word_is_found_anywhere_in_a_giant_text(rules: Unmasked, filler: str, word: str) -> None:
    text = f"{filler * 9000} {word} {filler * 9000}"
    assert any(word in text[start:stop] for _, start, stop, _ in rules.find(read(text)))


@pytest.mark.parametrize("filler", ["аб", "ba"])
def test_a_word_is_found_inside_a_giant_word(rules: Unmasked, filler: str) -> None:
    assert rules.find(read(filler * 20_000 + "хуй" + filler * 20_000))


@pytest.mark.parametrize("unit", ["а", "*", "а.", " ", "х.у.й.", "хуй ", "хуе", "х*", "хy", "бля,", "е б ", "п_и"])
def test_work_is_linear_in_the_length(rules: Unmasked, unit: str) -> None:
    def seconds(size: int) -> float:
        reading = read(unit * (size // len(unit)))
        best = float("inf")
        for _ in range(3):
            started = time.perf_counter()
            rules.find(reading)
            best = min(best, time.perf_counter() - started)
        return best

    small, large = seconds(12_500), seconds(100_000)
    assert large < 40 * small + 0.05


@given(st.text(alphabet="хуйпиздецбляёать .*-_@630b xyz\u200b\u0301🌟[,`\n!", max_size=100))
@settings(max_examples=400, deadline=None)
def test_any_text_gives_ordered_spans(text: str) -> None:
    last = 0
    for _, start, stop, _ in _shared().find(read(text)):
        assert last <= start < stop <= len(text)
        last = stop


def _shared(made: list[Unmasked] = []) -> Unmasked:  # noqa: B006 - one compiled book for all drawn texts
    if not made:
        made.append(Unmasked.from_document(load(RULES)))
    return made[0]


def test_the_verdict_does_not_depend_on_what_was_read_before(rules: Unmasked) -> None:
    fresh = Unmasked.from_document(load(RULES))
    for text in ("ну бля", "х у й", "рубля", "п*здец", "кто-то"):
        assert fresh.find(read(text)) == rules.find(read(text)) == rules.find(read(text))


def test_an_example_marks_one_span() -> None:
    assert marked("на [[eq] вам") == ("на [eq вам", (3, 6))


def test_an_unreadable_pattern_is_a_fault_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(
        "ground: obscenity\nrules:\n  - name: obscenity.x\n    patterns: ['(']\n    hits: ['[а]']\n    passes: ['б']\n",
        encoding="utf-8",
    )
    document = load(path)
    Unmasked.from_document(document)
    assert [(fault.line, "не читается" in fault.what) for fault in document.faults] == [(4, True)]


def test_a_broken_example_is_a_fault(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(
        "ground: obscenity\nrules:\n  - name: obscenity.x\n    patterns: ['^бяка']\n"
        "    hits: ['вот [бяка]', '[нет]']\n    passes: ['бяка']\n",
        encoding="utf-8",
    )
    rules = Unmasked.from_document(load(path))
    assert len(list(rules.failing())) == 2 == len(rules.check())


@pytest.mark.parametrize(
    "pattern",
    [
        "^qx(b|c)d|wq$",
        "^(?:q|w)?x",
        "^q?w|^qw",
        "^[w|q]x",
        "(?:^|x)qw",
        "^q+w",
        r"^q\|w|^q\[w|\)",
        "[^|]]w|^w{2}x",
        "^|qq",
        "",
    ],
)
@given(word=st.text(alphabet="qwx|[)]", min_size=1, max_size=6))
def test_a_word_is_found_where_the_pattern_stands(pattern: str, word: str) -> None:
    """However the patterns are taken apart to ask them faster; a letter written twice counts as once too."""
    rule = UnmaskedRule("made", "", re.compile(pattern), None)
    forms = (word, re.sub(r"(.)\1+", r"\1", word))
    assert bool(Unmasked([rule], Exceptions()).judge(word)) == any(re.search(pattern, form) for form in forms)

"""Misspelt words of the rules: heard by their sound, through the rule book; what is spelt right stays as it is."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from language import read
from language.morphology import known
from rules import RuleBook
from rules.misspelt import Misspelt, sounds

WORDS = ("задушу", "убьем", "зарежу", "дебилы", "тварь", "сволочь", "подъезда", "счастье")
MISSPELT = Misspelt(WORDS, ("мраз",))


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> RuleBook:
    folder = tmp_path_factory.mktemp("rules")
    rule = {"name": "t.rule", "any": [f"={word}" for word in WORDS], "hits": ["[тварь]"], "passes": ["твердь"]}
    (folder / "insult.yaml").write_text(yaml.safe_dump({"ground": "insult", "rules": [rule]}, allow_unicode=True))
    return RuleBook.load(folder)


@pytest.mark.parametrize(
    "line",
    [
        "я тя [зодушу] сваими руками",
        "[УБЪЁМ] ваще",
        "[зарэжу], и не спрашивай",
        "[дибилы] в управе",
        "[тваррррь] такая",
        "а ну, [сволачь]",
        "[д*билы] опять перекопали",
        "[тв@рь], верни лопату",
        "[з а р е ж у]",
        "[щастье] привалило",
    ],
)
def test_is_heard_where_it_stands(book: RuleBook, line: str) -> None:
    start, stop = line.index("["), line.index("]") - 1
    found = book.find(line.replace("[", "").replace("]", ""))
    assert [(f.start, f.stop) for f in found] == [(start, stop)]


@pytest.mark.parametrize(
    "line",
    [
        "дебаты о дебите",  # words of the dictionary
        "мразота",  # a word that begins as one of the rules does
        "тв***",  # too little is shown
        "сводка...",
        "tvar",  # a Latin word that may be any name
        "свалочный грунт",
    ],
)
def test_what_is_no_misspelling_stays(line: str) -> None:
    reading = read(line)
    assert MISSPELT.mend(reading) is reading


@given(st.sampled_from(WORDS), st.data())
def test_a_stretched_word_is_the_word(word: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(word) - 1))
    stretched = word[:place] + word[place] * data.draw(st.integers(2, 9)) + word[place + 1 :]
    assert sounds([stretched]) == sounds([word])
    if not known(stretched):
        mended = MISSPELT.mend(read(stretched))
        assert sounds(mended.norms) == sounds([word])
        assert (mended.starts, mended.stops) == ([0], [len(stretched)])


@given(st.lists(st.text(alphabet="абвгдежзийклмнопрстуфхцчшщъыьэюя", min_size=1), min_size=1))
def test_words_sound_the_same_alone_as_together(words: list[str]) -> None:
    assert sounds(words) == [sounds([word])[0] for word in words]


@given(st.text(alphabet="абвгдежзийклмнопрстуфхцчшщъыьэюя* .-", max_size=60))
def test_no_word_is_lost(text: str) -> None:
    reading = read(text)
    mended = MISSPELT.mend(reading)
    assert mended.text == text
    assert list(zip(mended.starts, mended.stops, strict=True)) == sorted(zip(mended.starts, mended.stops, strict=True))
    covered = {place for a, b in zip(mended.starts, mended.stops, strict=True) for place in range(a, b)}
    assert covered >= {place for a, b in zip(reading.starts, reading.stops, strict=True) for place in range(a, b)}

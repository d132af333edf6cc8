"""Misspelt words of the rules: heard by their sound, through the rule book; what is spelt right stays as it is."""

from __future__ import annotations

import pytest
import yaml
from counting import steps
from hypothesis import given
from hypothesis import strategies as st

from language import mend, read
from language.morphology import known
from rules import RuleBook
from rules.misspelt import Misspelt, sounds

WORDS = ("задушу", "убьем", "убьет", "убить", "зарежу", "дебилы", "тварь", "сволочь", "гада", "дура", "счастье", "мина")
MISSPELT = Misspelt((*WORDS, "подъезда"), WORDS, ("гандон", "пидорас"))
GARBLED = "зодушу д*билы сволачь г*ндоны тварррь парву"


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> RuleBook:
    folder = tmp_path_factory.mktemp("rules")
    words = {
        "name": "t.rule",
        "any": [*(f"={word}" for word in WORDS), "гандон*", "пидорас*"],
        "unless": ["=объятиях"],
        "hits": ["[тварь]"],
        "passes": ["твердь"],
    }
    (folder / "insult.yaml").write_text(yaml.safe_dump({"ground": "insult", "rules": [words]}, allow_unicode=True))
    return RuleBook.load(folder)


@pytest.mark.parametrize(
    "line",
    [
        # by ear
        "я тя [зодушу] сваими руками",
        "[задушю], ждите",
        "[УБЪЁМ] ваще",
        "он [убъет] тебя",
        "[зарэжу], и не спрашивай",
        "[дибилы] в управе",
        "а ну, [сволачь]",
        "[щастье] привалило",
        # stretched
        "[тваррррь] такая",
        f"[{'тв' + 'а' * 90 + 'рь'}]",
        # hidden
        "[д*билы] опять перекопали",
        "[тв@рь], верни лопату",
        "эти [г*ндоны]",
        "эти [пи*расы]",
        # pulled apart
        "[з а р е ж у]",
        "[сво лочь] такая",
        # with what cannot be seen
        "[зо\u0301ду\u200bшу] тебя",
    ],
)
def test_is_heard_where_it_stands(book: RuleBook, line: str) -> None:
    start, stop = line.index("["), line.index("]") - 1
    found = book.search(mend(read(line.replace("[", "").replace("]", ""))))
    assert [(f.start, f.stop) for f in found] == [(start, stop)]


@pytest.mark.parametrize(
    "line",
    [
        # abbreviations
        "приём у д-ра Смирновой отменили",
        "Уважаемые г-да!",
        "возле м-на новый м-н",
        "г.да, д.ра, му..ра",
        # names, and words too short to be known by their consonants
        "ваш глава Зодушу",
        "в ожидании Годо",
        # words of the dictionary
        "дебаты о дебите, двора и твёрдо",
        # too little is shown
        "тв***, с**ка, *ура",
        # a letter of another alphabet at the edge, which no reading keeps
        "дур*中, 中*ура, тва*ß",
        # another language
        "motorcycle Bandit, dura lex, ubyem",
    ],
)
def test_what_is_no_misspelling_stays(book: RuleBook, line: str) -> None:
    assert book.search(mend(read(line))) == ()


def test_an_excuse_is_heard_as_well_as_the_word(book: RuleBook) -> None:
    assert book.find("зодушу вас") != ()
    assert book.find("зодушу вас в обьятиях") == ()


def test_of_words_that_sound_alike_the_nearest_is_meant() -> None:
    assert MISSPELT.mend(read("убъет")).norms == ["убьет"]
    assert MISSPELT.mend(read("убъем")).norms == ["убьем"]


@given(st.sampled_from(WORDS), st.data())
def test_a_stretched_word_is_the_word(word: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(word) - 1))
    stretched = word[:place] + word[place] * data.draw(st.integers(2, 99)) + word[place + 1 :]
    assert sounds([stretched]) == sounds([word])
    if not known(stretched):
        mended = MISSPELT.mend(read(stretched))
        assert sounds(mended.norms) == sounds([word])
        assert (mended.starts, mended.stops) == ([0], [len(stretched)])


@given(st.lists(st.text(alphabet="абвгдежзийклмнопрстуфхцчшщъыьэюя", min_size=1), min_size=1))
def test_words_sound_the_same_alone_as_together(words: list[str]) -> None:
    assert sounds(words) == [sounds([word])[0] for word in words]


@given(
    st.lists(
        st.sampled_from(
            [*GARBLED.split(), "г-да", "*", "б", "...", "слово", "х" * 70, "дур*中", "中*ура", "д*\u0301ура"]
        ),
        max_size=200,
    )
)
def test_no_word_is_lost_and_order_does_not_matter(parts: list[str]) -> None:
    text = " ".join(parts)
    reading = read(text)
    mended = MISSPELT.mend(reading)
    spans = list(zip(mended.starts, mended.stops, strict=True))
    assert (mended.text, spans) == (text, sorted(spans))
    covered = {place for a, b in spans for place in range(a, b)}
    assert covered >= {place for a, b in zip(reading.starts, reading.stops, strict=True) for place in range(a, b)}
    afresh = Misspelt((*WORDS, "подъезда"), WORDS, ("гандон", "пидорас"))
    assert afresh.mend(read(text)) == mended


@pytest.mark.parametrize("head", ["п*", "абв*", "зоду"])
def test_work_is_linear_in_distinct_misspellings(head: str) -> None:
    def work(count: int) -> int:
        letters = "абвгдежз"
        words = [head + letters[i % 8] + letters[i // 8 % 8] + letters[i // 64 % 8] + "шу" for i in range(count)]
        reading = mend(read(" ".join(words)))
        afresh = Misspelt(WORDS, WORDS, ("гандон", "пидорас"))
        return steps(lambda: afresh.mend(reading), "rules", "language")

    assert work(480) < 3 * work(240)

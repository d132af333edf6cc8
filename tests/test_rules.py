"""The rule book: the language of phrases, the loader and its faults, the spans of hits, the work done."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from counting import steps
from hypothesis import given
from hypothesis import strategies as st

from language import read
from records import AlarmKind, FaultsError, Ground, ReviewCode
from rules import Found, RuleBook
from rules.unmasked import marked

DATA = Path(__file__).parent / "data"
SETS: Mapping[str, Sequence[str]] = {
    "kin": ["мать", "отец", "=дед", "ребен*"],
    "people": ["@kin", "сосед"],
    "kill": ["убить", "зарезать"],
}
EXAMPLE = {"hits": ["[здесь]"], "passes": ["там"]}


@pytest.fixture
def load(tmp_path: Path) -> Callable[..., RuleBook]:
    """A book of one rule, or of one file when its rules are given."""

    def loaded(*phrases: str, file: Mapping[str, Any] | None = None, **more: Any) -> RuleBook:
        rule = {"name": "t.rule", "any": ["=здесь", *phrases], **EXAMPLE, **more}
        path = tmp_path / "threat.yaml"
        content = {"ground": "threat", "sets": dict(SETS), "rules": [rule], **(file or {})}
        path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
        return RuleBook.load(tmp_path)

    return loaded


def spans(book: RuleBook, text: str) -> list[tuple[int, int]]:
    return [(found.start, found.stop) for found in book.find(text)]


# The language of phrases: the span that must be found stands in brackets, a line without them passes


@pytest.mark.parametrize(
    ("phrase", "line"),
    [
        # a lemma in all its forms, folded
        ("дурак", "ну и [дурак]"),
        ("дурак", "с такими [ДУРАКАМИ] не спорят"),
        ("дурак", "дурацкий день"),
        ("елка", "[Ёлку] привезли"),
        ("ёлка", "[елка] стоит"),
        # a form alone
        ("=дурак", "ну и [дурак]"),
        ("=дурак", "дурака не видно"),
        ("=Ёлка", "[ёлка] стоит"),
        # a beginning
        ("дурач*", "[дурачьё] и [дурачина]"),
        ("дурач*", "придурачивается"),
        # grammemes
        ("убить/1per+futr", "я [убью]"),
        ("убить/1per+futr", "мы [убьём]"),
        ("убить/1per+futr", "он убил, хочет убить, убьёт"),
        # sets, sets of sets, grammemes for all words of a set
        ("@kin", "[отцу] и [матери]"),
        ("@kin", "[дед] пришёл"),
        ("@kin", "деда видели"),
        ("@people", "[соседям] и [ребёнку]"),
        ("@kill/1per+futr", "я [зарежу]"),
        ("@kill/1per+futr", "я зарезал"),
        # alternatives
        ("глупый|тупой|=пень", "[глупые] и [тупых] [пень]"),
        ("глупый|тупой|=пень", "пни корчуют"),
        ("@kin|=кум", "[кум] и [отец]"),
        # a row of words
        ("старый дурак", "ты [старый дурак] и есть"),
        ("старый дурак", "старый ты дурак"),
        ("старый дурак", "дурак старый"),
        ("старый дурак", "[старый — дурак]"),
        # a word that may be absent
        ("вы? дурак", "[вы дураки]"),
        ("вы? дурак", "одни [дураки]"),
        ("дурак вы?", "[дураки вы] все"),
        ("такой старый? дурак", "[такой дурак]"),
        ("такой старый? дурак", "[такой старый дурак]"),
        ("такой старый? дурак", "такой новый дурак"),
        # a word that must not be there takes no room
        ("!не дурак", "[дурак] сам"),
        ("!не дурак", "я не дурак"),
        ("!не дурак", "я не такой [дурак]"),
        ("дурак !@kin", "[дурак] сосед"),
        ("дурак !@kin", "дурак отец"),
        ("дурак !=он", "[дурак]. Он уехал"),
        # gaps: up to two, up to six words
        ("убить .. тебя", "[убью тебя]"),
        ("убить .. тебя", "[убью я вот тебя]"),
        ("убить .. тебя", "убью я вот сейчас тебя"),
        ("убить ... тебя", "[убью раз два три четыре пять шесть тебя]"),
        ("убить ... тебя", "убью раз два три четыре пять шесть семь тебя"),
        ("убить .. тебя .. нож", "[убью я тебя вот этим ножом]"),
        ("раз .. раз", "[раз два раз] раз"),
        # one sentence
        ("старый дурак", "старый. Дурак"),
        ("старый дурак", "старый\nдурак"),
        ("старый дурак", "старый; дурак"),
        ("старый дурак", "старый 😡 дурак"),
        ("старый дурак", "[старый, дурак]"),
        ("убить .. тебя", "убью! Тебя тоже"),
        # edges of the sentence
        ("^ дурак", "[дурак] ты"),
        ("^ дурак", "Ну. [Дурак] ты"),
        ("^ дурак", "ты дурак"),
        ("дурак $", "ты [дурак]"),
        ("дурак $", "ты [дурак]! Да"),
        ("дурак $", "дурак ты"),
        ("^ ну? дурак $", "[ну дурак]."),
        ("^ дурак .. осел $", "[дурак ты и осёл]"),
        # what the eye does not see does not count
        ("дурак", "[ду\u200bра\u0301к] же"),
        ("мой дурак", "[мои\u0306 дурак]"),
    ],
)
def test_a_phrase_finds_what_is_marked(load: Callable[..., RuleBook], phrase: str, line: str) -> None:
    text = line.replace("[", "").replace("]", "")
    parts = line.split("[")
    expected, place = [], len(parts[0])
    for part in parts[1:]:
        inner, _, after = part.partition("]")
        expected.append((place, place + len(inner)))
        place += len(inner) + len(after)
    assert spans(load(phrase), text) == expected


@pytest.mark.parametrize(
    ("phrase", "what"),
    [
        ("..", "нет слова, на котором она держится"),
        ("вы?", "нет слова, на котором она держится"),
        ("!не", "нет слова, на котором она держится"),
        ("^ $", "нет слова, на котором она держится"),
        ("@nobody", "нет набора слов «nobody»"),
        ("дом (мой)", "«(мой)» — не слово фразы"),
        ("а||б", "«» — не слово фразы"),
        ("убить/1per+xxxx", "нет ни одной формы"),
        ("= дурак", "«=» — не слово фразы"),
        ("?", "«» — не слово фразы"),
    ],
)
def test_a_phrase_that_cannot_be_read_is_a_fault(load: Callable[..., RuleBook], phrase: str, what: str) -> None:
    with pytest.raises(FaultsError) as raised:
        load(phrase)
    (fault,) = raised.value.faults
    assert what in fault.what
    assert fault.mend


# Rules


def test_a_hit_names_its_rule_code_and_level(load: Callable[..., RuleBook]) -> None:
    assert load().find("вот здесь") == (Found("t.rule", Ground.THREAT, True, 4, 9),)
    assert load(level="suspect").find("вот здесь") == (Found("t.rule", Ground.THREAT, False, 4, 9),)


@pytest.mark.parametrize(("kind", "code"), [("alarm", AlarmKind.CRISIS), ("review", ReviewCode.WISH)])
def test_a_file_speaks_for_one_ground_alarm_or_review(tmp_path: Path, kind: str, code: Any) -> None:
    content = {kind: code.value, "rules": [{"name": "t", "any": ["=здесь"], **EXAMPLE}]}
    (tmp_path / "a.yaml").write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    (found,) = RuleBook.load(tmp_path).find("здесь")
    assert found.code is code


def test_with_must_stand_in_the_same_sentence(load: Callable[..., RuleBook]) -> None:
    book = load("=там", **{"with": ["=тебя", "=вас"]}, hits=["[здесь] вас"], passes=["здесь"])
    assert spans(book, "вас здесь") == [(4, 9)]
    assert spans(book, "вас. здесь") == []


def test_unless_silences_the_sentence_and_not_its_neighbour(load: Callable[..., RuleBook]) -> None:
    book = load(unless=["если бы"])
    assert spans(book, "если бы здесь") == []
    assert spans(book, "здесь, если бы") == []
    assert spans(book, "если бы. здесь") == [(9, 14)]


def test_within_post_looks_through_the_whole_post(load: Callable[..., RuleBook]) -> None:
    book = load(within="post", unless=["сказать"])
    assert spans(book, "Здесь. Так сказали") == []
    book = load(within="post", **{"with": ["=вас"]}, hits=["[здесь]. вас"])
    assert spans(book, "вас. Ну. здесь") == [(9, 14)]


def test_overlapping_spans_of_one_rule_are_one(load: Callable[..., RuleBook]) -> None:
    book = load("=раз =два", "=два =три")
    assert spans(book, "раз два три, два три") == [(0, 7), (13, 20)]


def test_found_stands_in_the_order_of_the_text(book: RuleBook) -> None:
    text = "Вы дебилы! Я тебя убью. Блядь! Сука, опять говно течёт. Пожар, горим!"
    found = book.find(text)
    assert [f.start for f in found] == sorted(f.start for f in found)
    assert {f.code for f in found} >= {*Ground, ReviewCode.RUDE, AlarmKind.DANGER}


def test_the_version_changes_with_any_byte(tmp_path: Path, load: Callable[..., RuleBook]) -> None:
    before = load().version
    path = tmp_path / "threat.yaml"
    path.write_bytes(path.read_bytes() + b"# \n")
    assert RuleBook.load(tmp_path).version != before
    assert len(before) == 12


# The loader


def test_the_shipped_rules_load_and_say_what_they_look_for(book: RuleBook) -> None:
    """Loading runs every example of every rule."""
    assert len(book.says) > 50
    assert all(book.says.values())


@pytest.mark.parametrize("part", ["hits", "passes"])
def test_a_rule_whose_example_fails_does_not_load(load: Callable[..., RuleBook], part: str) -> None:
    with pytest.raises(FaultsError, match=r"правило t.rule"):
        load(**{part: ["[там] здесь"]})


def test_every_fault_is_shown_with_its_place_and_mend(golden: Callable[[str, str], str]) -> None:
    """Of files that cannot be read first; of examples that fail, when all files can be read."""
    shown = []
    for name in ("faulty_rules", "failing_rules"):
        with pytest.raises(FaultsError) as raised:
            RuleBook.load(DATA / name)
        shown.append(str(raised.value).replace(f"{DATA}/", ""))
    found = "\n\n".join(shown) + "\n"
    assert found == golden("rule_faults.txt", found)


def test_faults_of_the_shipped_kind_have_line_caret_and_mend() -> None:
    with pytest.raises(FaultsError) as raised:
        RuleBook.load(DATA / "faulty_rules")
    placed = [fault for fault in raised.value.faults if not fault.file.endswith("syntax.yaml")]
    assert len(placed) > 20
    for fault in placed:
        assert fault.line
        assert fault.column
        assert fault.source
        assert fault.mend


def test_a_folder_without_rules_is_a_fault(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "missing"):
        with pytest.raises(FaultsError, match="нет ни одного файла правил"):
            RuleBook.load(folder)


def test_a_file_that_is_not_text_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes("rules: мат".encode("cp1251"))
    with pytest.raises(FaultsError, match="UTF-8"):
        RuleBook.load(tmp_path)


scalars = st.none() | st.booleans() | st.integers(-9, 9)
words = st.sampled_from(["", "дурак", "@kin", "@a", "((", "[а", "threat"])
strange = st.recursive(
    scalars | words,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(words, inner, max_size=2),
    max_leaves=4,
)
RULE = {
    "name": "t.x",
    "says": "с",
    "level": "sure",
    "within": "post",
    "any": ["убить/1per+futr @a?"],
    "with": ["вы"],
    "unless": ["если"],
    "hits": ["[убью] вас"],
    "passes": ["нет"],
}


@given(st.sampled_from([*RULE, "extra"]), strange, st.sampled_from(["sets", "kin", "a", "rules", "ground"]), strange)
def test_any_file_of_phrases_loads_or_shows_its_faults(
    tmp_path_factory: pytest.TempPathFactory, key: str, value: Any, other: str, odd: Any
) -> None:
    """No value in any place does anything else."""
    content: dict[str, Any] = {"ground": "threat", "sets": {"kin": ["отец", "=дед"], "a": ["@kin"]}}
    content["rules"] = [{**RULE, key: value}]
    for changed in (content, {**content, other: odd}, {**content, "sets": {**content["sets"], other: odd}}):
        folder = tmp_path_factory.mktemp("any", numbered=True)
        (folder / "a.yaml").write_text(yaml.safe_dump(changed, allow_unicode=True), encoding="utf-8")
        try:
            RuleBook.load(folder)
        except FaultsError as error:
            assert all(fault.mend for fault in error.faults)


PATTERNS = {
    "name": "o.x",
    "says": "с",
    "patterns": ["^<pre>бзык"],
    "unsure": ["^бз$"],
    "inside": ["бзык"],
    "hits": ["[набзык]"],
    "passes": ["нет"],
}
IN_FILE = ["parts", "lemmas", "always", "clean", "translit", "rules", "ground", "pre"]


@given(st.sampled_from([*PATTERNS, "extra"]), strange, st.sampled_from(IN_FILE), strange)
def test_any_file_of_patterns_loads_or_shows_its_faults(
    tmp_path_factory: pytest.TempPathFactory, key: str, value: Any, other: str, odd: Any
) -> None:
    """The same of the file that looks through disguises."""
    content: dict[str, Any] = {"ground": "obscenity", "parts": {"pre": "(?:на)?"}, "rules": [{**PATTERNS, key: value}]}
    for changed in (content, {**content, other: odd}, {**content, "parts": {other: odd, "pre": f"<{other}>"}}):
        folder = tmp_path_factory.mktemp("any", numbered=True)
        (folder / "a.yaml").write_text(yaml.safe_dump(changed, allow_unicode=True), encoding="utf-8")
        try:
            RuleBook.load(folder)
        except FaultsError as error:
            assert all(fault.mend for fault in error.faults)


# Spans are of the original text


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> RuleBook:
    """One rule: «я тебя … убью»."""
    folder = tmp_path_factory.mktemp("small")
    rule = {"name": "t", "any": ["я тебя .. убить/1per+futr"], "hits": ["[я тебя убью]"], "passes": ["я"]}
    content = {"ground": "threat", "rules": [rule]}
    (folder / "threat.yaml").write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return RuleBook.load(folder)


around = st.text(max_size=40) | st.sampled_from(["İstanbul ß ", "е\u0308ж\u200b 👩‍👩‍👧 ", "ﷺ שלום ", "\x00\x85\u2028"])


@given(around, st.sampled_from(["я тебя убью", "Я ТЕБЯ завтра УБЬЮ", "я — те\u200bбя, сука, убьём"]), around)
def test_text_around_a_hit_shifts_its_span_and_nothing_else(small: RuleBook, before: str, hit: str, after: str) -> None:
    text = f"{before}\n{hit}\n{after}"
    found = [text[f.start : f.stop] for f in small.find(text) if f.start == len(before) + 1]
    assert found == [hit]


@given(st.text(max_size=80))
def test_words_stand_where_the_reading_says(text: str) -> None:
    reading = read(text)
    assert len(reading.folded) == len(text)
    last = 0
    for norm, start, stop in zip(reading.norms, reading.starts, reading.stops, strict=True):
        assert last <= start < stop <= len(text)
        assert norm
        last = stop
    assert len(reading.sentences) == len(reading.norms)
    assert reading.sentences == sorted(reading.sentences)


def test_an_example_marks_its_span() -> None:
    assert marked("вы [дурак] и точка") == ("вы дурак и точка", (3, 8))


# Work grows with the text, not faster


@pytest.mark.parametrize(
    "unit",
    [
        "я вас всех убью ",
        "убью, если бы не суд, ",
        "вы не дурак и не сволочь, а сосед ",
        "сказал убью сказал зарежу ",
        "у пожара дети ",
        "х у й ",
        "а",
        "* ",
        "не ",
        "😡",
        "дом горит. ",
    ],
)
def test_work_grows_with_the_length_of_the_text(book: RuleBook, unit: str) -> None:
    """Twice the text costs at most twice the steps, in one sentence as in many."""

    def cost(times: int) -> int:
        reading = read(unit * times)
        book.search(reading)
        return steps(lambda: book.search(read(unit * times)), "rules", "language")

    small = cost(150)
    assert cost(300) <= 2.2 * small + 200

"""The regulation: what the shipped folder says, how its faults are shown, which places the gazetteer finds."""

from __future__ import annotations

import hashlib
import re
import shutil
from datetime import date
from pathlib import Path

import pymorphy3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from language.reading import read
from records import FaultsError
from regulation import DayKind, Found, Gazetteer, Regulation, Urgency
from regulation.book import FILES
from regulation.documents import load
from regulation.policies import POLICIES

FOLDER = Path(__file__).parent.parent / "regulation"


@pytest.fixture(scope="module")
def regulation() -> Regulation:
    return Regulation.load(FOLDER)


# The shipped folder


def test_has_every_department_in_order(regulation: Regulation) -> None:
    """19 municipal departments come first, 21 external bodies follow."""
    external = [d.external for d in regulation.departments.values()]
    assert external == [False] * 19 + [True] * 21
    assert next(iter(regulation.departments)) == "ORG"


def test_departments_are_described(regulation: Regulation) -> None:
    """Each department has a competence of 60 to 120 words and five different examples."""
    for department in regulation.departments.values():
        assert 60 <= len(department.competence.split()) <= 120, department.code
        assert len(set(department.examples)) >= 5, department.code
        assert len(department.short) <= 22, department.code


def test_no_example_stands_twice(regulation: Regulation) -> None:
    """One sentence never speaks for two departments."""
    examples = [e.lower() for d in regulation.departments.values() for e in d.examples]
    assert len(set(examples)) == len(examples)


def test_only_territories_have_offices(regulation: Regulation) -> None:
    """A territorial office is named beside TERR alone."""
    assert [d.code for d in regulation.departments.values() if d.offices] == ["TERR"]


def test_has_every_topic(regulation: Regulation) -> None:
    """All 195 topics lead to a department and say whether they are urgent."""
    assert len(regulation.topics) == 195
    topic = regulation.topics["Открытые канализационные люки"]
    assert (topic.department, topic.urgency, topic.group) == ("JKH", Urgency.YES, "Благоустройство")


def test_has_every_policy(regulation: Regulation) -> None:
    """Each place where the decree is silent has a reading, its ground and other readings."""
    assert tuple(regulation.policies) == POLICIES
    assert len(POLICIES) == 33
    assert all(p.default and p.ground and p.why and p.options and p.values for p in regulation.policies.values())
    assert regulation.policies["draft_8h"].values["due_hours"] == 3
    assert regulation.policies["work_hours"].values["intervals"] == ("08:00-12:00", "13:00-17:00")


def test_region_overrides_the_country(regulation: Regulation) -> None:
    """Radonitsa is a day off by the law of the region; a working Saturday stays one."""
    assert regulation.days[date(2026, 4, 21)].kind is DayKind.OFF
    assert regulation.days[date(2026, 4, 21)].scope == "regional"
    assert regulation.days[date(2024, 4, 27)].kind is DayKind.WORK
    assert regulation.days[date(2025, 4, 26)].kind is DayKind.SHORT


def test_version_is_of_the_bytes(regulation: Regulation) -> None:
    """The version changes with any byte of any file and with nothing else."""
    digest = hashlib.sha256(b"".join((FOLDER / name).read_bytes() for name in sorted(FILES))).hexdigest()
    assert regulation.version == digest[:12]


# Faults


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in FILES:
        shutil.copy(FOLDER / name, tmp_path / name)
    return tmp_path


FAULTS = [
    ("topics.yaml", "department: BLAG", "department: NONE", "неизвестный код отдела NONE"),
    ("topics.yaml", "urgency: условно", "urgency: иногда", "urgency: неизвестное значение «иногда»"),
    ("topics.yaml", "  urgency: условно\n", "", "нет значения urgency"),
    ("topics.yaml", "group: Благоустройство", "gruop: Благоустройство", "неизвестный ключ «gruop»"),
    ("topics.yaml", "name: Предложение по благоустройству", "name: Ямы во дворах", "тема «Ямы во дворах» уже есть"),
    ("topics.yaml", "  reason: предложение, опасности нет", "  reason: 5", "reason: ждут текст, а не 5"),
    ("topics.yaml", "  reason: предложение, опасности нет", "  was: BLAG", "was и why пишут вместе"),
    ("departments.yaml", "code: JKH", "code: ORG", "код ORG уже есть"),
    ("departments.yaml", "code: JKH", "code: жкх", "код «жкх» не годится"),
    ("departments.yaml", "short: ЖКХ и энергетика", "short: Отдел ЖКХ и всей энергетики", "short длиннее 22 знаков"),
    ("departments.yaml", "offices: true", "offices: yes please", "offices: ждут true или false"),
    ("departments.yaml", "owns: [газпром", "owns: [5, газпром", "owns: ждут текст, а не 5"),
    ("places.yaml", "office: TERR_OREKHOVKA", "office: TERR_X", "неизвестный отдел TERR_X"),
    ("places.yaml", "- name: Мартыновка", "- name: Шангала", "«Шангала» уже есть"),
    ("places.yaml", "needs: предлог", "needs: союз", "needs: неизвестное значение «союз»"),
    ("places.yaml", "words: [лицей]", 'words: ["!"]', "«!» — не слово"),
    ("places.yaml", "words: [лицей], ", "", "нет значения words"),
    ("policies.yaml", "due_hours: 3", "due_hours: три", "due_hours: 'три' не подходит"),
    ("policies.yaml", "  publish_30m:", "  publish_40m:", "неизвестная настройка «publish_40m»"),
    ("policies.yaml", "  publish_30m:", "  publish_40m:", "нет настройки publish_30m"),
    ("policies.yaml", '"13:00-17:00"', '"11:00-17:00"', "intervals: ['08:00-12:00', '11:00-17:00'] не подходит"),
    ("policies.yaml", "lower_only: ORG", "lower_only: БОСС", "неизвестный код отдела БОСС"),
    ("policies.yaml", "return_resets: false", "return_reset: false", "неизвестное значение «return_reset»"),
    ("calendar.yaml", "kind: сокращённый", "kind: короткий", "kind: неизвестное значение «короткий»"),
    ("calendar.yaml", "  2023-04-25:", '  "25.04.2023":', "«25.04.2023» — не дата"),
    ("calendar.yaml", "  2023-04-25:", "  2023-13-45:", "«2023-13-45» — не дата"),
    ("calendar.yaml", "regional:", "regional: [", "это не YAML: скобка не закрыта"),
    ("departments.yaml", "  short: ЖКХ и энергетика", "  short: —", "short пусто"),
    ("policies.yaml", "    options:", "    # options:", "это не YAML"),
]


@pytest.mark.parametrize(("name", "old", "new", "what"), FAULTS)
def test_fault_is_shown_at_its_place(folder: Path, name: str, old: str, new: str, what: str) -> None:
    """Each fault names its file, its line with a caret under the word, and the mend."""
    path = folder / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(FaultsError) as error:
        Regulation.load(folder)
    fault = next(f for f in error.value.faults if f.what.startswith(what))
    assert fault.file == str(path)
    assert fault.mend
    assert fault.source == path.read_text(encoding="utf-8").splitlines()[fault.line - 1]
    assert 1 <= fault.column <= len(fault.source) + 1
    assert "^" in str(fault)


def test_fault_points_at_the_word(folder: Path) -> None:
    """Line and column are those of the wrong entry, not of the file's beginning."""
    path = folder / "topics.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("department: SELH", "department: SLH", 1), "utf-8")
    with pytest.raises(FaultsError) as error:
        Regulation.load(folder)
    (fault,) = error.value.faults
    assert fault.source.strip() == "department: SLH"
    assert fault.source[fault.column - 1 :].startswith("department")


def test_few_examples_and_empty_competence_are_faults(folder: Path) -> None:
    """A department that says too little about itself does not pass."""
    (folder / "departments.yaml").write_text(
        "departments:\n- code: ORG\n  name: Отдел\n  short: Отдел\n  competence: ''\n  examples: [а, б, в, г]\n",
        encoding="utf-8",
    )
    with pytest.raises(FaultsError) as error:
        Regulation.load(folder)
    shown = str(error.value)
    assert "departments.yaml:5:3: competence пусто" in shown
    assert "departments.yaml:6:3: примеров 4, а нужно не меньше 5" in shown


def test_no_example_may_stand_twice(folder: Path) -> None:
    """Neither with one department nor with two, however it is punctuated."""
    path = folder / "departments.yaml"
    first, second = "подскажите как попасть на приём к главе округа", "С утра краны сухие, даже умыться детям нечем."
    text = path.read_text(encoding="utf-8")
    assert f"- {first}" in text
    assert f"- {second}" in text
    line = next(line for line in text.splitlines() if line.startswith(f"  - {first}"))
    copy = line.replace("подскажите", "Подскажите,").replace("приём", "прием")
    path.write_text(text.replace(line, f"{line}\n{copy}!").replace(f"  - {second}", f"{copy}\n  - {second}"), "utf-8")
    with pytest.raises(FaultsError) as error:
        Regulation.load(folder)
    assert [f.what for f in error.value.faults] == ["такой пример уже есть у отдела ORG"] * 2
    assert [f.source for f in error.value.faults] == [f"{copy}!", copy]


def test_a_policy_needs_other_readings(folder: Path) -> None:
    path = folder / "policies.yaml"
    options = re.compile(r"    options:\n(?:    - .*\n)+")
    path.write_text(options.sub("    options: []\n", path.read_text(encoding="utf-8"), count=1), encoding="utf-8")
    with pytest.raises(FaultsError, match="нет других чтений"):
        Regulation.load(folder)


def test_a_code_that_many_topics_miss_is_one_fault(folder: Path) -> None:
    path = folder / "departments.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("code: BLAG", "code: BLAGO"), encoding="utf-8")
    with pytest.raises(FaultsError) as error:
        Regulation.load(folder)
    (fault,) = error.value.faults
    assert re.fullmatch(r"неизвестный код отдела BLAG \(и ещё в темах: \d+\)", fault.what)


def test_an_office_without_villages_is_a_warning(folder: Path) -> None:
    """Nobody is harmed by it, nobody will ever see it."""
    path = folder / "places.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("  office: TERR_OREKHOVKA\n", ""), encoding="utf-8")
    (warning,) = Regulation.load(folder).warnings
    assert warning.warning
    assert "TERR_OREKHOVKA нет ни одного населённого пункта" in warning.what
    assert "TERR_OREKHOVKA" in warning.source
    assert Regulation.load(FOLDER).warnings == ()


def test_a_key_that_stands_twice_hides_no_other_fault(folder: Path) -> None:
    path = folder / "topics.yaml"
    text = path.read_text(encoding="utf-8").replace("  urgency: нет", "  urgency: нет\n  urgency: нет", 1)
    path.write_text(text.replace("department: SELH", "department: SLH", 1), encoding="utf-8")
    with pytest.raises(FaultsError) as error:
        Regulation.load(folder)
    assert {f.what for f in error.value.faults} == {"ключ «urgency» записан дважды", "неизвестный код отдела SLH"}


def test_all_faults_of_all_files_at_once(folder: Path) -> None:
    """One reading shows everything: a missing file does not hide the faults of the others."""
    (folder / "calendar.yaml").unlink()
    for name, old, new in (
        ("topics.yaml", "urgency: нет", "urgency: ниет"),
        ("places.yaml", "office: TERR_OREKHOVKA", "office: TERR_X"),
        ("policies.yaml", "due_hours: 3", "due_hours: 0"),
    ):
        path = folder / name
        path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    with pytest.raises(FaultsError) as error:
        Regulation.load(folder)
    assert {Path(f.file).name for f in error.value.faults} == set(FILES) - {"departments.yaml"}


def test_broken_departments_do_not_blame_topics(folder: Path) -> None:
    """Codes are not called unknown where the file of departments could not be read."""
    (folder / "departments.yaml").write_text("departments: [", encoding="utf-8")
    with pytest.raises(FaultsError) as error:
        Regulation.load(folder)
    assert {Path(f.file).name for f in error.value.faults} == {"departments.yaml"}


@pytest.mark.parametrize(
    "text", ["", "5", "- а", "departments: 5", "departments:\n- 5", "? [а]\n: б", "a: !x 1", "&a [*a]"]
)
@pytest.mark.parametrize("name", FILES)
def test_any_shape_is_a_fault_not_a_crash(folder: Path, name: str, text: str) -> None:
    """Whatever YAML stands in a file, the reader answers with faults."""
    (folder / name).write_text(text, encoding="utf-8")
    with pytest.raises(FaultsError):
        Regulation.load(folder)


@given(text=st.text(max_size=60))
def test_any_text_is_read_or_a_fault(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    """The reader of YAML never fails otherwise than with a fault."""
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_text(text, encoding="utf-8", errors="replace")
    try:
        load(path)
    except FaultsError as error:
        assert error.faults


# What is not YAML: the text, where it went wrong (line and column), what is told

SYNTAX = [
    ("a:\n- b: c\n\td: e\n", 3, 1, "табуляция вместо отступа"),
    ("a:\n-\tb: c\n", 2, 2, "табуляция вместо отступа"),
    ("a: |\n\tтекст\n", 2, 1, "табуляция вместо отступа"),
    ("- a: b\n   c: d\n", 2, 4, "лишний отступ"),
    ("a: b\n  c: d\n", 2, 3, "лишний отступ"),
    ("a:\n  b: c\n d: e\n", 3, 2, "отступ не такой, как у соседних строк"),
    ("- a: b\n c: d\n", 2, 2, "в списке строка начинается с «- »"),
    ('- a: "b\n  c: d\n', 1, 6, "кавычка не закрыта"),
    ('- a: "b\n  c: "d"\n- e: f\n', 1, 6, "кавычка не закрыта в своей строке"),
    ("- a: 'b\n  c: d\n", 1, 6, "кавычка не закрыта"),
    ('a: "b" c\n', 1, 8, "после закрывающей кавычки стоит ещё текст"),
    ('a: ["b, "c"]\n', 1, 10, "после закрывающей кавычки стоит ещё текст"),
    ("a: [b, c\nd: e\n", 1, 4, "скобка не закрыта"),
    ("a: [b,\n", 1, 4, "скобка не закрыта"),
    ("- {a: b, c: d\n- {e: f}\n", 1, 3, "скобка не закрыта"),
    ("a: [b]]\nc: d\n", 1, 7, "лишняя скобка"),
    ('a: [\n  "b"\n  "c"\n]\n', 3, 3, "не хватает запятой"),
    ("a: ямы: дворы\n", 1, 7, "двоеточие посреди значения"),
    ("- {a: b: c}\n", 1, 8, "двоеточие посреди значения"),
    ("a: b\nc d\ne: f\n", 2, 1, "здесь ждут «ключ: значение», а двоеточия нет"),
    ("a b\nc: d\n", 1, 1, "здесь ждут «ключ: значение», а двоеточия нет"),
    ("a:b\nc: d\n", 1, 2, "после двоеточия нет пробела"),
    ("a: *b\n", 1, 4, "с «*» начинается ссылка, а якоря (&) с таким именем нет"),
    ("a: **важно**\n", 1, 5, "с «*» начинается ссылка, а это не её имя"),
    ("a: & b\n", 1, 5, "с «&» начинается якорь, а это не его имя"),
    ("a: &x 1\nb: &x 2\n", 2, 4, "якорь с таким именем уже есть"),
    ("a: @b\n", 1, 4, "с этого знака значение начинаться не может"),
    ("%a: b\n", 1, 3, "с «%» строка начинаться не может"),
    ("a: !важно\n", 1, 5, "с «!» начинается метка, а такой нет"),
    ("a: > текст\n", 1, 6, "после «|» и «>» текст пишут с новой строки"),
    ('a: "\\д"\n', 1, 6, "в двойных кавычках «\\» меняет смысл следующего знака"),
    ("a: b\n---\nc: d\n", 2, 1, "здесь начинается второй документ"),
    ("a: - b\n", 1, 4, "список здесь начаться не может"),
    ("a: , b\n", 1, 4, "здесь ждут значение"),
    ("a: б\x00в\n", 1, 5, "недопустимый невидимый знак U+0000"),
]


@pytest.mark.parametrize(("text", "line", "column", "what"), SYNTAX)
def test_what_is_not_yaml_is_told_in_russian_at_its_place(
    tmp_path: Path, text: str, line: int, column: int, what: str
) -> None:
    """The place is where the mistake was made, not where the parser noticed it."""
    path = tmp_path / "any.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FaultsError) as error:
        load(path)
    (fault,) = error.value.faults
    assert (fault.line, fault.column, fault.what) == (line, column, f"это не YAML: {what}")
    assert fault.source == text.split("\n")[line - 1]
    assert not re.search("[A-Za-z]{3}", fault.mend)


def test_mistakes_apart_are_told_together(tmp_path: Path) -> None:
    """Whoever mends the first does not wait for the second to appear."""
    path = tmp_path / "any.yaml"
    entries = [
        "- a: б: в",
        "  c: d",
        "- a: [б, в",
        "  c: d",
        "- a: 'б",
        "  c: d",
        "- a: б",
        "\tc: d",
        "- a: б",
        "  c: *d",
    ]
    path.write_text("\n".join(entries), encoding="utf-8")
    with pytest.raises(FaultsError) as error:
        load(path)
    assert [(f.line, f.what.removeprefix("это не YAML: ")) for f in error.value.faults] == [
        (1, "двоеточие посреди значения"),
        (3, "скобка не закрыта"),
        (5, "кавычка не закрыта"),
        (8, "табуляция вместо отступа"),
        (10, "с «*» начинается ссылка, а якоря (&) с таким именем нет"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "a: &a [*a]",
        "".join(f"a{i}: &a{i} [{f'*a{i - 1},' * 9}]\n" for i in range(1, 12)).replace("*a0", "x"),
    ],
)
def test_endless_nesting_is_a_fault(tmp_path: Path, text: str) -> None:
    path = tmp_path / "any.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FaultsError):
        load(path)


@pytest.mark.parametrize("before", [0, 20, 99, 100, 101, 5000])
@pytest.mark.parametrize("behind", [0, 30, 5000])
def test_of_a_long_line_the_place_is_shown(tmp_path: Path, before: int, behind: int) -> None:
    path = tmp_path / "any.yaml"
    path.write_text(f'a: "{"б" * before}" ё{"в" * behind}\n', encoding="utf-8")
    with pytest.raises(FaultsError) as error:
        load(path)
    _, excerpt, caret, _ = str(error.value).split("\n")
    assert len(excerpt) <= 104
    assert excerpt[caret.index("^")] == "ё"


# The gazetteer: sentence → settlement, street, house, object

PLACES: list[tuple[str, str | None, str | None, str | None, str | None]] = [
    # settlements in any form
    ("В Шангале третий день нет воды", "Шангала", None, None, None),
    ("шангалинцы ждут автобус с шести утра", "Шангала", None, None, None),
    ("мартыновские дороги убивают машины", "Мартыновка", None, None, None),
    ("когда почистят Сухую Буйволу?", "Сухая Буйвола", None, None, None),
    ("СУХАЯ БУЙВОЛА СИДИТ БЕЗ СВЕТА", "Сухая Буйвола", None, None, None),
    ("живём в донской балке, связи нет", "Донская Балка", None, None, None),
    ("Гофитчане просят врача", "Гофицкое", None, None, None),
    ("из рогатой балки не выехать", "Рогатая Балка", None, None, None),
    ("в николиной балке горит трава", "Николина Балка", None, None, None),
    ("посёлок прикалаусский опять без газа", "Прикалаусский", None, None, None),
    ("В Шведино не ходит автобус", "Шведино", None, None, None),
    ("Кугуты без интернета, в Кугутах забыли про связь", "Кугуты", None, None, None),
    ("х. Солёное Озеро, нужна вода", "Солёное Озеро", None, None, None),
    ("в константиновском свалка у въезда", "Константиновское", None, None, None),
    ("светлоградцы, кто видел пропавшего кота?", "Светлоград", None, None, None),
    ("п. Горный, нет света", "Горный", None, None, None),
    ("посёлок маяк забыли совсем", "Маяк", None, None, None),
    ("на Маяке опять нет воды", "Маяк", None, None, None),
    ("в Цветочном отключили газ", "Цветочный", None, None, None),
    ("в горном нет света вторые сутки", "Горный", None, None, None),
    ("пос. Пшеничный: дорога в ямах", "Пшеничный", None, None, None),
    ("из Полевого в город не добраться", "Полевой", None, None, None),
    ("В Высоцком отключили воду", "Высоцкое", None, None, None),
    ("Высоцкая школа мёрзнет", "Высоцкое", None, None, "школа"),
    ("в благодатном нет фельдшера", "Благодатное", None, None, None),
    ("Благодатное, когда будет вода?", "Благодатное", None, None, None),
    ("автобус из Светлограда в Шангале не останавливается", "Шангала", None, None, None),
    # traps of settlements
    ("горный воздух полезен, а у нас дым", None, None, None, None),
    ("Солёное Озеро сидит без воды", "Солёное Озеро", None, None, None),
    ("Буйвола опять без света", "Сухая Буйвола", None, None, None),
    ("люблю гулять в горном воздухе", None, None, None, None),
    ("дышали в горном санатории", None, None, None, None),
    ("цветочный магазин закрыли", None, None, None, None),
    ("купила в цветочном магазине розы", None, None, None, None),
    ("полевой стан сгорел", None, None, None, None),
    ("в полевых условиях", None, None, None, None),
    ("кафе «Маяк» шумит по ночам", None, None, None, "кафе «Маяк»"),
    ("встретились на маяке", None, None, None, None),
    ("пшеничный хлеб подорожал", None, None, None, None),
    ("Благодатное дело делаете!", None, None, None, None),
    ("пели песни Высоцкого до утра", None, None, None, None),
    ("у Высоцкого есть строки про это", None, None, None, None),
    ("купались в солёном озере", None, None, None, None),
    ("Солёное озеро пересохло", None, None, None, None),
    ("видел буйвола у дороги, буйволы пасутся", None, None, None, None),
    ("к высоцкому съезду", None, None, None, None),
    ("сухой была балка", None, None, None, None),
    # streets and houses
    ("на Ленина яма на яме", None, "Ленина", None, None),
    ("ул. Ленина, 14 течёт крыша", None, "Ленина", "14", None),
    ("улица пушкина дом 5 корпус 2", None, "Пушкина", "5 корпус 2", None),
    ("Калинина 14а, подъезд 2", None, "Калинина", "14а", None),
    ("по Телеграфной 12/3 прорвало трубу", None, "Телеграфная", "12/3", None),
    ("На Бассейной, 7 А не горит фонарь", None, "Бассейная", "7а", None),
    ("на выставочной опять темно", None, "Выставочная", None, None),
    ("на 9 Января снова потоп", None, "9 Января", None, None),
    ("ул. 9 января, д. 3", None, "9 Января", "3", None),
    ("площадь 50 лет Октября не убирают", None, "площадь 50 лет Октября", None, None),
    ("улица Полевая, 3 без воды", None, "Полевая", "3", None),
    ("в пер. Тихом разлив", None, "переулок Тихий", None, None),
    ("на улице Лермонтова темно", None, "Лермонтова", None, None),
    ("ул тенистая 5 нет газа", None, "Тенистая", "5", None),
    ("на улице Тихой лужа", None, "Тихая", None, None),
    ("ул. 8 Марта вся в ямах", None, "8 Марта", None, None),
    ("улица Маршала Жукова, 8", None, "Маршала Жукова", "8", None),
    ("на Тихой улице 5 не горит фонарь", None, "Тихая", "5", None),
    ("по улице Красных Партизан яма", None, "Красных Партизан", None, None),
    ("улица Клары Цеткин, 5", None, "Клары Цеткин", "5", None),
    ("на улице Зелёной Горки темно", None, "Зелёной Горки", None, None),
    ("улица Красный Октябрь, 9", None, "Красный Октябрь", "9", None),
    ("угол Ленина и Пушкина затопило", None, "Ленина", None, None),
    ("проспект Мира 22", None, "проспект Мира", "22", None),
    ("на Ленина 14 воды нет", None, "Ленина", "14", None),
    ("на Ленина 14 фонарей не горят", None, "Ленина", None, None),
    ("на Комсомольской 3 дня нет света", None, "Комсомольская", None, None),
    ("на Гагарина в 18:00 отключили свет", None, "Гагарина", None, None),
    ("Гагарина 18:00 отключили свет", None, None, None, None),
    ("Гагарина, 14: колодец открыт", None, "Гагарина", "14", None),
    ("на Гагарина, 3 комнаты сырые", None, "Гагарина", None, None),
    ("на Красной прорвало трубу", None, "Красная", None, None),
    ("с. Гофицкое, ул. Советская 12", "Гофицкое", "Советская", "12", None),
    ("г. Светлоград, ул. Шангалинская, 4", "Светлоград", "Шангалинская", "4", None),
    ("у дома № 5 открыт люк", None, None, "5", None),
    ("лоток на Тутовой построили выше дороги", None, "Тутова", None, None),
    ("верхние улицы Донской Балки без воды", "Донская Балка", None, None, None),
    ("улица Высоцкого, 3", None, "Высоцкого", "3", None),
    ("газон на октябрьской возле дома 22 машины", None, "Октябрьская", "22", None),
    ("дом 14 на Тутова без света", None, "Тутова", "14", None),
    ("Садовая 14-б, забит колодец", None, "Садовая", "14б", None),
    ("на Мира 12 в 8 утра авария", None, "Мира", "12", None),
    ("на Мира 5-й день без воды", None, "Мира", None, None),
    # traps of streets
    ("памятник Ленину покрасьте", None, None, None, None),
    ("на улице темно и страшно", None, None, None, None),
    ("На улице Дети играют", None, None, None, None),
    ("на улице 30 градусов мороза", None, None, None, None),
    ("в красной куртке бегает", None, None, None, None),
    ("на школьной площадке сломаны качели", None, None, None, None),
    ("по крайней мере ответьте", None, None, None, None),
    ("советская власть строила лучше", None, None, None, None),
    ("мир и добро, миру мир", None, None, None, None),
    ("записали на приём 9 января", None, None, None, None),
    ("с 1 по 9 января не вывозили мусор", None, None, None, None),
    ("жалоба на Шевченко", None, None, None, None),
    ("площадь участка 12 соток", None, None, None, None),
    ("дома 3 дня нет света", None, None, None, None),
    # objects
    ("в школе № 4 холодно", None, None, None, "школа № 4"),
    ("4-я школа без охраны", None, None, None, "школа № 4"),
    ("в третьей школе драка", None, None, None, "школа № 3"),
    ("СОШ №7 без спортзала", None, None, None, "школа № 7"),
    ("2 школы закрыли", None, None, None, None),
    ("школа жизни", None, None, None, None),
    ("в детском саду «Ромашка» дует", None, None, None, "детский сад «Ромашка»"),
    ("садик Солнышко закрыли на ремонт", None, None, None, "детский сад «Солнышко»"),
    ("д/с № 12 нет мест", None, None, None, "детский сад № 12"),
    ("ФАП закрыт, фельдшера нет", None, None, None, "ФАП"),
    ("в ФАПе Шангалы нет лекарств", "Шангала", None, None, "ФАП"),
    ("в парке Победы сломали лавочки", None, None, None, "парк Победы"),
    ("на рынке крысы", None, None, None, "рынок"),
    ("на рынке труда тяжело", None, None, None, None),
    ("мост через Калаус шатается", None, None, None, "мост"),
    ("Калаус вышел из берегов", None, None, None, "река Калаус"),
    ("На Горке нет воды", None, None, None, "Горка"),
    ("мы живём на горке, воды нет", None, None, None, "Горка"),
    ("на Кисличем собаки", None, None, None, "Кисличее"),
    ("детская горка сломана", None, None, None, None),
    ("ребёнок упал на горке во дворе", None, None, None, None),
    ("Горка на площадке без перил", None, None, None, None),
    ("у элеватора на Привокзальной 5 пыль", None, "Привокзальная", "5", "элеватор"),
    ("вокруг стадиона бурьян", None, None, None, "стадион"),
    ("ребёнок ходит в школу пешком", None, None, None, None),
    ("в Ореховке школа без света", "Ореховка", None, None, "школа"),
    ("очередь стоит как в музее", None, None, None, None),
    ("клубы дыма над полем", None, None, None, None),
    ("Спасибо за работу!", None, None, None, None),
]


def shown(found: Found | None) -> tuple[str | None, str | None, str | None, str | None]:
    place = found.place() if found else None
    return (place.settlement, place.street, place.house, place.object) if place else (None, None, None, None)


@pytest.mark.parametrize(("text", "settlement", "street", "house", "thing"), PLACES, ids=[p[0] for p in PLACES])
def test_place(
    regulation: Regulation, text: str, settlement: str | None, street: str | None, house: str | None, thing: str | None
) -> None:
    """Only what the text names is found, and common words are told from names."""
    assert shown(regulation.places.find(read(text))) == (settlement, street, house, thing)


# Settlements in the six cases: nominative, genitive, dative, accusative, instrumental, locative

CASES = {
    "Светлоград": "Светлоград Светлограда Светлограду Светлоград Светлоградом Светлограде",
    "Шангала": "Шангала Шангалы Шангале Шангалу Шангалой Шангале",
    "Мартыновка": "Мартыновка Мартыновки Мартыновке Мартыновку Мартыновкой Мартыновке",
    "Просянка": "Просянка Просянки Просянке Просянку Просянкой Просянке",
    "Солёное Озеро": "Солёное Озеро, Солёного Озера, Солёному Озеру, Солёное Озеро, Солёным Озером, Солёном Озере",
    "Сухая Буйвола": "Сухая Буйвола, Сухой Буйволы, Сухой Буйволе, Сухую Буйволу, Сухой Буйволой, Сухой Буйволе",
    "Донская Балка": "Донская Балка, Донской Балки, Донской Балке, Донскую Балку, Донской Балкой, Донской Балке",
    "Гофицкое": "Гофицкое Гофицкого Гофицкому Гофицкое Гофицким Гофицком",
    "Рогатая Балка": "Рогатая Балка, Рогатой Балки, Рогатой Балке, Рогатую Балку, Рогатой Балкой, Рогатой Балке",
    "Высоцкое": "Высоцкое Высоцкого Высоцкому Высоцкое Высоцким Высоцком",
    "Ореховка": "Ореховка Ореховки Ореховке Ореховку Ореховкой Ореховке",
    "Константиновское": "Константиновское Константиновского Константиновскому Константиновское Константиновским "
    "Константиновском",
    "Прикалаусский": "Прикалаусский Прикалаусского Прикалаусскому Прикалаусский Прикалаусским Прикалаусском",
    "Шведино": "Шведино Шведина Шведину Шведино Шведином Шведине",
    "Благодатное": "Благодатное Благодатного Благодатному Благодатное Благодатным Благодатном",
    "Николина Балка": "Николина Балка, Николиной Балки, Николиной Балке, Николину Балку, Николиной Балкой, "
    "Николиной Балке",
    "Кугуты": "Кугуты Кугутов Кугутам Кугуты Кугутами Кугутах",
    "Горный": "Горный Горного Горному Горный Горным Горном",
    "Маяк": "Маяк Маяка Маяку Маяк Маяком Маяке",
    "Полевой": "Полевой Полевого Полевому Полевой Полевым Полевом",
    "Пшеничный": "Пшеничный Пшеничного Пшеничному Пшеничный Пшеничным Пшеничном",
    "Цветочный": "Цветочный Цветочного Цветочному Цветочный Цветочным Цветочном",
}
FRAMES = (
    ("{} без света", "п. {} без света"),
    ("дорога из {} разбита", "жители посёлка {} ждут врача"),
    ("к {} не проехать", "посёлку {} нужна вода"),
    ("в {} не ходит автобус", "едем в посёлок {} на выходные"),
    ("под {} свалка", "за посёлком {} горит трава"),
    ("в {} нет воды", "в посёлке {} темно"),
)
# Common words that alone, at the beginning, name nothing: «Горный без света».
COMMON = {"Горный", "Маяк", "Полевой", "Пшеничный", "Цветочный"}


def test_every_settlement_is_in_the_table_of_cases(regulation: Regulation) -> None:
    assert set(CASES) == set(regulation.places.settlements)


@pytest.mark.parametrize("name", CASES)
def test_a_settlement_is_found_in_every_case(regulation: Regulation, name: str) -> None:
    """By itself and beside the word «посёлок»."""
    forms = CASES[name].split(", " if " " in name else " ")
    missed = []
    for number, (form, frames) in enumerate(zip(forms, FRAMES, strict=True)):
        for frame in frames[number == 0 and name in COMMON :]:
            if shown(regulation.places.find(read(frame.format(form))))[0] != name:
                missed.append(frame.format(form))
    assert missed == []


# Names of an adjective and a noun that an editor adds, in the cases that pymorphy3 makes of them

ANALYSER = pymorphy3.MorphAnalyzer(lang="ru")
ADJECTIVES = "вишнёвый красный новый верхний светлый большой казачий".split()
NOUNS = "заря октябрь путь родники поле балка ключ озеро нива степь".split()
PREPOSITIONS = {"nomn": "", "gent": "из ", "datv": "к ", "accs": "через ", "ablt": "под ", "loct": "в "}


def compound(adjective: str, noun: str, case: str) -> str:
    """«Вишнёвая Заря» in a case."""
    thing = next(p for p in ANALYSER.parse(noun) if "nomn" in p.tag and "NOUN" in p.tag and "inan" in p.tag)
    inflected = thing.inflect({case})
    described = next(p for p in ANALYSER.parse(adjective) if {"ADJF", "nomn", "masc"} in p.tag)
    gender = {"plur"} if thing.tag.number == "plur" else {thing.tag.gender, "sing"}
    still = case == "accs" and thing.tag.gender != "femn"
    agreeing = described.inflect({"nomn" if still else case, *gender})
    return f"{agreeing.word} {inflected.word}".title()


@pytest.fixture(scope="module")
def enlarged(tmp_path_factory: pytest.TempPathFactory) -> Gazetteer:
    """The shipped places with a settlement for each adjective and noun, and a street of each such name."""
    folder = tmp_path_factory.mktemp("regulation")
    for name in FILES:
        shutil.copy(FOLDER / name, folder / name)
    names = [compound(adjective, noun, "nomn") for adjective in ADJECTIVES for noun in NOUNS]
    added = "".join(f"- name: {name}\n  office: TERR_SHANGALA\n" for name in names)
    path = folder / "places.yaml"
    text = path.read_text(encoding="utf-8").replace("\n# Слова перед именем", f"{added}\n# Слова перед именем")
    path.write_text(
        text.replace("- name: Ленина", "- name: Ленина\n- name: Красных Партизан\n- name: Тихий Дон"), "utf-8"
    )
    return Regulation.load(folder).places


@given(adjective=st.sampled_from(ADJECTIVES), noun=st.sampled_from(NOUNS), case=st.sampled_from(list(PREPOSITIONS)))
@settings(max_examples=200)
def test_a_name_of_two_words_is_found_in_every_case(enlarged: Gazetteer, adjective: str, noun: str, case: str) -> None:
    name, form = compound(adjective, noun, "nomn"), compound(adjective, noun, case)
    for text in (f"{PREPOSITIONS[case]}{form} нет дороги", f"{PREPOSITIONS[case]}{form} нет дороги".lower()):
        assert shown(enlarged.find(read(text)))[0] == name, text


@pytest.mark.parametrize(
    ("text", "settlement", "street"),
    [
        ("на Красном Октябре без воды", "Красный Октябрь", None),
        ("в Вишнёвой Заре погас свет", "Вишнёвая Заря", None),
        ("по улице Красных Партизан не пройти", None, "Красных Партизан"),
        ("на Красных Партизан темно", None, "Красных Партизан"),
        ("ул. Красных Партизан, 5", None, "Красных Партизан"),
        ("на Тихом Дону авария", None, "Тихий Дон"),
        ("на улице Тихого Дона авария", None, "Тихий Дон"),
        ("улица Тихий Дон, 3", None, "Тихий Дон"),
        ("прекрасный октябрь стоит", None, None),
        ("в прошлом октябре обещали свет", None, None),
        ("красные флажки у нового дома", None, None),
        ("взошла заря, вишнёвая наливка", None, None),
        ("в новом доме ключ потеряли", None, None),
    ],
)
def test_names_of_two_words_are_told_from_common_words(
    enlarged: Gazetteer, text: str, settlement: str | None, street: str | None
) -> None:
    assert shown(enlarged.find(read(text)))[:2] == (settlement, street)


def test_nothing_named_is_none(regulation: Regulation) -> None:
    """A text without a place has no place at all, not an empty one."""
    assert regulation.places.find(read("спасибо большое")) is None
    assert regulation.places.find(read("")) is None


def test_office_is_of_the_settlement(regulation: Regulation) -> None:
    """Martynovka belongs to the office of Shangala; the town and places to be settled have none."""
    for text, office in (("в Мартыновке", "TERR_SHANGALA"), ("в Светлограде", None), ("в Кугутах", None)):
        found = regulation.places.find(read(text))
        assert found is not None
        assert found.office == office
    assert "TERR_SHANGALA" in regulation.places.offices


def test_offsets_are_of_the_text(regulation: Regulation) -> None:
    """Each part is pointed at where it stands."""
    text = "Здравствуйте! В Шангале по ул. Советской 12а возле школы № 3 темно"
    found = regulation.places.find(read(text))
    assert found is not None
    parts = (found.settlement, found.street, found.house, found.object)
    assert [text[p.start : p.stop] for p in parts if p] == ["Шангале", "ул. Советской", "12а", "школы № 3"]


WORDS = st.sampled_from(
    "улица ул. на по в Ленина ленина Горный горном Полевой Тихая школа № 4 12 14а / «Ромашка» садик 9 Января лет "
    "50 Октября Сухая Буйвола дом д. корпус , . - Горка площадь с. п. парк Победы ФАП е\u0301 \u200b İ ²".split()
)


@given(text=st.one_of(st.text(), st.lists(WORDS, max_size=12).map(" ".join), st.lists(WORDS, max_size=8).map("".join)))
def test_never_crashes_and_stays_inside(regulation: Regulation, text: str) -> None:
    """On any text, the offsets lie inside it and in order."""
    found = regulation.places.find(read(text))
    if found is not None:
        for part in (found.settlement, found.street, found.house, found.object):
            assert part is None or (0 <= part.start < part.stop <= len(text) and part.value)


@given(text=st.lists(WORDS, max_size=12).map(" ".join))
def test_same_text_same_place(regulation: Regulation, text: str) -> None:
    """The place is a pure function of the text."""
    assert regulation.places.find(read(text)) == regulation.places.find(read(text))

"""The regulation: what the shipped folder says, and how its faults are shown."""

from __future__ import annotations

import hashlib
import re
import shutil
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from records import FaultsError
from regulation import DayKind, Regulation, Urgency
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
    assert len(POLICIES) == 34  # those of the decree, and how long texts are kept
    assert all(p.default and p.ground and p.why and p.options and p.values for p in regulation.policies.values())
    assert regulation.policies["draft_8h"].values["before_deadline_hours"] == 5
    assert regulation.policies["work_hours"].values["intervals"] == ("08:00-12:00", "13:00-17:00")


def test_region_overrides_the_country(regulation: Regulation) -> None:
    """Radonitsa is a day off by the law of the region; a working Saturday stays one."""
    radonitsa = regulation.days.of(2026)[date(2026, 4, 21)]
    assert (radonitsa.kind, radonitsa.scope) == (DayKind.OFF, "regional")
    assert regulation.days.of(2024)[date(2024, 4, 27)].kind is DayKind.WORK
    spring = regulation.days.of(2025)
    assert (spring[date(2025, 4, 26)].kind, spring[date(2025, 4, 30)].kind) == (DayKind.SHORT, DayKind.OFF)
    assert (spring[date(2025, 5, 1)].scope, spring[date(2025, 4, 30)].scope) == ("federal", "regional")


def test_days_are_of_the_year_that_was_asked(regulation: Regulation) -> None:
    assert all({day.year for day in regulation.days.of(year)} == {year} for year in range(2023, 2028))
    assert (regulation.days.knows(2027), regulation.days.knows(2098)) == (True, False)


def test_a_year_in_the_file_is_taken_from_it_whole(folder: Path) -> None:
    """The library is not asked of such a year; the region still comes first."""
    path = folder / "calendar.yaml"
    day = "2026-04-{}: {{kind: рабочий, name: перенос}}"
    path.write_text(f"{path.read_text(encoding='utf-8')}federal:\n  {day.format(18)}\n  {day.format(21)}\n", "utf-8")
    days = Regulation.load(folder).days
    found = {day: entry.kind for day, entry in days.of(2026).items()}
    assert found == {date(2026, 4, 18): DayKind.WORK, date(2026, 4, 21): DayKind.OFF}
    assert date(2025, 1, 1) in days.of(2025)


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
    (
        "policies.yaml",
        "before_deadline_hours: 5",
        "before_deadline_hours: три",
        "before_deadline_hours: 'три' не подходит",
    ),
    ("policies.yaml", "  publish_30m:", "  publish_40m:", "неизвестная настройка «publish_40m»"),
    ("policies.yaml", "  publish_30m:", "  publish_40m:", "нет настройки publish_30m"),
    ("policies.yaml", '"13:00-17:00"', '"11:00-17:00"', "intervals: ['08:00-12:00', '11:00-17:00'] не подходит"),
    ("policies.yaml", "start: detected_at", "start: published_at", "start: программа умеет только detected_at"),
    ("policies.yaml", "return_resets: false", "return_resets: 0", "return_resets: программа умеет только false"),
    ("policies.yaml", "other_days: {}", "other_days: {8: []}", "other_days: {8: []} не подходит"),
    ("policies.yaml", "start: detected_at", "start: published_at", "start: программа умеет только detected_at"),
    ("policies.yaml", "return_resets: false", "return_resets: 0", "return_resets: программа умеет только false"),
    ("policies.yaml", "other_days: {}", 'other_days: {5: ["9-13"]}', "other_days: {5: ['9-13']} не подходит"),
    ("policies.yaml", "short_by_minutes: 60", "short_by_minutes: 0", "short_by_minutes: 0 не подходит"),
    ("policies.yaml", "short_by_minutes: 60", "short_day_until: 960", "неизвестное значение «short_day_until»"),
    ("policies.yaml", "body: CUR", "body: БОСС", "неизвестный код отдела БОСС"),
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
        ("policies.yaml", "before_deadline_hours: 5", "before_deadline_hours: 0"),
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

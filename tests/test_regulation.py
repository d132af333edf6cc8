"""The regulation: what the shipped folder says, how its faults are shown, which places the gazetteer finds."""

from __future__ import annotations

import hashlib
import shutil
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from language.reading import read
from records import FaultsError
from regulation import DayKind, Found, Regulation, Urgency
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
    ("calendar.yaml", "  2023-04-25:", "  2023-13-45:", "значение не читается"),
    ("calendar.yaml", "regional:", "regional: [", "это не YAML"),
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

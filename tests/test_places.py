"""The gazetteer: which places it finds in what residents write, and which it must not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pymorphy3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from language.reading import read
from regulation import Found, Gazetteer, Regulation
from regulation.book import FILES

FOLDER = Path(__file__).parent.parent / "regulation"


@pytest.fixture(scope="module")
def regulation() -> Regulation:
    return Regulation.load(FOLDER)


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

"""Numbers of houses: «12», «14а», «12/3», «5 корпус 2» — and the numbers that are none («14 фонарей», «в 18:00»)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from language.morphology import forms, lemma
from language.reading import Reading
from regulation.context import Candidate, Mention, Part, word_at
from regulation.names import gap, near

_HOUSE = re.compile(
    r"(?P<lead>[\s,.]{0,3}(?:(?:дом[аеу]?|д)(?![^\W\d_])[\s.]{0,2})?(?:№|n|номер)?\s{0,2})"
    r"(?P<number>\d{1,3})(?!\d)"
    r"(?:[\"«']?(?P<letter>[а-илнп])[\"»']?(?![^\W\d_])(?!\s?\d)|-(?P<dashed>[а-д])(?![^\W_])|\s(?P<spaced>[а-е])(?![^\W_]))?"
    r"(?:\s?/\s?(?P<slash>\d{1,3}|[а-е](?![^\W_])))?"
    r"(?:[\s,]{0,2}(?:корпус|корп|к)[\s.]{0,2}(?P<block>\d{1,2})(?!\d))?"
)
_NOT_AFTER = re.compile(r":\d|\s?[%°₽]|[.,]\d|-[^\W\d_]|\s?-\s?\d{4}")
_NEARBY = frozenset("возле около у напротив перед за от до".split())
_UNITS = frozenset(
    "января февраля марта апреля мая июня июля августа сентября октября ноября декабря год года лет г гг час часа "
    "часов ч мин минут минуты руб рубля рублей тыс тысяч день дня дней недель недели месяц месяца месяцев раз раза "
    "человек метр метра метров м км километров этаж этажа этажей градус градуса градусов кв квадратов процент "
    "процентов утра вечера ночи числа число класс класса классе й я го ый ая ой летний летняя балл баллов штук сутки "
    "суток комнаты комнат комнатная комнатную комнатной".split()
)
_SHORTEST_COUNTED = 3
_NEVER_COUNTED = frozenset(
    "воды света тепла газа отопления электричества интернета напряжения освещения канализации связи мусора снега "
    "горячей холодной подъезда".split()
)


@dataclass(frozen=True, slots=True)
class House:
    """«дом 5», «д. 12» where no street stands before it."""

    def read(self, here: Mention) -> Candidate | None:
        return house_after(here.reading, here.last, sure=here.before() in _NEARBY)


def house_after(reading: Reading, last: int, *, sure: bool = False) -> Candidate | None:
    """The number of a house right behind the word ``last``; ``sure`` that it counts nothing («возле дома 22»)."""
    match = _HOUSE.match(reading.folded, reading.stops[last])
    if match and match["spaced"] and not _is_letter(reading.text, match.start("spaced")):
        match = _HOUSE.match(reading.folded, reading.stops[last], match.end("number"))
    if match is None or _NOT_AFTER.match(reading.folded, match.end()):
        return None
    if not match["lead"] and reading.stops[last] == match.start("number"):
        return None
    end = word_at(reading, match.end(), last)
    bare = not sure and not match["lead"].strip() and match.end() == match.end("number")
    if near(reading, end + 1, "-") and _counts(int(match["number"]), reading, end + 1, bare):
        return None
    start, stop = match.start("number"), match.end()
    return Candidate(Part.HOUSE, _shown(match), end, start, stop, 1)


def _is_letter(text: str, at: int) -> bool:
    """Whether a letter apart from its number belongs to it: «7 А не горит», «7 а.» but not «7 а там», «7 В 8»."""
    behind = text[at + 1 : at + 4].lstrip()[:1]
    return not behind.isalnum() or (text[at].isupper() and behind.islower())


def _shown(match: re.Match[str]) -> str:
    shown = match["number"] + (match["letter"] or match["dashed"] or match["spaced"] or "")
    if match["slash"]:
        shown += f"/{match['slash']}"
    return f"{shown} корпус {match['block']}" if match["block"] else shown


def _counts(number: int, reading: Reading, at: int, bare: bool) -> bool:
    """Whether the number counts the word behind it."""
    word = reading.norms[at]
    if word in _UNITS and "." not in gap(reading, at):
        return True
    return bare and word not in _NEVER_COUNTED and counted(word, number)


@lru_cache(maxsize=10_000)
def counted(word: str, number: int) -> bool:
    """Whether the word is in the form that the number asks for: «14 фонарей», «22 машины»."""
    if len(word) < _SHORTEST_COUNTED or (number % 10 == 1 and number % 100 != 11):
        return False
    few = number % 10 in (2, 3, 4) and number % 100 not in (12, 13, 14)
    return word in forms(lemma(word), frozenset({"gent", "NOUN", "sing" if few else "plur"}))

"""What a character may stand for in a Russian word: by sight, by sound, by its place on the keyboard.

Sources: Unicode's confusables for the Cyrillic block, GOST 7.79 and everyday transliteration, the JCUKEN layout.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from language.reading import INVISIBLE

LOOKS = {
    **dict(zip("acdefghijklmnopqrstuvwxyz", [*"асдефгнийклмпорягстиушхуз"], strict=True)),
    "b": "ьбв", "c": "сц", "h": "нх", "u": "иу", "y": "уй", "m": "мт", "n": "пн", "p": "рп", "r": "гр", "g": "дг",
    "l": "лг", "t": "т", "v": "в", "w": "шв", "i": "и", "q": "я",
    "0": "о", "1": "ил", "3": "зе", "4": "чау", "5": "сб", "6": "б", "7": "ту", "8": "в", "9": "яд",
    "@": "а", "$": "с", "!": "и", "|": "ил", "€": "е", "β": "вб", "γ": "уг", "η": "нп", "ν": "вн", "ω": "шо",
}  # fmt: skip
SOUNDS = {
    **dict(zip("abdefgiklmnoprstuvwz", [*"абдефгиклмнопрстуввз"], strict=True)),
    "c": "цск", "h": "хг", "j": "йж", "q": "к", "x": "х", "y": "йыу",
    "0": "о", "1": "и", "3": "зе", "4": "ча", "6": "б", "8": "в", "9": "я", "@": "а", "$": "с", "!": "и", "|": "и",
    "€": "е",
}  # fmt: skip
SYLLABLES: dict[str, tuple[str, ...]] = {
    "shch": ("щ",), "sch": ("щ", "ш"), "zh": ("ж",), "kh": ("х",), "tz": ("ц",), "ts": ("ц",), "tc": ("ц",),
    "ch": ("ч",), "sh": ("ш",), "ya": ("я",), "ja": ("я",), "ia": ("я", "иа"), "yu": ("ю",), "ju": ("ю",),
    "iu": ("ю",), "yo": ("е",), "jo": ("е",), "ye": ("е", "ые"), "je": ("е",), "ie": ("е", "ие"), "yi": ("ый",),
    "iy": ("ий",), "yj": ("ый",), "ij": ("ий",), "ee": ("и",), "oo": ("у",), "ck": ("к",),
}  # fmt: skip
KEYS = str.maketrans(
    "qwertyuiop[]asdfghjkl;'zxcvbnm,.`{}:\"<>~",
    "йцукенгшщзхъфывапролджэячсмитьбюехъжэбюе",
)
HIDDEN = "*#@%$&^+=~"
_KIN: dict[str, str] = {
    alike: letter
    for letter, alikes in {
        "а": "αᴀӑӓәɑ", "б": "ƃ", "в": "ʙ", "г": "ґғᴦ", "д": "δԁ", "е": "εєҽѐӗ", "ж": "җӝ", "з": "ζҙӟᴈɜ", "и": "ιіїӣӥѝɪ",
        "й": "јҋ", "к": "κқҝҟҡᴋĸ", "л": "λљԉӆᴧ", "м": "μᴍ", "н": "ңҥњʜ", "о": "οөӧσᴏ", "п": "πᴨ", "р": "ρᴘҏ",
        "с": "ςϲѕҫᴄ", "т": "τҭᴛ", "у": "υүұўӯӱӳ", "ф": "φѳ", "х": "χҳӽӿ", "ц": "џҵ", "ч": "ҷҹћђ", "ш": "ѡ",
        "ь": "ѣҍ", "ы": "ӹ", "э": "ӭ", "я": "ᴙʁ",
    }.items()
    for alike in alikes
}  # fmt: skip
_MARK = re.compile(rf"[{INVISIBLE}\u0300-\u036f\u0483-\u0489\u20d0-\u20ff\U0001f3fb-\U0001f3ff]")
_ENCLOSED = re.compile(r"(?:NEGATIVE )?(?:SQUARED|CIRCLED) LATIN CAPITAL LETTER ([A-Z])")
_BEE = "\U0001f41d"
_USUAL = re.compile(r"[а-яa-z0-9 -~«»„“”…–—№]*")


def visible(chunk: str) -> tuple[str, list[int]]:
    """What is seen of a folded chunk, and the offset of each of its characters in it.

    Invisible characters and combining marks are left out; Cyrillic of other languages and Greek become the Russian
    letters they resemble, the bee what it stands for in words; enclosed and full-width letters become plain ones.
    """
    if _USUAL.fullmatch(chunk):
        return chunk, list(range(len(chunk)))
    seen: list[str] = []
    at: list[int] = []
    for place, char in enumerate(chunk):
        if char == "\u0306" and seen and seen[-1] == "и":
            seen[-1] = "й"
        elif char == _BEE:
            seen.extend("еб")
            at.extend((place, place))
        elif not _MARK.match(char):
            seen.append(_seen(char))
            at.append(place)
    return "".join(seen), at


def after_marks(chunk: str, stop: int) -> int:
    """Where the marks and invisible characters that follow a letter end."""
    while stop < len(chunk) and _MARK.match(chunk, stop):
        stop += 1
    return stop


@lru_cache(maxsize=4096)
def _seen(char: str) -> str:
    """One character for one."""
    if "а" <= char <= "я" or char < "\x7f":
        return char
    for like in (char, *unicodedata.normalize("NFKD", char).lower()):
        if like in _KIN or (like.isascii() and like.isalnum()):
            return str(_KIN.get(like, like))
    squared = _ENCLOSED.fullmatch(unicodedata.name(char, ""))
    return squared[1].lower() if squared else char

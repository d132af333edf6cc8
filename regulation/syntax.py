"""What keeps a text from being YAML, in Russian: where it went wrong, and how to mend it.

PyYAML stops at its first error and names the place where it noticed one, which may be far behind the quotation
mark that nobody closed. Here that place is looked for, its line put aside and the rest read on, so that mistakes
that have nothing to do with each other come together.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from records import Fault

Place = tuple[int, int]
_MOST = 10
_BREAKS = re.compile(r"\r\n|[\n\r\x85\u2028\u2029]")
_UNPRINTABLE = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_ENTRY = re.compile(r"\s*(?:-\s|[\w.-]+:(?:\s|$))")
_SQUEEZED = re.compile(r"\s*(?:-\s+)*[\w.-]+:(?=\S)")
_LEAD = re.compile(r"\s*(?:-\s+)*")
_KEY = re.compile(r"[^:]*:(?:\s|$)")
_QUOTE = "возьмите всё значение в кавычки"
_ALIGN = "выровняйте начало строки с соседними"
_BLOCK = "перенесите текст на новую строку, с отступом"
# What the parser says, and the same for people; asked in this order.
_SAID = (
    ("found character '\\\\t'", "табуляция вместо отступа", "замените её пробелами"),
    ("found character", "с этого знака значение начинаться не может", _QUOTE),
    ("escape", "в двойных кавычках «\\» меняет смысл следующего знака", "пишите «\\\\» или возьмите одинарные кавычки"),
    ("sequence entries", "список здесь начаться не может", "перенесите «- » на новую строку"),
    ("second occurr?ence", "якорь с таким именем уже есть", "дайте ему другое имя"),
    ("undefined alias", "с «*» начинается ссылка, а якоря (&) с таким именем нет", _QUOTE),
    ("another document", "здесь начинается второй документ", "уберите строку ---"),
    ("document start", "здесь файл уже закончен", f"{_ALIGN}; уберите строку ..., если она есть"),
    ("comment or a line break|indentation indicator", "после «|» и «>» текст пишут с новой строки", _BLOCK),
    ("found '[]}]'", "лишняя скобка", "уберите её или откройте такую же раньше"),
    ("node content", "здесь ждут значение", "впишите его или уберите лишний знак"),
    ("expected ','", "не хватает запятой", "поставьте запятую или закройте скобку"),
)
# The same by what the parser was reading.
_READING = (
    ("alias", "с «*» начинается ссылка, а это не её имя", _QUOTE),
    ("anchor", "с «&» начинается якорь, а это не его имя", _QUOTE),
    ("tag|node", "с «!» начинается метка, а такой нет", _QUOTE),
    ("directive", "с «%» строка начинаться не может", _QUOTE),
    ("block collection", "в списке строка начинается с «- »", f"добавьте «- » или {_ALIGN}"),
    ("block mapping", "отступ не такой, как у соседних строк", _ALIGN),
)


@dataclass(frozen=True, slots=True)
class Slip:
    """A mistake: ``line`` and ``column`` count from 0."""

    line: int
    column: int
    what: str
    mend: str


def lines_of(text: str) -> list[str]:
    """Lines as YAML counts them."""
    return _BREAKS.split(text)


def slips_of(text: str, error: yaml.MarkedYAMLError) -> Iterator[Slip]:
    """Each mistake of a text that ``error`` kept from being read.

    What stands right below a mistake is not told: most often it is the same one.
    """
    lines = lines_of(text)
    found = _error(text) or error
    last = -2
    for _ in range(_MOST):
        slip = _slip("\n".join(lines), lines, found)
        if slip.line <= last:
            return
        if slip.line > last + 1:
            yield slip
        last = slip.line
        lines[last] = _put_aside(lines, last)
        error_behind = _error("\n".join(lines))
        if error_behind is None:
            return
        found = error_behind


def unprintable(text: str) -> Slip | None:
    """The first character that no YAML may have."""
    found = _UNPRINTABLE.search(text)
    if found is None:
        return None
    before = lines_of(text[: found.start()])
    what = f"недопустимый невидимый знак U+{ord(found[0]):04X}"
    return Slip(len(before) - 1, len(before[-1]), what, "удалите его (сотрите и наберите строку заново)")


def faults_of(path: Path, lines: Sequence[str], slips: Iterable[Slip]) -> list[Fault]:
    return [
        Fault(str(path), slip.line + 1, slip.column + 1, f"это не YAML: {slip.what}", slip.mend, lines[slip.line])
        for slip in slips
    ]


def _error(text: str) -> yaml.MarkedYAMLError | None:
    """The error of PyYAML's Python parser, which says more of it than the one in C."""
    try:
        yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        return error
    except (yaml.YAMLError, RecursionError):
        pass
    return None


def _put_aside(lines: list[str], number: int) -> str:
    """A line without its value, that stands where it stood: «- name: a: b» → «- _:»."""
    lead = _lead(lines[number])
    if "\t" in lead:
        return "" if "-" in lead else " " * len(_lead(lines[number - 1])) + "_:"
    if _KEY.match(lines[number], len(lead)):
        return f"{lead}_:"
    return f"{lead}_" if "-" in lead else ""


def _lead(line: str) -> str:
    """What stands before the key or the value of a line: its indentation and dashes."""
    found = _LEAD.match(line)
    return found[0] if found else ""


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _slip(text: str, lines: list[str], error: yaml.MarkedYAMLError) -> Slip:
    said, reading = error.problem or "", error.context or ""
    mark = error.problem_mark or error.context_mark
    at = (min(mark.line, len(lines) - 1), mark.column) if mark else (0, 0)
    began = (error.context_mark.line, error.context_mark.column) if error.context_mark else at
    if tab := _tab(lines, at):
        return tab
    if "quoted scalar" in reading and "escape" not in said:
        return Slip(*began, "кавычка не закрыта", "закройте её в той же строке; внутри текста ставьте «ёлочки»")
    tokens = _tokens(text, at)
    if slip := _around_quotes(tokens, lines, at) or _in_brackets(tokens, lines, said, at):
        return slip
    if "mapping values" in said or "expected ':'" in said:
        return _colon(lines, began if "expected ':'" in said else at)
    for table, words in ((_SAID, said), (_READING, reading)):
        for pattern, what, mend in table:
            if re.search(pattern, words):
                return Slip(*at, what, mend)
    return Slip(*at, "строка не читается", "проверьте отступы, кавычки, скобки и двоеточия")


def _tab(lines: list[str], at: Place) -> Slip | None:
    line, column = at
    place = lines[line].find("\t", 0, max(_indent(lines[line]), column + 1))
    if place < 0 or lines[line][:place].strip(" -"):
        return None
    return Slip(line, place, "табуляция вместо отступа", "замените её пробелами")


def _around_quotes(tokens: list[yaml.Token], lines: list[str], at: Place) -> Slip | None:
    """A quotation mark that was closed by the next one, lines below; a text that goes on behind its own."""
    last = tokens[-1] if tokens else None
    if not isinstance(last, yaml.ScalarToken) or last.style not in ("'", '"'):
        return None
    start, stop = last.start_mark, last.end_mark
    if start.line != stop.line:
        mend = "закройте её там, где кончается текст"
        return Slip(start.line, start.column, "кавычка не закрыта в своей строке", mend)
    line, column = at
    if stop.line != line or lines[line][stop.column : column].strip() or lines[line][column : column + 1] in "]}:":
        return None
    mend = "уберите лишнюю кавычку, поставьте запятую или удвойте кавычки внутри текста"
    return Slip(*at, "после закрывающей кавычки стоит ещё текст", mend)


def _in_brackets(tokens: list[yaml.Token], lines: list[str], said: str, at: Place) -> Slip | None:
    """A bracket that is still open where the next entry, or the end of the file, stands."""
    opened: list[Place] = []
    for token in tokens:
        if isinstance(token, yaml.FlowSequenceStartToken | yaml.FlowMappingStartToken):
            opened.append((token.start_mark.line, token.start_mark.column))
        elif isinstance(token, yaml.FlowSequenceEndToken | yaml.FlowMappingEndToken) and opened:
            opened.pop()
    if not opened:
        return None
    if "stream end" in said or (at[0] > opened[-1][0] and _ENTRY.match(lines[at[0]])):
        return Slip(*opened[-1], "скобка не закрыта", "закройте её там, где кончается список")
    if "':'" in said:
        return Slip(*at, "двоеточие посреди значения", _QUOTE)
    return None


def _tokens(text: str, before: Place) -> list[yaml.Token]:
    """Those that end before the place, as far as the text can be read."""
    found: list[yaml.Token] = []
    try:
        for token in yaml.scan(text, Loader=yaml.SafeLoader):
            if (token.end_mark.line, token.end_mark.column) > before:
                break
            if token.end_mark.index > token.start_mark.index:
                found.append(token)
    except yaml.YAMLError:
        pass
    return found


def _colon(lines: list[str], at: Place) -> Slip:
    """A colon that makes a key where none may stand, or that is missing."""
    line, column = at
    if re.search(r":\s", lines[line][:column]):
        return Slip(line, column, "двоеточие посреди значения", _QUOTE)
    above = next((number for number in range(line - 1, -1, -1) if lines[number].strip()), line)
    if lines[line][column : column + 1] == ":" and above != line:
        if _indent(lines[line]) > len(_lead(lines[above])):
            return Slip(line, _indent(lines[line]), "лишний отступ", _ALIGN)
        line = above
    if squeezed := _SQUEEZED.match(lines[line]):
        return Slip(line, squeezed.end() - 1, "после двоеточия нет пробела", "пишите «ключ: значение»")
    mend = "допишите ключ или сдвиньте строку вправо"
    return Slip(line, _indent(lines[line]), "здесь ждут «ключ: значение», а двоеточия нет", mend)

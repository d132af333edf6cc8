"""YAML files that people edit, read so that each value knows its line and column.

Read by PyYAML's safe loader; duplicate keys are a fault, and so is a value of another kind than was asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from records import Fault, FaultsError

Step = str | int
Mark = tuple[int, int]
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Document:
    """``data`` is plain dicts, lists and scalars; ``marks`` gives line and column (from 1) of each path in it."""

    path: Path
    data: Any
    marks: dict[tuple[Step, ...], Mark]
    lines: list[str]
    faults: list[Fault] = field(default_factory=list)

    def fault(self, where: tuple[Step, ...], what: str, mend: str, *, warning: bool = False) -> Fault:
        """A fault at a path of the document (or at its nearest known parent), also kept in ``faults``."""
        place = where
        while place not in self.marks and place:
            place = place[:-1]
        line, column = self.marks.get(place, (1, 1))
        source = self.lines[line - 1] if line <= len(self.lines) else ""
        found = Fault(str(self.path), line, column, what, mend, source, warning)
        self.faults.append(found)
        return found


def load(path: Path) -> Document:
    """Read a YAML file.

    Raises:
        FaultsError: the file is missing, not UTF-8, not YAML, or has a key twice.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise FaultsError([Fault(str(path), 0, 0, "файла нет", "верните файл или укажите --home")]) from None
    except (OSError, UnicodeDecodeError) as error:
        raise FaultsError([Fault(str(path), 0, 0, f"файл не читается: {error}", "сохраните файл в UTF-8")]) from None
    lines = text.splitlines()
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        raise FaultsError([_syntax_fault(path, lines, error)]) from None
    except yaml.YAMLError as error:
        raise FaultsError([Fault(str(path), 0, 0, f"это не YAML: {error}", "уберите недопустимый символ")]) from None
    except RecursionError:
        raise FaultsError([_too_deep(path)]) from None
    document = Document(path, None, {}, lines)
    try:
        data = _plain(node, (), document) if node is not None else None
    except RecursionError:
        raise FaultsError([_too_deep(path)]) from None
    if document.faults:
        raise FaultsError(document.faults)
    return Document(path, data, document.marks, lines)


def _too_deep(path: Path) -> Fault:
    return Fault(str(path), 0, 0, "слишком глубокая вложенность", "уберите лишние скобки и ссылки на себя (&, *)")


def _syntax_fault(path: Path, lines: list[str], error: yaml.MarkedYAMLError) -> Fault:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    source = lines[line - 1] if line <= len(lines) else ""
    return Fault(
        str(path), line, column, f"это не YAML: {error.problem}", "проверьте отступы, кавычки и двоеточия", source
    )


def _plain(node: yaml.Node, where: tuple[Step, ...], document: Document) -> Any:
    document.marks[where] = (node.start_mark.line + 1, node.start_mark.column + 1)
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, where, document)
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, (*where, i), document) for i, item in enumerate(node.value)]
    return _scalar(node, where, document)


def _mapping(node: yaml.MappingNode, where: tuple[Step, ...], document: Document) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    for key_node, value_node in node.value:
        key = _scalar(key_node, where, document)
        place = (*where, key)
        if key in found:
            document.marks[place] = (key_node.start_mark.line + 1, key_node.start_mark.column + 1)
            document.fault(place, f"ключ «{key}» записан дважды", "оставьте один")
        found[key] = _plain(value_node, place, document)
        document.marks[place] = (key_node.start_mark.line + 1, key_node.start_mark.column + 1)
    return found


def _scalar(node: yaml.Node, where: tuple[Step, ...], document: Document) -> Any:
    """The value of a scalar; of a key too, which in these files is nothing else."""
    if isinstance(node, yaml.ScalarNode):
        if node.tag == "tag:yaml.org,2002:str":
            return node.value
        try:
            return yaml.SafeLoader("").construct_object(node)
        except (yaml.YAMLError, ValueError, LookupError, AttributeError, TypeError):
            pass
    place = (*where, "?")
    document.marks[place] = (node.start_mark.line + 1, node.start_mark.column + 1)
    document.fault(
        place, "значение не читается", "напишите текст, число, дату или true/false; сомнительное — в кавычках"
    )
    return None

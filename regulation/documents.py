"""YAML files that people edit, read so that each value knows its line and column.

Read by PyYAML's safe loader; duplicate keys are a fault, and so is a value of another kind than was asked for.
What is wrong in one place keeps nobody from looking at the others.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from records import Fault, FaultsError, file_fault
from regulation.files import read_text
from regulation.syntax import faults_of, lines_of, slips_of, unprintable

Step = str | int
Mark = tuple[int, int]
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MOST_VALUES = 500_000  # beyond it, links upon links


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
        source = self.lines[line - 1]
        found = Fault(str(self.path), line, column, what, mend, source, warning)
        self.faults.append(found)
        return found


def load(path: Path) -> Document:
    """Read a YAML file; keys that stand twice and values of no known kind are left in ``faults``.

    Raises:
        FaultsError: the file is missing, not UTF-8, empty, or not YAML.
    """
    text = read_text(path)
    lines = lines_of(text)
    if slip := unprintable(text):
        raise FaultsError(faults_of(path, lines, [slip]))
    try:
        node = yaml.compose(text, Loader=_Loader)
        if node is None:
            raise FaultsError([file_fault(path, "файл пуст", "верните его содержимое")])
        document = Document(path, None, {}, lines)
        return replace(document, data=_plain(node, (), document))
    except yaml.MarkedYAMLError as error:
        raise FaultsError(faults_of(path, lines, slips_of(text, error))) from None
    except RecursionError:
        mend = "уберите лишние скобки и ссылки (&, *)"
        raise FaultsError([file_fault(path, "слишком глубокая вложенность", mend)]) from None


def _plain(node: yaml.Node, where: tuple[Step, ...], document: Document) -> Any:
    document.marks[where] = (node.start_mark.line + 1, node.start_mark.column + 1)
    if len(document.marks) > _MOST_VALUES:
        raise RecursionError
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
        except yaml.YAMLError:
            pass
        except (ValueError, LookupError, AttributeError, TypeError):
            return node.value  # looks like a date or a number and is none: 2023-13-45
    place = (*where, "?")
    document.marks[place] = (node.start_mark.line + 1, node.start_mark.column + 1)
    document.fault(
        place, "значение не читается", "напишите текст, число, дату или true/false; сомнительное — в кавычках"
    )
    return None

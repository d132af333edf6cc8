"""Departments of the administration and the bodies outside it: what each answers for, in residents' words too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from language.reading import read
from regulation.documents import Document
from regulation.fields import Fields

LEAST_EXAMPLES = 5
LONGEST_SHORT = 22
_KEYS = "code name short external source competence examples owns offices located"
_CODE = re.compile(r"[A-Z][A-Z0-9_]*")


@dataclass(frozen=True, slots=True)
class Department:
    """``short`` fits a column of a table; ``owns`` are words for what is this body's own (РЖД, «Эко-Сити»);
    ``offices``: a territorial office is named beside the department; ``located``: without an address
    it cannot act."""

    code: str
    name: str
    short: str
    external: bool
    competence: str
    examples: tuple[str, ...]
    owns: tuple[str, ...]
    offices: bool
    source: str
    located: bool


def read_departments(document: Document) -> dict[str, Department]:
    """By code, in the order of the file; what is wrong is left in ``document.faults``."""
    found: dict[str, Department] = {}
    told: dict[str, str] = {}
    for fields in Fields(document, (), document.data, "departments").entries("departments", _KEYS):
        department = _department(fields, told)
        if department.code in found:
            fields.fault("code", f"код {department.code} уже есть", "дайте отделу другой код или удалите повтор")
        found.setdefault(department.code, department)
    found.pop("", None)
    if not found:
        document.fault((), "нет ни одного отдела", "перечислите отделы в списке departments")
    return found


def _department(fields: Fields, told: dict[str, str]) -> Department:
    """``told``: whose each example is, by its words."""
    code = fields.text("code")
    department = Department(
        code=code,
        name=fields.text("name"),
        short=fields.text("short"),
        external=fields.flag("external"),
        competence=fields.text("competence"),
        examples=tuple(_examples(fields, code, told)),
        owns=fields.texts("owns"),
        offices=fields.flag("offices"),
        source=fields.text("source", ""),
        located=fields.flag("located"),
    )
    if department.code and not _CODE.fullmatch(department.code):
        fields.fault("code", f"код «{department.code}» не годится", "латинские прописные буквы: JKH, TERR")
    if len(department.short) > LONGEST_SHORT:
        fields.fault("short", f"short длиннее {LONGEST_SHORT} знаков", "сократите: это подпись в таблице")
    if len(department.examples) < LEAST_EXAMPLES:
        what = f"примеров {len(department.examples)}, а нужно не меньше {LEAST_EXAMPLES}"
        fields.fault("examples", what, "добавьте сообщения так, как их пишут жители")
    return department


def _examples(fields: Fields, code: str, told: dict[str, str]) -> Iterator[str]:
    """Those that no department has given yet: one sentence never speaks twice."""
    for number, example in fields.numbered_texts("examples"):
        words = " ".join(read(example).norms)
        if words in told:
            mend = "оставьте его одному отделу, другому напишите новый"
            fields.fault("examples", f"такой пример уже есть у отдела {told[words]}", mend, number)
        elif words:
            told[words] = code
            yield example

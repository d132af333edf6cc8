"""Decisions as JSON lines or as CSV for a spreadsheet; the table stands in ``app.table``."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from app import labels
from app.engine import Named
from app.target import Target
from app.words import harmless
from records import Decision, Place, Post, Track, decision_to_json, dump

CSV_COLUMNS = (
    "Ключ",
    "Вердикт",
    "Срок",
    "Отдел",
    "Код отдела",
    "Территориальный отдел",
    "Вероятность отдела",
    "Отдел предложен",
    "Место",
    "Основания",
    "Тревоги",
    "Причины срока",
    "Проверить",
    "Тема",
    "Повторяет",
    "Текст",
)
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")


class Out(StrEnum):
    TABLE = "table"
    JSONL = "jsonl"
    CSV = "csv"


@dataclass(frozen=True, slots=True)
class Decided:
    """A post with its decision; ``number`` counts decided posts from 1, ``copies`` is ``None`` unless linked."""

    number: int
    post: Post
    decision: Decision
    copies: tuple[str, ...] | None = None


class Output(Protocol):
    def write(self, batch: Sequence[Decided]) -> None:
        """Write a batch through to its reader."""
        ...


class JsonLines:
    def __init__(self, target: Target) -> None:
        self._target = target

    def write(self, batch: Sequence[Decided]) -> None:
        self._target.write("".join(f"{dump(_json(decided))}\n" for decided in batch).encode())


def _json(decided: Decided) -> dict[str, object]:
    value = decision_to_json(decided.decision)
    return value if decided.copies is None else {**value, "duplicates_of": list(decided.copies)}


class Csv:
    """Separated by «;», with a byte order mark: so a spreadsheet opens it; formulas of residents stay text."""

    def __init__(self, target: Target, departments: Mapping[str, Named]) -> None:
        self._target = target
        self._departments = departments
        self._write([CSV_COLUMNS], "\ufeff")

    def write(self, batch: Sequence[Decided]) -> None:
        self._write([self._row(decided) for decided in batch])

    def _write(self, rows: Sequence[Sequence[str]], mark: str = "") -> None:
        text = io.StringIO(mark)
        text.seek(0, io.SEEK_END)
        csv.writer(text, delimiter=";", lineterminator="\r\n").writerows([_inert(cell) for cell in row] for row in rows)
        self._target.write(text.getvalue().encode())

    def _row(self, decided: Decided) -> list[str]:
        decision, why = decided.decision, reasons_why(decided.decision)
        route = decision.route
        return [
            decision.key,
            labels.VERDICTS[decision.verdict],
            track_label(decision),
            department_label(decision, self._departments),
            route.department if route else "",
            (route.office or "") if route else "",
            f"{route.probability:.4f}".replace(".", ",") if route else "",
            ("да" if route.proposed else "нет") if route else "",
            place_label(decision.place),
            *(", ".join(codes) for codes in (why.grounds, why.alarms, why.reasons, why.reviews)),
            route.topic.name if route and route.topic else "",
            ", ".join(decided.copies or ()),
            decided.post.text,
        ]


def _inert(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula (owasp.org: CSV injection), without control characters."""
    cell = harmless(cell.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " "))
    return f"'{cell}" if cell.lstrip().startswith(_FORMULA) else cell


@dataclass(frozen=True, slots=True)
class Why:
    """Words of the grounds, alarms, reasons of the track and reviews of a decision, each once."""

    grounds: tuple[str, ...]
    alarms: tuple[str, ...]
    reasons: tuple[str, ...]
    reviews: tuple[str, ...]


def reasons_why(decision: Decision) -> Why:
    return Why(
        tuple(dict.fromkeys(labels.GROUNDS[hit.ground] for hit in decision.grounds)),
        tuple(dict.fromkeys(labels.ALARMS[alarm.kind] for alarm in decision.alarms)),
        tuple(dict.fromkeys(labels.REASONS[reason.code] for reason in decision.significance.reasons)),
        tuple(dict.fromkeys(labels.REVIEWS[review.code] for review in decision.review)),
    )


def why_label(decision: Decision) -> str:
    """Everything of ``reasons_why`` in one cell."""
    why = reasons_why(decision)
    parts = [", ".join(why.grounds)]
    parts.append(f"тревога: {', '.join(why.alarms)}" if why.alarms else "")
    parts.append(f"срочно: {', '.join(why.reasons)}" if why.reasons and decision.track is Track.FOUR_HOURS else "")
    parts.append(f"проверить: {', '.join(why.reviews)}" if why.reviews else "")
    return "; ".join(filter(None, parts))


def track_label(decision: Decision) -> str:
    return labels.TRACKS[decision.track] if decision.track else ""


def department_label(decision: Decision, departments: Mapping[str, Named]) -> str:
    """Short name of the first department; «?» where it is not proposed."""
    if decision.route is None:
        return ""
    code = decision.route.department
    short = departments[code].short if code in departments else code
    return short if decision.route.proposed else f"{short} ?"


def place_label(place: Place | None) -> str:
    if place is None:
        return ""
    return ", ".join(filter(None, (place.settlement, place.street, place.house, place.object)))

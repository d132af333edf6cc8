"""Topics of messages: which department answers, and whether the topic speaks for the 4-hour track."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Container
from dataclasses import dataclass
from enum import StrEnum

from records import Fault
from regulation.documents import Document
from regulation.fields import Fields

_MOST_TOLD = 12
_TRAIN = "обучите модели: make train"
_KEYS = "name group department urgency reason was why"


class Urgency(StrEnum):
    """``SOMETIMES``: urgent only where the text confirms it (``reason`` says when)."""

    YES = "да"
    SOMETIMES = "условно"
    NO = "нет"


@dataclass(frozen=True, slots=True)
class TopicEntry:
    """``department`` is a code of ``departments.yaml``."""

    name: str
    group: str
    department: str
    urgency: Urgency
    reason: str


def read_topics(document: Document, departments: Container[str] | None) -> dict[str, TopicEntry]:
    """By name, in the order of the file; codes are not checked where the departments could not be read (``None``)."""
    found: dict[str, TopicEntry] = {}
    strangers: dict[str, list[Fields]] = {}
    for fields in Fields(document, (), document.data, "topics").entries("topics", _KEYS):
        topic = _topic(fields)
        if topic.name in found:
            fields.fault("name", f"тема «{topic.name}» уже есть", "удалите повтор")
        if topic.department and departments is not None and topic.department not in departments:
            strangers.setdefault(topic.department, []).append(fields)
        found.setdefault(topic.name, topic)
    found.pop("", None)
    if not found:
        document.fault((), "нет ни одной темы", "перечислите темы в списке topics")
    for code, places in strangers.items():
        others = f" (и ещё в темах: {len(places) - 1})" if len(places) > 1 else ""
        what = f"неизвестный код отдела {code}{others}"
        places[0].fault("department", what, "возьмите код из departments.yaml или добавьте отдел туда")
    return found


def compare_topics(document: Document, known: Collection[str]) -> list[Fault]:
    """Warnings where the topics of a file without faults and those that the models know are not the same.

    A topic that was renamed is both: the models go on naming the old one, which has no department any more.
    """
    own = [entry["name"].strip() for entry in document.data["topics"]]
    fresh = [number for number, name in enumerate(own) if name not in known]
    gone = sorted(set(known) - set(own))
    if max(len(fresh), len(gone)) > _MOST_TOLD:
        what = f"модели обучены на другом списке тем: незнакомых {len(fresh)}, пропавших {len(gone)}"
        return [Fault(str(document.path), 0, 0, what, _TRAIN, warning=True)]
    found = []
    for number in fresh:
        what = f"модели не знают темы «{own[number]}» и не назовут её"
        found.append(document.fault(("topics", number, "name"), what, _TRAIN, warning=True))
    for name in gone:
        near = difflib.get_close_matches(name, [own[number] for number in fresh], n=1)
        mend = f"верните прежнее имя теме «{near[0]}»" if near else "верните её"
        what = f"модели называют тему «{name}», а её здесь нет: ни отдела, ни срочности у неё не будет"
        found.append(Fault(str(document.path), 0, 0, what, f"{mend} или {_TRAIN}", warning=True))
    return found


def _topic(fields: Fields) -> TopicEntry:
    if "urgency" not in fields:
        fields.fault("urgency", "нет значения urgency", f"urgency: одно из {', '.join(Urgency)}")
    if ("was" in fields) != ("why" in fields):
        fields.fault(None, "was и why пишут вместе", "was — что было, why — почему изменено")
    return TopicEntry(
        name=fields.text("name"),
        group=fields.text("group"),
        department=fields.text("department"),
        urgency=fields.choice("urgency", Urgency, Urgency.NO),
        reason=fields.text("reason"),
    )

"""Topics of messages: which department answers, and whether the topic speaks for the 4-hour track."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from enum import StrEnum

from regulation.documents import Document
from regulation.fields import Fields

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
    for fields in Fields(document, (), document.data, "topics").entries("topics", _KEYS):
        topic = _topic(fields)
        if topic.name in found:
            fields.fault("name", f"тема «{topic.name}» уже есть", "удалите повтор")
        if topic.department and departments is not None and topic.department not in departments:
            fields.fault("department", f"неизвестный код отдела {topic.department}", "возьмите код из departments.yaml")
        found.setdefault(topic.name, topic)
    found.pop("", None)
    if not found:
        document.fault((), "нет ни одной темы", "перечислите темы в списке topics")
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

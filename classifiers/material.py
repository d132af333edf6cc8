"""Training material: sentences written by the team and the private sets, as samples with what is known of each.

The list of sets is ``classifiers/sets.yaml``; topics of other regions are mapped by the tables beside the
sentences in ``classifiers/material``; labels of private comments stand there under the hash of their text.
"""

from __future__ import annotations

import csv
import hashlib
import json
import random
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from regulation import Regulation, Urgency
from regulation.documents import load

HERE = Path(__file__).parent
MATERIAL = HERE / "material"
SPB_PER_TOPIC = 20
_SQUEEZE = re.compile(r"[\W_]+")
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Sample:
    """``answers``: question → (yes or no, weight). ``department``, ``topic``: empty where unknown."""

    text: str
    source: str
    fold: int
    held_out: bool = False
    department: str = ""
    topic: str = ""
    weight: float = 1.0
    answers: Mapping[str, tuple[bool, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TrainingSet:
    name: str
    where: str
    licence: str
    held_out: frozenset[int]


def training_sets(without: Collection[str] = ()) -> list[TrainingSet]:
    entries = load(HERE / "sets.yaml").data["sets"]
    unknown = set(without) - {entry["name"] for entry in entries}
    if unknown:
        raise ValueError(f"нет набора: {', '.join(sorted(unknown))}")
    return [
        TrainingSet(e["name"], e["where"], e["licence"], frozenset(e.get("held_out", ())))
        for e in entries
        if e["name"] not in without
    ]


def rows_of(path: Path) -> list[Row]:
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def text_hash(text: str) -> str:
    """The key under which a private text's label is kept: first 16 hex digits of its SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def squeezed(text: str) -> str:
    return _SQUEEZE.sub(" ", text.lower().replace("ё", "е")).strip()


def fold_of(text: str) -> int:
    return hashlib.sha256(squeezed(text).encode()).digest()[0] % 10


def samples(sets: list[TrainingSet], shared: Path, regulation: Regulation) -> list[Sample]:
    """All samples of the sets, held-out ones marked; none of the rest repeats the text of a held-out one."""
    found = [s for chosen in sets for s in _READERS[chosen.name](_Context(chosen, shared, regulation))]
    kept_out = {squeezed(s.text) for s in found if s.held_out}
    return [s for s in found if s.held_out or s.source == "own" or squeezed(s.text) not in kept_out]


@dataclass(frozen=True, slots=True)
class _Context:
    chosen: TrainingSet
    shared: Path
    regulation: Regulation

    def rows(self) -> list[Row]:
        return rows_of(self.shared / f"{self.chosen.name}.jsonl")

    def sample(self, row: Row, **known: Any) -> Sample:
        fold = int(row["fold"])
        return Sample(row["text"], self.chosen.name, fold, fold in self.chosen.held_out, **known)


def _own(context: _Context) -> Iterator[Sample]:
    for name, answers in _OWN.items():
        for row in rows_of(MATERIAL / f"{name}.jsonl"):
            yield Sample(
                row["text"],
                "own",
                fold_of(row["text"]),
                department=row.get("department") or "",
                weight=1.0 if name == "routes" else 0.5,
                answers={question: said for question, said in answers(row).items() if said[1]},
            )
    for department in context.regulation.departments.values():
        for text in department.examples:
            owed = {"needs_answer": (True, 1.0)}
            yield Sample(text, "profile", fold_of(text), department=department.code, answers=owed)


def _routes(row: Row) -> dict[str, tuple[bool, float]]:
    return {
        "needs_answer": (True, 1.0),
        "urgency": (row["track"] == "4h", 1.0),
        "urgent_topic": (False, 1.0 if row["track"] == "8h" else 0.0),
        "danger": (False, 0.5 if row["track"] == "8h" else 0.0),
        "insult": (False, 1.0),
        "threat": (False, 1.0),
        "crisis": (False, 1.0),
    }


def _needs_answer(row: Row) -> dict[str, tuple[bool, float]]:
    calm = row["kind"] in ("thanks", "greeting", "idle", "ad", "news", "other_user", "sarcasm", "proposal")
    return {
        "needs_answer": (row["verdict"] == "answer", 2.0),
        "urgent_topic": (False, 0.5 if calm else 0.0),
        "danger": (False, 0.7 if calm else 0.0),
        "insult": (False, 1.0),
        "threat": (False, 1.0),
        "crisis": (False, 1.0),
    }


def _insults(row: Row) -> dict[str, tuple[bool, float]]:
    return {
        "insult": (row["verdict"] == "exclude", 2.0),
        "needs_answer": (True, 0.5 if row["kind"] in ("criticism", "thing", "quoted") else 0.0),
        "threat": (False, 1.0),
        "crisis": (False, 1.0),
    }


def _threats(row: Row) -> dict[str, tuple[bool, float]]:
    kind = row["kind"]
    urgent = row["alarm"] in ("danger", "crisis")
    calm = kind in ("near_danger", "near_crisis", "near_crime", "works", "legal", "hyperbole", "wish")
    return {
        "threat": (kind == "direct", 2.0),
        "danger": (row["alarm"] == "danger", 0.0 if kind in ("direct", "crime", "crisis", "wish") else 2.0),
        "crisis": (kind == "crisis", 2.0),
        "urgency": (urgent, 1.0 if urgent or calm else 0.0),
        "needs_answer": (row["verdict"] == "answer", 0.0 if kind == "direct" else 1.0),
        "insult": (False, 0.0 if kind == "direct" else 1.0),
    }


def _urgency(row: Row) -> dict[str, tuple[bool, float]]:
    urgent = row["track"] == "4h"
    danger = row["reason"] in ("danger", "accident")
    return {
        "urgency": (urgent, 1.0),
        "urgent_topic": (False, 0.0 if urgent else 1.0),
        "danger": (danger, 1.0 if danger or not urgent else 0.0),
        "needs_answer": (True, 1.0),
        "threat": (False, 1.0),
        "insult": (False, 1.0),
        "crisis": (False, 1.0),
    }


_OWN: Mapping[str, Callable[[Row], dict[str, tuple[bool, float]]]] = {
    "routes": _routes,
    "needs_answer": _needs_answer,
    "insults": _insults,
    "threats": _threats,
    "urgency": _urgency,
}
_CALM = {"insult": (False, 1.0), "threat": (False, 1.0), "crisis": (False, 1.0)}


def _perm(context: _Context) -> Iterator[Sample]:
    topics = context.regulation.topics
    for row in context.rows():
        entry = topics.get(row["topic"])
        calm = entry is not None and entry.urgency == Urgency.NO
        answers = {**_CALM, "needs_answer": (True, 0.7), "danger": (False, 0.5 if calm else 0.0)}
        if entry is not None:
            answers["urgent_topic"] = (entry.urgency == Urgency.YES, 1.0)
        yield context.sample(
            row, department=entry.department if entry else "", topic=row["topic"] if entry else "", answers=answers
        )


def _mapped(context: _Context, table: str) -> Iterator[tuple[Row, str, str]]:
    with (MATERIAL / table).open(encoding="utf-8") as lines:
        known = {row["topic_sha256"]: row for row in csv.DictReader(lines, delimiter=";")}
    topics = context.regulation.topics
    for row in context.rows():
        entry = known.get(text_hash(row["topic"]), {"perm_topic": "", "department": ""})
        topic = entry["perm_topic"]
        yield row, topics[topic].department if topic in topics else entry["department"], topic


def _kursk(context: _Context) -> Iterator[Sample]:
    for row, department, topic in _mapped(context, "kursk_topics.csv"):
        yield context.sample(row, department=department, topic=topic, answers={**_CALM, "needs_answer": (True, 0.3)})


def _spb(context: _Context) -> Iterator[Sample]:
    """A few of each topic: all of them made routing elsewhere worse."""
    rows = list(_mapped(context, "spb_topics.csv"))
    random.Random(0).shuffle(rows)
    taken: Counter[str] = Counter()
    for row, department, topic in rows:
        taken[row["topic"]] += 1
        if taken[row["topic"]] <= SPB_PER_TOPIC:
            yield context.sample(
                row, department=department, topic=topic, weight=0.3, answers={**_CALM, "needs_answer": (True, 0.3)}
            )


def _praise(context: _Context) -> Iterator[Sample]:
    for row in context.rows():
        yield context.sample(row, answers={**_CALM, "needs_answer": (False, 0.5 if row["rating"] == 5 else 0.0)})


def _telegram(context: _Context) -> Iterator[Sample]:
    for number, row in enumerate(context.rows()):
        if number % 2 == 0:
            yield context.sample(row, answers={**_CALM, "needs_answer": (False, 0.5), "danger": (False, 0.5)})


def _abuse_labels() -> dict[str, str]:
    with (MATERIAL / "abuse_train.csv").open(encoding="utf-8") as lines:
        return {row["text_sha256"]: row["label"] for row in csv.DictReader(lines, delimiter=";")}


def _abuse(context: _Context, row: Row, toxic: bool, weight: float) -> Sample:
    """Labels read by policy outweigh the set's own; ordinary comments weigh against a false threat, of which a text of
    three words is soon accused.
    """
    label = _abuse_labels_cached.get(text_hash(row["text"]))
    if label is None:
        answers = {"insult": (toxic, weight)}
        if not toxic:
            answers |= {"threat": (False, 4.5), "crisis": (False, 0.5)}
    else:
        answers = {
            "insult": (label in "oi", 0.0 if label in "dt" else 2.0),
            "threat": (False, 0.0 if label in "dt" else 1.0),
        }
    return context.sample(row, answers=answers)


_abuse_labels_cached = _abuse_labels()


def _okru(context: _Context) -> Iterator[Sample]:
    for row in context.rows():
        yield _abuse(context, row, row["toxic"], 0.3 if row["toxic"] else 0.7)


def _toxic(context: _Context) -> Iterator[Sample]:
    for row in context.rows():
        yield _abuse(context, row, True, 0.3)


def _detox(context: _Context) -> Iterator[Sample]:
    for row in context.rows():
        yield _abuse(context, row, True, 0.3)
        for text in row["neutral"]:
            yield context.sample({**row, "text": text}, answers={"insult": (False, 0.5)})


def _vk(context: _Context) -> Iterator[Sample]:
    for row in context.rows():
        yield _abuse(context, row, row["toxic"], 0.3 if row["toxic"] else 0.7)


_READERS: Mapping[str, Callable[[_Context], Iterator[Sample]]] = {
    "own": _own,
    "perm_2023": _perm,
    "kursk_2022": _kursk,
    "spb_2020": _spb,
    "praise_2025": _praise,
    "telegram_channels_2024": _telegram,
    "okru_2020": _okru,
    "toxic_2021": _toxic,
    "detox_pairs_2022": _detox,
    "vk_distorted_2022": _vk,
}

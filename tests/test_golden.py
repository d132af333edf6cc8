"""Decisions over the samples, as they stood when they were last looked at: labels and spans, no probabilities.

``pytest --update-golden`` writes ``golden/decisions.jsonl`` anew; look at its diff before it is committed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from pipeline.triage import Triage
from records import Decision, Post, decision_to_json, dump, post_from_json

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "samples/posts.jsonl"
FIELDS = ("verdict", "track", "department", "office", "also", "grounds", "alarms", "review", "place")
Labels = dict[str, Any]


@pytest.fixture(scope="module")
def samples() -> list[Post]:
    return [post_from_json(json.loads(line)) for line in SAMPLES.read_text(encoding="utf-8").splitlines()]


def labels_of(decision: Decision) -> Labels:
    """What a person would compare."""
    value = decision_to_json(decision)
    route = value["route"] or {"department": None, "office": None, "also": []}
    place = value["place"] or {}
    return {
        "key": value["key"],
        "revision": value["revision"],
        "verdict": value["verdict"],
        "track": value["track"],
        "department": route["department"],
        "office": route["office"],
        "also": [other["department"] for other in route["also"]],
        "grounds": [_span("ground", hit) for hit in value["grounds"]],
        "alarms": [_span("kind", alarm) for alarm in value["alarms"]],
        "review": sorted({review["code"] for review in value["review"]}),
        "place": {name: found for name, found in place.items() if found},
    }


def _span(code: str, part: Mapping[str, Any]) -> list[Any]:
    return [part[code], part["rule"], part["start"], part["stop"], part["text"]]


def differences(expected: list[Labels], found: list[Labels], texts: Mapping[Any, str]) -> Iterator[str]:
    """For each post that is decided otherwise, its text and every field that changed: ``- before``, ``+ now``."""
    before, now = ({(row["key"], row["revision"]): row for row in rows} for rows in (expected, found))
    for identity in dict.fromkeys((*before, *now)):
        old, new = before.get(identity, {}), now.get(identity, {})
        changed = [name for name in FIELDS if old.get(name) != new.get(name)]
        if changed:
            yield f"{identity[0]}: {texts.get(identity, '(такого сообщения больше нет)')}"
            for name in changed:
                yield f"    {name}"
                yield f"    - {dump(old.get(name))}"
                yield f"    + {dump(new.get(name))}"


def test_the_samples_are_decided_as_before(
    triage: Triage, samples: list[Post], golden: Callable[[str, str], str]
) -> None:
    found = [labels_of(decision) for decision in triage.decide(samples)]
    written = golden("decisions.jsonl", "".join(f"{dump(row)}\n" for row in found))
    expected = [json.loads(line) for line in written.splitlines()]
    texts = {(post.key, post.revision): post.text.replace("\n", "⏎")[:160] for post in samples}
    told = list(differences(expected, found, texts))
    if told:
        posts = sum(not line.startswith(" ") for line in told)
        shown = "\n".join(told)
        pytest.fail(f"решений изменилось: {posts}; если так и надо: pytest --update-golden\n{shown}", pytrace=False)


def test_a_difference_is_told_post_by_post_and_field_by_field() -> None:
    row: Labels = {"key": "vk:1", "revision": "r", "verdict": "answer", "review": ["quote"]}
    told = list(differences([row], [{**row, "verdict": "exclude"}], {("vk:1", "r"): "Текст"}))
    assert told == ["vk:1: Текст", "    verdict", '    - "answer"', '    + "exclude"']
    assert list(differences([row], [row], {})) == []
    assert next(differences([row], [], {})) == "vk:1: (такого сообщения больше нет)"


# The samples themselves


def test_there_are_eighty_samples_or_more_of_all_kinds(triage: Triage, samples: list[Post]) -> None:
    """Every verdict, ground, kind of alarm and track is met in them; so are places, offices and several questions."""
    assert len(samples) >= 80
    rows = [labels_of(decision) for decision in triage.decide(samples)]
    assert {row["verdict"] for row in rows} == {"exclude", "no_answer", "answer"}
    assert {row["track"] for row in rows} == {"4h", "8h", None}
    assert {ground[0] for row in rows for ground in row["grounds"]} == {"obscenity", "insult", "threat"}
    assert {alarm[0] for row in rows for alarm in row["alarms"]} == {"threat", "danger", "crisis", "crime"}
    assert any(row["also"] for row in rows)
    assert any(row["office"] for row in rows)
    assert any(not row["place"] for row in rows)
    codes = {code for row in rows for code in row["review"]}
    assert codes >= {"quote", "rude", "wish", "crisis", "emergency_excluded", "no_address", "low_confidence"}


def test_every_sample_has_its_own_identity(samples: list[Post]) -> None:
    assert len({(post.key, post.revision) for post in samples}) == len(samples)
    assert {post.network for post in samples} >= {"vk", "ok", "telegram"}

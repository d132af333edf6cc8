"""The schemas of ``docs/streams.md`` and the code: real messages fit them, and the reader refuses what they refuse."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from fake_triage import POISON, ROOT
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from stream import Stream, message, raw_message

from journal import Message
from pipeline.triage import Triage
from records import Post, PostError, decision_to_json, dump, post_from_json
from records.messages import ALARMS, DECIDED, INCOMING, QUARANTINE, incoming, message_of, read_incoming

BLOCKS = re.findall(r"```json\n(.*?)```", (ROOT / "docs/streams.md").read_text(encoding="utf-8"), re.DOTALL)
SCHEMAS = {schema["$id"]: schema for schema in map(json.loads, BLOCKS)}
REGISTRY: Registry[Any] = Registry().with_resources(
    (name, Resource.from_contents(schema)) for name, schema in SCHEMAS.items()
)
OF_TOPIC = {INCOMING: "incoming", DECIDED: "decided", ALARMS: "decided", QUARANTINE: "quarantine"}


def faults(name: str, value: object) -> list[str]:
    validator = Draft202012Validator(SCHEMAS[f"urn:otklik:{name}:1"], registry=REGISTRY)
    return [error.message for error in validator.iter_errors(value)]


def samples() -> list[Post]:
    lines = (ROOT / "samples/posts.jsonl").read_text(encoding="utf-8").splitlines()
    return [post_from_json(json.loads(line), key=f"file:{number}") for number, line in enumerate(lines)]


def test_every_schema_is_one() -> None:
    assert {name.split(":")[2] for name in SCHEMAS} == {*OF_TOPIC.values(), "post", "decision", "rejection", "event"}
    for schema in SCHEMAS.values():
        Draft202012Validator.check_schema(schema)


def test_real_messages_of_every_topic_fit_their_schema(triage: Triage, tmp_path: Path) -> None:
    stream = Stream(tmp_path)
    posts = samples()
    stream.append(*(Message(post.key.encode(), incoming(post)) for post in posts))
    stream.append(message(POISON), raw_message(b"\xff"), raw_message("{}", key=None))

    def decide(posts: Any) -> Any:
        if any(post.text == POISON for post in posts):
            raise RuntimeError
        return triage.decide(posts)

    stream.decide(len(posts) + 3, decide)
    stream.otklik("quarantine", "retry", "0")
    stream.otklik("quarantine", "drop", "1", "--why", "проверка")
    with stream.journal() as journal:
        for topic, name in OF_TOPIC.items():
            good = [r for r in journal.scan(topic) if topic != INCOMING or r.value[:9] == b'{"schema"']
            assert len(good) >= 5
            assert {fault for record in good for fault in faults(name, json.loads(record.value))} == set(), topic


def test_samples_and_their_decisions_fit(triage: Triage) -> None:
    for line in (ROOT / "samples/posts.jsonl").read_text(encoding="utf-8").splitlines():
        assert faults("post", json.loads(line)) == []
    for decision in triage.decide(samples()):
        assert faults("decision", json.loads(dump(decision_to_json(decision)))) == []


@pytest.mark.parametrize(
    "broken",
    [
        {"reason": ""}, {"origin": {"topic": "t"}}, {"raw": "не base64"}, {"schema": 2},
        {"reason": "dropped", "raw": "0LA="}, {"reason": "retried", "raw": "", "origin": {"topic": "t"}},
    ],
)  # fmt: skip
def test_the_schema_of_the_quarantine_refuses(broken: Mapping[str, object]) -> None:
    good = {
        "schema": 1, "raw": "0LA=", "reason": "это не JSON", "error": "PostError", "at": "2026-03-14T09:30:00+00:00",
        "origin": {"topic": "posts.incoming", "partition": 0, "offset": 5},
    }  # fmt: skip
    assert faults("quarantine", good) == []
    assert faults("quarantine", {**good, **broken}) != []


# What the schema refuses, the reader refuses, and the other way round

TIMES = ["2026-03-14T09:30:00+03:00", "2026-03-14T09:30:00Z", "2026-03-14T09:30:00.123456+00:00", "2026-03-14",
         "2026-03-14T09:30:00", "2026-03-14 09:30:00+03:00", "", "вчера"]  # fmt: skip
words = st.text(st.characters(codec="utf-8"), max_size=5)
scalars = st.none() | st.booleans() | st.integers() | st.sampled_from([0.5, "vk", ""]) | words
anything = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["key", "text", "type", "url", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)
posts = st.fixed_dictionaries(
    {},
    optional={
        "schema": st.just(1) | anything,
        "key": st.just("vk:1") | anything,
        "text": words | anything,
        "network": words | anything,
        "source": anything,
        "author": anything,
        "url": anything,
        "published_at": st.sampled_from(TIMES) | anything,
        "detected_at": st.sampled_from(TIMES) | anything,
        "parent": anything,
        "attachments": st.just([{"type": "photo"}]) | anything,
        "revision": st.none(),
        "further": anything,
    },
)
likely = st.builds(lambda post, change: {**post, **change}, st.just({"schema": 1, "key": "vk:1", "text": "яма"}), posts)
messages = st.fixed_dictionaries(
    {"schema": st.just(1), "post": likely}, optional={"further": anything}
) | st.fixed_dictionaries({}, optional={"schema": st.just(1) | anything, "post": posts | anything})


@settings(max_examples=400)
@given(messages | anything)
@example({"schema": 1, "post": {"key": "vk:1", "text": " "}})
@example({"schema": True, "post": {"key": "vk:1", "text": "яма"}})
@example({"schema": 1, "post": {"key": "", "text": "яма"}})
@example({"schema": 1, "post": {"key": "vk:1", "text": "\u2028", "attachments": [{}]}})
def test_the_reader_of_incoming_and_its_schema_agree(value: Any) -> None:
    post = value.get("post") if isinstance(value, dict) else None
    key = post.get("key") if isinstance(post, dict) else None
    try:
        read_incoming(dump(value).encode(), key.encode() if isinstance(key, str) else b"")
        refused = False
    except PostError:
        refused = True
    assert refused == bool(faults("incoming", value)), faults("incoming", value)


def test_what_the_schema_cannot_say_is_refused_all_the_same() -> None:
    """Bytes of the text, the record's key, a revision of another text, a day that is none: the document says so."""
    good = {"schema": 1, "post": {"key": "vk:1", "text": "яма"}}
    assert read_incoming(dump(good).encode(), b"vk:1").text == "яма"
    for change, key in (
        ({}, None), ({}, b"vk:2"), ({"text": "я" * 50_001}, b"vk:1"), ({"revision": "0" * 16}, b"vk:1"),
        ({"published_at": "2026-02-30T09:30:00Z"}, b"vk:1"),
    ):  # fmt: skip
        value = {**good, "post": {**good["post"], **change}}  # type: ignore[dict-item]
        assert faults("incoming", value) == []
        with pytest.raises(PostError):
            read_incoming(dump(value).encode(), key)


def test_one_key_twice_and_what_is_no_json_are_refused() -> None:
    for value in (b'{"schema":1,"schema":1,"post":{}}', b"[]", b"\xff", b'{"schema":1,"post":NaN}', b"null"):
        with pytest.raises(PostError):
            message_of(value)

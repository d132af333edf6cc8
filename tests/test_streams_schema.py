"""The published schema of ``streams.yaml`` and the reader that says what is wrong in Russian agree on every file."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from app.config import TOPICS, load_streams
from records import FaultsError

ROOT = Path(__file__).resolve().parent.parent
SCHEMA = json.loads((ROOT / "docs/streams.schema.json").read_text(encoding="utf-8"))
SHIPPED = yaml.safe_load((ROOT / "streams.yaml").read_text(encoding="utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA)

SOURCE = {"name": "a", "network": "vk", "watch": ["-1"], "token_variable": "VK_TOKEN", "every_seconds": 60}
SIGNED = {"protocol": "SASL_SSL", "mechanism": "PLAIN", "user_variable": "U", "password_variable": "P", "ca_file": "c"}
FULL: dict[str, Any] = {
    **SHIPPED,
    "broker": {**SHIPPED["broker"], **SIGNED},
    "batch": {**SHIPPED["batch"], "limit_seconds": 60},
    "sources": [SOURCE],
}

WORDS = [
    "",
    " ",
    "kafka",
    "vk",
    "SSL",
    "SASL_SSL",
    "PLAIN",
    "KAFKA_USER",
    "kafka:9092",
    "k:9",
    "[::1]:9092",
    "к:9",
    "9",
]
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 200_000),
    st.sampled_from([0.0, 1.0, 1.5, 720.0, 60.0, 1e3]),
    st.sampled_from(WORDS),
    st.text(st.characters(codec="utf-8"), max_size=4),
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["size", "x"]), inner)
)


def places(value: object, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Of every mapping, list and scalar inside, the outermost first."""
    found = [place]
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, below in inner:
        found += places(below, (*place, step))
    return found


def changed(document: Any, place: tuple[Any, ...], how: str, value: Any) -> Any:
    """``set`` another value there, ``drop`` it, or ``add`` a key beside it."""
    document = copy.deepcopy(document)
    if not place:
        return value if how == "set" else document
    holder = document
    for step in place[:-1]:
        holder = holder[step]
    if how == "drop":
        del holder[place[-1]]
    elif how == "add" and isinstance(holder, dict):
        holder["other"] = value
    else:
        holder[place[-1]] = value
    return document


@st.composite
def documents(draw: st.DrawFn) -> Any:
    """What is shipped, or a file with everything in it, changed in a place or two."""
    document = draw(st.sampled_from([SHIPPED, FULL]))
    for _ in range(draw(st.integers(0, 2))):
        place = draw(st.sampled_from(places(document)))
        document = changed(document, place, draw(st.sampled_from(["set", "drop", "add"])), draw(VALUES))
    return document


def read(folder: Path, document: object) -> bool:
    file = folder / "streams.yaml"
    file.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    try:
        load_streams(file)
    except FaultsError:
        return False
    return True


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("streams")


@settings(max_examples=400)
@given(document=documents())
@example(document=None)
@example(document={})
@example(document={**SHIPPED, "sources": None})
@example(document={**SHIPPED, "carrier": None})
@example(document={**SHIPPED, "batch": {**SHIPPED["batch"], "limit_seconds": None}})
@example(document={**SHIPPED, "batch": {**SHIPPED["batch"], "size": 256.0}})
@example(document={**SHIPPED, "broker": {**SHIPPED["broker"], "protocol": "SSL", "ca_file": None}})
@example(document={**SHIPPED, "broker": {**FULL["broker"], "user_variable": None}})
@example(document={**SHIPPED, "broker": {**FULL["broker"], "password_variable": " "}})
@example(document={**SHIPPED, "broker": {"servers": ["k:9\n"]}})
@example(document={**SHIPPED, "embedded": {"path": "\u00a0"}})
def test_the_reader_and_the_schema_agree(folder: Path, document: object) -> None:
    faults = [error.message for error in VALIDATOR.iter_errors(document)]
    assert read(folder, document) is not bool(faults), faults


def test_both_take_what_is_shipped_and_a_file_with_everything(folder: Path) -> None:
    Draft202012Validator.check_schema(SCHEMA)
    for document in (SHIPPED, FULL):
        assert VALIDATOR.is_valid(document)
        assert read(folder, document)


def test_what_may_be_left_out_has_the_default_that_the_schema_says(folder: Path) -> None:
    least = {name: SHIPPED[name] for name in SCHEMA["required"]}
    least["broker"] = {"servers": ["k:9092"]}
    assert read(folder, least)
    streams = load_streams(folder / "streams.yaml")
    said = SCHEMA["properties"]
    assert streams.carrier == said["carrier"]["default"]
    assert streams.broker.protocol == said["broker"]["properties"]["protocol"]["default"]
    assert streams.broker.mechanism == said["broker"]["properties"]["mechanism"]["default"]
    assert streams.batch.limit_seconds == said["batch"]["properties"]["limit_seconds"]["default"]
    assert streams.sources == ()


def test_the_topics_are_those_of_the_contract() -> None:
    assert tuple(SCHEMA["properties"]["topics"]["properties"]) == TOPICS

"""What skops wrote, read without skops: to decide, neither skops nor scikit-learn is imported, which take longer to
import than the models to load.

Narrower than skops: an artefact of the shelf is mappings, lists, strings, numbers and arrays, and anything else is
foreign. ``tests/test_models.py`` holds what is read here to what ``skops.io`` reads.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

Node = Mapping[str, Any]


class ForeignTypeError(ValueError):
    """An archive that holds something else than plain data; says what."""


def values_of(data: bytes) -> dict[str, Any]:
    """The values of an archive that ``skops.io.dumps`` made of a mapping.

    Raises:
        ForeignTypeError: a type that no artefact of the shelf has.
        zipfile.BadZipFile, KeyError, ValueError: no such archive.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        root = json.loads(archive.read("schema.json"))
        # All of the types first: nothing of a foreign archive is made.
        _audit(root)
        values = _value(root, archive.read)
    if not isinstance(values, dict):
        raise ForeignTypeError(f"{root['__module__']}.{root['__class__']}")
    return values


def _audit(node: Node) -> None:
    kind = (node["__loader__"], node["__module__"], node["__class__"])
    if kind == ("DictNode", "builtins", "dict"):
        inner = [*node["content"].values(), *node["key_types"]["content"]]
    elif kind == ("ListNode", "builtins", "list"):
        inner = node["content"]
    elif kind in _LEAVES:
        inner = []
    else:
        raise ForeignTypeError(f"{node['__module__']}.{node['__class__']}")
    for part in inner:
        _audit(part)


_LEAVES = frozenset(
    {
        ("NdArrayNode", "numpy", "ndarray"),
        ("JsonNode", "builtins", "str"),  # skops says so of numbers too
        ("TypeNode", "builtins", "str"),
    }
)


def _value(node: Node, member: Callable[[str], bytes]) -> Any:
    loader = node["__loader__"]
    if loader == "DictNode":
        return {name: _value(part, member) for name, part in node["content"].items()}
    if loader == "ListNode":
        return [_value(part, member) for part in node["content"]]
    if loader == "JsonNode":
        return json.loads(node["content"])
    return np.load(io.BytesIO(member(node["file"])), allow_pickle=False)

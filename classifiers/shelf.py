"""The shelf: ``models/<name>/<version>/{model.skops, card.json, card.md}`` and ``models/<name>/current``.

An artefact is plain arrays, numbers and strings, stored by skops: data, not code. Before anything of it is
loaded, its bytes are compared with the checksum in its card and its types are audited; what is damaged or
foreign is refused. Archives are written so that the same arrays give the same bytes.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import skops.io

from classifiers.register import REGISTER
from records import Fault, FaultsError, file_fault

_ADDRESS = re.compile(r'("__id__": |"file": ")(\d+)')
_EPOCH = (1980, 1, 1, 0, 0, 0)
_MEND = "верните файлы модели из репозитория (git checkout models) или обучите заново: make train"


@dataclass(frozen=True, slots=True)
class Artefact:
    """``values``: what the model learned; ``card``: its passport, thresholds included."""

    name: str
    version: str
    values: Mapping[str, Any]
    card: Mapping[str, Any]


def load(folder: Path, name: str) -> Artefact:
    """Raises :class:`records.FaultsError` for a model that is missing, damaged or of foreign types."""
    place, card, data = _verified(folder, name)
    try:
        values = skops.io.loads(data, trusted=[])
    except Exception as error:
        raise FaultsError([file_fault(place / "model.skops", f"модель не читается: {error}", _MEND)]) from None
    return Artefact(name, place.name, values, card)


def _verified(folder: Path, name: str) -> tuple[Path, dict[str, Any], bytes]:
    try:
        version = (folder / name / "current").read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise FaultsError([file_fault(folder / name / "current", "нет действующей версии модели", _MEND)]) from None
    if not re.fullmatch(r"\w[\w.-]{0,63}", version):
        raise FaultsError([file_fault(folder / name / "current", f"негодное имя версии: {version[:64]}", _MEND)])
    place = folder / name / version
    try:
        card = json.loads((place / "card.json").read_text(encoding="utf-8"))
        data = (place / "model.skops").read_bytes()
        expected = card["sha256"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FaultsError([file_fault(place, f"модель или её паспорт не читаются: {error}", _MEND)]) from None
    if hashlib.sha256(data).hexdigest() != expected:
        raise FaultsError([file_fault(place / "model.skops", "файл модели повреждён или подменён", _MEND)])
    if card.get("name") != name:
        raise FaultsError([file_fault(place / "card.json", f"это паспорт другой модели: {card.get('name')}", _MEND)])
    foreign = _foreign_types(data)
    if foreign:
        what = f"в модели посторонние типы: {', '.join(foreign[:3])}"
        raise FaultsError([file_fault(place / "model.skops", what, _MEND)])
    return place, card, data


def _foreign_types(data: bytes) -> list[str]:
    try:
        return list(skops.io.get_untrusted_types(data=data))
    except Exception as error:
        return [f"файл не разбирается ({type(error).__name__})"]


def check(folder: Path) -> list[Fault]:
    """Every fault of every model of the register; nothing is loaded."""
    faults: list[Fault] = []
    for name in REGISTER:
        try:
            _verified(folder, name)
        except FaultsError as error:
            faults.extend(error.faults)
    return faults


def save(folder: Path, name: str, values: Mapping[str, Any], card: Mapping[str, Any]) -> str:
    """Write a new version beside the old ones and make it current; returns the version."""
    data = _canonical(skops.io.dumps(dict(values)))
    checksum = hashlib.sha256(data).hexdigest()
    version = checksum[:12]
    place = folder / name / version
    place.mkdir(parents=True, exist_ok=True)
    (place / "model.skops").write_bytes(data)
    _write_card(
        place,
        {
            "name": name,
            "version": version,
            "sha256": checksum,
            "what": REGISTER[name].what,
            "thresholds": dict(REGISTER[name].thresholds),
            **card,
        },
    )
    (folder / name / "current").write_text(version + "\n", encoding="utf-8")
    return version


def _write_card(place: Path, card: Mapping[str, Any]) -> None:
    (place / "card.json").write_text(json.dumps(card, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    (place / "card.md").write_text(_card_page(card), encoding="utf-8")


def renew_thresholds(folder: Path, name: str) -> None:
    """Write the register's thresholds into the card of the current version; the model stays as it is."""
    place, card, _ = _verified(folder, name)
    _write_card(place, {**card, "thresholds": dict(REGISTER[name].thresholds)})


def _canonical(data: bytes) -> bytes:
    """skops names members by memory address and dates the archive; here they are numbered and undated."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        schema = archive.read("schema.json").decode("utf-8")
        members = {name: archive.read(name) for name in archive.namelist() if name != "schema.json"}
    numbers: dict[str, str] = {}
    schema = _ADDRESS.sub(lambda m: m[1] + numbers.setdefault(m[2], str(len(numbers) + 1)), schema)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in sorted((numbers.get(n.split(".")[0], n) + ".npy", c) for n, c in members.items()):
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), content, zipfile.ZIP_DEFLATED, 9)
        archive.writestr(zipfile.ZipInfo("schema.json", _EPOCH), schema, zipfile.ZIP_DEFLATED, 9)
    return out.getvalue()


def pack(matrix: np.ndarray) -> dict[str, np.ndarray]:
    """Eight bits a weight, one scale a column: a quarter of the size, the same decisions."""
    scale = np.maximum(np.abs(matrix).max(axis=0), 1e-9) / 127
    return {"packed": np.round(matrix / scale).astype(np.int8), "scale": scale.astype(np.float32)}


def unpack(packed: Mapping[str, np.ndarray]) -> np.ndarray:
    return np.asarray(packed["packed"].astype(np.float32) * packed["scale"])


def _card_page(card: Mapping[str, Any]) -> str:
    lines = [f"# {card['name']} {card['version']}", "", f"{card['what']}.", ""]
    for key, value in card.items():
        if key in ("name", "version", "what"):
            continue
        if isinstance(value, Mapping):
            lines += [f"## {key}", "", *(f"- {k}: {v}" for k, v in value.items()), ""]
        elif isinstance(value, list):
            lines += [f"## {key}", "", *(f"- {v}" for v in value), ""]
        else:
            lines += [f"**{key}**: {value}", ""]
    return "\n".join(lines).rstrip() + "\n"

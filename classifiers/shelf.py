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
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from classifiers import archive
from classifiers.register import REGISTER
from records import Fault, FaultsError, file_fault
from regulation.files import read_bytes, read_text

Kept = TypeVar("Kept")

_VERSION = re.compile(r"\w[\w.-]{0,63}")
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
    path = place / "model.skops"
    try:
        values = archive.values_of(data)
    except archive.ForeignTypeError as error:
        raise FaultsError([file_fault(path, f"в модели посторонние типы: {error}", _MEND)]) from None
    except Exception as error:
        what = f"файл не разбирается ({type(error).__name__})"
        raise FaultsError([file_fault(path, what, _MEND)]) from None
    return Artefact(name, place.name, values, card)


def current(folder: Path, name: str) -> str:
    """The version that decides. Raises: FaultsError."""
    path = folder / name / "current"
    version = _kept(path, "нет действующей версии модели", lambda: read_text(path)).strip()
    if not _VERSION.fullmatch(version):
        raise FaultsError([file_fault(path, f"негодное имя версии: {version[:64] or 'файл пуст'}", _MEND)])
    if not (folder / name / version).is_dir():
        others = sorted(place.name for place in (folder / name).iterdir() if place.is_dir())
        what = f"модель или её паспорт не читаются: версии {version} нет"
        mend = f"впишите имеющуюся ({', '.join(others)}) или {_MEND}" if others else _MEND
        raise FaultsError([file_fault(path, what, mend)])
    return version


def _verified(folder: Path, name: str) -> tuple[Path, dict[str, Any], bytes]:
    place = folder / name / current(folder, name)
    path = place / "model.skops"
    card = _card(place / "card.json")
    data = _kept(path, "модель или её паспорт не читаются", lambda: read_bytes(path))
    if hashlib.sha256(data).hexdigest() != card["sha256"]:
        raise FaultsError([file_fault(path, "файл модели повреждён или подменён", _MEND)])
    if unfit := _unfit(card, name):
        raise FaultsError([file_fault(place / "card.json", unfit, _MEND)])
    return place, card, data


def _card(path: Path) -> dict[str, Any]:
    """The passport of a model, with its checksum."""
    said = "модель или её паспорт не читаются"
    text = _kept(path, said, lambda: read_text(path))
    try:
        card = json.loads(text)
    except (ValueError, RecursionError):
        card = None
    if not isinstance(card, dict):
        raise FaultsError([file_fault(path, f"{said}: паспорт оборван или испорчен", _MEND)])
    if "sha256" not in card:
        raise FaultsError([file_fault(path, f"{said}: нет контрольной суммы (sha256)", _MEND)])
    return card


def _unfit(card: Mapping[str, Any], name: str) -> str:
    """Why a passport is none of this model's; nothing where it is."""
    if card.get("name") != name:
        return f"это паспорт другой модели: {card.get('name')}"
    thresholds = card.get("thresholds")
    given = thresholds if isinstance(thresholds, dict) else {}
    absent = [key for key in REGISTER[name].thresholds if not isinstance(given.get(key), int | float)]
    return f"в паспорте нет порогов: {', '.join(absent)}" if absent else ""


def _kept(path: Path, what: str, read: Callable[[], Kept]) -> Kept:
    """What a file of the shelf holds; where it cannot be read, the shelf is what must be mended."""
    try:
        return read()
    except FaultsError as error:
        reasons = "; ".join(fault.what for fault in error.faults)
        raise FaultsError([file_fault(path, f"{what}: {reasons}", _MEND)]) from None


def load_all(folder: Path) -> dict[str, Artefact]:
    """Every model of the register, by name. Raises: FaultsError, with the faults of each."""
    loaded: dict[str, Artefact] = {}
    faults: list[Fault] = []
    for name in REGISTER:
        try:
            loaded[name] = load(folder, name)
        except FaultsError as error:
            faults.extend(error.faults)
    if faults:
        raise FaultsError(faults)
    return loaded


def save(folder: Path, name: str, values: Mapping[str, Any], card: Mapping[str, Any]) -> str:
    """Write a new version beside the old ones and make it current; returns the version."""
    import skops.io

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
    place = folder / name / current(folder, name)
    card = _card(place / "card.json")
    _write_card(place, {**card, "thresholds": dict(REGISTER[name].thresholds)})


def _canonical(data: bytes) -> bytes:
    """skops names members by memory address and dates the archive; here they are numbered and undated."""
    with zipfile.ZipFile(io.BytesIO(data)) as written:
        schema = written.read("schema.json").decode("utf-8")
        members = {name: written.read(name) for name in written.namelist() if name != "schema.json"}
    numbers: dict[str, str] = {}
    schema = _ADDRESS.sub(lambda m: m[1] + numbers.setdefault(m[2], str(len(numbers) + 1)), schema)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as numbered:
        for name, content in sorted((numbers.get(n.split(".")[0], n) + ".npy", c) for n, c in members.items()):
            numbered.writestr(zipfile.ZipInfo(name, _EPOCH), content, zipfile.ZIP_DEFLATED, 9)
        numbered.writestr(zipfile.ZipInfo("schema.json", _EPOCH), schema, zipfile.ZIP_DEFLATED, 9)
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

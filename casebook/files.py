"""Attachments as content-addressed files: ``files/<first two>/<SHA-256>``, type told by the content, size bounded."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from casebook.events import storable
from casebook.models import Attachment, Draft
from cases.lifecycle import MoveError, Refusal

LARGEST = 20 * 1024 * 1024
_DIGEST = re.compile("[0-9a-f]{64}")
# What the networks take beside a text (point 13: photo and video), by how such files begin.
_KINDS: tuple[tuple[str, int, bytes], ...] = (
    ("image/jpeg", 0, b"\xff\xd8\xff"),
    ("image/png", 0, b"\x89PNG\r\n\x1a\n"),
    ("image/webp", 8, b"WEBP"),
    ("video/mp4", 4, b"ftyp"),
    ("application/pdf", 0, b"%PDF-"),
)
_LONGEST_MARK = 16


@dataclass(frozen=True, slots=True)
class Kept:
    """A file in the store, and what it is called. ``size``: bytes."""

    digest: str
    type: str
    size: int
    name: str


def keep_file(path: Path) -> Kept:
    """Raises: MoveError: it cannot be read, its type or size is not taken."""
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= LARGEST else b""
    except OSError as error:
        raise MoveError(
            f"файл {path.name} не читается: {error.strerror}", "проверьте путь и права", "The file cannot be read."
        ) from None
    if size > LARGEST:
        raise _too_large(path.name)
    return keep_bytes(path.name, data)


def keep_bytes(name: str, data: bytes) -> Kept:
    """Raises: MoveError: its type or size is not taken."""
    name = plain(name)
    if len(data) > LARGEST:
        raise _too_large(name)
    digest = hashlib.sha256(data).hexdigest()
    kept = Kept(digest, _type_of(name, data), len(data), name)
    _store(digest, data)
    return kept


def kept(digest: str, name: str) -> Kept:
    """A file that was kept before. Raises: MoveError: there is none of the digest."""
    path = place(digest)
    if not _DIGEST.fullmatch(digest) or not path.is_file():
        raise MoveError(
            f"файла {digest[:64]} нет", "сначала пришлите его", f"No file {digest[:64]}.", Refusal.NOT_FOUND
        )
    with path.open("rb") as file:
        head = file.read(_LONGEST_MARK)
    return Kept(digest, _type_of(name, head), path.stat().st_size, plain(name))


def attach(draft: Draft, file: Kept) -> None:
    Attachment.objects.create(draft=draft, digest=file.digest, type=file.type, size=file.size, name=file.name)


def plain(name: str) -> str:
    """A name that is only a name: no folders, nothing that a screen or a file system would obey."""
    last = storable(name).replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(letter for letter in last if letter.isprintable()).strip(" .")[:200] or "файл"


def _too_large(name: str) -> MoveError:
    most = LARGEST // 2**20
    return MoveError(f"файл {name} больше {most} МБ", "сожмите его", f"The file is larger than {most} MB.")


def _type_of(name: str, data: bytes) -> str:
    found = next((kind for kind, at, mark in _KINDS if data[at : at + len(mark)] == mark), None)
    if found is None:
        raise MoveError(
            f"файл {name} не фото, не видео и не PDF",
            "прикладывают JPEG, PNG, WebP, MP4, PDF",
            "Not a JPEG, PNG, WebP, MP4 or PDF.",
        )
    return found


def place(digest: str) -> Path:
    return Path(settings.OTKLIK_FILES) / digest[:2] / digest


def _store(digest: str, data: bytes) -> None:
    """Whole or not at all: written beside, then renamed."""
    target = place(digest)
    with suppress(FileNotFoundError):
        os.utime(target)  # it is there, and waits for a draft anew (casebook.scrubbing)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    Path(file.name).replace(target)

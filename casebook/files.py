"""Attachments as content-addressed files: ``files/<first two>/<SHA-256>``, type told by the content, size bounded."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

from django.conf import settings

from casebook.events import storable
from casebook.models import Attachment, Draft
from cases.lifecycle import MoveError

LARGEST = 20 * 1024 * 1024
# What the networks take beside a text (point 13: photo and video), by how such files begin.
_KINDS: tuple[tuple[str, int, bytes], ...] = (
    ("image/jpeg", 0, b"\xff\xd8\xff"),
    ("image/png", 0, b"\x89PNG\r\n\x1a\n"),
    ("image/webp", 8, b"WEBP"),
    ("video/mp4", 4, b"ftyp"),
    ("application/pdf", 0, b"%PDF-"),
)


def attach(draft: Draft, path: Path) -> str:
    """Keep the file and link it to the draft; returns its digest. Raises: MoveError: its type or size is not taken."""
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= LARGEST else b""
    except OSError as error:
        raise MoveError(f"файл {path.name} не читается: {error.strerror}", "проверьте путь и права") from None
    if size > LARGEST:
        raise MoveError(f"файл {path.name} больше {LARGEST // 2**20} МБ", "сожмите его")
    kind = next((name for name, at, mark in _KINDS if data[at : at + len(mark)] == mark), None)
    if kind is None:
        raise MoveError(f"файл {path.name} не фото, не видео и не PDF", "прикладывают JPEG, PNG, WebP, MP4, PDF")
    digest = hashlib.sha256(data).hexdigest()
    _store(digest, data)
    Attachment.objects.create(draft=draft, digest=digest, type=kind, size=size, name=storable(path.name)[:200])
    return digest


def place(digest: str) -> Path:
    return Path(settings.OTKLIK_FILES) / digest[:2] / digest


def _store(digest: str, data: bytes) -> None:
    """Whole or not at all: written beside, then renamed."""
    target = place(digest)
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    Path(file.name).replace(target)

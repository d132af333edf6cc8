"""A post: what a resident wrote, as it was detected."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

SCHEMA = 1


class PostError(ValueError):
    """A line that is not a post; ``reason`` says what is wrong, ``mend`` what to do (both Russian); ``english``: both,
    for who calls the HTTP API."""

    def __init__(self, reason: str, mend: str, english: str = "Not a post of this schema.") -> None:
        super().__init__(reason)
        self.reason = reason
        self.mend = mend
        self.english = english


@dataclass(frozen=True, slots=True)
class Attachment:
    type: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Parent:
    """The post that this one comments on."""

    key: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Post:
    """Times are ISO 8601 strings with the zone; ``detected_at`` starts the clocks of the decree (points 5, 7, 8)."""

    key: str
    text: str
    network: str = "file"
    source: str | None = None
    author: str | None = None
    url: str | None = None
    published_at: str | None = None
    detected_at: str | None = None
    parent: Parent | None = None
    attachments: tuple[Attachment, ...] = ()
    revision: str = ""


def revision_of(text: str) -> str:
    """First 16 hex digits of the SHA-256 of the text in UTF-8."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]

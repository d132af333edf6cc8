"""What travels between the parts: the values of the topics, as bytes of JSON (``docs/streams.md``)."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from records.decision import Decision
from records.json import decision_to_json, dump, post_from_json, post_to_json
from records.post import SCHEMA, Post, PostError
from records.strict import json_object

INCOMING = "posts.incoming"
DECIDED = "posts.decided"
ALARMS = "posts.alarms"
QUARANTINE = "posts.quarantine"
CASES = "cases.events"
TOPICS = (INCOMING, DECIDED, ALARMS, QUARANTINE, CASES)
LONGEST_TEXT = 100_000


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a message lay: a topic, or the name of the file that it was read from."""

    topic: str
    partition: int
    offset: int


def incoming(post: Post) -> bytes:
    return _bytes({"schema": SCHEMA, "post": post_to_json(post)})


def decided(post: Post, decision: Decision) -> bytes:
    """The same value goes to ``posts.decided`` and, where there is an alarm, to ``posts.alarms``."""
    return _bytes({"schema": SCHEMA, "post": post_to_json(post), "decision": decision_to_json(decision)})


def quarantined(raw: bytes, reason: str, error: str, at: str, origin: Origin) -> bytes:
    """``reason``: Russian, for people; ``error``: what broke, without any text of the post."""
    return _bytes(
        {
            "schema": SCHEMA,
            "raw": base64.b64encode(raw).decode("ascii"),
            "reason": reason,
            "error": error,
            "at": at,
            "origin": {"topic": origin.topic, "partition": origin.partition, "offset": origin.offset},
        }
    )


def read_incoming(value: bytes, key: bytes | None) -> Post:
    """The post of a message of ``posts.incoming``; ``key``: that of the record.

    Raises:
        PostError: not a message of this schema, a key missing or another than the post's, a text over 100 kB.
    """
    message = message_of(value)
    post = post_from_json(message.get("post"))
    if key is None:
        raise PostError("у записи нет ключа", f"пишите в {INCOMING} с ключом сообщения")
    if key.decode("utf-8", "backslashreplace") != post.key:
        raise PostError("ключ записи не равен ключу сообщения", "ключ записи должен повторять post.key")
    size = len(post.text.encode("utf-8"))
    if size > LONGEST_TEXT:
        raise PostError(f"текст {size} байт, длиннее {LONGEST_TEXT}", "сократите текст или разберите его вручную")
    return post


def message_of(value: bytes) -> Mapping[str, Any]:
    """The JSON object of any message.

    Raises:
        PostError: not UTF-8, not a JSON object, another schema.
    """
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError as error:
        raise PostError(f"не UTF-8 (байт {error.start})", "пишите JSON в UTF-8") from None
    message = json_object(text)
    schema = message.get("schema")
    if type(schema) is not int or schema != SCHEMA:
        said = "нет поля schema" if schema is None else f"неизвестная схема: {str(schema)[:40]}"
        raise PostError(said, f"эта версия читает schema {SCHEMA}; обновите получателя или исправьте отправителя")
    return message


def raw_of(message: Mapping[str, Any]) -> bytes:
    """The bytes of a message in quarantine, as they came.

    Raises:
        PostError: the quarantine itself was written by something else.
    """
    try:
        return base64.b64decode(message["raw"], validate=True)
    except (KeyError, TypeError, ValueError):
        raise PostError(
            "запись карантина повреждена: raw — не base64", "посмотрите её: otklik quarantine show"
        ) from None


def _bytes(value: Mapping[str, Any]) -> bytes:
    return dump(value).encode("utf-8")


def decision_line(value: bytes) -> bytes:
    """The decision of a message of ``posts.decided`` as a line of ``otklik triage --out jsonl``."""
    return f"{dump(json.loads(value)['decision'])}\n".encode()

"""Posts and decisions as JSON values, to the letter of the contract (``docs/streams.md``)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from records.decision import Alarm, Decision, Hit, Place, Review, Route
from records.post import SCHEMA, Attachment, Parent, Post, PostError, revision_of

_OPTIONAL_TEXTS = ("source", "author", "url")
_TIMES = ("published_at", "detected_at")
# fromisoformat also takes forms that RFC 3339 does not have, and more of them in each version of Python
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)?", re.ASCII)
_TIME_MEND = 'запишите время ISO 8601 с поясом, в кавычках: "{name}": "2026-03-14T09:30:00+03:00", или null'


def dump(value: Any) -> str:
    """One line of JSON: UTF-8 text, no spaces after separators, keys in the order they were put in."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def post_to_json(post: Post) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "key": post.key,
        "network": post.network,
        "source": post.source,
        "author": post.author,
        "url": post.url,
        "text": post.text,
        "published_at": post.published_at,
        "detected_at": post.detected_at,
        "parent": None if post.parent is None else {"key": post.parent.key, "text": post.parent.text},
        "attachments": [{"type": a.type, "url": a.url} for a in post.attachments],
        "revision": post.revision or revision_of(post.text),
    }


def post_from_json(value: object, *, key: str | None = None) -> Post:
    """Read a post; ``key`` stands in for a missing one.

    Raises:
        PostError: the value is not a post (what and how to mend it, in Russian).
    """
    if not isinstance(value, Mapping):
        raise PostError(
            "строка не является объектом JSON",
            'одна строка — один объект: {"text": "…"}',
            'Not a JSON object: send {"key": "…", "text": "…"}.',
        )
    _check_schema(value.get("schema", SCHEMA))
    text = value.get("text")
    if text is None:
        raise PostError("нет поля text", "добавьте поле text с текстом сообщения", "No text: add it.")
    if not isinstance(text, str):
        raise _not_text("text", text, "")
    text = _well_formed("text", text)
    attachments = _attachments(value.get("attachments"))
    if not text.strip() and not attachments:
        english = "An empty text without attachments: give a text or attachments."
        raise PostError("пустой text без вложений", "дайте текст или вложения (attachments)", english)
    own_key = _text(value, "key") or key
    if not own_key:
        english = 'No key: add one, such as "vk:-123_45".'
        raise PostError("нет поля key", 'добавьте ключ сообщения, например "vk:-123_45"', english)
    before, colon, _ = own_key.partition(":")
    network = _text(value, "network") or (before if colon else "") or "file"
    return Post(
        key=own_key,
        text=text,
        network=network,
        parent=_parent(value.get("parent")),
        attachments=attachments,
        revision=_revision(value, text),
        **{name: _text(value, name) for name in _OPTIONAL_TEXTS},
        **{name: _time(value, name) for name in _TIMES},
    )


def _check_schema(schema: object) -> None:
    if type(schema) is not int:
        reason = f"поле schema — {_short(dump(schema))}, а нужно число {SCHEMA} без кавычек"
        raise PostError(reason, f'запишите "schema": {SCHEMA}', f"schema is not the number {SCHEMA}.")
    if schema != SCHEMA:
        reason, mend = f"неизвестная схема: {_short(str(schema))}", f'эта версия читает только "schema": {SCHEMA}'
        raise PostError(reason, mend, f"Unknown schema: this version reads {SCHEMA} alone.")


def _short(shown: str) -> str:
    return shown if len(shown) <= 40 else shown[:40] + "…"


def _kind(value: object) -> str:
    """What a value of JSON is called."""
    if value is None or isinstance(value, bool):
        return dump(value)
    if isinstance(value, str):
        return "строка"
    if isinstance(value, list):
        return "список"
    return "объект" if isinstance(value, Mapping) else "число"


def _not_text(name: str, value: object, otherwise: str) -> PostError:
    mend = f'нужна строка в кавычках: "{name}": "…"{otherwise}'
    return PostError(f"поле {name} — не строка, а {_kind(value)}", mend, f"{name} is not a string.")


def _well_formed(name: str, text: str) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise PostError(
            f"поле {name}: половина суррогатной пары на месте {error.start}",
            "пересохраните файл в UTF-8",
            f"{name} holds half of a surrogate pair at {error.start}: write UTF-8.",
        ) from None
    return text


def _text(value: Mapping[str, Any], name: str) -> str | None:
    found = value.get(name)
    if found is None:
        return None
    numbered = name == "author"
    if numbered and type(found) is int:
        return str(found)
    if not isinstance(found, str):
        raise _not_text(name, found, ", целое число или null" if numbered else " или null")
    return _well_formed(name, found)


def _time(value: Mapping[str, Any], name: str) -> str | None:
    """ISO 8601 as RFC 3339 narrows it, kept as it was written; empty is absent."""
    found = value.get(name)
    if found is None or found == "":
        return None
    mend = _TIME_MEND.format(name=name)
    english = f'{name} is not an ISO 8601 time with a zone, such as "2026-03-14T09:30:00+03:00".'
    if not isinstance(found, str):
        raise PostError(f"поле {name} — не строка, а {_kind(found)}", mend, english)
    match = _TIME.fullmatch(found)
    if match is None:
        raise PostError(f"поле {name} — не дата и время ISO 8601 до секунд", mend, english)
    if match[2] is None:
        raise PostError(f"поле {name}: время без часового пояса", mend, english)
    try:
        datetime.fromisoformat(found)
    except ValueError:
        raise PostError(f"поле {name}: такого времени не бывает", mend, english) from None
    return found


def _revision(value: Mapping[str, Any], text: str) -> str:
    """A revision of another text would pass an edited post for a repeat."""
    computed = revision_of(text)
    if _text(value, "revision") not in (None, "", computed):
        mend = f"уберите revision, она вычислится сама; у этого текста она {computed}"
        raise PostError(
            "поле revision не от этого текста", mend, f"revision is of another text: leave it out ({computed})."
        )
    return computed


def _parent(value: object) -> Parent | None:
    if value is None:
        return None
    if not isinstance(value, Mapping):
        mend = 'parent должен быть {"key": …, "text": …} или null'
        raise PostError("поле parent — не объект", mend, "parent is neither an object nor null.")
    return Parent(key=_text(value, "key"), text=_text(value, "text"))


def _attachments(value: object) -> tuple[Attachment, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(a, Mapping) for a in value):
        mend = 'attachments: [{"type": "photo", "url": "…"}]'
        raise PostError("поле attachments — не список объектов", mend, "attachments is not a list of objects.")
    return tuple(Attachment(type=_text(a, "type") or "file", url=_text(a, "url")) for a in value)


def _probability(value: float) -> float:
    return round(float(value), 4)


def _span(part: Hit | Alarm | Review) -> dict[str, Any]:
    return {"rule": part.rule, "start": part.start, "stop": part.stop, "text": part.text}


def _ranked(key: str, pairs: tuple[tuple[str, float], ...]) -> list[dict[str, Any]]:
    return [{key: name, "probability": _probability(p)} for name, p in pairs]


def _route(route: Route) -> dict[str, Any]:
    topic = route.topic
    return {
        "department": route.department,
        "office": route.office,
        "external": route.external,
        "probability": _probability(route.probability),
        "proposed": route.proposed,
        "runners_up": _ranked("department", route.runners_up),
        "topic": None
        if topic is None
        else {
            "name": topic.name,
            "probability": _probability(topic.probability),
            "runners_up": _ranked("name", topic.runners_up),
        },
        "also": [{"department": a.department, "start": a.start, "stop": a.stop} for a in route.also],
        "evidence": [
            {"text": e.text, "start": e.start, "stop": e.stop, "weight": _probability(e.weight)} for e in route.evidence
        ],
    }


def _place(place: Place) -> dict[str, Any]:
    return {"settlement": place.settlement, "street": place.street, "house": place.house, "object": place.object}


def decision_to_json(decision: Decision) -> dict[str, Any]:
    significance = decision.significance
    return {
        "key": decision.key,
        "revision": decision.revision,
        "fingerprint": decision.fingerprint,
        "verdict": decision.verdict.value,
        "grounds": [{"ground": hit.ground.value, **_span(hit)} for hit in decision.grounds],
        "alarms": [{"kind": alarm.kind.value, **_span(alarm)} for alarm in decision.alarms],
        "needs_answer": {"probability": _probability(decision.needs_answer)},
        "significance": {
            "probability": _probability(significance.probability),
            "reasons": [
                {"code": r.code.value, "text": r.text, "start": r.start, "stop": r.stop} for r in significance.reasons
            ],
        },
        "track": None if decision.track is None else decision.track.value,
        "route": None if decision.route is None else _route(decision.route),
        "place": None if decision.place is None else _place(decision.place),
        "review": [{"code": r.code.value, **_span(r)} for r in decision.review],
        "versions": decision.versions,
    }

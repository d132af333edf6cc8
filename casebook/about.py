"""Everything in the tables about one author, words included: what a person may ask of whoever keeps it (152-ФЗ)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from casebook.events import message_of
from casebook.forgetting import TEXTS, texts_of
from casebook.lists import clocks
from casebook.models import Case, Draft, Reading, Text, Verdict
from records.clock import stamp, stamped


@dataclass(slots=True)
class About:
    """``cases``: as they are exported; ``quoted``: numbers of other people's cases that hold a post of the author as
    the one they comment on; ``read``: the texts that the export shows, to be put on record."""

    cases: list[dict[str, Any]] = field(default_factory=list)
    quoted: list[int] = field(default_factory=list)
    read: list[tuple[Text, Case]] = field(default_factory=list)


def about(author: str) -> About:
    """``author``: the digest (``casebook.intake.author_digest``); empty where no case is known to be of the author."""
    found = About()
    cases = list(Case.objects.filter(author=author).select_related("executor", "owner").order_by("ordinal"))
    for case in cases:
        found.cases.append(_case(case))
        found.read += [(text, case) for kind in TEXTS for text in texts_of(case, kind).filter(erased_at=None)]
    found.quoted = quoted([case.key for case in cases], author)
    return found


def quoted(keys: list[str], author: str) -> list[int]:
    """Cases of others whose post comments on one of these and holds its words."""
    held = Case.objects.filter(verdicts__text__body__post__parent__key__in=keys).exclude(author=author)
    return sorted(set(held.values_list("ordinal", flat=True))) if keys else []


def _case(case: Case) -> dict[str, Any]:
    return {
        "case": case.ordinal,
        "key": case.key,
        "part": case.part,
        "network": case.network,
        "state": case.state,
        "track": case.track or None,
        "department": case.department or None,
        "office": case.office or None,
        "external": case.external or None,
        "executor": case.executor.code if case.executor else None,
        "answered_by": case.owner.ordinal if case.owner else None,
        "detected_at": stamp(case.detected_at),
        "opened_at": stamp(case.opened_at),
        "posts": [_post(one) for one in case.verdicts.select_related("text").order_by("id")],
        "clocks": clocks(case),
        "events": [message_of(one) for one in case.events.select_related("case").order_by("number")],
        "reasons": [_text(one) for one in texts_of(case, "reason").order_by("id")],
        "proofs": [_text(one) for one in texts_of(case, "proof").order_by("id")],
        "drafts": [_draft(one) for one in case.drafts.select_related("text", "author").order_by("number")],
        "alarms": list(_alarms(case)),
        "readings": list(readings_of(case)),
    }


def _post(one: Verdict) -> dict[str, Any]:
    words = one.text.body or {}
    return {
        "revision": one.revision,
        "verdict": one.verdict,
        "at": stamp(one.at),
        "erased_at": stamped(one.text.erased_at),
        "post": words.get("post"),
        "decision": words.get("decision"),
    }


def _text(text: Text) -> dict[str, Any]:
    said = text.body["text"] if text.body else None
    return {"digest": text.digest, "at": stamp(text.created_at), "erased_at": stamped(text.erased_at), "text": said}


def _draft(one: Draft) -> dict[str, Any]:
    files = one.attachments.order_by("id").values("digest", "type", "size", "name")
    return {
        "number": one.number,
        "interim": one.interim,
        "by": one.author.code,
        "published_at": stamped(one.published_at),
        "link": one.link or None,
        **_text(one.text),
        "files": [{**file, "name": file["name"] or None} for file in files],
    }


def _alarms(case: Case) -> Iterator[dict[str, Any]]:
    for one in case.alarms.order_by("id"):
        answered = {"acknowledged_at": stamped(one.acknowledged_at), "by": one.acknowledged_by or None}
        yield {"kind": one.kind, "raised_at": stamp(one.raised_at), "due": stamp(one.due), **answered}


def readings_of(case: Case) -> Iterator[dict[str, Any]]:
    for one in Reading.objects.filter(case=case).order_by("id"):
        yield {"at": stamp(one.at), "actor": one.actor, "what": one.what}

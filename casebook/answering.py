"""Moves of the answer: draft, approval, publication, the reply owed to each author."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta

from casebook import clocks
from casebook.events import digest_of, keep
from casebook.files import Kept, attach
from casebook.models import Draft
from casebook.turn import Body, Turn, current_draft
from cases.lifecycle import MoveError, Refusal, State

_LINK = re.compile(r"https?://[^\s/]+\.[^\s]+")
_DATE = re.compile(
    r"\b\d{1,2}(?:\.(?:0?[1-9]|1[0-2])\b(?:\.\d{2,4})?|\s+(?:январ|феврал|март|апрел|ма[йя]|июн|июл|август|сент|окт|ноя|дек))"
)
_WORD = re.compile(r"[а-яёa-z]{4,}", re.IGNORECASE)
_STEM = 5
HOUR = timedelta(hours=1)
BODIES = ("CUR", "UPR")  # the regional control centre, or the government's office for appeals (point 10)


def draft(turn: Turn) -> Body:
    """``text``; ``interim``: it is an interim answer; ``files``: ``casebook.files.Kept`` to attach."""
    case = turn.case
    text = str(turn.need("text", "текст ответа")).strip()
    interim = bool(turn.take("interim", False))
    files: Sequence[Kept] = turn.take("files", ())
    _fits(turn, text, bool(files))
    if interim:
        _may_be_interim(turn, text)
    case.draft_number = 1 + Draft.objects.filter(case=case).count()
    kept = Draft.objects.create(
        case=case,
        number=case.draft_number,
        interim=interim,
        text=keep("draft", {"text": text}, turn.now),
        author=turn.actor,
        at=turn.now,
    )
    for file in files:
        attach(kept, file)
    clocks.stop(case, turn.now, "draft", "final_draft")
    return {
        "draft": kept.number,
        "interim": interim,
        "digest": kept.text.digest,
        "files": [file.digest for file in files],
        "longer_than_wished": _longer_than_wished(turn, text),
    }


def _fits(turn: Turn, text: str, has_files: bool) -> None:
    """Policy ``answer_format``: what the network takes; Telegram has less room under a photo."""
    network = turn.case.network
    if network not in ("vk", "ok", "telegram"):
        return
    under_files = network == "telegram" and has_files
    limit = turn.decree.policy("answer_format", "telegram_caption_limit" if under_files else f"{network}_limit")
    if len(text) > limit:
        raise MoveError(
            f"ответ длиннее {limit} знаков ({len(text)}): {network} его не примет{' с вложением' * under_files}",
            "сократите текст" + " или уберите вложения" * under_files,
            f"The answer has {len(text)} characters, more than the {limit} that {network} takes: shorten it.",
        )


def _longer_than_wished(turn: Turn, text: str) -> int | None:
    """How many characters would have been enough (policy ``answer_format``), if the answer has more."""
    name = "telegram_wish_limit" if turn.case.network == "telegram" else "wish_limit"
    wished = int(turn.decree.policy("answer_format", name))
    return wished if len(text) > wished else None


def _may_be_interim(turn: Turn, text: str) -> None:
    """Policy ``interim``: one a case, a reason and the date of the final answer in its text."""
    if turn.case.interim and not turn.is_manager:
        raise MoveError(
            "промежуточный ответ уже был",
            "второй — только решением управляющего делами",
            "There was an interim answer: a second one is for the manager alone.",
        )
    if not (turn.reason and turn.reason.strip()):
        raise MoveError(
            "у промежуточного ответа нет причины",
            "назовите её: --reason «…»",
            "An interim answer needs a reason.",
            Refusal.REASON_MISSING,
        )
    if not _DATE.search(text):
        raise MoveError(
            "в промежуточном ответе нет даты окончательного",
            "напишите, до какого числа ответите",
            "An interim answer must name the date of the final one.",
        )


def send(turn: Turn) -> Body:
    """``body``: CUR (ЦУР) or UPR (управление по работе с обращениями); ``number``: of the request."""
    case = turn.case
    current = current_draft(case)
    body = turn.take("body", turn.decree.policy("approval_timeout", "body"))
    if body not in BODIES:
        raise MoveError(
            f"согласует не {body}",
            f"назовите одно из: {', '.join(BODIES)}",
            f"{body} does not approve: name one of {', '.join(BODIES)}.",
        )
    _names_body(turn, current)
    clocks.start(turn.decree, case, "approval", turn.now)
    return {"draft": current.number, "to": body, "number": turn.take("number", "")}


def _names_body(turn: Turn, current: Draft) -> None:
    """Policy ``out_of_scope``: «не наша компетенция» without the competent body is no answer."""
    found = turn.decree.department(turn.case.external) if turn.case.external else None
    if found is None or current.text.body is None:
        return
    said = {word.lower()[:_STEM] for word in _WORD.findall(current.text.body["text"])}
    names = {word.lower()[:_STEM] for word in _WORD.findall(f"{found.short} {found.name}")}
    if not said & names:
        raise MoveError(
            f"в ответе не назван компетентный орган: {found.name}",
            "впишите название и телефон или ссылку",
            f"The answer does not name the competent body: {found.name}.",
        )


def approve(turn: Turn) -> Body:
    """``number``: of the approval."""
    case = turn.case
    clocks.stop(case, turn.now, "approval")
    answer = clocks.last(case, "final") or clocks.last(case, "answer")
    if answer is not None:
        clocks.start(turn.decree, case, "publication", turn.now, answer=answer.counted)
    return {"draft": current_draft(case).number, "number": turn.take("number", "")}


def remark(turn: Turn) -> Body:
    clocks.stop(turn.case, turn.now, "approval")
    answer = clocks.last(turn.case, "final") or clocks.last(turn.case, "answer")
    if answer is not None:
        clocks.start(turn.decree, turn.case, "rework", turn.now, answer=answer.counted)
    return {"draft": current_draft(turn.case).number}


def publish(turn: Turn) -> Body:
    """``link``: of the answer in the network."""
    case, current = turn.case, current_draft(turn.case)
    link = _link(turn)
    _not_too_alike(turn, current)
    current.published_at, current.link = turn.now, link
    current.save()
    clocks.stop(case, turn.now)
    if current.interim:
        turn.after = State.INTERIM_PUBLISHED
        case.interim = True
        first = clocks.last(case, "final")  # a second interim answer does not start the seven days anew
        for by in ("final_draft", "final"):
            clocks.start(turn.decree, case, by, first.started_at if first else turn.now)
    return {"draft": current.number, "interim": current.interim, "link": digest_of(link)}


def _link(turn: Turn) -> str:
    link = str(turn.need("link", "ссылка на ответ")).strip()
    if not _LINK.fullmatch(link):
        raise MoveError(
            f"не ссылка: {link[:60]}", "ссылка начинается с https://", "Not a link: it begins with https://."
        )
    return link


def _not_too_alike(turn: Turn, current: Draft) -> None:
    """Policy ``duplicates``: networks block who says the same to many."""
    most = turn.decree.policy("duplicates", "same_answers_per_hour")
    since = turn.decree.clocks.working.subtract(turn.now, HOUR)
    alike = Draft.objects.filter(text__digest=current.text.digest, published_at__gt=since).exclude(pk=current.pk)
    if alike.count() >= most:
        raise MoveError(
            f"таких же ответов за рабочий час уже {most}",
            "измените текст или ответьте одним постом со ссылками",
            f"The same answer went out {most} times within a working hour: change the text.",
        )


def publish_unapproved(turn: Turn) -> Body:
    _names_body(turn, current_draft(turn.case))
    clocks.stop(turn.case, turn.now, "approval")
    body = publish(turn)
    return {**body, "unapproved": True}


def unpublishable(turn: Turn) -> Body:
    """``proof``: a link to, or a description of, the snapshot that proves it."""
    proof = keep("proof", {"text": str(turn.need("proof", "доказательство"))}, turn.now)
    clocks.stop(turn.case, turn.now)
    return {"proof": proof.digest}


def reply(turn: Turn) -> Body:
    """``link``: the author of a merged post is owed a reply of his own, with its own clock and proof."""
    owner = turn.case.owner
    while owner is not None and owner.owner is not None:  # which was itself merged later
        owner = owner.owner
    if owner is None or not Draft.objects.filter(case=owner, interim=False, published_at__isnull=False).exists():
        raise MoveError(
            "по общей карточке ещё не ответили",
            "сначала разместите её ответ",
            "The case that answers for this one is not answered yet.",
            Refusal.WRONG_STATE,
        )
    link = _link(turn)
    clocks.stop(turn.case, turn.now)
    return {"owner": owner.ordinal, "link": digest_of(link)}

"""What each move does to a case: guards beyond the table, fields, clocks; gives the body of its event (codes only)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from casebook import clocks
from casebook.decree import ORGANISING, Decree
from casebook.duplicates import remember
from casebook.events import Numbering, digest_of, keep, record
from casebook.files import attach
from casebook.models import Case, Coexecutor, Draft, Event, User, Verdict
from casebook.undo import put_back, snapshot
from cases.lifecycle import IRREVOCABLE, MOVES, OF_A_DEPARTMENT, UNANSWERED, MoveError, MoveName, Role, State
from records import ReasonCode, Track
from records.clock import stamp

Body = dict[str, Any]
_LINK = re.compile(r"https?://[^\s/]+\.[^\s]+")
_DATE = re.compile(
    r"\b\d{1,2}(?:\.(?:0?[1-9]|1[0-2])\b(?:\.\d{2,4})?|\s+(?:январ|феврал|март|апрел|ма[йя]|июн|июл|август|сент|окт|ноя|дек))"
)
_WORD = re.compile(r"[а-яёa-z]{4,}", re.IGNORECASE)
_STEM = 5
EVEN = 0.5
HOUR = timedelta(hours=1)
ESCALATED_TO = ("police", "112", "management")
BODIES = ("CUR", "UPR")  # the regional control centre, or the government's office for appeals (point 10)


@dataclass(slots=True)
class Turn:
    """One move in the making. ``after``: another state than the table says; ``kind``: another kind of event."""

    decree: Decree
    case: Case
    actor: User
    now: datetime
    reason: str | None
    given: Mapping[str, Any]
    before: dict[str, Any] | None
    after: State | None = None
    kind: str = ""
    used: set[str] = field(default_factory=set)

    def take(self, name: str, default: Any = None) -> Any:
        self.used.add(name)
        value = self.given.get(name)
        return default if value is None else value

    def need(self, name: str, what: str) -> Any:
        value = self.take(name)
        if value is None or (isinstance(value, str) and not value.strip()):
            raise MoveError(f"не сказано: {what}", f"добавьте --{name.replace('_', '-')}")
        return value

    @property
    def is_manager(self) -> bool:
        return self.actor.role == Role.MANAGER


def confirm(turn: Turn) -> Body:
    """``department`` (else the proposed one), ``office``. An external body: to ORG, named in the answer."""
    case, decree = turn.case, turn.decree
    most = decree.policy("return_30m", "returns_before_manager")
    if case.returns >= most and not turn.is_manager:
        raise MoveError(
            f"карточку вернули уже {case.returns} раза: отдел назначает управляющий делами", "передайте ему"
        )
    proposed = _latest(case).department
    code = turn.take("department", proposed)
    found = decree.department(code) if code else None
    if found is None:
        raise MoveError(f"нет отдела {code or '(не назван)'}", "назовите код из regulation/departments.yaml")
    case.department, case.external = (ORGANISING, code) if found.external else (code, "")
    case.office = turn.take("office", case.office if found.offices else "")
    if case.office and case.office not in decree.regulation.places.offices:
        raise MoveError(f"нет территориального отдела {case.office}", "назовите код из regulation/places.yaml")
    case.executor = case.accepted_at = None
    clocks.stop(case, turn.now, "dispatch", "return")
    clocks.start(decree, case, "return", turn.now)
    return {"department": case.department, "office": case.office, "external": case.external, "proposed": proposed}


def return_(turn: Turn) -> Body:
    case = turn.case
    _leads(turn)
    clock = clocks.running(case, "return")
    if case.accepted_at is not None or clock is None or turn.now > clock.due:
        raise MoveError(
            "30 минут на возврат прошли: карточка считается принятой (п. 6)", "спросите управляющего делами"
        )
    case.returns += 1
    clocks.stop(case, turn.now, "return")
    return {"returns": case.returns, "department": case.department}


def _leads(turn: Turn) -> None:
    """A department that only helps sees the case; whose it is, the lead one says."""
    if turn.actor.role in OF_A_DEPARTMENT and turn.actor.department != turn.case.department:
        raise MoveError(
            f"карточку ведёт {turn.case.department}, а не {turn.actor.department}", "это делает ведущий отдел"
        )


def accept(turn: Turn) -> Body:
    clock = clocks.running(turn.case, "return")
    if clock is None or turn.now < clock.due:
        raise MoveError("30 минут на возврат ещё не прошли", "подождите")
    turn.case.accepted_at = clock.due
    clocks.stop(turn.case, clock.due, "return")
    return {"accepted_at": stamp(clock.due)}


def assign(turn: Turn) -> Body:
    """``executor``: the code of a user of the department."""
    case = turn.case
    _leads(turn)
    code = turn.need("executor", "исполнитель")
    user = User.objects.filter(code=code, active=True, department=case.department).first()
    if user is None or user.role not in OF_A_DEPARTMENT or user.office not in ("", case.office):
        raise MoveError(f"в отделе {case.department} нет исполнителя {code}", "otklik user list")
    case.executor = user
    case.accepted_at = case.accepted_at or turn.now
    clocks.stop(case, turn.now, "return")
    return {"executor": code}


def join(turn: Turn) -> Body:
    """``department``: one that helps; the lead one still answers."""
    code = turn.need("department", "отдел-соисполнитель")
    if turn.decree.department(code) is None or code == turn.case.department:
        raise MoveError(f"{code} не может быть соисполнителем", "назовите код другого отдела")
    _, is_new = Coexecutor.objects.get_or_create(case=turn.case, department=code)
    if not is_new:
        raise MoveError(f"{code} уже соисполнитель", "ничего делать не нужно")
    return {"coexecutor": code}


def draft(turn: Turn) -> Body:
    """``text``; ``interim``: it is an interim answer; ``files``: to attach."""
    case = turn.case
    text = str(turn.need("text", "текст ответа")).strip()
    interim = bool(turn.take("interim", False))
    _fits(turn, text)
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
    digests = [attach(kept, path) for path in turn.take("files", ())]
    clocks.stop(case, turn.now, "draft", "final_draft")
    return {"draft": kept.number, "interim": interim, "digest": kept.text.digest, "files": digests}


def _fits(turn: Turn, text: str) -> None:
    network = turn.case.network
    limit = turn.decree.policy("answer_format", f"{network}_limit") if network in ("vk", "ok", "telegram") else None
    if limit and len(text) > limit:
        raise MoveError(f"ответ длиннее {limit} знаков ({len(text)}): {network} его не примет", "сократите текст")


def _may_be_interim(turn: Turn, text: str) -> None:
    """Policy ``interim``: one a case, a reason and the date of the final answer in its text."""
    if turn.case.interim and not turn.is_manager:
        raise MoveError("промежуточный ответ уже был", "второй — только решением управляющего делами")
    if not (turn.reason and turn.reason.strip()):
        raise MoveError("у промежуточного ответа нет причины", "назовите её: --reason «…»")
    if not _DATE.search(text):
        raise MoveError("в промежуточном ответе нет даты окончательного", "напишите, до какого числа ответите")


def send(turn: Turn) -> Body:
    """``body``: CUR (ЦУР) or UPR (управление по работе с обращениями); ``number``: of the request."""
    case = turn.case
    current = _current(case)
    body = turn.take("body", turn.decree.policy("approval_timeout", "body"))
    if body not in BODIES:
        raise MoveError(f"согласует не {body}", f"назовите одно из: {', '.join(BODIES)}")
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
        raise MoveError(f"в ответе не назван компетентный орган: {found.name}", "впишите название и телефон или ссылку")


def approve(turn: Turn) -> Body:
    """``number``: of the approval."""
    case = turn.case
    clocks.stop(case, turn.now, "approval")
    answer = clocks.last(case, "final") or clocks.last(case, "answer")
    if answer is not None:
        clocks.start(turn.decree, case, "publication", turn.now, answer=answer.counted)
    return {"draft": _current(case).number, "number": turn.take("number", "")}


def remark(turn: Turn) -> Body:
    clocks.stop(turn.case, turn.now, "approval")
    answer = clocks.last(turn.case, "final") or clocks.last(turn.case, "answer")
    if answer is not None:
        clocks.start(turn.decree, turn.case, "rework", turn.now, answer=answer.counted)
    return {"draft": _current(turn.case).number}


def publish(turn: Turn) -> Body:
    """``link``: of the answer in the network."""
    case, current = turn.case, _current(turn.case)
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
        raise MoveError(f"не ссылка: {link[:60]}", "ссылка начинается с https://")
    return link


def _not_too_alike(turn: Turn, current: Draft) -> None:
    """Policy ``duplicates``: networks block who says the same to many."""
    most = turn.decree.policy("duplicates", "same_answers_per_hour")
    since = turn.decree.clocks.working.subtract(turn.now, HOUR)
    alike = Draft.objects.filter(text__digest=current.text.digest, published_at__gt=since).exclude(pk=current.pk)
    if alike.count() >= most:
        raise MoveError(
            f"таких же ответов за рабочий час уже {most}", "измените текст или ответьте одним постом со ссылками"
        )


def publish_unapproved(turn: Turn) -> Body:
    _names_body(turn, _current(turn.case))
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
        raise MoveError("по общей карточке ещё не ответили", "сначала разместите её ответ")
    link = _link(turn)
    clocks.stop(turn.case, turn.now)
    return {"owner": owner.ordinal, "link": digest_of(link)}


def close(turn: Turn) -> Body:
    clocks.stop(turn.case, turn.now)
    return {}


def restore(turn: Turn) -> Body:
    """Policy ``restore``: due is the later of the count from detection and one working hour from now."""
    case = turn.case
    by_filter = case.state != State.MERGED
    usual_track = case.track or (Track.FOUR_HOURS if _fast(case) else Track.EIGHT_HOURS)
    case.track, case.owner = turn.take("track", usual_track), None
    clocks.start(turn.decree, case, "dispatch", turn.now)
    clocks.count_anew(turn.decree, case, "restored", turn.now)
    usual = turn.decree.clocks.answer(case.detected_at, Track(case.track))
    answer = clocks.running(case, "answer")
    is_late = answer is not None and usual.due < turn.now
    return {
        "track": case.track,
        "from_detection": stamp(usual.due),
        "due": stamp(answer.due) if answer else None,
        "late_by_filter": by_filter and is_late,
    }


def _fast(case: Case) -> bool:
    """An alarm, or a decision that thought so: doubt is 4 hours (policy ``fast_track_criteria``)."""
    body = _latest(case).text.body
    said = (body or {}).get("decision", {}).get("significance", {}).get("probability", 0)
    return bool(case.alarms.exists()) or said >= EVEN


def raise_(turn: Turn) -> Body:
    """``code``: why (a reason of the contract). Policy ``reclassify``."""
    if turn.case.track == Track.FOUR_HOURS:
        raise MoveError("срок уже 4 часа", "ничего делать не нужно")
    code = turn.take("code", "")
    if code and code not in set(ReasonCode):
        raise MoveError(f"нет кода причины {code[:20]}", f"назовите один из: {', '.join(ReasonCode)}")
    turn.case.track = Track.FOUR_HOURS
    clocks.count_anew(turn.decree, turn.case, "raised", turn.now)
    return {"track": turn.case.track, "code": code}


def lower(turn: Turn) -> Body:
    if turn.case.track == Track.EIGHT_HOURS:
        raise MoveError("срок уже 8 часов", "ничего делать не нужно")
    turn.case.track = Track.EIGHT_HOURS
    clocks.count_anew(turn.decree, turn.case, "lowered", turn.now)
    return {"track": turn.case.track}


def split(turn: Turn) -> Body:
    """``department``: of the further question. The new case has the same post and its own route."""
    case, now = turn.case, turn.now
    code = turn.need("department", "отдел второго вопроса")
    if turn.decree.department(code) is None:
        raise MoveError(f"нет отдела {code}", "назовите код из regulation/departments.yaml")
    latest = _latest(case)
    other = Case.objects.get(pk=case.pk)
    other.pk, other._state.adding = None, True
    other.part = 1 + Case.objects.filter(key=case.key).count()
    other.state, other.department, other.executor, other.external = State.NEW, "", None, ""
    other.version = other.returns = other.draft_number = 0
    other.accepted_at, other.moved, other.opened_at, other.interim = None, True, now, False
    numbering = Numbering()
    numbering.give(other)
    numbering.save()
    other.save()
    Verdict.objects.create(
        case=other,
        revision=latest.revision,
        versions=latest.versions,
        verdict=latest.verdict,
        track=latest.track,
        department=code,
        text=latest.text,
        at=now,
    )
    remember(other)
    clocks.start(turn.decree, other, "dispatch", now)
    clocks.count_anew(turn.decree, other, "restored", now)
    other.due = clocks.nearest(other)
    body = {"split_from": case.ordinal, "department": code, "verdict": latest.verdict, "revision": other.revision}
    record(other, "opened", actor=turn.actor.code, role=turn.actor.role, now=now, body=body)
    other.save()
    return {"split_to": other.ordinal, "department": code}


def merge(turn: Turn) -> Body:
    """``into``: the number of the case that answers for this one too. The author is still owed a reply."""
    case = turn.case
    into = Case.objects.select_for_update().filter(ordinal=turn.need("into", "общая карточка")).first()
    if into is None or into.pk == case.pk or into.state not in UNANSWERED | {State.PUBLISHED}:
        raise MoveError("присоединить не к чему", "назовите номер другой, открытой карточки: --into N")
    case.owner = into
    clocks.stop(case, turn.now, "dispatch", "return", "draft", "approval", "publish")
    clocks.start(turn.decree, case, "restored_answer", case.detected_at, track=case.track, now=stamp(turn.now))
    body = {"case": case.ordinal}
    record(into, "joined_by", actor=turn.actor.code, role=turn.actor.role, now=turn.now, body=body)
    into.save()
    return {"into": into.ordinal}


def withdraw(turn: Turn) -> Body:
    clocks.stop(turn.case, turn.now)
    return {}


def escalate(turn: Turn) -> Body:
    """``to``: police, 112 or management; a record of its own, the case stays where it is."""
    to = turn.need("to", "кому сообщили")
    if to not in ESCALATED_TO:
        raise MoveError(f"неизвестно, кому: {to}", f"назовите одно из: {', '.join(ESCALATED_TO)}")
    turn.kind, turn.before = "escalated", None
    return {"to": to, "number": turn.take("number", "")}


def recall(turn: Turn) -> Body:
    """The last move, while nothing followed it; by who made it, or by the manager."""
    case = turn.case
    last = Event.objects.filter(case=case, number=case.version).first()
    if last is None or last.before is None or last.kind not in MOVES or last.kind in IRREVOCABLE:
        raise MoveError("последнее действие отменить нельзя", "исправьте его следующим действием")
    if last.actor != turn.actor.code and not turn.is_manager:
        raise MoveError(f"последнее действие сделал {last.actor}", "отменяет он сам или управляющий делами")
    put_back(case, last.before, lambda how: clocks.count(turn.decree.clocks, how))
    turn.after, turn.kind, turn.before = State(case.state), "recalled", None
    return {"recalled": last.number, "kind": last.kind}


def _latest(case: Case) -> Verdict:
    return Verdict.objects.filter(case=case).latest("id")


def _current(case: Case) -> Draft:
    found = Draft.objects.filter(case=case, number=case.draft_number).select_related("text").first()
    if found is None or (found.published_at is not None):
        raise MoveError("у карточки нет проекта ответа", "внесите его: otklik case draft")
    return found


EFFECTS: Mapping[MoveName, Callable[[Turn], Body]] = {
    MoveName.CONFIRM: confirm,
    MoveName.RETURN: return_,
    MoveName.ACCEPT: accept,
    MoveName.ASSIGN: assign,
    MoveName.JOIN: join,
    MoveName.DRAFT: draft,
    MoveName.SEND: send,
    MoveName.APPROVE: approve,
    MoveName.REMARK: remark,
    MoveName.PUBLISH: publish,
    MoveName.PUBLISH_UNAPPROVED: publish_unapproved,
    MoveName.UNPUBLISHABLE: unpublishable,
    MoveName.REPLY: reply,
    MoveName.CLOSE: close,
    MoveName.CONFIRM_EXCLUSION: close,
    MoveName.CONFIRM_NO_ANSWER: close,
    MoveName.RESTORE: restore,
    MoveName.RAISE: raise_,
    MoveName.LOWER: lower,
    MoveName.SPLIT: split,
    MoveName.MERGE: merge,
    MoveName.WITHDRAW: withdraw,
    MoveName.ESCALATE: escalate,
    MoveName.RECALL: recall,
}
__all__ = ["EFFECTS", "Turn", "snapshot"]

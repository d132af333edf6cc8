"""Moves that say whose a case is: confirmation, return, executor; split and merge."""

from __future__ import annotations

from casebook import clocks
from casebook.decree import ORGANISING
from casebook.duplicates import remember
from casebook.events import Numbering, record
from casebook.models import Case, Coexecutor, User, Verdict
from casebook.turn import Body, Turn, latest_verdict, must_lead
from cases.lifecycle import OF_A_DEPARTMENT, UNANSWERED, MoveError, Refusal, State
from records.clock import stamp


def confirm(turn: Turn) -> Body:
    """``department`` (else the proposed one), ``office``. An external body: to ORG, named in the answer."""
    case, decree = turn.case, turn.decree
    most = decree.policy("return_30m", "returns_before_manager")
    if case.returns >= most and not turn.is_manager:
        raise MoveError(
            f"карточку вернули уже {case.returns} раза: отдел назначает управляющий делами",
            "передайте ему",
            f"Returned {case.returns} times: the manager names the department.",
            Refusal.NOT_FOR_ROLE,
        )
    proposed = latest_verdict(case).department
    code = turn.take("department", proposed)
    found = decree.department(code) if code else None
    if found is None:
        raise MoveError(
            f"нет отдела {code or '(не назван)'}",
            "назовите код из regulation/departments.yaml",
            f"No department {code or '(none named)'}.",
        )
    case.department, case.external = (ORGANISING, code) if found.external else (code, "")
    case.office = turn.take("office", case.office if found.offices else "")
    if case.office and case.office not in decree.regulation.places.offices:
        raise MoveError(
            f"нет территориального отдела {case.office}",
            "назовите код из regulation/places.yaml",
            f"No office {case.office}.",
        )
    case.executor = case.accepted_at = None
    clocks.stop(case, turn.now, "dispatch", "return")
    clocks.start(decree, case, "return", turn.now)
    return {"department": case.department, "office": case.office, "external": case.external, "proposed": proposed}


def return_(turn: Turn) -> Body:
    case = turn.case
    must_lead(turn)
    clock = clocks.running(case, "return")
    if case.accepted_at is not None or clock is None or turn.now > clock.due:
        raise MoveError(
            "30 минут на возврат прошли: карточка считается принятой (п. 6)",
            "спросите управляющего делами",
            "The 30 minutes for a return are over: the case counts as accepted (point 6).",
            Refusal.WRONG_STATE,
        )
    case.returns += 1
    clocks.stop(case, turn.now, "return")
    return {"returns": case.returns, "department": case.department}


def accept(turn: Turn) -> Body:
    clock = clocks.running(turn.case, "return")
    if clock is None or turn.now < clock.due:
        raise MoveError(
            "30 минут на возврат ещё не прошли",
            "подождите",
            "The 30 minutes for a return are not over.",
            Refusal.WRONG_STATE,
        )
    turn.case.accepted_at = clock.due
    clocks.stop(turn.case, clock.due, "return")
    return {"accepted_at": stamp(clock.due)}


def assign(turn: Turn) -> Body:
    """``executor``: the code of a user of the department."""
    case = turn.case
    must_lead(turn)
    code = turn.need("executor", "исполнитель")
    user = User.objects.filter(code=code, active=True, department=case.department).first()
    if user is None or user.role not in OF_A_DEPARTMENT or user.office not in ("", case.office):
        raise MoveError(
            f"в отделе {case.department} нет исполнителя {code}",
            "otklik user list",
            f"No executor {code} in {case.department}.",
        )
    case.executor = user
    case.accepted_at = case.accepted_at or turn.now
    clocks.stop(case, turn.now, "return")
    return {"executor": code}


def join(turn: Turn) -> Body:
    """``department``: one that helps; the lead one still answers."""
    code = turn.need("department", "отдел-соисполнитель")
    if turn.decree.department(code) is None or code == turn.case.department:
        raise MoveError(
            f"{code} не может быть соисполнителем",
            "назовите код другого отдела",
            f"{code} cannot be a co-executor: name another department.",
        )
    _, is_new = Coexecutor.objects.get_or_create(case=turn.case, department=code)
    if not is_new:
        raise MoveError(f"{code} уже соисполнитель", "ничего делать не нужно", f"{code} is a co-executor already.")
    return {"coexecutor": code}


def split(turn: Turn) -> Body:
    """``department``: of the further question. The new case has the same post and its own route."""
    case, now = turn.case, turn.now
    code = turn.need("department", "отдел второго вопроса")
    if turn.decree.department(code) is None:
        raise MoveError(
            f"нет отдела {code}",
            "назовите код из regulation/departments.yaml",
            f"No department {code or '(none named)'}.",
        )
    latest = latest_verdict(case)
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
        raise MoveError(
            "присоединить не к чему",
            "назовите номер другой, открытой карточки: --into N",
            "Nothing to merge into: name another open case.",
        )
    case.owner = into
    clocks.stop(case, turn.now, "dispatch", "return", "draft", "approval", "publish")
    clocks.start(turn.decree, case, "restored_answer", clocks.counted_from(case), track=case.track, now=stamp(turn.now))
    body = {"case": case.ordinal}
    record(into, "joined_by", actor=turn.actor.code, role=turn.actor.role, now=turn.now, body=body)
    into.save()
    return {"into": into.ordinal}

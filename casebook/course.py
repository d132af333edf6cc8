"""Moves of the term and of the end of a case: four hours or eight, restoring, closing, escalation, undo."""

from __future__ import annotations

from casebook import clocks
from casebook.lists import words
from casebook.models import Case, Event
from casebook.turn import Body, Turn
from casebook.undo import put_back
from cases.lifecycle import IRREVOCABLE, MOVES, MoveError, Refusal, State
from records import ReasonCode, Track
from records.clock import stamp

EVEN = 0.5
ESCALATED_TO = ("police", "112", "management")


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
    usual = turn.decree.clocks.answer(clocks.counted_from(case), Track(case.track))
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
    decision = words(case)["decision"] or {}
    return bool(case.alarms.exists()) or decision.get("significance", {}).get("probability", 0) >= EVEN


def raise_(turn: Turn) -> Body:
    """``code``: why (a reason of the contract). Policy ``reclassify``."""
    if turn.case.track == Track.FOUR_HOURS:
        raise MoveError(
            "срок уже 4 часа", "ничего делать не нужно", "The track is 4 hours already.", Refusal.WRONG_STATE
        )
    code = turn.take("code", "")
    if code and code not in set(ReasonCode):
        raise MoveError(
            f"нет кода причины {code[:20]}",
            f"назовите один из: {', '.join(ReasonCode)}",
            f"No such code of a reason: name one of {', '.join(ReasonCode)}.",
        )
    turn.case.track = Track.FOUR_HOURS
    clocks.count_anew(turn.decree, turn.case, "raised", turn.now)
    return {"track": turn.case.track, "code": code}


def lower(turn: Turn) -> Body:
    if turn.case.track == Track.EIGHT_HOURS:
        raise MoveError(
            "срок уже 8 часов", "ничего делать не нужно", "The track is 8 hours already.", Refusal.WRONG_STATE
        )
    turn.case.track = Track.EIGHT_HOURS
    clocks.count_anew(turn.decree, turn.case, "lowered", turn.now)
    return {"track": turn.case.track}


def withdraw(turn: Turn) -> Body:
    clocks.stop(turn.case, turn.now)
    return {}


def escalate(turn: Turn) -> Body:
    """``to``: police, 112 or management; a record of its own, the case stays where it is."""
    to = turn.need("to", "кому сообщили")
    if to not in ESCALATED_TO:
        raise MoveError(
            f"неизвестно, кому: {to}",
            f"назовите одно из: {', '.join(ESCALATED_TO)}",
            f"Unknown addressee: name one of {', '.join(ESCALATED_TO)}.",
        )
    turn.kind, turn.before = "escalated", None
    return {"to": to, "number": turn.take("number", "")}


def recall(turn: Turn) -> Body:
    """The last move, while nothing followed it; by who made it, or by the manager."""
    case = turn.case
    last = Event.objects.filter(case=case, number=case.version).first()
    if last is None or last.before is None or last.kind not in MOVES or last.kind in IRREVOCABLE:
        raise MoveError(
            "последнее действие отменить нельзя",
            "исправьте его следующим действием",
            "The last move cannot be undone.",
            Refusal.WRONG_STATE,
        )
    if last.actor != turn.actor.code and not turn.is_manager:
        raise MoveError(
            f"последнее действие сделал {last.actor}",
            "отменяет он сам или управляющий делами",
            f"The last move was made by {last.actor}, who undoes it, or the manager.",
            Refusal.NOT_FOR_ROLE,
        )
    put_back(turn.decree, case, last.before)
    turn.after, turn.kind, turn.before = State(case.state), "recalled", None
    return {"recalled": last.number, "kind": last.kind}

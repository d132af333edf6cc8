"""Cases: lists by cursor, one with its clocks, its words (each reading is recorded), its moves and files."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from django.db.models import Prefetch, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import File, Path, Query, Router, UploadedFile

from casebook.events import message_of
from casebook.files import Kept, keep_bytes, kept, place
from casebook.lists import cards, words
from casebook.models import Alarm, Attachment, Case, Coexecutor, Draft
from casebook.moves import perform, visible
from casebook.readings import read_case, record_reading
from casebook.turn import latest_verdict
from cases.lifecycle import MoveName, Role, State, moves_from
from desk import idempotency, paging
from desk.access import Scope
from desk.api.answers import file_answer, json_answer
from desk.api.guard import caller, guarded
from desk.problems import Code, Problem
from desk.schemas import Cards, CaseOut, Cursor, Digest, FileOut, Moved, MoveIn, TextOut
from desk.wiring import desk
from records import Track

router = Router(tags=["cases"])
Number = Annotated[int, Path(ge=1, le=2**62)]
_NEVER = datetime(9999, 1, 1, tzinfo=UTC)


@router.get("/cases", **guarded(Scope.CASES_READ, Cards))
def list_cases(
    request: HttpRequest,
    state: State | None = None,
    track: Track | None = None,
    department: Annotated[str | None, Query(max_length=32)] = None,
    office: Annotated[str | None, Query(max_length=32)] = None,
    network: Annotated[str | None, Query(max_length=32)] = None,
    key: Annotated[str | None, Query(max_length=200)] = None,
    late: Annotated[bool, Query(description="past their nearest deadline")] = False,
    alarmed: Annotated[bool, Query(description="with an alarm that nobody has acknowledged")] = False,
    cursor: Cursor | None = None,
    limit: Annotated[int, Query(ge=1, le=paging.MOST)] = paging.USUAL,
) -> dict[str, Any]:
    """Cases that the caller may see, the nearest deadline first, those without one last."""
    equal = {"track": track, "office": office, "network": network, "key": key}
    found = cards(caller(request).user, state=state, department=department, late_at=desk().now() if late else None)
    found = found.filter(**{name: _storable(value) for name, value in equal.items() if value is not None})
    if alarmed:
        found = found.filter(pk__in=Alarm.objects.filter(acknowledged_at=None).values("case"))
    rows = list(_with_parts(_after(found, cursor))[: limit + 1])
    more = len(rows) > limit
    rows = rows[:limit]
    return {"items": [_card(one) for one in rows], "next": _place(rows[-1]) if more else None}


def _storable(value: str) -> str:
    """What no database holds matches nothing."""
    return value.replace("\0", "\ufffd")


def _place(case: Case) -> str:
    return paging.cursor(case.due.isoformat() if case.due else "", case.ordinal)


def _after(found: QuerySet[Case], cursor: str | None) -> QuerySet[Case]:
    place = paging.place(cursor, str, int)
    if place is None:
        return found
    written, ordinal = place
    if not written:
        return found.filter(due=None, ordinal__gt=ordinal)
    try:
        due = datetime.fromisoformat(written)
    except ValueError:
        due = None
    if due is None or due.tzinfo is None:
        raise Problem(Code.UNSUITABLE, "негодный cursor", "A bad cursor.", "возьмите next предыдущей страницы")
    return found.filter(Q(due__gt=due) | Q(due=due, ordinal__gt=ordinal) | Q(due=None))


def _with_parts(found: QuerySet[Case]) -> QuerySet[Case]:
    waiting = Alarm.objects.filter(acknowledged_at=None).order_by("id")
    return found.select_related("executor", "group", "owner").prefetch_related(
        Prefetch("alarms", waiting, to_attr="waiting"),
        Prefetch("coexecutors", Coexecutor.objects.order_by("department"), to_attr="helping"),
    )


def _card(one: Any) -> dict[str, Any]:
    return {
        "case": one.ordinal,
        "key": one.key,
        "part": one.part,
        "state": one.state,
        "track": one.track or None,
        "department": one.department or None,
        "office": one.office or None,
        "external": one.external or None,
        "executor": one.executor.code if one.executor else None,
        "coexecutors": [helper.department for helper in one.helping],
        "network": one.network,
        "detected_at": one.detected_at,
        "opened_at": one.opened_at,
        "due": one.due,
        "version": one.version,
        "returns": one.returns,
        "resonance": one.resonance,
        "second_look": one.second_look,
        "alarms": [alarm.kind for alarm in one.waiting],
    }


@router.get("/cases/{number}", **guarded(Scope.CASES_READ, CaseOut))
def show_case(request: HttpRequest, number: Number) -> dict[str, Any]:
    """One case with its clocks, and what the caller may do with it."""
    user = caller(request).user
    return _whole(visible(number, user), Role(user.role))


def _whole(case: Case, role: Role) -> dict[str, Any]:
    one = _with_parts(Case.objects.filter(pk=case.pk)).get()
    names = ("name", "started_at", "due", "limit", "stopped_at", "why", "point")
    latest = latest_verdict(one)
    return {
        **_card(one),
        "proposal": {
            "verdict": latest.verdict,
            "track": latest.track or None,
            "department": latest.department or None,
            "proposed": latest.proposed,
        },
        "group": one.group.ordinal if one.group else None,
        "owner": one.owner.ordinal if one.owner else None,
        "clocks": list(one.clocks.order_by("id").values(*names)),
        "moves": moves_from(State(one.state), role),
    }


@router.get("/cases/{number}/text", **guarded(Scope.TEXTS_READ, TextOut))
def read_text(request: HttpRequest, number: Number) -> dict[str, Any]:
    """The post, its latest decision and the drafts. That you have read them is recorded (152-ФЗ)."""
    user, now = caller(request).user, desk().now()
    case = visible(number, user)
    drafts = Draft.objects.filter(case=case).select_related("text", "author").prefetch_related("attachments")
    found = list(drafts.order_by("number"))
    read_case(user, case, now)
    return {"case": number, **words(case), "drafts": [_draft(one) for one in found]}


def _draft(one: Draft) -> dict[str, Any]:
    return {
        "number": one.number,
        "interim": one.interim,
        "text": one.text.body["text"] if one.text.body else None,
        "author": one.author.code,
        "at": one.at,
        "published_at": one.published_at,
        "link": one.link or None,
        "files": [
            {"digest": file.digest, "type": file.type, "size": file.size, "name": file.name}
            for file in one.attachments.all()
        ],
    }


@router.post("/cases/{number}/moves", **guarded(Scope.CASES_MOVE, Moved))
def move(request: HttpRequest, number: Number, given: MoveIn) -> HttpResponse:
    """Make a move of the lifecycle. 409 `changed`: somebody was before you; 409 `wrong_state`: not from this state."""
    user, now = caller(request).user, desk().now()
    told = given.dict(exclude_unset=True, exclude_none=True)
    name, version, reason = told.pop("move"), told.pop("version"), told.pop("reason", None)
    if name is MoveName.ACCEPT:
        raise Problem(Code.FORBIDDEN, "молчание принимает сама программа", "Silence is accepted by time alone.")

    def do() -> tuple[int, Any]:
        if "files" in told:
            told["files"] = [_kept(file) for file in told["files"]]
        event = perform(desk().decree, number, name, acting_user=user, version=version, now=now, reason=reason, **told)
        whole = CaseOut(**_whole(event.case, Role(user.role))).model_dump(mode="json")
        return 200, {"case": whole, "event": message_of(event)}

    status, body, replayed = idempotency.once(user, idempotency.key_of(request), idempotency.digest(request), now, do)
    return json_answer(status, body, replayed=replayed)


def _kept(file: dict[str, str] | Kept) -> Kept:
    return file if isinstance(file, Kept) else kept(file["digest"], file["name"])


@router.post("/files", **guarded(Scope.CASES_MOVE, FileOut, 201))
def upload(request: HttpRequest, file: File[UploadedFile]) -> HttpResponse:
    """Keep a photo, a video or a PDF (by its content, up to 20 MB), to name it in the move `draft`.

    What no draft names within a day is removed.
    """
    one = keep_bytes(file.name or "", file.read())
    return json_answer(201, {"digest": one.digest, "type": one.type, "size": one.size, "name": one.name})


@router.get("/cases/{number}/files/{digest}", **guarded(Scope.TEXTS_READ, None))
def download(request: HttpRequest, number: Number, digest: Digest) -> HttpResponse:
    """An attachment of the case."""
    case = visible(number, caller(request).user)
    found = Attachment.objects.filter(draft__case=case, digest=digest).first()
    path = place(digest)
    if found is None or not path.is_file():
        raise Problem(Code.NOT_FOUND, "файла нет", "No such file.", "он стёрт или из другой карточки")
    record_reading(caller(request).user.code, f"file {digest[:12]}", desk().now(), case=case)
    return file_answer(path.read_bytes(), found.type, found.name)

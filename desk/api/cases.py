"""Cases: lists by cursor, one with its clocks, its words (each reading is recorded), its moves and files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import File, Path, Query, Router, UploadedFile

from casebook.events import message_of
from casebook.files import Kept, keep_bytes, kept, place
from casebook.lists import cards, clocks, words
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
from records.clock import stamped

router = Router(tags=["cases"])
Number = Annotated[int, Path(ge=1, le=2**62)]


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
) -> HttpResponse:
    """Cases that the caller may see, the nearest deadline first, those without one last."""
    equal = {"track": track, "office": office, "network": network, "key": key}
    department = _storable(department) if department else None
    found = cards(caller(request).user, state=state, department=department, late_at=desk().now() if late else None)
    found = found.filter(**{name: _storable(value) for name, value in equal.items() if value is not None})
    if alarmed:
        found = found.filter(pk__in=Alarm.objects.filter(acknowledged_at=None).values("case"))
    rows = _rows(_after(found, cursor)[: limit + 1])
    following = _place(rows[limit - 1]) if len(rows) > limit else None
    return json_answer(200, {"items": _cards(rows[:limit]), "next": following})


def _storable(value: str) -> str:
    """What no database holds matches nothing."""
    return value.replace("\0", "\ufffd")


def _place(row: dict[str, Any]) -> str:
    return paging.cursor(row["due"].isoformat() if row["due"] else "", row["ordinal"])


def _after(found: QuerySet[Case], cursor: str | None) -> QuerySet[Case]:
    place = paging.place(cursor, str, int)
    if place is None:
        return found
    written, ordinal = place
    if not written:
        return found.filter(due=None, ordinal__gt=ordinal)
    try:
        due = datetime.fromisoformat(written).astimezone(UTC)
    except (ValueError, OverflowError):
        raise paging.bad_cursor() from None
    return found.filter(Q(due__gt=due) | Q(due=due, ordinal__gt=ordinal) | Q(due=None))


_PLAIN = ("key", "part", "state", "network", "version", "returns", "resonance", "second_look")
_CODES = ("track", "department", "office", "external")
_MOMENTS = ("detected_at", "opened_at", "due")


def _rows(found: QuerySet[Case]) -> list[dict[str, Any]]:
    return list(found.values("pk", "ordinal", *_PLAIN, *_CODES, *_MOMENTS, "executor__code"))


def _cards(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """As ``schemas.Card``; two queries more, whatever the number."""
    keys = [row["pk"] for row in rows]
    alarms = Alarm.objects.filter(case__in=keys, acknowledged_at=None).order_by("id")
    helpers = Coexecutor.objects.filter(case__in=keys).order_by("department")
    waiting, helping = defaultdict[int, list[str]](list), defaultdict[int, list[str]](list)
    for case, kind in alarms.values_list("case", "kind"):
        waiting[case].append(kind)
    for case, code in helpers.values_list("case", "department"):
        helping[case].append(code)
    return [
        {
            "case": row["ordinal"],
            **{name: row[name] for name in _PLAIN},
            **{name: row[name] or None for name in _CODES},
            **{name: stamped(row[name]) for name in _MOMENTS},
            "executor": row["executor__code"],
            "coexecutors": helping[row["pk"]],
            "alarms": waiting[row["pk"]],
        }
        for row in rows
    ]


@router.get("/cases/{number}", **guarded(Scope.CASES_READ, CaseOut))
def show_case(request: HttpRequest, number: Number) -> HttpResponse:
    """One case with its clocks, and what the caller may do with it."""
    user = caller(request).user
    return json_answer(200, _whole(visible(number, user), Role(user.role)))


def _whole(case: Case, role: Role) -> dict[str, Any]:
    """As ``schemas.CaseOut``."""
    latest = latest_verdict(case)
    return {
        **_cards(_rows(Case.objects.filter(pk=case.pk)))[0],
        "proposal": {
            "verdict": latest.verdict,
            "track": latest.track or None,
            "department": latest.department or None,
            "proposed": latest.proposed,
        },
        "group": case.group.ordinal if case.group else None,
        "owner": case.owner.ordinal if case.owner else None,
        "clocks": clocks(case),
        "moves": moves_from(State(case.state), role),
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
            if file.name  # else it is erased
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
        return 200, {"case": _whole(event.case, Role(user.role)), "event": message_of(event)}

    status, body, replayed = idempotency.once(user, idempotency.key_of(request), idempotency.digest(request), now, do)
    return json_answer(status, body, replayed=replayed)


def _kept(file: dict[str, str] | Kept) -> Kept:
    return file if isinstance(file, Kept) else kept(file["digest"], file["name"])


@router.post("/files", **guarded(Scope.CASES_MOVE, FileOut, 201))
def upload(request: HttpRequest, file: File[UploadedFile]) -> HttpResponse:
    """Keep a photo, a video or a PDF (by its content, up to 20 MB), to name it in the move `draft`.

    What no draft names within a day `otklik forget` removes.
    """
    one = keep_bytes(file.name or "", file.read())
    return json_answer(201, {"digest": one.digest, "type": one.type, "size": one.size, "name": one.name})


@router.get("/cases/{number}/files/{digest}", **guarded(Scope.TEXTS_READ, None))
def download(request: HttpRequest, number: Number, digest: Digest) -> HttpResponse:
    """An attachment of the case."""
    case = visible(number, caller(request).user)
    found = Attachment.objects.filter(draft__case=case, digest=digest).exclude(name="").first()
    path = place(digest)
    if found is None or not path.is_file():
        raise Problem(
            Code.NOT_FOUND,
            "файла нет",
            "No such file: it is erased, or of another case.",
            "он стёрт или из другой карточки",
        )
    record_reading(caller(request).user.code, f"file {digest[:12]}", desk().now(), case=case)
    return file_answer(path.read_bytes(), found.type, found.name)

"""What the HTTP API takes and gives, as it stands in ``/openapi.json``."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import ConfigDict, Field, StringConstraints

from cases.lifecycle import MoveName, Role, State
from desk.access import Scope
from records import AlarmKind, Track, Verdict

_KEPT = r"^[^\x00]*$"  # a zero character is kept by no database
Code = Annotated[str, StringConstraints(max_length=32, pattern=_KEPT)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=_KEPT)]
Line = Annotated[str, StringConstraints(max_length=2_000, pattern=_KEPT)]
Words = Annotated[str, StringConstraints(max_length=20_000, pattern=_KEPT)]
Cursor = Annotated[str, Field(max_length=400, description="`next` of the page before")]
Digest = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]


class In(Schema):
    model_config = ConfigDict(extra="forbid")


class ProblemOut(Schema):
    """RFC 9457. `code` is stable; `detail` and `mend` are for people. In English (`Accept-Language`) `detail` holds the
    mend."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    mend: str | None = None
    errors: list[dict[str, Any]] | None = None


class SignIn(In):
    user: Name
    password: Annotated[str, StringConstraints(min_length=1, max_length=1_000)]


class Session(Schema):
    """`one_time`: the password is good for `POST /password` alone."""

    token: str
    expires_at: datetime
    one_time: bool


class NewPassword(In):
    old: Annotated[str, StringConstraints(max_length=1_000)]
    new: Annotated[str, StringConstraints(max_length=1_000)]


class Me(Schema):
    user: str
    name: str
    role: Role
    department: str | None
    office: str | None
    scopes: list[Scope]


class Taken(Schema):
    key: str
    revision: str
    detected_at: datetime


class Refused(Schema):
    """`index`: from 0, in the order they were sent; `reason` and `mend` are Russian."""

    index: int
    key: str | None
    reason: str
    mend: str
    english: str


class Receipt(Schema):
    """What is taken is on disk; what is refused is not kept."""

    taken: list[Taken]
    refused: list[Refused]


class ClockOut(Schema):
    name: str
    started_at: datetime
    due: datetime
    limit: datetime | None
    stopped_at: datetime | None
    why: str
    point: str


class Card(Schema):
    """A case in a list: codes and times, no text."""

    case: int
    key: str
    part: int
    state: State
    track: Track | None
    department: str | None
    office: str | None
    external: str | None
    executor: str | None
    coexecutors: list[str]
    network: str
    detected_at: datetime
    opened_at: datetime
    due: datetime | None
    version: int
    returns: int
    resonance: bool
    second_look: bool
    alarms: list[AlarmKind] = Field(description="that nobody has acknowledged")


class Cards(Schema):
    items: list[Card]
    next: str | None


class Proposal(Schema):
    """The latest decision: a person confirms. `proposed` false: the machine abstains, and only ranks."""

    verdict: Verdict
    track: Track | None
    department: str | None
    proposed: bool


class CaseOut(Card):
    """`moves`: what the caller may do with it now."""

    proposal: Proposal
    group: int | None
    owner: int | None
    clocks: list[ClockOut]
    moves: list[MoveName]


class FileOut(Schema):
    digest: str
    type: str
    size: int
    name: str


class DraftOut(Schema):
    number: int
    interim: bool
    text: str | None
    author: str
    at: datetime
    published_at: datetime | None
    link: str | None
    files: list[FileOut]


class TextOut(Schema):
    """`post` and `decision` as in `docs/streams.md`, null once erased."""

    case: int
    post: dict[str, Any] | None
    decision: dict[str, Any] | None
    drafts: list[DraftOut]


class FileRef(In):
    digest: Digest
    name: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=_KEPT)]


class MoveIn(In):
    """`version`: of the case as you saw it. The rest: what the move needs (`docs/access.md` has the moves)."""

    move: MoveName
    version: int = Field(ge=0, le=2**31 - 1)
    reason: Words | None = None
    department: Code | None = None
    office: Code | None = None
    executor: Name | None = None
    text: Words | None = None
    interim: bool | None = None
    files: Annotated[list[FileRef], Field(max_length=10)] | None = None
    body: Code | None = None
    number: Annotated[str, StringConstraints(max_length=100, pattern=_KEPT)] | None = None
    link: Line | None = None
    proof: Words | None = None
    track: Track | None = None
    code: Code | None = None
    into: Annotated[int, Field(ge=1, le=2**62)] | None = None
    to: Literal["police", "112", "management"] | None = None


class EventOut(Schema):
    """As in `cases.events`."""

    schema_: int = Field(alias="schema")
    event_id: str
    case: str
    number: int
    kind: str
    at: datetime
    actor: str
    role: str
    body: dict[str, Any]


class Moved(Schema):
    case: CaseOut
    event: EventOut


class Events(Schema):
    """`next` is always given: ask with it again for what comes later."""

    items: list[EventOut]
    next: str


class AlarmOut(Schema):
    id: int
    case: int
    kind: AlarmKind
    raised_at: datetime
    due: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str | None


class Alarms(Schema):
    items: list[AlarmOut]
    next: str | None


class DepartmentOut(Schema):
    code: str
    name: str
    short: str
    external: bool
    offices: bool
    competence: str


class Departments(Schema):
    items: list[DepartmentOut]
    offices: dict[str, str] = Field(description="territorial offices: code and name")


class ReadingOut(Schema):
    at: datetime
    actor: str
    what: str
    case: int | None


class Readings(Schema):
    items: list[ReadingOut]
    next: str | None


class Live(Schema):
    live: bool


class Ready(Schema):
    ready: bool
    reasons: list[str]

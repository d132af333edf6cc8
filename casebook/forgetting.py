"""Words of people and who wrote them are erased (152-ФЗ): when their time is over (policy ``retention``), or at once
where an author withdraws consent. Counts, times, events and their chains stay; the erasure is an event itself.

The unit is a post with all its cases (``split`` gives a post several): one transaction, so that whoever is killed
leaves nothing half done and can be run again. Bytes of files go after it (``casebook.scrubbing``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from casebook.contention import again
from casebook.decree import Decree
from casebook.events import keep, record
from casebook.models import Alarm, Attachment, Case, Clock, Draft, Event, Text, User
from cases.lifecycle import State

EVENT = "forgotten"
TEXTS = ("post", "draft", "reason", "proof")
FILES = "attachment"
KINDS = (*TEXTS, FILES)
# Nothing more is asked of anybody; an exclusion that nobody confirmed is left alone, but not for ever.
UNCONFIRMED = frozenset({State.EXCLUDED, State.NO_ANSWER})
OVER = frozenset({State.PUBLISHED, State.UNPUBLISHABLE, State.CLOSED, State.WITHDRAWN}) | UNCONFIRMED
_PAGE = 500
_LONG_AGO = datetime.min.replace(tzinfo=UTC)

Texts = QuerySet[Text]


def days_before(now: datetime, days: int) -> datetime:
    try:
        return now - timedelta(days=days)
    except OverflowError:  # to be kept for ever
        return _LONG_AGO


@dataclass(frozen=True, slots=True)
class Task:
    """What is erased, and who says so. ``days`` to keep each kind, empty: all at once; ``reason``: in words."""

    actor: str
    role: str
    now: datetime
    days: Mapping[str, int]
    reason: str = ""
    rehearsal: bool = False

    @property
    def at_once(self) -> bool:
        return not self.days

    def kept_since(self, kind: str) -> datetime:
        """Only what is older than this moment is erased."""
        return days_before(self.now, self.days[kind]) if self.days else self.now


@dataclass(slots=True)
class Forgotten:
    """What came of it. ``erased``: by kind; ``kept``: why (Russian), by the number of a case whose texts stay;
    ``digests``: of the files that were erased."""

    cases: int = 0
    authors: int = 0
    erased: Counter[str] = field(default_factory=Counter)
    kept: dict[int, str] = field(default_factory=dict)
    digests: set[str] = field(default_factory=set)


def retention(decree: Decree) -> dict[str, int]:
    return {kind: decree.policy("retention", f"{kind}_days") for kind in KINDS}


def forget_old(decree: Decree, user: User, now: datetime, *, rehearsal: bool = False) -> Forgotten:
    """Whatever has been kept long enough. ``rehearsal``: only reckon what would go."""
    task = Task(user.code, user.role, now, retention(decree), rehearsal=rehearsal)
    done, met = Forgotten(), set[str]()
    for key in _due_keys(task):
        if key not in met:
            met.add(key)
            _forget(key, task, done)
    return done


def forget_author(author: str, user: User, reason: str, now: datetime, *, rehearsal: bool = False) -> Forgotten:
    """All of one author (``casebook.intake.author_digest``), whatever its age, but of what is still worked on."""
    task = Task(user.code, user.role, now, {}, reason, rehearsal)
    done = Forgotten()
    for key in list(Case.objects.filter(author=author).order_by("key").values_list("key", flat=True).distinct()):
        _forget(key, task, done)
    return done


def why_kept(case: Case) -> str:
    """Why the texts of a case are still needed (Russian), or nothing."""
    if case.state not in OVER or Clock.objects.filter(case=case, stopped_at=None).exists():
        return f"по ней идёт работа ({case.state})"
    waiting = Alarm.objects.filter(case=case, acknowledged_at=None).values_list("kind", flat=True).first()
    if waiting:
        return f"тревогу {waiting} никто не принял"
    owed = _owed(case)
    return f"её ответа ждут авторы присоединённых карточек: {', '.join(map(str, owed))}" if owed else ""


def _owed(case: Case) -> list[int]:
    """Cases merged into this one, or into those, whose authors have no reply yet."""
    found, layer = [], [case.pk]
    while layer:
        below = list(Case.objects.filter(owner__in=layer).values_list("pk", "ordinal", "state"))
        found += [ordinal for _, ordinal, state in below if state == State.MERGED]
        layer = [pk for pk, _, _ in below]
    return sorted(found)


def _over_since(case: Case) -> datetime:
    if case.state in UNCONFIRMED:
        return case.opened_at
    events = Event.objects.filter(case=case).exclude(kind=EVENT)
    return events.order_by("-at").values_list("at", flat=True).first() or case.opened_at


# One post


def _forget(key: str, task: Task, done: Forgotten) -> None:
    found = again(lambda: _forget_post(key, task))
    done.cases += found.cases
    done.authors += found.authors
    done.erased += found.erased
    done.kept |= found.kept
    done.digests |= found.digests


@transaction.atomic
def _forget_post(key: str, task: Task) -> Forgotten:
    done = Forgotten()
    cases = list(Case.objects.select_for_update().filter(key=key).order_by("pk"))
    due = {case.pk: _due(case, task, done) for case in cases}
    shared = all("post" in kinds for kinds in due.values())  # the parts of a split case share their post
    for case in cases:
        kinds = due[case.pk] if shared else due[case.pk] - {"post"}
        if not shared and task.at_once and due[case.pk]:
            others = ", ".join(str(one.ordinal) for one in cases if not due[one.pk])
            done.kept[case.ordinal] = f"её сообщение — то же, что у карточки {others}"
        _forget_case(case, kinds, task, done)
    if task.rehearsal:
        transaction.set_rollback(True)
    return done


def _due(case: Case, task: Task, done: Forgotten) -> set[str]:
    """Kinds whose time is over, reckoned from the end of the work."""
    if why := why_kept(case):
        done.kept[case.ordinal] = why
        return set()
    since = _over_since(case)
    return {kind for kind in KINDS if task.at_once or since <= task.kept_since(kind)}


def _forget_case(case: Case, kinds: set[str], task: Task, done: Forgotten) -> None:
    erased = {kind: count for kind in TEXTS if kind in kinds and (count := _erase(case, kind, task))}
    if FILES in kinds and (digests := _erase_files(case, task)):
        erased[FILES] = len(digests)
        done.digests.update(digests)
    named = bool(case.author) and "post" in kinds
    if not erased and not named:
        return
    case.author = "" if named else case.author
    done.cases, done.authors = done.cases + 1, done.authors + named
    done.erased.update(erased)
    body = {"erased": erased, "author": named, "why": "request" if task.at_once else "retention", **_said(case, task)}
    record(case, EVENT, actor=task.actor, role=task.role, now=task.now, body=body)
    case.save(update_fields=["author", "version"])


def _said(case: Case, task: Task) -> dict[str, Any]:
    """The reason of an erasure is words too, which are erased in their time."""
    if not task.reason:
        return {}
    words = keep("reason", {"text": task.reason, "case": case.ordinal}, task.now)
    return {"reason": words.digest, "text": words.pk}


def _erase(case: Case, kind: str, task: Task) -> int:
    """Empties the texts of one kind, and the links to answers that are gone; how many."""
    old = texts_of(case, kind, with_erasures=not task.at_once).filter(
        erased_at=None, created_at__lte=task.kept_since(kind)
    )
    found = list(old.values_list("pk", flat=True))
    if kind == "draft":
        Draft.objects.filter(case=case, text__in=found).update(link="")
    return Text.objects.filter(pk__in=found).update(body=None, erased_at=task.now)


def _erase_files(case: Case, task: Task) -> list[str]:
    old = live_files().filter(draft__case=case, draft__at__lte=task.kept_since(FILES))
    found = dict(old.values_list("pk", "digest"))
    Attachment.objects.filter(pk__in=found).update(name="")
    return list(found.values())


def live_files() -> QuerySet[Attachment]:
    """An attachment without a name was erased."""
    return Attachment.objects.exclude(name="")


def texts_of(case: Case, kind: str, *, with_erasures: bool = True) -> Texts:
    """Texts of one kind of a case. ``with_erasures``: with the reasons of erasures themselves."""
    if kind == "post":
        return Text.objects.filter(pk__in=case.verdicts.values("text"))
    if kind == "draft":
        return Text.objects.filter(pk__in=case.drafts.values("text"))
    events = case.events.all() if with_erasures else case.events.exclude(kind=EVENT)
    if kind == "reason":
        told = [body["text"] for body in events.values_list("body", flat=True) if isinstance(body.get("text"), int)]
        return Text.objects.filter(kind="reason", pk__in=told)
    proofs = list(events.filter(kind="unpublishable").values_list("body__proof", "at"))
    # An event tells a proof's digest, not its row; of equal words kept at one moment none is another's.
    found = Text.objects.filter(kind="proof", digest__in=[digest for digest, _ in proofs])
    return found.filter(created_at__in=[at for _, at in proofs])


# What may be due


def _due_keys(task: Task) -> Iterator[str]:
    """Keys of posts with something old enough to be looked at, page by page; some come again."""
    for kind in TEXTS:
        old = Text.objects.filter(kind=kind, erased_at=None, created_at__lte=task.kept_since(kind))
        for page in _pages(old):
            yield from _cases_of(kind, page).values_list("key", flat=True).distinct()
    for page in _pages(live_files().filter(draft__at__lte=task.kept_since(FILES))):
        yield from Case.objects.filter(drafts__attachments__in=page).values_list("key", flat=True).distinct()


def _pages(rows: QuerySet[Any]) -> Iterator[list[int]]:
    last = 0
    while page := list(rows.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:_PAGE]):
        yield page
        last = page[-1]


def _cases_of(kind: str, texts: list[int]) -> QuerySet[Case]:
    if kind == "post":
        return Case.objects.filter(verdicts__text__in=texts)
    if kind == "draft":
        return Case.objects.filter(drafts__text__in=texts)
    found = Text.objects.filter(pk__in=texts)
    if kind == "reason":
        return Case.objects.filter(ordinal__in=list(found.values_list("body__case", flat=True)))
    return Case.objects.filter(
        events__kind="unpublishable", events__at__in=list(found.values_list("created_at", flat=True))
    )

"""From ``posts.decided`` to cases. Each message is met once by (key, revision, versions), however often it comes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db import transaction

from casebook import clocks
from casebook.alarms import raise_alarms
from casebook.contention import again
from casebook.decree import Decree
from casebook.duplicates import earlier, link, remember, repeated
from casebook.events import Numbering, digest_of, record, unkept
from casebook.models import CODE, Band, Case, Clock, Event, Text, Verdict
from cases.errors import UnknownYearError
from cases.lifecycle import State
from journal import Record
from records import AlarmKind, Ground, PostError, Track
from records.clock import stamp
from records.messages import message_of

_UNKEPT = re.compile("[\0\ud800-\udfff]")
_HEX = re.compile("[0-9a-f]{16}")
LONGEST_KEY = 200
STATES = {"answer": State.NEW, "exclude": State.EXCLUDED, "no_answer": State.NO_ANSWER}
SECOND_LOOK = 20  # one in so many posts that need no answer is looked at again
SYSTEM = "system"


@dataclass(slots=True)
class Taken:
    """What a batch came to. ``refused``: offsets of messages that are no decisions, with why (Russian)."""

    opened: int = 0
    repeated: int = 0
    proposed: int = 0
    edited: int = 0
    refused: list[tuple[int, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Decided:
    """A message of ``posts.decided``, as far as the casebook reads it."""

    post: Mapping[str, Any]
    decision: Mapping[str, Any]

    @property
    def key(self) -> str:
        return str(self.post["key"])

    @property
    def revision(self) -> str:
        return str(self.decision["revision"])

    @property
    def verdict(self) -> str:
        return str(self.decision["verdict"])

    @property
    def track(self) -> str:
        return self.decision["track"] or ""

    @property
    def route(self) -> Mapping[str, Any]:
        route = self.decision["route"]
        return {"department": "", "proposed": False, "office": None} if route is None else route

    @property
    def grounds(self) -> list[str]:
        """Codes alone, each once: they outlive the words (``casebook.forgetting``)."""
        return sorted({str(hit["ground"]) for hit in self.decision.get("grounds", ())})

    @property
    def versions(self) -> str:
        return digest_of(self.decision["versions"])


def read(value: bytes) -> Decided:
    """Raises: PostError: not a message of ``posts.decided``."""
    message = message_of(value)
    try:
        found = Decided(message["post"], message["decision"])
        wrong = [name for name, is_right in _checks(found) if not is_right]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        wrong = [type(error).__name__]
    if wrong:
        what = f"не решение: неверно {', '.join(wrong)}"
        raise PostError(what, "в posts.decided пишет только otklik run или worker")
    return found


def _checks(found: Decided) -> Iterator[tuple[str, bool]]:
    """What the tables and the clocks take for granted; by name, for the text itself is nobody's business."""
    decision, route = found.decision, found.route
    yield "key", bool(found.post["key"]) and _fits(found.post["key"], LONGEST_KEY)
    yield "network", _fits(found.post.get("network") or "", CODE)
    yield "revision", _HEX.fullmatch(decision["revision"]) is not None
    yield "fingerprint", _HEX.fullmatch(decision["fingerprint"]) is not None
    yield "verdict", found.verdict in STATES
    yield "track", found.track in (set(Track) if found.verdict == "answer" else {""})
    yield "department", _fits(route["department"], CODE)
    yield "office", _fits(route["office"] or "", CODE)
    yield "proposed", isinstance(route["proposed"], bool)
    yield "grounds", set(found.grounds) <= set(Ground)
    yield "alarms", all(alarm["kind"] in set(AlarmKind) for alarm in decision["alarms"])
    yield "versions", bool(found.versions)


def _fits(value: Any, longest: int) -> bool:
    """Whether every database can keep it: PostgreSQL takes neither a NUL nor half of a surrogate pair."""
    return isinstance(value, str) and len(value) <= longest and not _UNKEPT.search(value)


@dataclass(slots=True)
class Opened:
    """Rows of cases just opened. They are kept together, at the latest before anything asks for them: one statement for
    a batch instead of one for each."""

    texts: list[Text] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    clocks: list[Clock] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def keep(self) -> None:
        Text.objects.bulk_create(self.texts)
        Verdict.objects.bulk_create(self.verdicts)
        Clock.objects.bulk_create(self.clocks)
        Event.objects.bulk_create(self.events)
        self.texts, self.verdicts, self.clocks, self.events = [], [], [], []


def take(decree: Decree, records: Sequence[Record], now: datetime) -> Taken:
    """Open or amend the cases of a batch, in one transaction; the caller commits the offsets after it."""
    return again(lambda: _take(decree, records, now))


def _take(decree: Decree, records: Sequence[Record], now: datetime) -> Taken:
    taken, numbering, opened = Taken(), Numbering(), Opened()
    batch: list[Decided] = []
    for one in records:
        try:
            batch.append(read(one.value))
        except PostError as error:
            taken.refused.append((one.offset, f"{error.reason}; {error.mend}"))
    with transaction.atomic():
        there = set(Case.objects.filter(key__in={one.key for one in batch}, part=0).values_list("key", flat=True))
        for decided in batch:
            if decided.key in there:
                opened.keep()  # the case may be of this very batch
                _meet_again(decree, decided, now, taken)
            else:
                _open(decree, decided, now, numbering, opened)
                there.add(decided.key)
                taken.opened += 1
        opened.keep()
        numbering.save()
    return taken


def _meet_again(decree: Decree, decided: Decided, now: datetime, taken: Taken) -> None:
    case = Case.objects.select_for_update().get(key=decided.key, part=0)
    if Verdict.objects.filter(case=case, revision=decided.revision, versions=decided.versions).exists():
        taken.repeated += 1
    elif Verdict.objects.filter(case=case, revision=decided.revision).exists():
        _amend(decree, case, decided, now, "proposed")
        taken.proposed += 1
    else:
        _amend(decree, case, decided, now, "judged_anew")
        taken.edited += 1


def _open(decree: Decree, decided: Decided, now: datetime, numbering: Numbering, opened: Opened) -> None:
    post = decided.post
    case = Case(
        key=decided.key,
        revision=decided.revision,
        network=post.get("network") or "file",
        author=_author(post),
        fingerprint=decided.decision["fingerprint"],
        detected_at=_detected(decree, post, now),
        opened_at=now,
    )
    _judge(case, decided)
    numbering.give(case)
    before, repeats = earlier(case, link(decree, case)), None
    if case.state == State.NEW:
        if before:
            opened.keep()
            repeats = repeated(decree, before, post)
        started = clocks.answering(decree, case, clocks.counted_from(repeats) if repeats else None)
        case.due = min(clock.due for clock in started)
        opened.clocks += started
    body = {**_body(case, decided), "repeats": repeats.ordinal if repeats else None}
    event = record(case, "opened", actor=SYSTEM, role=SYSTEM, now=now, body=body, saved=False)
    case.save(force_insert=True)
    remember(case)
    verdict = _verdict(case, decided, now)
    opened.texts.append(verdict.text)
    opened.verdicts.append(verdict)
    opened.events.append(event)
    if alarms := decided.decision["alarms"]:
        opened.keep()
        raise_alarms(decree, case, decided.revision, alarms, now)
        Case.objects.filter(pk=case.pk).update(version=case.version)


def _judge(case: Case, decided: Decided) -> None:
    case.state, case.track = STATES[decided.verdict], decided.track
    case.office = decided.route["office"] or ""
    drawn = int(hashlib.sha256(decided.key.encode("utf-8", "surrogatepass")).hexdigest(), 16) % SECOND_LOOK == 0
    case.second_look = case.state == State.NO_ANSWER and drawn


def _verdict(case: Case, decided: Decided, now: datetime) -> Verdict:
    """Not yet kept, nor is its text: a decision's evidence holds words of the post and goes with it."""
    return Verdict(
        case=case,
        revision=decided.revision,
        versions=decided.versions,
        verdict=decided.verdict,
        track=decided.track,
        department=decided.route["department"],
        proposed=decided.route["proposed"],
        text=unkept("post", {"post": decided.post, "decision": decided.decision}, now),
        at=now,
    )


def _amend(decree: Decree, case: Case, decided: Decided, now: datetime, kind: str) -> None:
    """Another proposal on record. It changes a case that no person has moved; of a moved one, it only tells."""
    verdict = _verdict(case, decided, now)
    verdict.text.save(force_insert=True)
    verdict.save(force_insert=True)
    case.author = case.author or _author(decided.post)  # it goes with the words (casebook.forgetting), and comes back
    is_edit = kind == "judged_anew"
    if not case.moved:
        _judge_again(decree, case, decided, now)
    if is_edit:
        case.revision, case.fingerprint = decided.revision, decided.decision["fingerprint"]
        Band.objects.filter(case=case).delete()
        remember(case)
        link(decree, case)
    case.due = clocks.nearest(case)
    record(case, kind, actor=SYSTEM, role=SYSTEM, now=now, body=_body(case, decided))
    raise_alarms(decree, case, decided.revision, decided.decision["alarms"], now)
    case.save()


def _judge_again(decree: Decree, case: Case, decided: Decided, now: datetime) -> None:
    was_answered, was_track = case.state == State.NEW, case.track
    _judge(case, decided)
    if case.state != State.NEW:
        clocks.stop(case, now)
    elif not was_answered:
        clocks.start(decree, case, "dispatch", now)
        clocks.count_anew(decree, case, "restored", now)
    elif case.track != was_track and case.track == "4h":
        clocks.count_anew(decree, case, "raised", now)
    elif case.track != was_track:
        clocks.count_anew(decree, case, "lowered", now)


def _body(case: Case, decided: Decided) -> dict[str, Any]:
    route = decided.route
    return {
        "revision": decided.revision,
        "verdict": decided.verdict,
        "track": decided.track or None,
        "department": route["department"] or None,
        "proposed": route["proposed"],
        "grounds": decided.grounds,
        "detected_at": stamp(case.detected_at),
        "group": case.group.ordinal if case.group else None,
        "resonance": case.resonance,
        "versions": decided.versions,
        "times": _odd_times(decided.post, case),
    }


def author_digest(network: str | None, author: str | None) -> str:
    """To link the posts of one author without naming anybody; empty where a post names none."""
    whose = f"{network or 'file'}:{author}"
    return hashlib.sha256(whose.encode("utf-8", "surrogatepass")).hexdigest() if author else ""


def _author(post: Mapping[str, Any]) -> str:
    return author_digest(post.get("network"), post.get("author"))


def _odd_times(post: Mapping[str, Any], case: Case) -> str | None:
    """What is wrong with the times that a post came with, for whoever reads the record."""
    published, detected = _moment(post.get("published_at")), _moment(post.get("detected_at"))
    if detected is None:
        return "not_detected"
    if detected > case.opened_at:
        return "detected_in_the_future"
    if detected < case.detected_at:
        return "detected_before_any_calendar"
    return "detected_before_published" if published and published > detected else None


def _moment(written: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(written)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _detected(decree: Decree, post: Mapping[str, Any], now: datetime) -> datetime:
    """When the clocks start; a moment in the future, or before any calendar (a clock that is wrong), becomes now."""
    moment = _moment(post.get("detected_at")) or now
    try:
        decree.clocks.working.day(moment.date())
    except UnknownYearError:
        return now
    return min(moment, now)

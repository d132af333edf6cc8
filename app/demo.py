"""``otklik demo``: a working week of sample posts through every step, with simulated people, at any pace."""

from __future__ import annotations

import json
import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from app.errors import UsageFault
from app.home import find_home
from app.options import home_option
from app.tables import moment_of, open_casebook, shown
from app.words import counted
from cases.lifecycle import MoveError, MoveName, Role, State
from records import Post, post_from_json
from records.messages import DECIDED
from records.messages import decided as message

if TYPE_CHECKING:
    from casebook.decree import Decree
    from casebook.models import Case, User

STEP = timedelta(minutes=5)
WEEK = timedelta(days=7)
_SEED = 20230314


@click.command()
@click.option("--speed", type=click.FloatRange(0), default=0, help="Во сколько раз быстрее жизни; 0 — без пауз.")
@click.option("--start", metavar="МОМЕНТ", default="2026-11-16T08:00", show_default=True, help="Понедельник недели.")
@home_option
def demo(speed: float, start: str, home: Path | None) -> None:
    """Прожить рабочую неделю: образцы сообщений проходят все шаги, людей играет программа.

    Карточки — во временной базе: ваши не тронуты. В конце: что успели, что опоздало, что вернули, какие были тревоги.
    """
    folder = find_home(home)
    samples = folder / "samples" / "posts.jsonl"
    if not samples.is_file():
        raise UsageFault(f"нет {samples}", "запустите из папки проекта или назовите её: --home")
    with tempfile.TemporaryDirectory(prefix="otklik-demo-") as place:
        decree = open_casebook(home, Path(place))
        begin = moment_of(start, decree)
        week = Week(decree, begin, posts_of(folder, samples, begin), Path(place))
        for now in week.moments():
            week.live(now)
            if speed:
                time.sleep(STEP.total_seconds() / speed)
        click.echo("\n".join(week.told()))


def posts_of(folder: Path, samples: Path, begin: datetime) -> list[tuple[datetime, bytes]]:
    """The samples, decided, spread over the five days as residents write: by day and in the evening."""
    from pipeline.triage import Triage

    dice = random.Random(_SEED)
    lines = samples.read_text(encoding="utf-8").splitlines()
    posts: list[Post] = []
    for line in lines:
        at = begin + timedelta(days=dice.randrange(5), minutes=dice.randrange(15 * 60))
        post = post_from_json({**json.loads(line), "published_at": None, "detected_at": None})
        posts.append(replace(post, detected_at=at.isoformat()))
    decisions = Triage.load(folder).decide(posts)
    made = [(datetime.fromisoformat(p.detected_at or ""), message(p, d)) for p, d in zip(posts, decisions, strict=True)]
    return sorted(made)


@dataclass
class Week:
    """Who does what, how soon, and what came of it. Chance is seeded: a rehearsal can be repeated."""

    decree: Decree
    begin: datetime
    posts: list[tuple[datetime, bytes]]
    place: Path
    done: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    dice: random.Random = field(default_factory=lambda: random.Random(_SEED))

    def __post_init__(self) -> None:
        from journal.embedded import EmbeddedJournal

        self.journal = EmbeddedJournal(self.place / "journal.sqlite")
        self.reader = self.journal.reader("casebook", DECIDED)
        self.people: dict[str, User] = {}
        self.turns: list[tuple[Callable[[Case], bool], Callable[[Case, datetime], None], float]] = [
            (_in(State.NEW, State.RETURNED), self._confirm, 0.7),
            (_in(State.WITH_DEPARTMENT), self._take, 0.5),
            (_in(State.IN_WORK, State.INTERIM_PUBLISHED), self._write, 0.12),
            (_in(State.IN_APPROVAL), self._approve, 0.25),
            (_in(State.APPROVED), self._publish, 0.6),
            (_in(State.PUBLISHED, State.UNPUBLISHABLE), self._close, 0.5),
            (_in(State.EXCLUDED, State.NO_ANSWER), self._second, 0.05),
        ]

    def moments(self) -> Iterator[datetime]:
        now = self.begin
        while now < self.begin + WEEK:
            yield now
            now += STEP

    def live(self, now: datetime) -> None:
        """What comes, what time brings, what people do in five minutes."""
        from casebook.intake import take
        from casebook.models import Alarm, Case
        from casebook.relay import relay
        from casebook.sweep import sweep
        from journal import Message

        come = [value for at, value in self.posts if now - STEP < at <= now]
        self.journal.append(DECIDED, [Message(None, value) for value in come])
        while records := self.reader.poll(100, 0):
            take(self.decree, records, now)
            self.reader.commit(records, {})
        swept = sweep(self.decree, now)
        self.done["принято молчанием"] += swept.accepted
        for alarm in Alarm.objects.filter(acknowledged_at=None).select_related("case"):
            if self.dice.random() < 0.5:
                self._answer(alarm.case.ordinal, alarm.kind, now)
        if self.decree.clocks.working.works(now):
            for case in Case.objects.exclude(state__in=[State.CLOSED, State.WITHDRAWN]).order_by("ordinal"):
                for fits, act, chance in self.turns:
                    if fits(case) and self.dice.random() < chance:
                        act(case, now)
                        break
        relay(self.journal, now)

    def _answer(self, ordinal: int, kind: str, now: datetime) -> None:
        from casebook.alarms import acknowledge

        acknowledge(ordinal, kind, acting_user=self._person(Role.OPERATOR), now=now)

    def _person(self, role: Role, department: str = "") -> User:
        from casebook.models import User

        code = f"{role}-{department}".rstrip("-").lower()
        if code not in self.people:
            self.people[code] = User.objects.create(code=code, name=code, role=role, department=department)
        return self.people[code]

    def _make(self, case: Case, name: MoveName, who: User, now: datetime, **given: Any) -> None:
        from casebook.moves import perform

        try:
            perform(self.decree, case.ordinal, name, acting_user=who, version=case.version, now=now, **given)
            self.done[name] += 1
        except MoveError as error:
            self.refused[str(error).partition(":")[0]] += 1

    def _confirm(self, case: Case, now: datetime) -> None:
        from casebook.decree import ORGANISING

        role = Role.MANAGER if case.returns >= 2 else Role.OPERATOR
        proposed = case.verdicts.latest("id").department
        self._make(case, MoveName.CONFIRM, self._person(role), now, department=proposed or ORGANISING)

    def _take(self, case: Case, now: datetime) -> None:
        head = self._person(Role.HEAD, case.department)
        if case.accepted_at is None and self.dice.random() < 0.1:
            self._make(case, MoveName.RETURN, head, now, reason="не наш вопрос")
            return
        executor = self._person(Role.EXECUTOR, case.department)
        self._make(case, MoveName.ASSIGN, head, now, executor=executor.code)

    def _write(self, case: Case, now: datetime) -> None:
        from casebook.models import Draft

        current = Draft.objects.filter(case=case, number=case.draft_number).first()
        if case.state == State.IN_WORK and current and current.published_at is None:
            self._make(case, MoveName.SEND, self._person(Role.OPERATOR), now, number=str(case.ordinal))
            return
        executor = self._person(Role.EXECUTOR, case.department)
        body = self.decree.department(case.external) if case.external else None
        name = f" Этим занимается {body.name}." if body else ""
        interim = not case.interim and self.dice.random() < 0.1
        text = f"Здравствуйте! По карточке {case.ordinal} работы сделаем до 30.11.{name}"
        reason = "ждём материалы" if interim else None
        self._make(case, MoveName.DRAFT, executor, now, text=text, interim=interim, reason=reason)

    def _approve(self, case: Case, now: datetime) -> None:
        approver = self._person(Role.APPROVER)
        if self.dice.random() < 0.1:
            self._make(case, MoveName.REMARK, approver, now, reason="добавьте срок работ")
        else:
            self._make(case, MoveName.APPROVE, approver, now, number=f"ЦУР-{case.ordinal}")

    def _publish(self, case: Case, now: datetime) -> None:
        operator, link = self._person(Role.OPERATOR), f"https://vk.com/wall-1_{case.ordinal}"
        self._make(case, MoveName.PUBLISH, operator, now, link=link)

    def _close(self, case: Case, now: datetime) -> None:
        self._make(case, MoveName.CLOSE, self._person(Role.OPERATOR), now)

    def _second(self, case: Case, now: datetime) -> None:
        name = MoveName.CONFIRM_EXCLUSION if case.state == State.EXCLUDED else MoveName.CONFIRM_NO_ANSWER
        self._make(case, name, self._person(Role.OPERATOR), now)

    def told(self) -> Iterator[str]:
        from casebook.audit import verify
        from casebook.models import Alarm, Case, Clock, Event, Notice

        end = self.begin + WEEK
        states = Counter(Case.objects.values_list("state", flat=True))
        posts = counted(len(self.posts), "сообщение", "сообщения", "сообщений")
        yield f"Неделя с {shown(self.begin, self.decree)}: {posts}."
        yield "Карточки: " + ", ".join(f"{state} {number}" for state, number in sorted(states.items()))
        yield "Сроки (вовремя / поздно / идёт):"
        for name in ("dispatch", "return", "draft", "approval", "publish", "answer", "final"):
            found = list(Clock.objects.filter(name=name))
            late = sum((clock.stopped_at or end) > (clock.limit or clock.due) for clock in found)
            running = sum(clock.stopped_at is None and end <= (clock.limit or clock.due) for clock in found)
            yield f"  {name:<10} {len(found) - late - running:>4} / {late} / {running}"
        answered = Alarm.objects.exclude(acknowledged_at=None)
        waits = [(a.acknowledged_at - a.raised_at).total_seconds() / 60 for a in answered if a.acknowledged_at]
        median = sorted(waits)[len(waits) // 2] if waits else 0
        yield f"Тревог: {Alarm.objects.count()}, принято: {len(waits)}, до приёма (медиана): {median:.0f} мин"
        yield "Действия: " + ", ".join(f"{name} {number}" for name, number in sorted(self.done.items()) if number)
        if self.refused:
            yield "Отказано: " + ", ".join(f"{why} — {number}" for why, number in self.refused.most_common())
        wrong = list(verify(self.decree))
        events, notices = Event.objects.count(), Notice.objects.count()
        yield f"Событий: {events}, напоминаний: {notices}; проверка записей: {'; '.join(wrong) or 'всё сходится'}"


def _in(*states: State) -> Callable[[Case], bool]:
    return lambda case: case.state in states

"""Alarms, reminders and the channels: an e-mail server and a webhook that are real, on both databases."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email import message_from_bytes
from email.header import decode_header, make_header
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from casebooks import ANSWER, ROOT, TEXT, ZONE, Casebook, at, decided, with_executor
from click.testing import CliRunner, Result
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.channels import channels as channels_of_environment
from app.command import otklik
from app.errors import UsageFault
from casebook.alarms import acknowledge
from casebook.lists import open_alarms
from casebook.models import Alarm, Event, Notice
from casebook.notices import Channels, deliver
from casebook.sweep import Swept, look_anew, sweep
from cases.lifecycle import MoveError
from deploy.broker import free_port

SECRET = b"a secret of the tests"
MINUTE = timedelta(minutes=1)
NIGHT = at("02:10", 1)
DUTY = "operator"
on_sqlite = pytest.mark.parametrize("casebook", ["sqlite"], indirect=True)


def alarmed(casebook: Casebook, count: int = 1, now: datetime = NIGHT) -> int:
    """Cases with an alarm and without clocks: what is told is the alarm alone. The number of the last."""
    for number in range(count):
        text = f"{TEXT} Подъезд {number}."
        casebook.take(decided(f"vk:-1_{number}", text, verdict="exclude", alarms=("danger",)), now=now)
    return Alarm.objects.latest("id").case.ordinal


def swept(casebook: Casebook, now: datetime, channels: Channels | None = None) -> Swept:
    return sweep(casebook.decree, now, channels or Channels())


def told(kind: str = "alarm", channel: str = "console") -> list[datetime]:
    """When notices of this kind were said to a channel."""
    found = Notice.objects.filter(what__startswith=f"{kind}:", channel=channel).order_by("at")
    return list(found.values_list("at", flat=True))


def reminders(clock: str) -> list[tuple[str, str]]:
    """Of a clock by name: when, in the wall time of the decree, and what."""
    found = Notice.objects.filter(body__clock=clock, channel="console").order_by("at", "id")
    return [(f"{one.at.astimezone(ZONE):%d.%m %H:%M}", one.body["stage"]) for one in found]


def at_once(work: Callable[[], object], number: int = 2) -> list[Any]:
    """What each of so many threads, let go together, came to; each has a connection of its own."""
    ready, came, failed = threading.Barrier(number), [], []

    def act() -> None:
        try:
            ready.wait()
            came.append(work())
        except Exception as error:
            failed.append(error)
        finally:
            connections["default"].close()

    threads = [threading.Thread(target=act) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    return came


# Alarms


@pytest.mark.parametrize("verdict", ["answer", "exclude", "no_answer"])
def test_an_alarm_is_opened_and_told_whatever_the_verdict(casebook: Casebook, verdict: str) -> None:
    number = casebook.open(verdict=verdict, alarms=("danger", "crime"), now=at("09:05"))
    found = Alarm.objects.filter(case__ordinal=number).order_by("id")
    assert [(one.kind, one.raised_at) for one in found] == [("danger", at("09:05")), ("crime", at("09:05"))]
    assert told() == [at("09:05")] * 2
    assert casebook.kinds(number) == ["opened", "alarm", "alarm"]


def test_an_alarm_is_told_in_the_transaction_that_opens_it(casebook: Casebook) -> None:
    with pytest.raises(KeyError), transaction.atomic():
        casebook.open(alarms=("danger",))
        assert len(told()) == Alarm.objects.count() == 1
        raise KeyError
    assert len(told()) == Alarm.objects.count() == 0


def test_two_hits_of_one_kind_are_one_alarm(casebook: Casebook) -> None:
    casebook.open(alarms=("danger", "danger"))
    assert len(told()) == Alarm.objects.count() == 1


def test_a_repeated_decision_raises_no_alarm_again(casebook: Casebook) -> None:
    value = decided(alarms=("danger",))
    casebook.take(value, value)
    casebook.take(value)
    assert len(told()) == Alarm.objects.count() == 1


def test_an_alarm_is_repeated_every_five_minutes_until_it_is_acknowledged_and_not_after(casebook: Casebook) -> None:
    number = casebook.open(alarms=("danger",), now=NIGHT)
    for minute in range(18):
        swept(casebook, NIGHT + minute * MINUTE)
    acknowledge(number, "danger", acting_user=casebook.person(DUTY), now=NIGHT + 18 * MINUTE)
    for minute in range(18, 40):
        swept(casebook, NIGHT + minute * MINUTE)
    assert told() == [NIGHT + minute * MINUTE for minute in (0, 5, 10, 15)]


def test_an_alarm_goes_to_every_channel_each_time(casebook: Casebook) -> None:
    both = Channels(("localhost", 1), recipients=("duty@example.ru",), webhook="http://localhost:1", secret=SECRET)
    casebook.open(alarms=("danger",), now=NIGHT)
    for minute in (0, 1, 5):
        swept(casebook, NIGHT + minute * MINUTE, both)
    assert [len(told(channel=name)) for name in ("console", "email", "webhook")] == [2, 2, 2]


def test_sweeps_that_were_away_for_long_say_an_alarm_once(casebook: Casebook) -> None:
    casebook.open(alarms=("danger",), now=NIGHT)
    swept(casebook, NIGHT + 63 * MINUTE)
    assert told() == [NIGHT, NIGHT + 63 * MINUTE]


def test_who_acknowledged_and_after_how_long_is_in_the_event(casebook: Casebook) -> None:
    number = casebook.open(alarms=("threat",), verdict="exclude", now=NIGHT)
    person = casebook.person(DUTY)
    found = acknowledge(number, "threat", acting_user=person, now=NIGHT + timedelta(minutes=3, seconds=7))
    event = Event.objects.filter(case__ordinal=number).latest("number")
    assert (event.kind, event.actor, event.role) == ("alarm_acknowledged", person.code, person.role)
    assert event.body == {"alarm": "threat", "after_seconds": 187}
    assert found.acknowledged_by == person.code
    assert list(open_alarms()) == []
    casebook.check()


def test_an_alarm_is_acknowledged_once(casebook: Casebook) -> None:
    number = casebook.open(alarms=("danger",))
    acknowledge(number, "danger", acting_user=casebook.person(DUTY), now=at("09:06"))
    with pytest.raises(MoveError, match=DUTY):
        acknowledge(number, "danger", acting_user=casebook.person("manager"), now=at("09:07"))
    assert casebook.kinds(number).count("alarm_acknowledged") == 1


def test_two_people_acknowledge_at_once_and_one_is_named(casebook: Casebook) -> None:
    number = casebook.open(alarms=("danger",))
    people = iter([casebook.person(DUTY), casebook.person("manager")])

    def take() -> str:
        try:
            return acknowledge(number, "danger", acting_user=next(people), now=at("09:06")).acknowledged_by
        except MoveError:
            return ""

    first, second = at_once(take)
    assert (first or second) == Alarm.objects.get().acknowledged_by
    assert not (first and second)
    casebook.check()


def test_there_is_nothing_to_acknowledge_where_no_alarm_is(casebook: Casebook) -> None:
    number = casebook.open(alarms=("danger",))
    for case, kind in ((number, "crisis"), (number + 1, "danger")):
        with pytest.raises(MoveError, match="нет тревоги"):
            acknowledge(case, kind, acting_user=casebook.person(DUTY), now=at("09:06"))


def test_an_edit_opens_the_same_alarm_again_only_once_the_first_is_acknowledged(casebook: Casebook) -> None:
    number = casebook.open(alarms=("danger",))
    casebook.take(decided(text=f"{TEXT} Провод искрит.", alarms=("danger",)))
    assert Alarm.objects.count() == 1
    acknowledge(number, "danger", acting_user=casebook.person(DUTY), now=at("09:10"))
    casebook.take(decided(text=f"{TEXT} Провод искрит, дети рядом.", alarms=("danger",)), now=at("09:20"))
    assert [one.raised_at for one in open_alarms()] == [at("09:20")]
    assert told() == [at("09:05"), at("09:20")]


@pytest.mark.parametrize(
    ("kind", "raised", "due"),
    [
        ("crisis", NIGHT, "17.11 02:25"),
        ("crisis", at("11:55"), "16.11 12:10"),
        ("crisis", at("23:50", 4), "21.11 00:05"),
        ("danger", NIGHT, "17.11 03:10"),
        ("danger", at("14:00", 5), "21.11 15:00"),
        ("danger", at("10:00"), "16.11 11:00"),
    ],
)
def test_an_alarm_is_due_by_the_calendar_day_and_night(
    casebook: Casebook, kind: str, raised: datetime, due: str
) -> None:
    casebook.open(alarms=(kind,), track="4h", now=raised)
    assert f"{Alarm.objects.get().due.astimezone(ZONE):%d.%m %H:%M}" == due


# Reminders


def test_a_clock_is_reminded_of_at_half_before_its_end_and_at_its_breach_each_once(casebook: Casebook) -> None:
    casebook.open()
    for minute in range(0, 200, 5):
        swept(casebook, at("09:00") + minute * MINUTE)
    assert reminders("draft") == [
        ("16.11 10:30", "half"),
        ("16.11 11:00", "before-60"),
        ("16.11 11:30", "before-30"),
        ("16.11 12:00", "breach"),
    ]
    assert reminders("dispatch") == [("16.11 09:30", "half"), ("16.11 09:30", "before-30"), ("16.11 10:00", "breach")]


def test_reminders_count_working_time(casebook: Casebook) -> None:
    """Eight hours from Friday 16:00 end on Monday 16:00; the weekend brings nothing."""
    friday = at("16:00", 4)
    casebook.open(detected_at=friday, now=friday)
    for hour in range(73):
        swept(casebook, friday + timedelta(hours=hour))
    assert reminders("answer") == [("23.11 11:00", "half"), ("23.11 15:00", "before-60"), ("23.11 16:00", "breach")]


def test_where_a_clock_has_two_moments_the_later_is_its_breach(casebook: Casebook) -> None:
    casebook.open(track="4h")
    for minute in range(0, 240, 10):
        swept(casebook, at("09:00") + minute * MINUTE)
    assert reminders("draft")[-1] == ("16.11 12:00", "breach")
    assert len(reminders("draft")) == 4


def test_a_clock_that_was_stopped_is_reminded_of_no_more(casebook: Casebook) -> None:
    number = casebook.open()
    swept(casebook, at("09:30"))
    casebook.move(number, "confirm", now=at("09:40"))
    swept(casebook, at("10:30"))
    assert [stage for _, stage in reminders("dispatch")] == ["half", "before-30"]


def test_a_clock_counted_anew_is_reminded_of_anew(casebook: Casebook) -> None:
    number = casebook.open()
    swept(casebook, at("14:00"))
    casebook.move(number, "raise", reason="Дети без воды", now=at("14:10"))
    due = casebook.case(number).clocks.get(name="answer", stopped_at=None).due
    swept(casebook, due)
    assert [stage for _, stage in reminders("answer")] == ["half", "breach"]


@pytest.mark.parametrize("verdict", ["exclude", "no_answer"])
def test_a_case_without_clocks_has_no_reminders(casebook: Casebook, verdict: str) -> None:
    casebook.open(verdict=verdict)
    assert swept(casebook, at("17:00", 3)).said == 0


@on_sqlite
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(minutes=st.lists(st.integers(0, 200), min_size=1, max_size=6).map(sorted))
def test_whenever_sweeps_come_a_stage_is_said_once_and_in_its_time(casebook: Casebook, minutes: Sequence[int]) -> None:
    stages = {"half": (90, 180), "before-60": (120, 180), "before-30": (150, 180), "breach": (180, 10**6)}
    with transaction.atomic():
        casebook.open()
        for minute in minutes:
            swept(casebook, at("09:00") + minute * MINUTE)
        found = reminders("draft")
        transaction.set_rollback(True)
    expected = {
        stage: next((minute for minute in minutes if begins <= minute < ends), None)
        for stage, (begins, ends) in stages.items()
    }
    shown = {
        (f"{(at('09:00') + minute * MINUTE).astimezone(ZONE):%d.%m %H:%M}", stage)
        for stage, minute in expected.items()
        if minute is not None
    }
    assert set(found) == shown
    assert len(found) == len(shown)


def test_a_clock_that_is_over_as_it_starts_is_a_breach_and_no_crash(casebook: Casebook) -> None:
    """Approved when the answer was late already: the publication is due at the answer's end, which has passed."""
    number = casebook.bring(with_executor(casebook), "in_approval", now=at("09:10"))
    late = at("15:00", 2)
    casebook.move(number, "approve", now=late)
    clock = casebook.case(number).clocks.get(name="publish", stopped_at=None)
    assert clock.due < clock.started_at
    swept(casebook, late + MINUTE)
    assert reminders("publish") == [("18.11 15:01", "breach")]


def test_a_clock_put_back_by_a_recall_is_reminded_of(casebook: Casebook) -> None:
    number = casebook.open()
    swept(casebook, at("09:10"))
    casebook.move(number, "confirm", now=at("09:15"))
    swept(casebook, at("09:20"))
    casebook.move(number, "recall", now=at("09:25"))
    swept(casebook, at("09:30"))
    assert reminders("dispatch") == [("16.11 09:30", "half"), ("16.11 09:30", "before-30")]


@on_sqlite
def test_a_sweep_that_has_nothing_to_say_asks_as_little_of_many_open_cases_as_of_one(casebook: Casebook) -> None:
    asked = []
    for number in range(20):
        casebook.open(f"vk:-1_{number}", f"{TEXT} Подъезд {number}.", alarms=("danger",))
        swept(casebook, at("09:05"))
        with CaptureQueriesContext(connection) as queries:
            assert swept(casebook, at("09:06")).said == 0
        asked.append(len(queries))
    assert asked[0] == asked[-1]


def test_a_reminder_that_the_policy_asks_for_from_now_on_is_said_of_running_clocks(
    casebook: Casebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    casebook.open()
    swept(casebook, at("09:00"))
    monkeypatch.setattr(type(casebook.decree), "policy", lambda *_: [160])
    look_anew()
    swept(casebook, at("09:21"))
    assert reminders("draft") == [("16.11 09:21", "before-160")]


# Two at once


def full(casebook: Casebook) -> None:
    """Cases with alarms, with clocks that are over, and one that silence has accepted."""
    for number in range(6):
        casebook.open(f"vk:-1_{number}", f"{TEXT} Подъезд {number}.", alarms=("danger",) if number % 2 else ())
    casebook.move(1, "confirm", now=at("09:10"))


def said() -> tuple[list[tuple[str, str]], int]:
    """Names of notices, sorted, and how many silences were accepted."""
    notices = sorted(Notice.objects.values_list("what", "channel"))
    return notices, Event.objects.filter(kind="accept").count()


def once(casebook: Casebook, work: Callable[[], object], channels: Channels) -> None:
    """``work`` says what one sweep would say, and no more."""
    full(casebook)
    with transaction.atomic():
        swept(casebook, at("11:15"), channels)
        expected = said()
        transaction.set_rollback(True)
    work()
    assert said() == expected
    assert expected[1] == 1
    casebook.check()


def test_sweeps_at_once_say_each_thing_once(casebook: Casebook) -> None:
    both = Channels(("localhost", 1), recipients=("duty@example.ru",), webhook="http://localhost:1", secret=SECRET)
    once(casebook, lambda: at_once(lambda: swept(casebook, at("11:15"), both), 3), both)


@on_sqlite
def test_sweeps_of_two_processes_say_each_thing_once(casebook: Casebook) -> None:
    moment = at("11:15").isoformat()

    def work() -> None:
        running = [process(casebook, "sweep", "--once", "--now", moment) for _ in range(2)]
        assert [one.wait() for one in running] == [0, 0]

    once(casebook, work, Channels())


def process(casebook: Casebook, *words: str, **environment: str) -> subprocess.Popen[bytes]:
    told = {"DATABASE_URL": casebook.url, "PYTHONPATH": str(ROOT), **environment}
    command = [sys.executable, "-m", "app", *words, "--home", str(ROOT)]
    return subprocess.Popen(command, cwd=ROOT, env={**os.environ, **told}, stdout=subprocess.DEVNULL)


# Webhook


@dataclass
class Hook:
    """A server that keeps what it was sent. ``codes``: of its answers, 200 after the last; ``then``: done at each."""

    port: int = 0
    codes: list[int] = field(default_factory=list)
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    then: Callable[[int], object] = lambda number: None

    @property
    def channels(self) -> Channels:
        return Channels(webhook=f"http://127.0.0.1:{self.port}/otklik", secret=SECRET)

    @property
    def names(self) -> list[str]:
        return [json.loads(body)["notice"] for _, body in self.got]


@pytest.fixture
def hook() -> Iterator[Hook]:
    found = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            code = found.codes.pop(0) if found.codes else 200
            found.got.append((dict(self.headers), body))
            found.then(len(found.got))
            self.send_response(code)
            self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield found
    server.shutdown()
    server.server_close()


def sent(channels: Channels, now: datetime) -> tuple[int, int]:
    return deliver(channels, lambda: now)


def test_a_webhook_is_signed_and_says_the_alarm(casebook: Casebook, hook: Hook) -> None:
    number = alarmed(casebook)
    swept(casebook, NIGHT, hook.channels)
    assert sent(hook.channels, NIGHT) == (1, 0)
    ((headers, body),) = hook.got
    signature = hmac.new(SECRET, body, hashlib.sha256).hexdigest()
    assert hmac.compare_digest(headers["X-Otklik-Signature-256"], f"sha256={signature}")
    assert headers["Content-Type"] == "application/json"
    value = json.loads(body)
    assert (value["case"], value["body"]["alarm"]) == (str(number), "danger")
    assert datetime.fromisoformat(value["at"]) == NIGHT


@pytest.mark.parametrize("code", [500, 503, 404, 302])
def test_a_webhook_that_refuses_is_tried_again_until_it_takes(casebook: Casebook, hook: Hook, code: int) -> None:
    hook.codes = [code, code]
    alarmed(casebook)
    swept(casebook, NIGHT, hook.channels)
    assert sent(hook.channels, NIGHT) == (0, 1)
    assert str(code) in Notice.objects.get(channel="webhook").error
    moments = [Notice.objects.get(channel="webhook").next_try_at]
    assert sent(hook.channels, moments[0]) == (0, 1)
    assert sent(hook.channels, Notice.objects.get(channel="webhook").next_try_at) == (1, 0)
    assert sent(hook.channels, NIGHT + timedelta(days=1)) == (0, 0)
    assert len(set(hook.names)) == 1
    assert len(hook.got) == 3
    assert told(channel="webhook") == [NIGHT]


def test_pauses_between_tries_grow_and_nothing_is_sent_before_their_end(casebook: Casebook) -> None:
    nowhere = Channels(webhook=f"http://127.0.0.1:{free_port()}/", secret=SECRET)
    alarmed(casebook)
    swept(casebook, NIGHT, nowhere)
    pauses, now = [], NIGHT
    for _ in range(6):
        assert sent(nowhere, now) == (0, 1)
        next_try = Notice.objects.get(channel="webhook").next_try_at
        assert sent(nowhere, next_try - timedelta(seconds=1)) == (0, 0)
        pauses.append(next_try - now)
        now = next_try
    assert pauses == sorted(set(pauses))


def test_two_deliveries_at_once_send_each_notice_once(casebook: Casebook, hook: Hook) -> None:
    alarmed(casebook, 12)
    swept(casebook, NIGHT, hook.channels)
    came = at_once(lambda: sent(hook.channels, NIGHT))
    assert sum(count for count, _ in came) == 12
    assert len(hook.names) == len(set(hook.names)) == 12


def test_a_delivery_that_takes_long_does_not_lose_its_claims(casebook: Casebook, hook: Hook) -> None:
    """Each notice takes a minute; another delivery comes amid the third."""
    alarmed(casebook, 5)
    swept(casebook, NIGHT, hook.channels)

    def now() -> datetime:
        return NIGHT + len(hook.got) * MINUTE

    def second(number: int) -> None:
        moment = now()
        if number == 3:
            at_once(lambda: sent(hook.channels, moment), 1)

    hook.then = second
    deliver(hook.channels, now)
    assert len(hook.names) == len(set(hook.names)) == 5


def test_what_was_killed_between_sending_and_noting_it_is_sent_again_once_its_claim_is_over(
    casebook: Casebook, hook: Hook
) -> None:
    alarmed(casebook)
    swept(casebook, NIGHT, hook.channels)

    def now() -> datetime:
        if hook.got:
            raise SystemExit
        return NIGHT

    with pytest.raises(SystemExit):
        deliver(hook.channels, now)
    assert sent(hook.channels, NIGHT + MINUTE) == (0, 0)
    assert sent(hook.channels, NIGHT + 3 * MINUTE) == (1, 0)
    assert len(set(hook.names)) == 1


def test_an_alarm_goes_before_reminders_that_wait(casebook: Casebook, hook: Hook) -> None:
    casebook.open("vk:-1_1")
    swept(casebook, at("12:30"), hook.channels)
    casebook.open("vk:-1_2", f"{TEXT} Провод искрит.", alarms=("danger",), now=at("12:31"))
    swept(casebook, at("12:31"), hook.channels)
    sent(hook.channels, at("12:31"))
    assert hook.names[0].startswith("alarm:")
    assert len(hook.names) > 1


def test_an_alarm_that_was_acknowledged_while_the_channel_was_down_is_not_told(casebook: Casebook, hook: Hook) -> None:
    hook.codes = [500]
    number = alarmed(casebook)
    swept(casebook, NIGHT, hook.channels)
    sent(hook.channels, NIGHT)
    acknowledge(number, "danger", acting_user=casebook.person(DUTY), now=NIGHT + MINUTE)
    assert sent(hook.channels, NIGHT + timedelta(hours=1)) == (0, 0)
    assert len(hook.got) == 1


# E-mail


class Inbox:
    """What a server has taken in."""

    def __init__(self) -> None:
        self.got: list[Any] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.got.append(envelope)
        return "250 OK"


@contextmanager
def mail_server(port: int) -> Iterator[Inbox]:
    inbox = Inbox()
    controller = Controller(inbox, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield inbox
    finally:
        controller.stop()


def by_mail(port: int) -> Channels:
    return Channels(("127.0.0.1", port), "otklik@example.ru", ("duty@example.ru", "head@example.ru"))


def test_an_email_says_the_case_and_the_alarm_to_everybody_on_duty(casebook: Casebook) -> None:
    port = free_port()
    number = casebook.open(alarms=("crisis",), track="4h", now=NIGHT, detected_at=NIGHT)
    swept(casebook, NIGHT, by_mail(port))
    with mail_server(port) as inbox:
        assert sent(by_mail(port), NIGHT) == (1, 0)
        assert sent(by_mail(port), NIGHT + timedelta(days=1)) == (0, 0)
    (envelope,) = inbox.got
    assert (envelope.mail_from, envelope.rcpt_tos) == ("otklik@example.ru", ["duty@example.ru", "head@example.ru"])
    message = message_from_bytes(envelope.content)
    subject = str(make_header(decode_header(message["Subject"])))
    assert f"карточка {number}" in subject
    assert "тревога (crisis)" in subject
    assert "тревога (crisis)" in message.get_payload(decode=True).decode()


def test_emails_wait_for_a_server_that_is_down(casebook: Casebook) -> None:
    port = free_port()
    alarmed(casebook)
    swept(casebook, NIGHT, by_mail(port))
    assert sent(by_mail(port), NIGHT) == (0, 1)
    first = Notice.objects.get(channel="email").next_try_at
    assert sent(by_mail(port), first) == (0, 1)
    second = Notice.objects.get(channel="email").next_try_at
    with mail_server(port) as inbox:
        assert sent(by_mail(port), first + (second - first) / 2) == (0, 0)
        assert sent(by_mail(port), second) == (1, 0)
    assert second - first > first - NIGHT
    assert len(inbox.got) == 1
    assert Notice.objects.get(channel="email").error == ""


def test_a_channel_that_is_down_does_not_keep_the_other_back(casebook: Casebook, hook: Hook) -> None:
    both = Channels(("127.0.0.1", free_port()), recipients=("duty@example.ru",), webhook=hook.channels.webhook)
    alarmed(casebook, 3)
    swept(casebook, NIGHT, both)
    assert sent(both, NIGHT) == (3, 1)
    assert len(hook.got) == 3


def test_a_server_whose_name_is_no_name_is_a_failure_to_send_and_not_a_crash(casebook: Casebook) -> None:
    wrong = Channels(("mail..example", 25), recipients=("duty@example.ru",), webhook="http://[", secret=SECRET)
    alarmed(casebook)
    swept(casebook, NIGHT, wrong)
    assert sent(wrong, NIGHT) == (0, 2)


def test_no_notice_holds_words_of_a_post_or_of_its_author(casebook: Casebook, hook: Hook) -> None:
    port = free_port()
    both = Channels(("127.0.0.1", port), recipients=("duty@example.ru",), webhook=hook.channels.webhook, secret=SECRET)
    author = "Пётр Выдуманный"
    number = casebook.open(alarms=("danger",), author=author, detected_at=at("09:00"))
    casebook.person("executor")
    casebook.bring(number, "in_approval", now=at("09:10"))
    with mail_server(port) as inbox:
        for hour in range(12):
            swept(casebook, at("09:00") + timedelta(hours=hour), both)
            sent(both, at("09:00") + timedelta(hours=hour))
    mails = [message_from_bytes(one.content) for one in inbox.got]
    out = [
        *(json.dumps(one, ensure_ascii=False) for one in Notice.objects.values_list("body", flat=True)),
        *(body.decode() for _, body in hook.got),
        *(str(make_header(decode_header(value))) for mail in mails for value in mail.values()),
        *(mail.get_payload(decode=True).decode() for mail in mails),
    ]
    assert len(hook.got) == len(mails) > 10
    words = {word.strip(".,!") for text in (TEXT, ANSWER, author) for word in text.split()}
    for word in (*filter(lambda one: len(one) > 3, words), "vk:-1_1"):
        assert not any(word in text for text in out), word


# The command line


def run(*words: object) -> Result:
    return CliRunner().invoke(otklik, [str(word) for word in (*words, "--home", ROOT)], prog_name="otklik")


def test_alarms_are_listed_and_acknowledged_by_command(casebook: Casebook) -> None:
    number = casebook.open(alarms=("danger", "crime"), now=NIGHT)
    person = casebook.person(DUTY)
    listed = run("alarm", "list").stdout.splitlines()
    assert [line.split()[:2] for line in listed] == [[str(number), "danger"], [str(number), "crime"]]
    said = run("alarm", "ack", number, "danger", "--as", person.code, "--now", "2026-11-17T02:12")
    assert (said.exit_code, person.code in said.stdout) == (0, True)
    assert len(run("alarm", "list").stdout.splitlines()) == 1
    again = run("alarm", "ack", number, "danger", "--as", person.code)
    assert again.exit_code == 2
    assert "уже принял" in again.stderr
    assert run("alarm", "ack", number, "crime", "--as", "nobody").exit_code == 2


def test_the_sweep_command_says_what_it_did(casebook: Casebook, hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTKLIK_WEBHOOK", hook.channels.webhook)
    monkeypatch.setenv("OTKLIK_WEBHOOK_SECRET", SECRET.decode())
    casebook.open(alarms=("danger",), verdict="exclude")
    done = run("sweep", "--once", "--now", "2026-11-16T09:06")
    assert done.exit_code == 0, done.output
    assert "напоминаний: 1" in done.stdout
    assert len(told(channel="webhook")) == 1


@on_sqlite
def test_a_sweep_that_runs_tells_an_alarm_that_comes_while_it_runs(casebook: Casebook, hook: Hook) -> None:
    told = {"OTKLIK_WEBHOOK": hook.channels.webhook, "OTKLIK_WEBHOOK_SECRET": SECRET.decode()}
    came = threading.Event()
    hook.then = lambda _: came.set()
    running = process(casebook, "sweep", **told)
    try:
        past = datetime.now(ZONE)
        casebook.open(alarms=("danger",), verdict="exclude", detected_at=past, now=past)
        assert came.wait(60)
    finally:
        running.terminate()
        running.wait()
    assert hook.names[0].startswith("alarm:")


# What the environment says


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Channels]:
    """The channels by these variables and no others."""
    for name in ("SMTP", "MAIL_FROM", "MAIL_TO", "WEBHOOK", "WEBHOOK_SECRET"):
        monkeypatch.delenv(f"OTKLIK_{name}", raising=False)

    def read(**variables: str) -> Channels:
        for name, value in variables.items():
            monkeypatch.setenv(f"OTKLIK_{name}", value)
        return channels_of_environment()

    return read


def test_without_settings_there_is_the_console_alone(environment: Callable[..., Channels]) -> None:
    assert environment().names == ()


def test_settings_name_both_channels(environment: Callable[..., Channels]) -> None:
    found = environment(
        SMTP="mail.example.ru:2525",
        MAIL_TO="duty@example.ru, head@example.ru",
        MAIL_FROM="otklik@example.ru",
        WEBHOOK="https://example.ru/hook",
        WEBHOOK_SECRET="ключ",
    )
    assert found.names == ("email", "webhook")
    assert found.smtp == ("mail.example.ru", 2525)
    assert found.recipients == ("duty@example.ru", "head@example.ru")
    assert (found.sender, found.secret) == ("otklik@example.ru", "ключ".encode())


def test_mail_has_a_usual_port(environment: Callable[..., Channels]) -> None:
    assert environment(SMTP="mail.example.ru", MAIL_TO="duty@example.ru").smtp == ("mail.example.ru", 25)


@pytest.mark.parametrize(
    ("variables", "fault"),
    [
        ({"WEBHOOK": "https://example.ru/hook"}, "без ключа"),
        ({"WEBHOOK": "example.ru/hook", "WEBHOOK_SECRET": "к"}, "WEBHOOK: не адрес"),
        ({"WEBHOOK": "https://", "WEBHOOK_SECRET": "к"}, "WEBHOOK: не адрес"),
        ({"WEBHOOK": "https://example.ru:нет/", "WEBHOOK_SECRET": "к"}, "WEBHOOK: не адрес"),
        ({"SMTP": "mail.example.ru:smtp", "MAIL_TO": "duty@example.ru"}, "не порт"),
        ({"SMTP": "mail.example.ru:99999", "MAIL_TO": "duty@example.ru"}, "не порт"),
        ({"SMTP": ":25", "MAIL_TO": "duty@example.ru"}, "нет имени сервера"),
        ({"SMTP": "mail.example.ru"}, "не оба"),
        ({"MAIL_TO": "duty@example.ru"}, "не оба"),
        ({"SMTP": "mail.example.ru", "MAIL_TO": "дежурный"}, "не почтовый адрес"),
        ({"SMTP": "mail.example.ru", "MAIL_TO": "duty@example.ru\nBcc:x@example.ru"}, "не почтовый адрес"),
        ({"MAIL_FROM": "otklik"}, "не почтовый адрес"),
    ],
)
def test_a_wrong_setting_is_told_with_its_mend(
    environment: Callable[..., Channels], variables: dict[str, str], fault: str
) -> None:
    with pytest.raises(UsageFault, match=fault) as caught:
        environment(**variables)
    assert caught.value.mend

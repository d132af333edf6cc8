"""Notices: what is said, once, to each channel; the console reads its own from the table.

``what`` names the thing said: whoever writes it second finds it there. Other channels are served by ``deliver``,
which claims a notice before sending it, so that two processes do not send it twice.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import smtplib
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from functools import cache
from typing import Any

import httpx
from django.db import transaction
from django.db.models import F, Q

from casebook.models import Alarm, Notice
from cases.titles import CLOCKS
from records.clock import stamp

CONSOLE, EMAIL, WEBHOOK = "console", "email", "webhook"
REPEAT = timedelta(minutes=5)
CLAIM = timedelta(minutes=2)
FIRST_RETRY = timedelta(seconds=30)
MOST_TRIES = 12
TIMEOUT_SECONDS = 15


@dataclass(frozen=True, slots=True)
class Channels:
    """Where notices go beside the console. ``smtp``: host and port; ``secret``: signs what the webhook is sent."""

    smtp: tuple[str, int] | None = None
    sender: str = "otklik@localhost"
    recipients: tuple[str, ...] = ()
    webhook: str = ""
    secret: bytes = b""

    @property
    def names(self) -> tuple[str, ...]:
        return (EMAIL,) * bool(self.smtp and self.recipients) + (WEBHOOK,) * bool(self.webhook)


@dataclass(frozen=True, slots=True)
class Saying:
    """One thing to say. ``what`` names it; ``case`` and ``alarm``: rows."""

    what: str
    case: int
    body: Mapping[str, Any]
    alarm: int | None = None


def times_told(alarm: Alarm, now: datetime) -> int:
    """How many times over ``REPEAT`` has passed since an alarm was raised."""
    return int((now - alarm.raised_at) / REPEAT)


def of_alarm(alarm: Alarm, now: datetime) -> Saying:
    """That an alarm waits; told once in each ``REPEAT``."""
    time = times_told(alarm, now)
    return Saying(f"alarm:{alarm.pk}:{time}", alarm.case_id, {"alarm": alarm.kind, "time": time}, alarm.pk)


def say(sayings: Sequence[Saying], now: datetime, channels: Sequence[str] = ()) -> int:
    """Say things to the console and ``channels``, a page of them at most; returns how many were new, each to each."""
    places = (CONSOLE, *channels)
    names = [saying.what for saying in sayings]
    said = set(Notice.objects.filter(what__in=names, channel__in=places).values_list("what", "channel"))
    new = [
        Notice(
            what=saying.what,
            channel=channel,
            case_id=saying.case,
            alarm_id=saying.alarm,
            at=now,
            body=dict(saying.body),
            delivered_at=now if channel == CONSOLE else None,
            next_try_at=None if channel == CONSOLE else now,
        )
        for saying in sayings
        for channel in places
        if (saying.what, channel) not in said
    ]
    Notice.objects.bulk_create(new, ignore_conflicts=True)  # another sweep may have been first
    return len(new)


def deliver(channels: Channels, now: Callable[[], datetime], limit: int = 100) -> tuple[int, int]:
    """Send what waits; returns how many were sent and how many failed and will be tried again.

    A channel that failed waits for the next round: who hangs in one does not keep an alarm from the other.
    """
    sent, silent = 0, set[str]()
    for _ in range(limit):
        notice = _claim([name for name in channels.names if name not in silent], now())
        if notice is None:
            break
        try:
            SENDERS[notice.channel](channels, notice)
        except (OSError, ValueError, smtplib.SMTPException, httpx.HTTPError, httpx.InvalidURL) as error:
            silent.add(notice.channel)
            _again(notice, now(), f"{type(error).__name__}: {error}"[:200])
        else:
            sent += 1
            Notice.objects.filter(pk=notice.pk).update(delivered_at=now(), claimed_until=None, error="")
    return sent, len(silent)


@transaction.atomic
def _claim(names: Sequence[str], now: datetime) -> Notice | None:
    """The one to be sent now, alarms first; an alarm that a person has acknowledged is told no more."""
    free = Q(claimed_until=None) | Q(claimed_until__lt=now)
    waiting = Notice.objects.filter(
        free, channel__in=names, delivered_at=None, next_try_at__lte=now, tries__lt=MOST_TRIES
    ).exclude(alarm__acknowledged_at__isnull=False)
    found = (
        waiting.select_for_update(skip_locked=_skips(), of=("self",) if _skips() else ())
        .order_by(F("alarm").asc(nulls_last=True), "id")
        .first()
    )
    if found:
        Notice.objects.filter(pk=found.pk).update(claimed_until=now + CLAIM)
    return found


def _skips() -> bool:
    """SQLite locks the whole file for a writer: there is nothing to skip."""
    from django.db import connection

    return bool(connection.features.has_select_for_update_skip_locked)


def _again(notice: Notice, now: datetime, error: str) -> None:
    wait = FIRST_RETRY * 2 ** min(notice.tries, 7)
    Notice.objects.filter(pk=notice.pk).update(
        tries=notice.tries + 1, next_try_at=now + wait, claimed_until=None, error=error
    )


def _by_email(channels: Channels, notice: Notice) -> None:
    message = EmailMessage()
    message["From"], message["To"] = channels.sender, ", ".join(channels.recipients)
    message["Subject"] = f"Отклик: карточка {notice.case.ordinal}: {title(notice.body)}"
    message["Message-ID"] = f"<{notice.what.replace(':', '.')}@otklik>"
    message.set_content(f"Карточка {notice.case.ordinal}: {title(notice.body)}.\n{stamp(notice.at)}\n")
    host, port = channels.smtp or ("", 0)
    with smtplib.SMTP(host, port, timeout=TIMEOUT_SECONDS) as server:
        server.send_message(message)


def _by_webhook(channels: Channels, notice: Notice) -> None:
    """Signed as GitHub signs its webhooks: HMAC-SHA-256 of the body, in hex."""
    value = {"notice": notice.what, "case": str(notice.case.ordinal), "at": stamp(notice.at), "body": notice.body}
    body = json.dumps(value, ensure_ascii=False).encode()
    signature = hmac.new(channels.secret, body, hashlib.sha256).hexdigest()
    headers = {"Content-Type": "application/json", "X-Otklik-Signature-256": f"sha256={signature}"}
    answer = httpx.post(channels.webhook, content=body, headers=headers, timeout=TIMEOUT_SECONDS, verify=_trusted())
    answer.raise_for_status()


@cache
def _trusted() -> ssl.SSLContext:
    """Certificates are read once, not at each notice."""
    return httpx.create_ssl_context()


SENDERS: Mapping[str, Callable[[Channels, Notice], None]] = {EMAIL: _by_email, WEBHOOK: _by_webhook}
_STAGES = {"half": "прошла половина срока", "before": "скоро срок", "breach": "срок прошёл"}


def title(body: Mapping[str, Any]) -> str:
    if "alarm" in body:
        return f"тревога ({body['alarm']})"
    stage, _, _ = str(body["stage"]).partition("-")  # before-60: an hour before
    return f"{_STAGES[stage]}: {CLOCKS[body['clock']]}"

"""Where notices go beside the console, as the environment says."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from app.errors import UsageFault
from app.home import setting

if TYPE_CHECKING:
    from casebook.notices import Channels

_SMTP_PORT = 25


def channels() -> Channels:
    """``OTKLIK_SMTP`` (host:port), ``OTKLIK_MAIL_FROM``, ``OTKLIK_MAIL_TO`` (with commas), ``OTKLIK_WEBHOOK``,
    ``OTKLIK_WEBHOOK_SECRET``. Raises: UsageFault: a half of a channel is no channel."""
    from casebook.notices import Channels

    webhook, secret = setting("OTKLIK_WEBHOOK"), setting("OTKLIK_WEBHOOK_SECRET")
    if webhook and not _is_address(webhook):
        raise UsageFault("OTKLIK_WEBHOOK: не адрес", "адрес начинается с https://")
    if webhook and not secret:
        raise UsageFault("OTKLIK_WEBHOOK без ключа подписи", "задайте OTKLIK_WEBHOOK_SECRET")
    smtp = _smtp(setting("OTKLIK_SMTP"))
    recipients = tuple(filter(None, setting("OTKLIK_MAIL_TO").replace(" ", "").split(",")))
    sender = setting("OTKLIK_MAIL_FROM") or "otklik@localhost"
    if bool(smtp) != bool(recipients):
        raise UsageFault("письма: заданы не оба, OTKLIK_SMTP и OTKLIK_MAIL_TO", "задайте оба или ни одного")
    for mailbox in (sender, *recipients):
        if not all(mailbox.partition("@")) or not mailbox.isprintable():
            raise UsageFault(f"не почтовый адрес: {mailbox[:60]}", "пишется так: dezhurnyj@example.ru")
    return Channels(smtp, sender, recipients, webhook, secret.encode())


def _is_address(written: str) -> bool:
    try:
        parts = urlsplit(written)
        return parts.scheme in ("https", "http") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _smtp(written: str) -> tuple[str, int] | None:
    if not written:
        return None
    host, _, port = written.partition(":")
    number = int(port) if port.isdecimal() else 0
    if port and not 0 < number < 65_536:
        raise UsageFault(f"OTKLIK_SMTP: не порт: {port[:20]}", "пишется так: mail.example.ru:25")
    if not host:
        raise UsageFault("OTKLIK_SMTP: нет имени сервера", "пишется так: mail.example.ru:25")
    return host, number or _SMTP_PORT

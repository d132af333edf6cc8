"""Where notices go beside the console, as the environment says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.errors import UsageFault
from app.home import setting

if TYPE_CHECKING:
    from casebook.notices import Channels

_SMTP_PORT = 25


def channels() -> Channels:
    """``OTKLIK_SMTP`` (host:port), ``OTKLIK_MAIL_FROM``, ``OTKLIK_MAIL_TO`` (with commas), ``OTKLIK_WEBHOOK``,
    ``OTKLIK_WEBHOOK_SECRET``. Raises: UsageFault."""
    from casebook.notices import Channels

    webhook, secret = setting("OTKLIK_WEBHOOK"), setting("OTKLIK_WEBHOOK_SECRET")
    if webhook and not webhook.startswith(("https://", "http://")):
        raise UsageFault("OTKLIK_WEBHOOK: не адрес", "адрес начинается с https://")
    if webhook and not secret:
        raise UsageFault("OTKLIK_WEBHOOK без ключа подписи", "задайте OTKLIK_WEBHOOK_SECRET")
    recipients = tuple(filter(None, setting("OTKLIK_MAIL_TO").replace(" ", "").split(",")))
    sender = setting("OTKLIK_MAIL_FROM") or "otklik@localhost"
    return Channels(_smtp(setting("OTKLIK_SMTP")), sender, recipients, webhook, secret.encode())


def _smtp(written: str) -> tuple[str, int] | None:
    if not written:
        return None
    host, _, port = written.partition(":")
    try:
        return host, int(port or _SMTP_PORT)
    except ValueError:
        raise UsageFault(f"OTKLIK_SMTP: не порт: {port}", "пишется так: mail.example.ru:25") from None

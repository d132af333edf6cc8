"""Passwords and tokens. A password is kept as argon2, a token (256 random bits) as its SHA-256; both are shown once."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from django.db import transaction

from casebook.models import Token, User
from cases.lifecycle import Role
from desk.access import Caller, Scope, scopes_of
from desk.problems import Code, Problem

SESSION_NAME = "session"
SESSION = timedelta(hours=12)
MOST_FAILURES = 5
LOCKED = timedelta(minutes=15)
SHORTEST_PASSWORD, LONGEST_PASSWORD = 12, 200
_PREFIX = "otklik_"
_HASHER = PasswordHasher()
_NOBODY = _HASHER.hash(secrets.token_urlsafe())
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that is taken for another


class AccountError(Exception):
    """``mend`` says what to do (both Russian)."""

    def __init__(self, what: str, mend: str) -> None:
        super().__init__(what)
        self.mend = mend


def give_one_time_password(user: User) -> str:
    """Good for choosing another alone."""
    password = "-".join("".join(secrets.choice(_LETTERS) for _ in range(5)) for _ in range(4))
    user.password, user.one_time = _HASHER.hash(password), True
    user.failures, user.locked_until = 0, None
    user.save(update_fields=("password", "one_time", "failures", "locked_until"))
    return password


def choose_password(user: User, password: str, now: datetime) -> None:
    """Sessions begun with the old one end. Raises: AccountError: too short, too long or plain."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise AccountError(
            f"в пароле {len(password)} знаков", f"нужно от {SHORTEST_PASSWORD} до {LONGEST_PASSWORD}: возьмите фразу"
        )
    if len(set(password.lower())) < 5 or user.code.lower() in password.lower():
        raise AccountError("пароль легко угадать", "возьмите фразу из нескольких слов без своего имени")
    if user.one_time and is_password(user, password):
        raise AccountError("это одноразовый пароль", "придумайте другой")
    user.password, user.one_time = _HASHER.hash(password), False
    user.save(update_fields=("password", "one_time"))
    revoke_sessions(user, now)


def is_password(user: User | None, password: str) -> bool:
    """It takes as long where there is no such user."""
    known = user.password if user and user.password else _NOBODY
    try:
        return _HASHER.verify(known, password) and known is not _NOBODY
    except (VerificationError, InvalidHashError):
        return False


def sign_in(code: str, password: str, now: datetime) -> tuple[User, str, datetime]:
    """The user, a session's token and when it ends.

    Raises:
        Problem: a wrong name or password, not told which; five wrong ones close the account for 15 minutes.
    """
    found = User.objects.filter(code=code).first() if _is_storable(code) else None
    if prove(found, password, now) and found is not None:
        scopes = [] if found.one_time else sorted(scopes_of(Role(found.role)))
        return found, issue(found, SESSION_NAME, scopes, now, SESSION), now + SESSION
    raise Problem(Code.UNAUTHENTICATED, "имя или пароль неверны", "Wrong name or password.", headers=_CHALLENGE)


def prove(found: User | None, password: str, now: datetime) -> bool:
    """Whether it is the user's password; wrong ones are counted.

    Raises:
        Problem: there were too many.
    """
    if found is not None:
        _refuse_locked(found, now)
    good = is_password(found, password)  # slow on purpose: before the row is locked
    if found is None:
        return False
    with transaction.atomic():
        user = User.objects.select_for_update().get(pk=found.pk)
        _refuse_locked(user, now)
        good = good and user.active and user.password == found.password
        _count(user, good, now)
    return good


def _refuse_locked(user: User, now: datetime) -> None:
    if user.locked_until is None or user.locked_until <= now:
        return
    seconds = str(int((user.locked_until - now).total_seconds()) + 1)
    raise Problem(
        Code.TOO_MANY,
        "слишком много неверных паролей",
        f"Too many wrong passwords: wait {seconds} s.",
        f"подождите {seconds} с",
        headers={"Retry-After": seconds},
    )


_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="otklik"'}


def _is_storable(code: str) -> bool:
    return "\0" not in code and len(code) <= 64


def _count(user: User, good: bool, now: datetime) -> None:
    user.failures = 0 if good else user.failures + 1
    user.locked_until = None
    if user.failures >= MOST_FAILURES:
        user.failures, user.locked_until = 0, now + LOCKED
    user.save(update_fields=("failures", "locked_until"))


def issue(user: User, name: str, scopes: Iterable[Scope], now: datetime, life: timedelta) -> str:
    """A new token's secret, which is nowhere kept."""
    secret = _PREFIX + secrets.token_urlsafe(32)
    Token.objects.create(
        user=user, name=name, digest=_digest(secret), scopes=list(scopes), created_at=now, expires_at=now + life
    )
    return secret


def revoke_sessions(user: User, now: datetime) -> None:
    Token.objects.filter(user=user, name=SESSION_NAME, revoked_at=None).update(revoked_at=now)


def revoke_all(user: User, now: datetime) -> None:
    """Sessions and tokens of programs: who comes back begins anew."""
    Token.objects.filter(user=user, revoked_at=None).update(revoked_at=now)


def caller_of(secret: str, now: datetime) -> Caller:
    """Raises: Problem: no such token, expired, revoked, or its user is no longer active."""
    found = Token.objects.filter(digest=_digest(secret)).select_related("user").first()
    if found is None or found.revoked_at is not None or not found.user.active:
        raise Problem(
            Code.UNAUTHENTICATED,
            "такого ключа доступа нет или он отозван",
            "No such token, or it is revoked: get another by otklik token add.",
            "получите новый: otklik token add",
            headers=_CHALLENGE,
        )
    if found.expires_at <= now:
        raise Problem(
            Code.UNAUTHENTICATED,
            "срок ключа доступа вышел",
            "The token has expired: get another by otklik token add, or sign in again.",
            "получите новый: otklik token add или войдите снова",
            headers=_CHALLENGE,
        )
    user, one_time = found.user, found.user.one_time and found.name == SESSION_NAME
    allowed = frozenset() if one_time else scopes_of(Role(user.role)) & frozenset(map(Scope, found.scopes))
    return Caller(user, allowed, found.pk, one_time)


def unauthenticated() -> Problem:
    return Problem(
        Code.UNAUTHENTICATED,
        "запрос без ключа доступа",
        "The request has no token: add the header Authorization: Bearer …",
        "добавьте заголовок Authorization: Bearer …",
        headers=_CHALLENGE,
    )


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()

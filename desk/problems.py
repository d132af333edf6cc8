"""Errors of the HTTP API: RFC 9457 ``application/problem+json``, in Russian or, where asked for, in English."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation.trans_real import parse_accept_lang_header

from cases.lifecycle import MoveError, Refusal
from records import dump

CONTENT_TYPE = "application/problem+json"
log = logging.getLogger("otklik.web")


class Code(StrEnum):
    """What is wrong, for programs; ``type`` is ``urn:otklik:problem:<code>``."""

    UNREADABLE = "unreadable"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    METHOD = "method"
    TIMEOUT = "timeout"
    CHANGED = "changed"
    WRONG_STATE = "wrong_state"
    IN_PROGRESS = "in_progress"
    TOO_LARGE = "too_large"
    MEDIA_TYPE = "media_type"
    UNSUITABLE = "unsuitable"
    KEY_REUSED = "key_reused"
    TOO_MANY = "too_many"
    FAILURE = "failure"
    UNAVAILABLE = "unavailable"


_KINDS: Mapping[Code, tuple[int, str, str]] = {
    Code.UNREADABLE: (400, "Запрос не читается", "The request cannot be read"),
    Code.UNAUTHENTICATED: (401, "Неизвестно, кто спрашивает", "Not authenticated"),
    Code.FORBIDDEN: (403, "Нельзя", "Forbidden"),
    Code.NOT_FOUND: (404, "Не найдено", "Not found"),
    Code.METHOD: (405, "Так к этому адресу не обращаются", "Method not allowed"),
    Code.TIMEOUT: (408, "Запрос пришёл не целиком", "The request did not arrive in time"),
    Code.CHANGED: (409, "Уже изменилось", "Changed since"),
    Code.WRONG_STATE: (409, "Не в этом состоянии", "Not in this state"),
    Code.IN_PROGRESS: (409, "Такой же запрос ещё выполняется", "The same request is in progress"),
    Code.TOO_LARGE: (413, "Слишком много за раз", "Too large"),
    Code.MEDIA_TYPE: (415, "Не тот вид данных", "Unsupported media type"),
    Code.UNSUITABLE: (422, "Не подходит", "Not suitable"),
    Code.KEY_REUSED: (422, "Ключ повтора уже с другим запросом", "Idempotency key reused with another request"),
    Code.TOO_MANY: (429, "Слишком часто", "Too many requests"),
    Code.FAILURE: (500, "Сбой", "Failure"),
    Code.UNAVAILABLE: (503, "Сейчас не получится", "Unavailable"),
}
_BY_STATUS: Mapping[int, Code] = {status: code for code, (status, *_) in reversed(list(_KINDS.items()))}
_OF_MOVES: Mapping[Refusal, Code] = {
    Refusal.NOT_FOUND: Code.NOT_FOUND,
    Refusal.CHANGED: Code.CHANGED,
    Refusal.NOT_FOR_ROLE: Code.FORBIDDEN,
    Refusal.WRONG_STATE: Code.WRONG_STATE,
    Refusal.REASON_MISSING: Code.UNSUITABLE,
    Refusal.UNSUITABLE: Code.UNSUITABLE,
}
_OPTION = re.compile(r"--([a-z-]+)")
_COMMAND = re.compile(r"(?:посмотрите|проверьте номер|внесите его): otklik [a-z ]+")


@dataclass(slots=True)
class Problem(Exception):
    """``detail``: Russian, ``english``: in English; ``errors``: places of the request, each with what is wrong."""

    code: Code
    detail: str
    english: str
    mend: str = ""
    errors: Sequence[Mapping[str, Any]] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def status(self) -> int:
        return _KINDS[self.code][0]

    def body(self, english: bool) -> dict[str, Any]:
        status, russian_title, english_title = _KINDS[self.code]
        found: dict[str, Any] = {
            "type": f"urn:otklik:problem:{self.code}",
            "title": english_title if english else russian_title,
            "status": status,
            "detail": self.english if english else self.detail,
            "code": self.code.value,
        }
        if self.mend and not english:
            found["mend"] = self.mend
        if self.errors:
            found["errors"] = [_in_language(error, english) for error in self.errors]
        return found


def _in_language(error: Mapping[str, Any], english: bool) -> dict[str, Any]:
    found = {name: value for name, value in error.items() if name not in ("what", "english")}
    return {**found, "what": error["english"] if english else error["what"]}


def of_move(error: MoveError) -> Problem:
    """The command line's words for the mend, as a program would have them."""
    mend = _OPTION.sub(lambda match: match[1].replace("-", "_"), _COMMAND.sub("", str(error.mend)))
    return Problem(_OF_MOVES[error.code], str(error), error.english, mend)


def of_status(status: int) -> Problem:
    code = _BY_STATUS.get(status, Code.FAILURE if status >= 500 else Code.UNREADABLE)
    _, russian, english = _KINDS[code]
    return Problem(code, russian, english)


def failure(error: Exception) -> Problem:
    """Whatever it is, its words may be those of a post: the log has the place alone."""
    trace, place = error.__traceback__, ""
    while trace is not None:
        place = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
        trace = trace.tb_next
    log.error("failure", extra={"error": type(error).__name__, "place": place})
    mend = "повторите; если не поможет, сообщите разработчикам время запроса"
    return Problem(
        Code.FAILURE,
        f"сбой: {type(error).__name__}",
        f"Failure: {type(error).__name__}. Try again; if it stays, tell the developers the time.",
        mend,
    )


def wants_english(accept_language: str) -> bool:
    """Russian unless English is asked for before it."""
    for language, _ in parse_accept_lang_header(accept_language.lower()[:200]):
        if language.startswith(("en", "ru")):
            return language.startswith("en")
    return False


def answer(problem: Problem, accept_language: str) -> HttpResponse:
    english = wants_english(accept_language)
    response = HttpResponse(
        dump(problem.body(english)).encode("utf-8", "replace"), status=problem.status, content_type=CONTENT_TYPE
    )
    response["Content-Language"] = "en" if english else "ru"
    response["Vary"] = "Accept-Language"
    for name, value in problem.headers.items():
        response[name] = value
    return response


def respond(request: HttpRequest, problem: Problem) -> HttpResponse:
    return answer(problem, request.headers.get("Accept-Language", ""))

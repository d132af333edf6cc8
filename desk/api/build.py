"""The API put together: its description, its errors."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.db import DatabaseError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from ninja.openapi.docs import Swagger
from ninja.renderers import JSONRenderer

from cases.errors import CalendarError
from cases.lifecycle import MoveError
from desk import idempotency
from desk.api import about, alarms, cases, events, people, posts, reports
from desk.problems import CONTENT_TYPE, Code, Problem, failure, of_move, of_status, respond

log = logging.getLogger("otklik.web")
_DESCRIPTION = """Posts in, cases and their moves, alarms, events.

Errors are `application/problem+json` (RFC 9457), in Russian, or in English by `Accept-Language: en`.
Lists go page by page: send `next` of a page as `cursor`. Posts, moves and acknowledgements take `Idempotency-Key`."""
_MOST_TOLD = 50
_WHAT = {
    "missing": "не названо",
    "extra_forbidden": "лишнее",
    "enum": "нет такого кода",
    "literal_error": "нет такого кода",
    "string_too_long": "слишком длинно",
    "string_too_short": "пусто",
    "too_long": "слишком много",
    "string_pattern_mismatch": "не того вида",
    "string_type": "нужна строка",
    "int_parsing": "нужно целое число",
    "int_type": "нужно целое число",
    "bool_parsing": "нужно true или false",
    "bool_type": "нужно true или false",
    "greater_than_equal": "слишком мало",
    "less_than_equal": "слишком много",
    "json_invalid": "не JSON",
}


class House(JSONRenderer):
    """JSON as the house writes it, Russian letters as they are."""

    json_dumps_params: dict[str, Any] = {"ensure_ascii": False, "separators": (",", ":")}  # noqa: RUF012 - as in ninja


class Page(Swagger):
    """Its files come from here: the machine of an administration may see no other."""

    template_cdn = str(Path(__file__).parent.parent / "docs.html")


class Api(NinjaAPI):
    _schema: Any = None

    def get_openapi_schema(self, *args: Any, **options: Any) -> Any:
        """What ninja leaves out: problems have a media type of their own; what the answers by hand hold. Made once."""
        if self._schema is None:
            self._schema = self._described(*args, **options)
        return self._schema

    def _described(self, *args: Any, **options: Any) -> Any:
        schema = super().get_openapi_schema(*args, **options)
        for path, operations in schema["paths"].items():
            for method, operation in operations.items():
                if method == "post" and path in _ONCE:
                    operation.setdefault("parameters", []).append(_KEY)
                for status, answer in operation.get("responses", {}).items():
                    _describe(path, str(status), answer)
        return schema

    def create_temporal_response(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(content_type="application/json")


_ONCE = frozenset({"/posts", "/cases/{number}/moves", "/alarms/{id}/acknowledgement"})
_KEY = {
    "in": "header",
    "name": idempotency.HEADER,
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": idempotency.LONGEST, "pattern": "^[ -~]+$"},
    "description": "The same request under the same key is done once; `Idempotency-Replayed: true` marks the repeat.",
}
_BY_HAND: Mapping[str, tuple[str, ...]] = {
    "/events/stream": ("text/event-stream",),
    "/cases/{number}/files/{digest}": (
        "image/jpeg",
        "image/png",
        "image/webp",
        "video/mp4",
        "application/pdf",
    ),
    "/metrics": ("text/plain",),
    "/reports/weekly": (
        "application/json",
        "text/html",
        "text/csv",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ),
}


def _describe(path: str, status: str, answer: dict[str, Any]) -> None:
    if status.startswith(("4", "5")) and not path.startswith("/health"):
        content = answer.pop("content", {})
        for described in content.values():
            answer["content"] = {CONTENT_TYPE: described}
    elif status == "200" and path in _BY_HAND:
        answer["content"] = {kind: {"schema": {}} for kind in _BY_HAND[path]}


def build() -> Api:
    api = Api(title="Отклик", version="1", description=_DESCRIPTION, renderer=House(), docs=Page())
    for part in (people, posts, cases, alarms, events, about, reports):
        api.add_router("", part.router)
    for error, problem in _PROBLEMS.items():
        api.add_exception_handler(error, _handler(problem))
    return api


def _handler(problem: Any) -> Any:
    return lambda request, error: respond(request, problem(error))


def _invalid(error: ValidationError) -> Problem:
    errors = [
        {
            "where": ".".join(str(step) for step in one["loc"]),
            "what": _WHAT.get(one["type"], "не подходит"),
            "english": one["msg"],
        }
        for one in error.errors[:_MOST_TOLD]
    ]
    where = ", ".join(f"{one['where']}: {one['what']}" for one in errors[:5])
    return Problem(Code.UNSUITABLE, f"в запросе не так: {where}", "The request is not of the schema.", "", errors)


def _http(error: HttpError) -> Problem:
    """What ninja itself refuses: a body that is not JSON."""
    if error.status_code == 400:
        return Problem(
            Code.UNREADABLE, "тело запроса не читается как JSON", "The body is not JSON: check it.", "проверьте JSON"
        )
    return of_status(error.status_code)


_UNREADABLE = Problem(
    Code.UNREADABLE,
    "тело запроса не читается",
    "The body cannot be read: check Content-Type and the body, JSON or multipart/form-data with its boundary.",
    "проверьте Content-Type и тело: JSON, или multipart/form-data с boundary",
)


def _database(error: DatabaseError) -> Problem:
    if not isinstance(error, OperationalError):
        return failure(error)
    log.error("database", extra={"error": type(error).__name__})
    busy = "база карточек занята или недоступна"
    english = "The database is busy or away: nothing is done. Try again."
    return Problem(Code.UNAVAILABLE, busy, english, "повторите", headers={"Retry-After": "5"})


def _calendar(error: CalendarError) -> Problem:
    return Problem(Code.UNAVAILABLE, error.what, "The working calendar does not reach so far.", error.mend)


_PROBLEMS: Mapping[type[Exception], Any] = {
    Problem: lambda error: error,
    MoveError: of_move,
    ValidationError: _invalid,
    HttpError: _http,
    MultiPartParserError: lambda _: _UNREADABLE,
    SuspiciousOperation: lambda _: _UNREADABLE,
    Http404: lambda _: of_status(404),
    CalendarError: _calendar,
    DatabaseError: _database,
    Exception: failure,
}

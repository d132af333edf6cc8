"""Whatever refuses a request, Django or ninja itself, it is refused as a problem."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from desk.problems import CONTENT_TYPE, Code, Problem, of_status, respond

_HOST = Problem(
    Code.UNREADABLE,
    "служба не отзывается на это имя",
    "The service does not answer to this name: start it with otklik serve --name NAME.",
    "назовите его при запуске: otklik serve --name ИМЯ",
)
Answer = Callable[[HttpRequest], Awaitable[HttpResponseBase]]
_SAFE = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY"}


class problems:
    async_capable = True
    sync_capable = False

    def __init__(self, get_response: Answer) -> None:
        self._get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    async def __call__(self, request: HttpRequest) -> HttpResponseBase:
        try:
            request.get_host()
        except DisallowedHost:
            return respond(request, _HOST)
        response = await self._get_response(request)
        kind = response.headers.get("Content-Type", "")
        if response.status_code >= 400 and kind.partition(";")[0] not in (CONTENT_TYPE, "application/json"):
            refused = respond(request, of_status(response.status_code))
            for name in ("Allow", "Retry-After"):
                if name in response.headers:
                    refused[name] = response.headers[name]
            response = refused
        if isinstance(response, HttpResponse):
            response.headers.setdefault("Content-Length", str(len(response.content)))
        for name, value in _SAFE.items():
            response.headers.setdefault(name, value)
        return response

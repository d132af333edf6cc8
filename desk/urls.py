"""Addresses: the API at the root, its page's own files beside it."""

from __future__ import annotations

import mimetypes
from pathlib import Path

import ninja
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path, re_path

from desk.api.build import build
from desk.problems import of_status, respond

_FILES = Path(ninja.__file__).parent / "static"


def file(request: HttpRequest, name: str) -> HttpResponse:
    """Whole, for Django's own view of files streams them in a way that its ASGI side warns of."""
    found = _FILES / "ninja" / name
    if not found.is_file():
        raise Http404
    return HttpResponse(found.read_bytes(), content_type=mimetypes.guess_type(name)[0])


urlpatterns = [
    path("", build().urls),
    re_path(r"^static/ninja/(?P<name>[\w.-]+\.(?:js|css|png|svg))$", file),
]


def handler404(request: HttpRequest, exception: Exception) -> HttpResponse:
    return respond(request, of_status(404))


def handler500(request: HttpRequest) -> HttpResponse:
    return respond(request, of_status(500))


def handler400(request: HttpRequest, exception: Exception) -> HttpResponse:
    return respond(request, of_status(400))

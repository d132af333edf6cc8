"""Addresses: the API at the root, its page's own files beside it."""

from __future__ import annotations

from pathlib import Path

import ninja
from django.http import HttpRequest, HttpResponse
from django.urls import path, re_path
from django.views.static import serve

from desk.api.build import build
from desk.problems import of_status, respond

_FILES = Path(ninja.__file__).parent / "static"

urlpatterns = [
    path("", build().urls),
    re_path(r"^static/(?P<path>ninja/[\w.-]+\.(?:js|css|png|svg))$", serve, {"document_root": _FILES}),
]


def handler404(request: HttpRequest, exception: Exception) -> HttpResponse:
    return respond(request, of_status(404))


def handler500(request: HttpRequest) -> HttpResponse:
    return respond(request, of_status(500))


def handler400(request: HttpRequest, exception: Exception) -> HttpResponse:
    return respond(request, of_status(400))

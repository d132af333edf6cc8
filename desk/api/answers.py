"""Answers that are made by hand: JSON as the house writes it, files with a safe name."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from django.http import HttpResponse

from records import dump


def json_answer(status: int, body: Any, *, replayed: bool = False) -> HttpResponse:
    # Half a surrogate pair, echoed from a request, has no bytes of UTF-8.
    response = HttpResponse(dump(body).encode("utf-8", "replace"), status=status, content_type="application/json")
    if replayed:
        response["Idempotency-Replayed"] = "true"
    return response


def file_answer(data: bytes, kind: str, name: str) -> HttpResponse:
    """Never shown by the browser as a page of ours."""
    response = HttpResponse(data, content_type=kind)
    response["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'; style-src 'unsafe-inline'"
    return response

"""What the service is made of: departments; and whether it is well: health, metrics."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Router

from desk.access import Scope
from desk.api.answers import json_answer
from desk.api.guard import guarded
from desk.health import reasons
from desk.metrics import CONTENT_TYPE, exposition
from desk.schemas import Departments, Live, Ready
from desk.wiring import desk

router = Router()


@router.get("/departments", tags=["departments"], **guarded(Scope.DEPARTMENTS_READ, Departments))
def list_departments(request: HttpRequest) -> dict[str, Any]:
    """Departments and bodies outside the administration, by code, with what they answer for."""
    regulation = desk().decree.regulation
    names = ("code", "name", "short", "external", "offices", "competence")
    return {
        "items": [{name: getattr(one, name) for name in names} for one in regulation.departments.values()],
        "offices": {code: office.name for code, office in regulation.places.offices.items()},
    }


@router.get("/health/live", auth=None, tags=["health"], response=Live, openapi_extra={"x-scope": "anybody"})
def live(request: HttpRequest) -> dict[str, bool]:
    """The process answers. If it does not, start it again."""
    return {"live": True}


@router.get(
    "/health/ready",
    auth=None,
    tags=["health"],
    response={200: Ready, 503: Ready},
    openapi_extra={"x-scope": "anybody"},
)
def ready(request: HttpRequest) -> HttpResponse:
    """200 when all goes well, else 503 with the reasons (Russian)."""
    found = reasons(desk())
    return json_answer(503 if found else 200, {"ready": not found, "reasons": found})


@router.get("/metrics", auth=None, tags=["health"], response=str, openapi_extra={"x-scope": "anybody"})
def metrics(request: HttpRequest) -> HttpResponse:
    """Counts and ages for Prometheus: no text, no keys."""
    return HttpResponse(exposition(desk()), content_type=CONTENT_TYPE)

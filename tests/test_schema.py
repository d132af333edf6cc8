"""schemathesis over the whole schema: no failure, no answer that the schema does not know."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from casebooks import Casebook
from django.urls import clear_url_caches
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from services import Service, on_postgresql

from desk.api.build import build

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
RAW: dict[str, Any] = build().get_openapi_schema(path_prefix="")
SCHEMA = schemathesis.openapi.from_dict(RAW).exclude(path="/events/stream", method="GET")
_ROUNDS = settings(
    max_examples=12,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
    database=None,
    derandomize=True,
)


@pytest.fixture
def busy(service: Service) -> Service:
    """With cases in several states, so that numbers drawn find something."""
    book = service.casebook
    for n in range(1, 6):
        book.open(f"vk:-1_{n}", alarms=["danger"] if n == 1 else ())
    book.move(2, "confirm")
    book.open("vk:-1_6", verdict="exclude", department=None)
    return service


@on_postgresql
@SCHEMA.parametrize()
@_ROUNDS
def test_every_operation_keeps_to_its_schema(case: Any, busy: Service) -> None:
    number = case.path_parameters.get("number") if case.path_parameters else None
    if isinstance(number, int) and number > 6:
        case.path_parameters["number"] = 1 + number % 6
    headers = {"Authorization": f"Bearer {busy.secret(busy.casebook.person('manager'))}"}
    response = case.call(base_url=busy.url, headers=headers)
    # That the service is not ready is said by 503, as the schema says.
    checks = CHECKS[1:] if case.path == "/health/ready" and response.status_code == 503 else CHECKS
    case.validate_response(response, checks=checks)


@on_postgresql
def test_the_schema_is_openapi_and_says_of_every_operation_what_it_refuses(casebook: Casebook) -> None:
    clear_url_caches()
    assert RAW["openapi"].startswith("3.1")
    for path, operations in RAW["paths"].items():
        for method, operation in operations.items():
            assert operation["summary"], (method, path)
            if not path.startswith(("/health", "/metrics")):
                assert "application/problem+json" in operation["responses"]["422"]["content"], (method, path)

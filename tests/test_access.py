"""Who may do what: every operation of the API by every role; the table in ``docs/access.md`` is the code's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from casebooks import ANSWER, Casebook
from django.urls import get_resolver
from services import Service, on_sqlite
from test_api import PNG, problem

from casebook.models import Alarm
from cases.lifecycle import MOVES, MoveName, Role
from desk.access import ROLES, TITLES, Scope
from desk.api.build import build
from desk.rights import document

ROOT = Path(__file__).resolve().parent.parent
SCHEMA: dict[str, Any] = build().get_openapi_schema(path_prefix="")
_ROLES = [role for role in Role if role is not Role.SYSTEM]
_QUERIES = {"/events/stream": "?cursor=bad", "/reports/weekly": "?week=2026-W48"}
_ALWAYS = {"anybody", None}


def operations() -> Iterator[tuple[str, str, str | None]]:
    for path, found in SCHEMA["paths"].items():
        for method, operation in found.items():
            yield method.upper(), path, operation["x-scope"]


def asked(service: Service, role: str, method: str, path: str, number: int) -> int:
    """The status of a well-formed request, by somebody of a role who sees the case."""
    alarm = Alarm.objects.first()
    where = path.replace("{number}", str(number)).replace("{digest}", "0" * 64)
    where = where.replace("{id}", str(alarm.pk if alarm else 1)) + _QUERIES.get(path, "")
    body: dict[str, Any] = {
        "/posts": {"json": {"key": "vk:1", "text": "Яма"}},
        "/files": {"files": {"file": ("a.png", PNG)}},
        "/cases/{number}/moves": {"json": {"move": "escalate", "version": 0, "to": "112", "reason": "горит"}},
        "/sessions": {"json": {"user": "nobody", "password": "wrong"}},
        "/password": {"json": {"old": "wrong", "new": "wrong"}},
    }.get(path, {})
    return service.client(role).request(method, where, **body).status_code


def test_the_table_in_the_docs_is_the_codes_own(request: pytest.FixtureRequest) -> None:
    path, found = ROOT / "docs" / "access.md", document(SCHEMA)
    if request.config.getoption("--update-golden"):
        path.write_text(found, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == found


def test_every_scope_is_named_in_russian_given_to_somebody_and_asked_for_somewhere() -> None:
    assert set(TITLES) == set(ROLES) == set(Scope)
    assert all(ROLES.values())
    assert {scope for _, _, scope in operations()} - _ALWAYS == set(Scope)


def test_no_address_is_outside_the_schema() -> None:
    """What is not described is the description itself and its page."""
    found = {
        str(pattern.pattern)
        for resolver in get_resolver("desk.urls").url_patterns
        for pattern in getattr(resolver, "url_patterns", ())
    }
    described = {path.lstrip("/").replace("{number}", "<int:number>") for _, path, _ in operations()}
    plain = {path.split("/")[0] for path in described}
    assert {path.split("/")[0] for path in found if path} <= plain | {"openapi.json", "docs"}


@on_sqlite
@pytest.mark.parametrize("role", _ROLES)
def test_every_operation_asks_for_its_scope_of_every_role(service: Service, role: Role) -> None:
    number = service.casebook.open(alarms=["danger"])
    if role in (Role.HEAD, Role.EXECUTOR):
        service.casebook.move(number, "confirm")
    for method, path, scope in operations():
        status = asked(service, role, method, path, number)
        if scope == "anybody":
            assert status != 403
        elif scope is None or role in ROLES[Scope(scope)]:
            assert status not in (401, 403, 500), (method, path, status)
        else:
            assert status == 403, (method, path, status)


@on_sqlite
def test_nobody_gets_anything_without_a_token(service: Service) -> None:
    for method, path, scope in operations():
        if scope != "anybody":
            where = path.replace("{number}", "1").replace("{digest}", "0" * 64).replace("{id}", "1")
            assert service.nobody().request(method, where).status_code == 401, (method, path)


@on_sqlite
@pytest.mark.parametrize("role", _ROLES)
def test_every_move_is_for_the_roles_of_its_row(service: Service, role: Role) -> None:
    if role not in ROLES[Scope.CASES_MOVE]:
        assert not [move for move in MOVES.values() if role in move.roles]
        return
    book = service.casebook
    number = book.open()
    book.move(number, "confirm")
    client = service.client(role)
    for move in MOVES.values():
        body = {"move": move.name, "version": book.case(number).version, "reason": "проверка"}
        answer = client.post(f"/cases/{number}/moves", json=body)
        if move.name is not MoveName.ACCEPT:
            assert ("не для роли" in answer.text) is (role not in move.roles), (move.name, answer.text)
        if answer.status_code == 200:
            return


@pytest.mark.parametrize("role", ["head", "executor"])
def test_another_departments_case_is_not_there(service: Service, role: str) -> None:
    """404, not 403: its number tells nothing either."""
    book = service.casebook
    own, foreign = book.open("vk:-1_1", department="JKH"), book.open("vk:-1_2", department="DOR", alarms=["danger"])
    for number in (own, foreign):
        book.move(number, "confirm")
    client = service.client(role)
    assert [one["case"] for one in client.get("/cases").json()["items"]] == [own]
    assert client.get(f"/cases/{own}").status_code == 200
    for path in ("", "/text", f"/files/{'0' * 64}"):
        problem(client.get(f"/cases/{foreign}{path}"), 404, "not_found")
    body = {"move": "draft", "version": 2, "text": ANSWER}
    problem(client.post(f"/cases/{foreign}/moves", json=body), 404, "not_found")
    assert {one["case"] for one in client.get("/events").json()["items"]} == {str(own)}
    assert client.get("/alarms").json()["items"] == []
    alarm = Alarm.objects.get()
    problem(client.post(f"/alarms/{alarm.pk}/acknowledgement"), 404, "not_found")


def test_an_office_sees_its_own_cases_alone(service: Service) -> None:
    book = service.casebook
    office = next(iter(book.decree.regulation.places.offices))
    number = book.open(department="TERR", office=office)
    other = book.open("vk:-1_2", department="TERR")
    for one in (number, other):
        book.move(one, "confirm", department="TERR")
    client = service.client(book.person("executor", "TERR", office))
    assert [one["case"] for one in client.get("/cases").json()["items"]] == [number]


def test_a_page_of_lists_never_shows_more_than_one_by_one(casebook: Casebook) -> None:
    """The list and the single case ask the same of who looks."""
    from casebook.lists import of
    from casebook.moves import sees

    for n, department in enumerate(("JKH", "DOR", "BLAG")):
        casebook.move(casebook.open(f"vk:-1_{n}", department=department), "confirm", department=department)
    casebook.move(2, "join", department="JKH")
    for role in _ROLES:
        user = casebook.person(role)
        listed = {case.ordinal for case in of(user)}
        assert listed == {n for n in (1, 2, 3) if sees(user, casebook.case(n))}

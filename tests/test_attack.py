"""Who means harm, or is merely broken: refused with the right status, logged without text, nothing half-done."""

from __future__ import annotations

import json
import logging
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from casebooks import ANSWER
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from services import Service, on_postgresql, on_sqlite
from test_api import PNG, POST, problem

from casebook.models import Attachment, Event
from desk import server

SECRET = "Тайна-Зверева"


class Heard(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        facts = {name: value for name, value in record.__dict__.items() if name not in ("args", "msg")}
        self.said.append(f"{record.getMessage()} {facts}")


@pytest.fixture
def log() -> Iterator[list[str]]:
    """All that is logged by our code meanwhile, with what is attached to it."""
    handler, ours = Heard(), logging.getLogger("otklik")
    ours.addHandler(handler)
    ours.setLevel(logging.INFO)
    yield handler.said
    ours.removeHandler(handler)


def raw(service: Service, *parts: bytes, pause: float = 0.0) -> bytes:
    """What the server says to bytes sent as they are."""
    where = urlsplit(service.url)
    with socket.create_connection((where.hostname, where.port), timeout=20) as plug:
        said = b""
        with suppress(ConnectionError):  # it may hang up while we still speak
            for part in parts:
                plug.sendall(part)
                time.sleep(pause)
            while piece := plug.recv(65536):
                said += piece
        return said


def until(happens: Callable[[], bool]) -> None:
    """A line of the log comes after the answer."""
    for _ in range(100):
        if happens():
            return
        time.sleep(0.05)
    raise AssertionError("не дождались")


def head(service: Service, length: int | None, path: str = "/posts") -> bytes:
    secret = service.secret(service.casebook.person("operator"))
    size = f"Content-Length: {length}\r\n" if length is not None else "Transfer-Encoding: chunked\r\n"
    return f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {secret}\r\n{size}\r\n".encode()


# Bodies

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
_FUZZ = settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))


@on_sqlite
@_FUZZ
@given(st.binary(max_size=200) | _JSON.map(lambda value: json.dumps(value).encode()))
def test_whatever_is_posted_is_answered_and_only_posts_are_kept(service: Service, body: bytes) -> None:
    answer = service.client().post("/posts", content=body)
    assert answer.status_code in (202, 400, 422), answer.text


@on_postgresql
@_FUZZ
@given(
    st.dictionaries(
        st.sampled_from(["move", "version", "reason", "text", "files", "track", "into", "department", "x"]),
        _JSON | st.sampled_from(["confirm", "draft", "merge", "split", "escalate", 1]),
    )
)
def test_whatever_is_asked_of_a_case_it_moves_by_the_table_or_not_at_all(service: Service, body: Any) -> None:
    number = service.casebook.open("vk:-9_9")
    before = service.casebook.case(number).version
    answer = service.client().post(f"/cases/{number}/moves", content=json.dumps(body))
    assert answer.status_code in (200, 400, 403, 404, 409, 422), answer.text
    moved = service.casebook.case(number).version - before
    assert moved == (answer.status_code == 200)


@on_sqlite
def test_an_oversized_body_is_refused_before_it_is_read(service: Service) -> None:
    said = raw(service, head(service, 10**9))
    assert b" 413 " in said.split(b"\r\n")[0]
    assert b"urn:otklik:problem:too_large" in said


@on_sqlite
def test_a_body_that_grows_beyond_the_limit_is_cut_off(service: Service, log: list[str]) -> None:
    chunk = b"%x\r\n%s\r\n" % (2**20, b"x" * 2**20)
    raw(service, head(service, None), *[chunk] * 12)
    until(lambda: any("'status': 413" in line for line in log))
    assert service.accepted() == []


@on_sqlite
def test_a_file_over_the_limit_is_refused(service: Service) -> None:
    large = {"file": ("a.png", PNG + b"0" * (20 * 2**20))}
    said = problem(service.client().post("/files", files=large), 422, "unsuitable")
    assert "20 МБ" in said["detail"]


# Slow clients


@on_sqlite
def test_a_body_that_does_not_come_is_given_up_and_others_are_answered_meanwhile(service: Service) -> None:
    where = urlsplit(service.url)
    slow = [socket.create_connection((where.hostname, where.port), timeout=20) for _ in range(50)]
    try:
        for plug in slow:
            plug.sendall(head(service, 1000) + b"{")
        assert service.client().post("/posts", json=POST).status_code == 202
        assert b" 408 " in slow[0].recv(65536).split(b"\r\n")[0]
    finally:
        for plug in slow:
            plug.close()
    assert len(service.accepted()) == 1


@on_sqlite
def test_who_does_not_read_the_answers_holds_nobody_up(service: Service) -> None:
    where = urlsplit(service.url)
    asked = b"GET /static/ninja/swagger-ui-bundle.js HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 8
    deaf = [socket.create_connection((where.hostname, where.port), timeout=20) for _ in range(10)]
    try:
        for plug in deaf:
            plug.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            plug.sendall(asked)
        assert service.client().get("/cases").status_code == 200
        assert service.nobody().get("/health/live").status_code == 200
    finally:
        for plug in deaf:
            plug.close()


@on_sqlite
def test_many_fields_too_many_are_told_in_few_words(service: Service) -> None:
    body = {f"x{number}": 1 for number in range(1_000)}
    said = problem(service.nobody().post("/sessions", json={"user": "a", "password": "b", **body}), 422, "unsuitable")
    assert len(said["errors"]) <= 50


@on_sqlite
def test_headers_that_do_not_come_are_given_up(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "HEADER_SECONDS", 0.3)
    begun = time.monotonic()
    assert raw(service, b"GET /cases HTTP/1.1\r\nX-A: ", b"b", b"b", pause=0.1) == b""
    assert time.monotonic() - begun < 15


@on_sqlite
def test_nonsense_instead_of_http_is_refused(service: Service) -> None:
    assert b" 400 " in raw(service, b"\x16\x03\x01 nonsense\r\n\r\n")


# Files


@on_sqlite
@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../../etc/passwd.png", "passwd.png"),
        ("..\\..\\windows\\a.png", "a.png"),
        ("/etc/shadow.png", "shadow.png"),
        ("a\u202egnp.exe.png", "agnp.exe.png"),
        ("con\r\nX-Evil: 1.png", "conX-Evil: 1.png"),
        ("....", "файл"),
        ("x" * 500 + ".png", "x" * 200),
    ],
)
def test_a_files_name_is_only_a_name(service: Service, name: str, kept: str) -> None:
    book = service.casebook
    number = book.open()
    for move, more in (("confirm", {}), ("assign", {"executor": book.person("executor").code})):
        book.move(number, move, **more)
    client = service.client("executor")
    digest = client.post("/files", files={"file": ("a.png", PNG)}).json()["digest"]
    body = {"move": "draft", "version": 3, "text": ANSWER, "files": [{"digest": digest, "name": name[:200]}]}
    assert client.post(f"/cases/{number}/moves", json=body).status_code == 200
    assert Attachment.objects.get().name == kept
    assert [path.name for path in book.files.rglob("*") if path.is_file()] == [digest]
    assert "\r" not in str(client.get(f"/cases/{number}/files/{digest}").headers)


@on_sqlite
@pytest.mark.parametrize("digest", ["..%2f..%2fetc%2fpasswd", "../../etc/passwd", "0" * 63, "G" * 64, "%00" * 64])
def test_a_digest_is_no_path(service: Service, digest: str) -> None:
    number = service.casebook.open()
    assert service.client().get(f"/cases/{number}/files/{digest}").status_code in (404, 422)


@on_sqlite
def test_what_is_no_photo_is_refused_whatever_it_is_called(service: Service) -> None:
    page = {"file": ("a.png", b"<html><script>alert(1)</script>", "image/png")}
    problem(service.client().post("/files", files=page), 422, "unsuitable")
    assert not list(service.casebook.files.rglob("*"))


def test_a_file_of_another_case_is_not_given(service: Service) -> None:
    book = service.casebook
    first, second = book.open("vk:-1_1"), book.open("vk:-1_2")
    book.move(first, "confirm")
    book.move(first, "assign", executor=book.person("executor").code)
    client = service.client("executor")
    digest = client.post("/files", files={"file": ("a.png", PNG)}).json()["digest"]
    body = {"move": "draft", "version": 3, "text": ANSWER, "files": [{"digest": digest, "name": "a.png"}]}
    client.post(f"/cases/{first}/moves", json=body)
    assert service.client().get(f"/cases/{first}/files/{digest}").status_code == 200
    problem(service.client().get(f"/cases/{second}/files/{digest}"), 404, "not_found")


# The log


@on_sqlite
def test_the_log_has_no_text_no_query_and_no_token(service: Service, log: list[str]) -> None:
    book = service.casebook
    client = service.client()
    client.post("/posts", json={"key": "vk:1", "text": SECRET, "author": SECRET})
    client.post("/posts", content=f'{{"key": "vk:1", "text": "{SECRET}", '.encode())
    client.post("/posts", json={"key": SECRET * 50, "text": SECRET})
    number = book.open(text=SECRET)
    client.get(f"/cases/{number}/text")
    client.get("/cases", params={"key": SECRET})
    client.post(f"/cases/{number}/moves", json={"move": "raise", "version": 1, "reason": SECRET})
    client.post("/sessions", json={"user": "op", "password": SECRET})
    secret = client.headers["Authorization"].split()[1]
    until(lambda: len(log) >= 7)
    assert not [line for line in log if SECRET in line or secret in line]


def test_a_failure_of_ours_is_told_by_its_place_alone(
    service: Service, log: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise RuntimeError(SECRET)

    monkeypatch.setattr("desk.api.cases._whole", fails)
    number = service.casebook.open()
    said = service.client().get(f"/cases/{number}")
    problem(said, 500, "failure")
    assert SECRET not in said.text
    assert not [line for line in log if SECRET in line]
    assert any("test_attack.py" in line for line in log)


def test_a_move_that_fails_half_way_leaves_nothing(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise RuntimeError

    number = service.casebook.open()
    before = service.casebook.trace(number)
    monkeypatch.setattr("desk.api.cases.message_of", fails)
    body = {"move": "confirm", "version": 1}
    answer = service.client().post(f"/cases/{number}/moves", json=body, headers={"Idempotency-Key": "k"})
    problem(answer, 500, "failure")
    assert service.casebook.trace(number) == before
    assert Event.objects.filter(kind="confirm").count() == 0


@on_sqlite
def test_the_data_folder_is_not_served(service: Service, tmp_path: Path) -> None:
    for path in ("/static/ninja/../../setup.py", "/static/ninja/..%2f..%2fmain.py", "/static/../README.md"):
        assert service.nobody().get(path).status_code in (400, 404)


@on_sqlite
def test_a_large_body_without_a_token_is_told_that_it_has_none(service: Service) -> None:
    large = b"x" * (2**16 + 1)
    problem(service.nobody().post("/posts", content=large), 401, "unauthenticated")
    said = problem(service.nobody().post("/sessions", content=large), 413, "too_large")
    assert "16 КБ" in said["detail"]

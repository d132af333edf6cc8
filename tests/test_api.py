"""The HTTP API as its consumers meet it: posts in, cases, moves, alarms, events; over a socket, on both databases."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import httpx
import pytest
from casebooks import ANSWER, LINK, NOW, Casebook, decided
from services import Service, on_sqlite

from casebook.models import Answered, Case, Event, Reading, User
from records.messages import message_of

POST = {"key": "vk:-1_7", "text": "Во дворе третий день не горит фонарь"}
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 100
PROBLEM = "application/problem+json"


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """What a refusal says; it is one of RFC 9457."""
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, PROBLEM), answer.text
    said = answer.json()
    assert (said["status"], said["code"], said["type"]) == (status, code, f"urn:otklik:problem:{code}")
    assert said["title"]
    assert said["detail"]
    return dict(said)


# Posts


def test_a_post_is_answered_when_it_is_on_disk(service: Service) -> None:
    answer = service.client().post("/posts", json=POST)
    assert answer.status_code == 202
    (taken,) = answer.json()["taken"]
    (record,) = service.accepted()
    post = message_of(record.value)["post"]
    assert record.key == b"vk:-1_7"
    assert (post["text"], post["network"], post["revision"]) == (POST["text"], "vk", taken["revision"])
    assert post["detected_at"] == taken["detected_at"]


def test_of_a_batch_each_post_is_taken_or_refused_with_its_reason(service: Service) -> None:
    batch = [POST, {"text": "без ключа"}, {"key": "vk:-1_8", "text": ""}, "не объект", {**POST, "key": "vk:-1_9"}]
    answer = service.client().post("/posts", json=batch).json()
    assert [one["key"] for one in answer["taken"]] == ["vk:-1_7", "vk:-1_9"]
    assert [(one["index"], one["key"]) for one in answer["refused"]] == [(1, None), (2, "vk:-1_8"), (3, None)]
    assert all(one["reason"] and one["mend"] for one in answer["refused"])
    assert answer["refused"][0]["english"] == 'No key: add one, such as "vk:-123_45".'
    assert len(service.accepted()) == 2


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "unreadable"),
        (b'{"key": "a", "key": "b", "text": "x"}', 400, "unreadable"),
        (b"\xff\xfe", 400, "unreadable"),
        (b"[" * 100_000, 400, "unreadable"),
        (b"[]", 422, "unsuitable"),
        (b'{"text": "\\ud0bd\\u0435\\u0442"}', 422, "unsuitable"),
        (b'{"key": "vk:1", "text": "x", "schema": 2}', 422, "unsuitable"),
        (b"[" + b",".join([b"{}"] * 1001) + b"]", 413, "too_large"),
        (b'{"\\ud800":1,"\\ud800":2}', 400, "unreadable"),
        (b'[{"key":"\\ud800","text":"x"}]', 422, "unsuitable"),
        (b'{"key":"vk:1","text":"x","url":"%s"}' % (b"x" * 20_001), 422, "unsuitable"),
    ],
)
def test_what_is_no_post_is_refused_and_not_kept(service: Service, body: bytes, status: int, code: str) -> None:
    problem(service.client().post("/posts", content=body), status, code)
    assert service.accepted() == []


def test_a_text_over_the_limit_a_long_key_and_half_a_pair_are_refused(service: Service) -> None:
    batch = b'[{"key":"vk:1","text":"%s"},{"key":"%s","text":"x"},{"key":"vk:2","text":"\\ud800"}]' % (
        b"x" * 100_001,
        b"k" * 201,
    )
    said = problem(service.client().post("/posts", content=batch), 422, "unsuitable")
    assert [one["where"] for one in said["errors"]] == ["[0]", "[1]", "[2]"]


def test_what_is_refused_is_told_without_breaking_the_answer_for_the_rest(service: Service) -> None:
    batch = b'[{"key":"vk:1","text":"a"},{"key":"\\ud800","text":"b"},{"key":"n\\u0000","text":"c"}]'
    answer = service.client().post("/posts", content=batch, headers={"Idempotency-Key": "k"})
    assert answer.status_code == 202
    assert [one["index"] for one in answer.json()["refused"]] == [1, 2]
    assert service.client().post("/posts", content=batch, headers={"Idempotency-Key": "k"}).json() == answer.json()
    assert len(service.accepted()) == 1


def test_many_clients_at_once_lose_nothing(service: Service) -> None:
    client = service.client()

    def send(number: int) -> int:
        return client.post("/posts", json={"key": f"vk:-1_{number}", "text": "Яма"}).status_code

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(send, range(200))) == {202}
    assert {record.key for record in service.accepted()} == {f"vk:-1_{n}".encode() for n in range(200)}


# Idempotency


def test_the_same_key_with_the_same_body_gives_the_same_answer_once(service: Service) -> None:
    client, headers = service.client(), {"Idempotency-Key": "k-1"}
    first, second = (client.post("/posts", json=POST, headers=headers) for _ in range(2))
    assert first.json() == second.json()
    assert "Idempotency-Replayed" not in first.headers
    assert second.headers["Idempotency-Replayed"] == "true"
    assert len(service.accepted()) == 1


def test_the_same_key_with_another_body_is_refused(service: Service) -> None:
    client, headers = service.client(), {"Idempotency-Key": "k-1"}
    client.post("/posts", json=POST, headers=headers)
    problem(client.post("/posts", json={**POST, "key": "vk:2"}, headers=headers), 422, "key_reused")
    assert len(service.accepted()) == 1


def test_a_key_belongs_to_its_user(service: Service) -> None:
    headers = {"Idempotency-Key": "k-1"}
    for role in ("operator", "manager"):
        assert service.client(role).post("/posts", json=POST, headers=headers).status_code == 202
    assert len(service.accepted()) == 2


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb"])
def test_a_bad_key_is_refused(service: Service, key: str) -> None:
    problem(service.client().post("/posts", json=POST, headers={"Idempotency-Key": key}), 422, "unsuitable")


def test_a_move_sent_again_under_its_key_is_made_once(service: Service) -> None:
    number = service.casebook.open()
    client, headers = service.client(), {"Idempotency-Key": "m-1"}
    body = {"move": "confirm", "version": 1}

    def send(_: int) -> httpx.Response:
        return client.post(f"/cases/{number}/moves", json=body, headers=headers)

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(send, range(4)))
    assert [answer.status_code for answer in answers] == [200] * 4, [answer.text for answer in answers]
    assert all(answer.json() == answers[0].json() for answer in answers)
    assert Event.objects.filter(case__ordinal=number, kind="confirm").count() == 1
    assert Answered.objects.count() == 1


def test_a_refused_move_keeps_no_answer(service: Service) -> None:
    number = service.casebook.open()
    client, headers = service.client(), {"Idempotency-Key": "m-1"}
    body = {"move": "confirm", "version": 9}
    problem(client.post(f"/cases/{number}/moves", json=body, headers=headers), 409, "changed")
    assert Answered.objects.count() == 0


# Cases


def test_pages_give_every_case_once_the_nearest_deadline_first(service: Service) -> None:
    book = service.casebook
    for n in range(7):
        book.open(f"vk:-1_{n}", track="4h" if n % 2 else "8h")
    book.open("vk:-1_excluded", verdict="exclude", department=None)
    client, seen, cursor = service.client(), [], None
    while True:
        page = client.get("/cases", params={"limit": 3, **({"cursor": cursor} if cursor else {})}).json()
        seen += page["items"]
        if not (cursor := page["next"]):
            break
    assert sorted(one["case"] for one in seen) == list(range(1, 9))
    due = [one["due"] or "9999" for one in seen]
    assert due == sorted(due)
    assert seen[-1]["due"] is None


def test_a_case_that_changes_between_two_pages_is_neither_lost_nor_repeated_beyond_its_place(service: Service) -> None:
    for n in range(4):
        service.casebook.open(f"vk:-1_{n}")
    client = service.client()
    first = client.get("/cases", params={"limit": 2}).json()
    service.casebook.move(first["items"][0]["case"], "confirm")
    rest = client.get("/cases", params={"limit": 2, "cursor": first["next"]}).json()
    assert not {one["case"] for one in first["items"]} & {one["case"] for one in rest["items"]}
    assert len(rest["items"]) == 2


def test_filters_narrow_the_list(service: Service) -> None:
    book = service.casebook
    book.open("vk:-1_1", track="4h")
    book.open("ok:2", alarms=["danger"])
    book.open("vk:-1_3", verdict="no_answer", department=None)
    client = service.client()

    def cases(**query: Any) -> list[int]:
        return sorted(one["case"] for one in client.get("/cases", params=query).json()["items"])

    assert cases(track="4h") == [1]
    assert cases(network="ok") == cases(alarmed=True) == [2]
    assert cases(state="no_answer") == [3]
    assert cases(key="vk:-1_1") == [1]
    assert cases(department="J\0") == cases(office="\0") == []
    service.clock["shift"] = timedelta(days=30)
    assert cases(late=True) == [1, 2]


@pytest.mark.parametrize(
    "cursor",
    ["x", "WyJ4IiwxXQ", "WyIwMDAxLTAxLTAxVDAwOjAwOjAwKzE0OjAwIiwxXQ", "WzFd", "WzEsIDJd", "W10", "\u0000", "W" * 401],
)
def test_a_cursor_of_others_is_refused(service: Service, cursor: str) -> None:
    problem(service.client().get("/cases", params={"cursor": cursor}), 422, "unsuitable")


def test_one_case_has_its_clocks_its_proposal_and_what_may_be_done(service: Service) -> None:
    number = service.casebook.open()
    found = service.client().get(f"/cases/{number}").json()
    assert {clock["name"] for clock in found["clocks"]} == {"dispatch", "draft", "answer"}
    assert all(clock["why"] and clock["point"] for clock in found["clocks"])
    assert found["proposal"] == {"verdict": "answer", "track": "8h", "department": "JKH", "proposed": True}
    assert "confirm" in found["moves"]
    assert "фонар" not in json.dumps(found, ensure_ascii=False)


def test_the_words_are_read_by_themselves_and_the_reading_is_recorded(service: Service) -> None:
    number = service.casebook.open()
    client = service.client("operator")
    found = client.get(f"/cases/{number}/text").json()
    assert found["post"]["text"]
    assert found["decision"]["verdict"] == "answer"
    (reading,) = Reading.objects.all()
    assert (reading.actor, reading.what, reading.case.ordinal) == ("operator", "post", number)
    (told,) = service.client("administrator").get("/readings", params={"case": number}).json()["items"]
    assert (told["actor"], told["case"]) == ("operator", number)


def test_a_case_goes_its_whole_way_over_http(service: Service) -> None:
    book = service.casebook
    number = book.open()
    book.person("executor")
    people = {role: service.client(role) for role in ("operator", "head", "executor", "approver")}
    photo = people["executor"].post("/files", files={"file": ("../../фото.png", PNG)}).json()
    way: list[tuple[str, dict[str, Any]]] = [
        ("operator", {"move": "confirm"}),
        ("head", {"move": "assign", "executor": "executor-jkh"}),
        ("executor", {"move": "draft", "text": ANSWER, "files": [{"digest": photo["digest"], "name": photo["name"]}]}),
        ("operator", {"move": "send"}),
        ("approver", {"move": "approve", "number": "12"}),
        ("operator", {"move": "publish", "link": LINK}),
        ("operator", {"move": "close"}),
    ]
    version = 1
    for role, body in way:
        answer = people[role].post(f"/cases/{number}/moves", json={**body, "version": version})
        assert answer.status_code == 200, answer.text
        version = answer.json()["case"]["version"]
    assert answer.json()["case"]["state"] == "closed"
    (draft,) = people["operator"].get(f"/cases/{number}/text").json()["drafts"]
    assert (draft["text"], draft["link"], draft["files"][0]["name"]) == (ANSWER, LINK, "фото.png")
    got = people["operator"].get(f"/cases/{number}/files/{photo['digest']}")
    assert (got.content, got.headers["Content-Type"]) == (PNG, "image/png")
    assert "attachment" in got.headers["Content-Disposition"]


def test_two_who_move_the_same_version_one_wins_and_the_other_learns_it(service: Service) -> None:
    number = service.casebook.open()
    client = service.client()

    def send(department: str) -> int:
        body = {"move": "confirm", "version": 1, "department": department}
        return client.post(f"/cases/{number}/moves", json=body).status_code

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(send, ["JKH", "DOR", "BLAG", "JKH"])) == [200, 409, 409, 409]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"move": "publish", "version": 1, "link": LINK}, 409, "wrong_state"),
        ({"move": "approve", "version": 1}, 403, "forbidden"),
        ({"move": "accept", "version": 1}, 403, "forbidden"),
        ({"move": "raise", "version": 1}, 422, "unsuitable"),
        ({"move": "confirm", "version": 1, "department": "NOPE"}, 422, "unsuitable"),
        ({"move": "confirm", "version": 1, "link": LINK}, 422, "unsuitable"),
        ({"move": "confirm", "version": 1, "nope": 1}, 422, "unsuitable"),
        ({"move": "dance", "version": 1}, 422, "unsuitable"),
        ({"move": "confirm"}, 422, "unsuitable"),
        ({"move": "confirm", "version": 1, "department": "J\0"}, 422, "unsuitable"),
    ],
)
def test_a_move_that_may_not_be_made_says_why_in_both_languages(
    service: Service, body: dict[str, Any], status: int, code: str
) -> None:
    number = service.casebook.open()
    russian = problem(service.client().post(f"/cases/{number}/moves", json=body), status, code)
    english = problem(service.client(language="en").post(f"/cases/{number}/moves", json=body), status, code)
    assert any("а" <= letter <= "я" for letter in russian["detail"].lower())
    assert not any("а" <= letter <= "я" for letter in english["title"] + english["detail"])
    assert service.casebook.case(number).version == 1


# Alarms


def test_an_alarm_is_acknowledged_once_and_the_second_learns_by_whom(service: Service) -> None:
    service.casebook.open(alarms=["danger"])
    first, second = service.client("operator"), service.client("manager")
    (alarm,) = first.get("/alarms").json()["items"]
    assert first.post(f"/alarms/{alarm['id']}/acknowledgement").json()["acknowledged_by"] == "operator"
    problem(second.post(f"/alarms/{alarm['id']}/acknowledgement"), 409, "changed")
    assert first.get("/alarms").json()["items"] == []
    assert len(first.get("/alarms", params={"all": True}).json()["items"]) == 1


def test_a_late_click_on_an_old_alarm_does_not_answer_the_new_one(service: Service) -> None:
    service.casebook.open(alarms=["threat"])
    client = service.client()
    (old,) = client.get("/alarms").json()["items"]
    client.post(f"/alarms/{old['id']}/acknowledgement")
    service.casebook.take(decided("vk:-1_1", "Ещё раз — и приду сам", alarms=["threat"]), now=NOW)
    (new,) = client.get("/alarms").json()["items"]
    assert new["id"] != old["id"]
    problem(client.post(f"/alarms/{old['id']}/acknowledgement"), 409, "changed")
    assert [one["id"] for one in client.get("/alarms").json()["items"]] == [new["id"]]


# Events


def test_a_stream_follows_its_user_to_another_department(service: Service) -> None:
    book = service.casebook
    number = book.open()
    book.move(number, "confirm")
    head = book.person("head")
    client = service.client(head)
    with client.stream("GET", "/events/stream", params={"cursor": "WzBd"}) as answer:
        lines = answer.iter_lines()
        assert any("opened" in line for line in lines)
        User.objects.filter(pk=head.pk).update(active=False)
        assert not [line for line in lines if "assign" in line]  # and it ends


def test_the_feed_gives_what_the_relay_gives_in_order(service: Service) -> None:
    number = service.casebook.open()
    service.casebook.move(number, "confirm")
    client = service.client()
    page = client.get("/events", params={"limit": 1}).json()
    kinds = [one["kind"] for one in page["items"]]
    service.clock["shift"] = timedelta(hours=1)  # all is settled
    page = client.get("/events", params={"limit": 1}).json()
    rest = client.get("/events", params={"cursor": page["next"]}).json()
    assert kinds + [one["kind"] for one in rest["items"]] == ["opened", "confirm"]
    assert client.get("/events", params={"kind": "confirm"}).json()["items"][0]["event_id"] == f"{number}-2"


def lines_until(answer: httpx.Response, wanted: int) -> list[dict[str, Any]]:
    """The data of the first events of a stream."""
    found = []
    for line in answer.iter_lines():
        if line.startswith("data: "):
            found.append(json.loads(line.removeprefix("data: ")))
            if len(found) == wanted:
                return found
    return found


def test_a_stream_tells_what_happens_and_goes_on_from_the_last_id(service: Service) -> None:
    number = service.casebook.open()
    client = service.client()
    with client.stream("GET", "/events/stream") as answer:
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        service.casebook.move(number, "confirm")
        (told,) = lines_until(answer, 1)
    assert (told["kind"], told["case"]) == ("confirm", str(number))
    start = {"Last-Event-ID": "WzBd"}
    with client.stream("GET", "/events/stream", headers=start) as answer:
        assert [one["kind"] for one in lines_until(answer, 2)] == ["opened", "confirm"]


# Departments, and what is nowhere


def test_departments_are_those_of_the_regulation(service: Service) -> None:
    found = service.client().get("/departments").json()
    assert {one["code"] for one in found["items"]} == set(service.casebook.decree.regulation.departments)


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nope", 404, "not_found"),
        ("GET", "/cases/99", 404, "not_found"),
        ("GET", "/cases/0", 422, "unsuitable"),
        ("GET", f"/cases/{10**30}", 422, "unsuitable"),
        ("DELETE", "/cases", 405, "method"),
        ("GET", "/posts", 405, "method"),
        ("GET", "/cases/../../etc/passwd", 404, "not_found"),
        ("GET", f"/cases/1/files/{'0' * 64}", 404, "not_found"),
        ("GET", "/cases?limit=1000", 422, "unsuitable"),
        ("GET", "/cases?state=nope", 422, "unsuitable"),
    ],
)
def test_every_refusal_is_a_problem(service: Service, method: str, path: str, status: int, code: str) -> None:
    problem(service.client().request(method, path), status, code)


def test_another_name_than_the_services_is_refused(service: Service) -> None:
    problem(service.client().get("/cases", headers={"Host": "evil.example"}), 400, "unreadable")


def test_both_databases_keep_what_was_accepted_before_an_answer(service: Service, casebook: Casebook) -> None:
    """The API and intake meet on the same tables."""
    casebook.take(decided("vk:-1_5"), now=NOW)
    assert service.client().get("/cases", params={"key": "vk:-1_5"}).json()["items"][0]["state"] == "new"
    assert Case.objects.count() == 1


# The page that describes the API


@on_sqlite
def test_the_page_of_the_api_needs_no_other_machine(service: Service) -> None:
    client = service.nobody()
    page = client.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    files = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(files) == 4
    assert not [file for file in files if not file.startswith("/static/")]
    assert [client.get(file).status_code for file in files] == [200] * 4
    assert '"url": "/openapi.json"' in page.text

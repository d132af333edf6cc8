"""Passwords, one-time ones, sessions and tokens: how one gets in, and how one does not."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from casebooks import Casebook
from click.testing import CliRunner, Result
from services import Service, on_sqlite
from test_api import problem

from app.command import otklik
from casebook.models import Token, User

PASSWORD = "сорок тысяч обезьян"
ROOT = Path(__file__).resolve().parent.parent
pytestmark = on_sqlite


def called(*words: str) -> Result:
    return CliRunner().invoke(otklik, [*words, "--home", str(ROOT)])


def one_time(output: str) -> str:
    found = re.search(r"Одноразовый пароль: (\S+)", output)
    assert found is not None, output
    return found[1]


@pytest.fixture
def admin(service: Service) -> str:
    """The first administrator's one-time password."""
    return one_time(called("user", "add", "admin", "--role", "administrator").output)


def sign_in(service: Service, password: str, user: str = "admin"):  # type: ignore[no-untyped-def]
    return service.nobody().post("/sessions", json={"user": user, "password": password})


def test_a_one_time_password_is_good_for_choosing_another_alone(service: Service, admin: str) -> None:
    session = sign_in(service, admin).json()
    assert session["one_time"] is True
    client = service.nobody(Authorization=f"Bearer {session['token']}")
    problem(client.get("/cases"), 403, "forbidden")
    assert client.get("/me").json()["scopes"] == []
    assert client.post("/password", json={"old": admin, "new": PASSWORD}).status_code == 204
    problem(client.get("/me"), 401, "unauthenticated")
    problem(sign_in(service, admin), 401, "unauthenticated")
    session = sign_in(service, PASSWORD).json()
    assert session["one_time"] is False
    me = service.nobody(Authorization=f"Bearer {session['token']}").get("/me").json()
    assert (me["user"], me["role"]) == ("admin", "administrator")
    assert "texts:read" not in me["scopes"]


@pytest.mark.parametrize("new", ["short", "aaaaaaaaaaaaaaaa", "admin admin admin", "x" * 201])
def test_a_plain_password_is_refused(service: Service, admin: str, new: str) -> None:
    client = service.nobody(Authorization=f"Bearer {sign_in(service, admin).json()['token']}")
    said = problem(client.post("/password", json={"old": admin, "new": new}), 422, "unsuitable")
    assert said["mend"]
    assert User.objects.get(code="admin").one_time


def test_the_one_time_password_cannot_be_chosen(service: Service, admin: str) -> None:
    client = service.nobody(Authorization=f"Bearer {sign_in(service, admin).json()['token']}")
    problem(client.post("/password", json={"old": admin, "new": admin}), 422, "unsuitable")


def test_nobody_learns_which_of_name_and_password_was_wrong(service: Service, admin: str) -> None:
    wrong, unknown = sign_in(service, "wrong"), sign_in(service, "wrong", user="nobody")
    assert problem(wrong, 401, "unauthenticated") == problem(unknown, 401, "unauthenticated")


def test_five_wrong_passwords_close_the_account_for_a_while(service: Service, admin: str) -> None:
    for _ in range(5):
        problem(sign_in(service, "wrong"), 401, "unauthenticated")
    closed = sign_in(service, admin)
    problem(closed, 429, "too_many")
    assert int(closed.headers["Retry-After"]) > 0
    service.clock["shift"] = timedelta(minutes=16)
    assert sign_in(service, admin).status_code == 201


def test_signing_out_ends_the_session(service: Service, admin: str) -> None:
    client = service.nobody(Authorization=f"Bearer {sign_in(service, admin).json()['token']}")
    assert client.delete("/sessions/current").status_code == 204
    problem(client.get("/me"), 401, "unauthenticated")


def test_passwords_are_kept_as_argon2_and_tokens_as_digests(service: Service, admin: str) -> None:
    secret = sign_in(service, admin).json()["token"]
    assert User.objects.get(code="admin").password.startswith("$argon2id$")
    assert re.fullmatch("[0-9a-f]{64}", Token.objects.get().digest)
    assert secret not in str(list(Token.objects.values()))


def test_a_new_one_time_password_ends_what_was_begun(service: Service, admin: str) -> None:
    client = service.nobody(Authorization=f"Bearer {sign_in(service, admin).json()['token']}")
    again = one_time(called("user", "password", "admin").output)
    problem(client.get("/me"), 401, "unauthenticated")
    assert sign_in(service, again).status_code == 201


def test_a_token_has_its_scopes_until_its_day_or_its_end(service: Service) -> None:
    service.casebook.person("operator")
    made = called("token", "add", "мониторинг", "--as", "operator", "--scope", "cases:read", "--days", "2")
    secret = made.output.splitlines()[0]
    client = service.nobody(Authorization=f"Bearer {secret}")
    assert client.get("/cases").status_code == 200
    problem(client.get("/alarms"), 403, "forbidden")
    service.clock["shift"] = timedelta(days=3)
    problem(client.get("/cases"), 401, "unauthenticated")
    service.clock["shift"] = timedelta()
    assert client.get("/cases").status_code == 200
    number = str(Token.objects.get().pk)
    assert "мониторинг" in called("token", "list").output
    assert called("token", "revoke", number).exit_code == 0
    problem(client.get("/cases"), 401, "unauthenticated")
    assert secret not in called("token", "list").output


def test_a_role_that_shrinks_takes_the_right_from_the_token(service: Service) -> None:
    client = service.client("operator", "posts:write", "cases:read")
    assert called("user", "edit", "operator", "--role", "analyst").exit_code == 0
    problem(client.post("/posts", json={"key": "vk:1", "text": "Яма"}), 403, "forbidden")
    assert client.get("/cases").status_code == 200


def test_who_no_longer_works_gets_in_nowhere(service: Service) -> None:
    client = service.client("operator")
    assert called("user", "edit", "operator", "--inactive").exit_code == 0
    problem(client.get("/cases"), 401, "unauthenticated")


@pytest.mark.parametrize("header", ["", "Bearer", "Basic YTpi", "Bearer otklik_wrong", "Bearer a b"])
def test_without_a_good_token_nothing_is_answered(service: Service, header: str) -> None:
    answer = service.nobody(**({"Authorization": header} if header else {})).get("/cases")
    problem(answer, 401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["user", "add", "x", "--role", "head"], "должен быть отдел"),
        (["user", "add", "x", "--role", "head", "--department", "NOPE"], "нет отдела"),
        (["user", "add", "x", "--role", "system"], "сама программа"),
        (["user", "add", " ", "--role", "operator"], "негодный код"),
        (["user", "edit", "nobody", "--inactive"], "нет пользователя"),
        (["user", "password", "nobody"], "нет пользователя"),
        (["token", "add", "x", "--as", "nobody"], "нет пользователя"),
        (["token", "revoke", "9"], "ключа 9 нет"),
    ],
)
def test_a_wrong_command_says_what_and_how(casebook: Casebook, words: list[str], what: str) -> None:
    done = called(*words)
    assert done.exit_code == 2
    assert what in done.output
    assert "как исправить" in done.output


def test_a_token_cannot_hold_what_its_role_may_not(casebook: Casebook) -> None:
    casebook.person("administrator")
    done = called("token", "add", "x", "--as", "administrator", "--scope", "texts:read")
    assert (done.exit_code, Token.objects.count()) == (2, 0)
    assert "нет права texts:read" in done.output

"""The answer, the interim answer and their files, on both databases."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from casebooks import ANSWER, LINK, Casebook, at, with_executor

from casebook.files import LARGEST, place
from casebook.models import Attachment, Case, Text

INTERIM = "Здравствуйте! Причину выясняем, подробно ответим до 25 ноября."
_PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)


# The answer


def test_an_external_body_is_named_in_the_answer(casebook: Casebook) -> None:
    number = casebook.open(department="SETI", external=True)
    casebook.move(number, "confirm")
    case = casebook.case(number)
    assert (case.department, case.external) == ("ORG", "SETI")
    casebook.move(number, "assign", "manager", executor=casebook.person("executor", "ORG").code)
    writer = casebook.person("executor", "ORG")
    casebook.move(number, "draft", writer, text="Это не наша компетенция.")
    assert "Россети" in casebook.refused(number, "send")
    assert "Россети" in casebook.refused(number, "publish_unapproved", link=LINK, reason="срок")
    casebook.move(number, "draft", writer, text="Линию обслуживают Россети, их телефон 8-800-220-0-220.")
    casebook.move(number, "send")
    assert casebook.state(number) == "in_approval"


def test_an_answer_longer_than_the_network_takes_is_refused(casebook: Casebook) -> None:
    number = casebook.bring(with_executor(casebook), "in_work")
    assert "4096" in casebook.refused(number, "draft", text="а" * 4097)
    assert "не сказано" in casebook.refused(number, "draft", text="  ")
    assert casebook.move(number, "draft", text="а" * 4096).body["longer_than_wished"] == 1000
    assert casebook.move(number, "draft", text=ANSWER).body["longer_than_wished"] is None


def test_telegram_takes_less_under_a_photo(casebook: Casebook, tmp_path: Path) -> None:
    number = casebook.bring(with_executor(casebook, "telegram:-1_1"), "in_work")
    photo = tmp_path / "a.png"
    photo.write_bytes(_PNG)
    assert "1024 знаков" in casebook.refused(number, "draft", text="а" * 1025, files=[photo])
    casebook.move(number, "draft", text="а" * 1024, files=[photo])
    casebook.move(number, "draft", text="а" * 1025)


def test_remarks_give_an_hour_but_never_more_than_the_answer_has(casebook: Casebook) -> None:
    number = casebook.bring(with_executor(casebook, track="4h"), "in_approval")
    assert "без причины" in casebook.refused(number, "remark", now=at("11:00"))
    casebook.move(number, "remark", now=at("11:00"), reason="нет даты")
    assert casebook.clocks(number) == {"answer": "16.11 14:00", "draft": "16.11 12:00"}
    casebook.bring(number, "in_approval", now=at("13:20"))
    casebook.move(number, "remark", now=at("13:40"), reason="ещё раз")
    assert casebook.clocks(number) == {"answer": "16.11 14:00", "draft": "16.11 14:00"}
    casebook.check()


def test_only_cur_or_upr_approves_and_without_a_draft_nothing_is_sent(casebook: Casebook) -> None:
    number = casebook.bring(with_executor(casebook), "in_work")
    Case.objects.filter(ordinal=number).update(draft_number=0)
    assert "нет проекта" in casebook.refused(number, "send")
    casebook.move(number, "draft", text=ANSWER)
    assert "не FSB" in casebook.refused(number, "send", body="FSB")
    assert casebook.move(number, "send", body="UPR").body["to"] == "UPR"


@pytest.mark.parametrize("link", ["", "vk.com/wall1", "https://", "ftp://vk.com/1", "https://vk.com/a b"])
def test_a_publication_is_proved_by_a_link(casebook: Casebook, link: str) -> None:
    number = casebook.bring(with_executor(casebook), "approved")
    assert "ссылка" in casebook.refused(number, "publish", link=link)


def test_the_manager_alone_publishes_without_approval_and_says_why(casebook: Casebook) -> None:
    number = casebook.bring(with_executor(casebook), "in_approval")
    assert "не для роли" in casebook.refused(number, "publish_unapproved", "operator", link=LINK, reason="срок")
    assert "без причины" in casebook.refused(number, "publish_unapproved", link=LINK)
    event = casebook.move(number, "publish_unapproved", link=LINK, reason="ЦУР молчит второй час")
    assert (casebook.state(number), event.role, event.body["unapproved"]) == ("published", "manager", True)
    assert casebook.clocks(number) == {}
    casebook.check()


def test_where_nothing_can_be_published_there_is_a_proof_of_it(casebook: Casebook) -> None:
    number = casebook.bring(with_executor(casebook), "approved")
    assert "не сказано" in casebook.refused(number, "unpublishable", reason="комментарии закрыты")
    assert "без причины" in casebook.refused(number, "unpublishable", proof="снимок 12")
    casebook.move(number, "unpublishable", reason="комментарии закрыты", proof="снимок экрана 16.11, папка 3")
    assert (casebook.state(number), casebook.clocks(number)) == ("unpublishable", {})
    assert Text.objects.filter(kind="proof").count() == 1
    casebook.move(number, "close")
    assert casebook.state(number) == "closed"


def test_more_than_five_same_answers_in_a_working_hour_are_not_published(casebook: Casebook) -> None:
    numbers = [with_executor(casebook, f"vk:-1_{n}", f"Текст {n}") for n in range(7)]
    for number in numbers:
        casebook.bring(number, "approved", now=at("11:30"))
    for number in numbers[:5]:
        casebook.move(number, "publish", now=at("11:50"), link=LINK)
    assert "уже 5" in casebook.refused(numbers[5], "publish", now=at("13:30"), link=LINK)
    other = with_executor(casebook, "vk:-1_8", "Текст 8")
    casebook.bring(other, "approved", now=at("11:30"), text=f"{ANSWER} По улице Мира — тоже.")
    casebook.move(other, "publish", now=at("13:30"), link=LINK)
    casebook.move(numbers[5], "publish", now=at("13:51"), link=LINK)


# The interim answer


def test_an_interim_answer_gives_a_reason_and_a_date_and_starts_the_final_clocks(casebook: Casebook) -> None:
    number = casebook.bring(with_executor(casebook), "in_work")
    assert "нет причины" in casebook.refused(number, "draft", text=INTERIM, interim=True)
    for dateless in ("Ответим позже.", "Ответим до 14.00.", "Телефон 2-10-30."):
        assert "нет даты" in casebook.refused(number, "draft", text=dateless, interim=True, reason="ждём акт")
    casebook.move(number, "draft", text=INTERIM, interim=True, reason="ждём акт")
    casebook.move(number, "send", now=at("10:00"))
    casebook.move(number, "approve", now=at("10:30"))
    casebook.move(number, "publish", now=at("16:30"), link=LINK)
    assert casebook.state(number) == "interim_published"
    # the seventh working day, the first being the one after the posting
    assert casebook.clocks(number) == {"final_draft": "25.11 11:00", "final": "25.11 17:00"}
    casebook.check()
    casebook.move(number, "draft", now=at("10:00", 2), text=ANSWER)
    casebook.move(number, "send", now=at("11:00", 2))
    casebook.move(number, "approve", now=at("16:50", 2))
    assert casebook.clocks(number) == {"final": "25.11 17:00", "publish": "19.11 08:20"}
    casebook.move(number, "publish", now=at("16:55", 2), link=LINK)
    assert (casebook.state(number), casebook.clocks(number)) == ("published", {})
    casebook.check()


def test_a_second_interim_answer_is_the_managers_and_starts_no_days_anew(casebook: Casebook) -> None:
    number = casebook.bring(with_executor(casebook), "in_work")
    casebook.move(number, "draft", text=INTERIM, interim=True, reason="ждём акт")
    casebook.move(number, "send")
    casebook.move(number, "approve")
    casebook.move(number, "publish", link=LINK)
    final = casebook.clocks(number)
    second = {"text": "Акт обещают к 24.11, ответим 25.11.", "interim": True, "reason": "акта нет"}
    assert "уже был" in casebook.refused(number, "draft", now=at("10:00", 3), **second)
    casebook.move(number, "draft", "manager", now=at("10:00", 3), **second)
    casebook.move(number, "send", now=at("10:00", 3))
    casebook.move(number, "approve", now=at("10:30", 3))
    casebook.move(number, "publish", now=at("10:40", 3), link=LINK)
    assert casebook.clocks(number) == final
    casebook.check()


# Attachments


def test_a_file_is_kept_once_under_its_own_digest(casebook: Casebook, tmp_path: Path) -> None:
    number = casebook.bring(with_executor(casebook), "in_work")
    digest = hashlib.sha256(_PNG).hexdigest()
    files = [tmp_path / "кран.png", tmp_path / "снова.jpg"]
    for path in files:
        path.write_bytes(_PNG)
    event = casebook.move(number, "draft", text=ANSWER, files=files)
    assert event.body["files"] == [digest, digest]
    assert [(one.digest, one.type, one.size, one.name) for one in Attachment.objects.order_by("id")] == [
        (digest, "image/png", len(_PNG), "кран.png"),
        (digest, "image/png", len(_PNG), "снова.jpg"),
    ]
    assert place(digest) == casebook.files / digest[:2] / digest
    assert [path.read_bytes() for path in casebook.files.rglob("*") if path.is_file()] == [_PNG]


@pytest.mark.parametrize(
    ("begins", "type_"),
    [
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (b"\0\0\0\x18ftypmp42", "video/mp4"),
        (b"%PDF-1.7", "application/pdf"),
        (b"MZ", None),
        (b"<svg xmlns=", None),
        (b"<html>", None),
        (b"", None),
    ],
)
def test_the_type_of_a_file_is_told_by_its_content(
    casebook: Casebook, tmp_path: Path, begins: bytes, type_: str | None
) -> None:
    number = casebook.bring(with_executor(casebook), "in_work")
    path = tmp_path / "файл.png"
    path.write_bytes(begins)
    if type_ is None:
        assert "не фото" in casebook.refused(number, "draft", text=ANSWER, files=[path])
        assert not casebook.files.exists()
    else:
        casebook.move(number, "draft", text=ANSWER, files=[path])
        assert Attachment.objects.get().type == type_


def test_a_file_that_is_too_large_or_not_there_is_refused(casebook: Casebook, tmp_path: Path) -> None:
    number = casebook.bring(with_executor(casebook), "in_work")
    large = tmp_path / "видео.mp4"
    with large.open("wb") as file:
        file.write(b"\0\0\0\x18ftypmp42")
        file.truncate(LARGEST + 1)
    assert "больше 20 МБ" in casebook.refused(number, "draft", text=ANSWER, files=[large])
    assert "не читается" in casebook.refused(number, "draft", text=ANSWER, files=[tmp_path / "нет.png"])
    with large.open("r+b") as file:
        file.truncate(LARGEST)
    casebook.move(number, "draft", text=ANSWER, files=[large])

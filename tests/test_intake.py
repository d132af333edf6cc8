"""Posts into the journal: files that grow, are replaced, are half written; folders; the standard input; kill -9."""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_triage import decisions, otklik
from hypothesis import given, settings
from hypothesis import strategies as st
from killing import ROOT, finished, killed

from app.errors import UsageFault
from app.incident import HEADER
from app.intake import Intake, Taken
from app.posts import Format
from journal import Record
from journal.embedded import EmbeddedJournal
from records.messages import INCOMING, QUARANTINE, message_of, raw_of, read_incoming

TAKE_FILE = """
import sys
from pathlib import Path
from app.intake import Intake
from journal.embedded import EmbeddedJournal
with EmbeddedJournal(Path(sys.argv[1])) as journal:
    Intake(journal, batch=7).file(Path(sys.argv[2]))
"""
TAKE_STDIN = """
import sys
from pathlib import Path
from app.intake import Intake
from journal.embedded import EmbeddedJournal
with EmbeddedJournal(Path(sys.argv[1])) as journal:
    Intake(journal).stream(sys.stdin.buffer)
"""


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[EmbeddedJournal]:
    with EmbeddedJournal(tmp_path / "journal.sqlite") as opened:
        yield opened


def posts_of(journal: EmbeddedJournal) -> list[dict[str, Any]]:
    return [dict(message_of(record.value)["post"]) for record in journal.scan(INCOMING)]


def texts_of(journal: EmbeddedJournal) -> list[str]:
    return [post["text"] for post in posts_of(journal)]


def rejected_of(journal: EmbeddedJournal) -> list[tuple[dict[str, Any], bytes]]:
    messages = [message_of(record.value) for record in journal.scan(QUARANTINE)]
    return [(dict(message), raw_of(message)) for message in messages]


# What is taken, and how


def test_a_file_becomes_messages_that_the_handler_reads(journal: EmbeddedJournal, tmp_path: Path) -> None:
    file = tmp_path / "posts.jsonl"
    file.write_text('{"key": "vk:-1_2", "text": "яма"}\n{"text": "крыша"}\n\n{"text": "яма"}\n', encoding="utf-8")
    assert Intake(journal).file(file) == Taken(3, 0)
    records: list[Record] = list(journal.scan(INCOMING))
    posts = [read_incoming(record.value, record.key) for record in records]
    assert [post.text for post in posts] == ["яма", "крыша", "яма"]
    assert posts[0].key == "vk:-1_2"


def test_keys_are_those_of_triage(journal: EmbeddedJournal, tmp_path: Path) -> None:
    file = tmp_path / "posts.txt"
    file.write_text("яма\nкрыша\nяма\n", encoding="utf-8")
    Intake(journal).file(file)
    assert [post["key"] for post in posts_of(journal)] == [d["key"] for d in decisions(otklik("triage", file))]


def test_keys_go_on_counting_equal_texts_after_a_restart(journal: EmbeddedJournal, tmp_path: Path) -> None:
    file = tmp_path / "posts.txt"
    file.write_text("яма\nкрыша\n", encoding="utf-8")
    Intake(journal).file(file)
    with file.open("a", encoding="utf-8") as more:
        more.write("яма\n")
    Intake(journal).file(file)
    assert [post["key"] for post in posts_of(journal)] == [d["key"] for d in decisions(otklik("triage", file))]


def test_a_post_is_stamped_once_by_whoever_accepts_it_first(journal: EmbeddedJournal, tmp_path: Path) -> None:
    stamped = "2026-03-14T09:30:00+03:00"
    file = tmp_path / "posts.jsonl"
    lines = [{"text": "яма", "detected_at": stamped}, {"text": "крыша"}]
    file.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    Intake(journal).file(file)
    first, second = posts_of(journal)
    assert first["detected_at"] == stamped
    assert second["detected_at"].endswith("+00:00")


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.txt", "a.jsonl.gz", "a.log"])
def test_formats_are_told_apart_as_triage_does(journal: EmbeddedJournal, tmp_path: Path, name: str) -> None:
    content = {"csv": f"{HEADER}\nа;б;в;яма\n", "txt": "яма\n", "log": "яма\n"}.get(name[2:], '{"text": "яма"}\n')
    data = content.encode()
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    assert Intake(journal).file(tmp_path / name) == Taken(1, 0)
    assert texts_of(journal) == ["яма"]


def test_the_format_can_be_named_and_another_name_reads_the_file_anew(journal: EmbeddedJournal, tmp_path: Path) -> None:
    file = tmp_path / "posts"
    file.write_text('{"text": "яма"}\n', encoding="utf-8")
    Intake(journal).file(file, Format.TEXT)
    Intake(journal).file(file)
    assert texts_of(journal) == ['{"text": "яма"}', "яма"]


def test_a_file_that_is_not_there_is_wrong_usage(journal: EmbeddedJournal, tmp_path: Path) -> None:
    with pytest.raises(UsageFault, match="нет файла"):
        Intake(journal).file(tmp_path / "нет.jsonl")


# What is rejected


def test_rejected_lines_lie_in_quarantine_with_their_file_and_line(
    journal: EmbeddedJournal, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "posts.jsonl"
    file.write_bytes('{"text": "яма"}\n{"text": 5}\nне json\n'.encode() + b'{"text": "\xff"}\n')
    assert Intake(journal).file(file) == Taken(1, 3)
    lying = rejected_of(journal)
    assert [message["origin"] for message, _ in lying] == [
        {"topic": "file:posts.jsonl", "partition": 0, "offset": line} for line in (2, 3, 4)
    ]
    assert lying[1][1] == "не json".encode()
    assert "как исправить" in lying[0][0]["reason"]
    shown = capsys.readouterr().err
    assert f"{file}:2: поле text — не строка" in shown
    assert "не принято строк: 3; они в карантине: otklik quarantine list" in shown


def test_what_is_no_text_at_all_is_rejected_and_not_fatal(journal: EmbeddedJournal, tmp_path: Path) -> None:
    file = tmp_path / "book.csv"
    file.write_bytes(b"PK\x03\x04....")
    assert Intake(journal).file(file) == Taken(0, 1)
    assert "книга Excel" in rejected_of(journal)[0][0]["reason"]


# A file that grows, is replaced, is taken again


def test_taken_again_a_file_gives_nothing(journal: EmbeddedJournal, tmp_path: Path) -> None:
    file = tmp_path / "posts.txt"
    file.write_text("яма\nкрыша\n", encoding="utf-8")
    assert [Intake(journal).file(file) for _ in range(3)] == [Taken(2, 0), Taken(), Taken()]


def test_a_replaced_file_is_read_from_its_start(journal: EmbeddedJournal, tmp_path: Path) -> None:
    file = tmp_path / "posts.txt"
    for content in ("яма\nкрыша\n", "лёд\nсвет\nвода\n", "газ\n", ""):
        file.write_text(content, encoding="utf-8")
        Intake(journal).file(file)
    assert texts_of(journal) == ["яма", "крыша", "лёд", "свет", "вода", "газ"]


def test_a_compressed_file_that_was_cut_goes_on_where_it_stopped(journal: EmbeddedJournal, tmp_path: Path) -> None:
    lines = [f"яма номер {number}" for number in range(2000)]
    whole = gzip.compress("\n".join(lines).encode())
    file = tmp_path / "posts.txt.gz"
    for size in (len(whole) // 3, len(whole)):
        file.write_bytes(whole[:size])
        Intake(journal).file(file)
    assert texts_of(journal) == lines


def test_a_record_of_the_export_that_was_half_written_is_taken_whole(journal: EmbeddedJournal, tmp_path: Path) -> None:
    file = tmp_path / "export.csv"
    rows = [f'"а";"б";"в";"яма {number}\nво дворе\nдома {number}"' for number in range(9)]
    whole = "\n".join([HEADER, *rows]) + "\n"
    for size in (whole.index("во дворе\nдома 5") + 3, whole.index("дома 7"), len(whole)):
        file.write_text(whole[:size], encoding="utf-8")
        Intake(journal).file(file)
    assert texts_of(journal) == [f"яма {number}\nво дворе\nдома {number}" for number in range(9)]


line = st.text(st.sampled_from("яма Ё🙂{}\"'5"), min_size=1, max_size=9).filter(str.strip)
json_line = st.builds(lambda text: json.dumps({"text": text}, ensure_ascii=False), line)


@settings(max_examples=60)
@given(st.lists(st.lists(json_line, max_size=6), max_size=6), st.integers(1, 4))
def test_any_growth_by_whole_lines_gives_each_line_once(growth: list[list[str]], batch: int) -> None:
    """Line by line and in order, whatever the batches: a run takes what the runs before it did not."""
    with tempfile.TemporaryDirectory() as folder, EmbeddedJournal(Path(folder, "j.sqlite")) as journal:
        file, lines = Path(folder, "posts.jsonl"), [line for more in growth for line in more]
        file.touch()
        for more in growth:
            with file.open("a", encoding="utf-8") as grown:
                grown.writelines(f"{line}\n" for line in more)
            Intake(journal, batch=batch).file(file)
        assert texts_of(journal) == [json.loads(line)["text"] for line in lines]


@settings(max_examples=60)
@given(st.lists(json_line, min_size=1, max_size=12), st.lists(st.floats(0, 1), max_size=5), st.integers(1, 4))
def test_any_growth_by_bytes_gives_each_whole_line_once(lines: list[str], cuts: list[float], batch: int) -> None:
    """A line cut in two lies in quarantine as it stood, and is taken once it is whole."""
    whole = "".join(f"{line}\n" for line in lines).encode()
    with tempfile.TemporaryDirectory() as folder, EmbeddedJournal(Path(folder, "j.sqlite")) as journal:
        file = Path(folder, "posts.jsonl")
        for size in sorted({int(cut * len(whole)) for cut in cuts} | {len(whole)}):
            file.write_bytes(whole[:size])
            Intake(journal, batch=batch).file(file)
        assert Counter(texts_of(journal)) == Counter(json.loads(line)["text"] for line in lines)
        assert len(rejected_of(journal)) <= len(cuts)


# Folders


def passes(intake: Intake, folder: Path, count: int = 2) -> Taken:
    return sum((intake.folder(folder) for _ in range(count)), Taken())


def test_a_folder_gives_files_that_stand_still(journal: EmbeddedJournal, tmp_path: Path) -> None:
    folder, intake = tmp_path / "in", Intake(journal)
    folder.mkdir()
    file = folder / "posts.txt"
    file.write_text("яма\n", encoding="utf-8")
    assert intake.folder(folder) == Taken()
    with file.open("a", encoding="utf-8") as more:
        more.write("крыша\n")
    assert intake.folder(folder) == Taken()
    assert intake.folder(folder) == Taken(2, 0)
    assert intake.folder(folder) == Taken()


def test_a_folder_takes_known_endings_and_nothing_hidden_or_half_written(
    journal: EmbeddedJournal, tmp_path: Path
) -> None:
    taken = ("a.jsonl", "b.ndjson", "c.txt", "d.TXT", "e.jsonl.gz")
    left = (".a.jsonl", "b.jsonl.part", "c.jsonl.tmp", "d.xlsx", "e", "f.gz", ".jsonl")
    folder = tmp_path / "in"
    (folder / "inner.txt").mkdir(parents=True)
    for name in (*taken, *left):
        data = json.dumps({"text": name}).encode()
        (folder / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    assert passes(Intake(journal), folder) == Taken(len(taken), 0)


def test_after_a_restart_a_folder_gives_only_what_is_new(journal: EmbeddedJournal, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.txt").write_text("яма\n", encoding="utf-8")
    assert passes(Intake(journal), folder) == Taken(1, 0)
    (folder / "b.txt").write_text("крыша\n", encoding="utf-8")
    assert passes(Intake(journal), folder) == Taken(1, 0)


def test_an_unreadable_file_is_told_once_and_stops_nothing(
    journal: EmbeddedJournal, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, intake = tmp_path / "in", Intake(journal)
    folder.mkdir()
    (folder / "a.txt").write_text("яма\n", encoding="utf-8")
    (folder / "b.txt").write_text("крыша\n", encoding="utf-8")
    (folder / "a.txt").chmod(0)
    if os.access(folder / "a.txt", os.R_OK):
        pytest.skip("root читает всё")
    assert passes(intake, folder, 4) == Taken(1, 0)
    assert capsys.readouterr().err.count("a.txt не читается") == 1
    (folder / "a.txt").chmod(0o600)
    assert passes(intake, folder) == Taken(1, 0)


def test_a_folder_that_went_away_is_told_once_and_taken_up_when_it_is_back(
    journal: EmbeddedJournal, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, intake = tmp_path / "in", Intake(journal)
    assert passes(intake, folder, 3) == Taken()
    assert capsys.readouterr().err.count("не читается: нет такого файла или папки") == 1
    folder.mkdir()
    (folder / "a.txt").write_text("яма\n", encoding="utf-8")
    assert passes(intake, folder) == Taken(1, 0)


# The standard input


def test_the_standard_input_is_taken_to_its_end(journal: EmbeddedJournal) -> None:
    assert Intake(journal, batch=2).stream(io.BytesIO("яма\nкрыша\nлёд\n".encode())) == Taken(3, 0)
    assert texts_of(journal) == ["яма", "крыша", "лёд"]


def test_what_has_come_is_durable_at_a_pause(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    child = subprocess.Popen([sys.executable, "-c", TAKE_STDIN, path], cwd=ROOT, stdin=subprocess.PIPE)
    assert child.stdin is not None
    with EmbeddedJournal(path) as journal:
        for number in range(1, 4):
            child.stdin.write(f"яма {number}\n".encode())
            child.stdin.flush()
            while journal.end(INCOMING) < number:
                assert child.poll() is None
                time.sleep(0.01)
        child.kill()
        child.wait()
        assert texts_of(journal) == ["яма 1", "яма 2", "яма 3"]


def test_a_pipe_given_as_a_file_is_read_to_its_end(journal: EmbeddedJournal) -> None:
    reading, writing = os.pipe()
    os.write(writing, '{"text": "яма"}\n'.encode())
    os.close(writing)
    assert Intake(journal).file(Path(f"/dev/fd/{reading}")) == Taken(1, 0)
    os.close(reading)


# kill -9


@pytest.mark.parametrize("stops", [(20, 60, 61, 180), (7, 8, 300), (1,)])
def test_a_file_goes_on_exactly_where_a_killed_process_stopped(tmp_path: Path, stops: tuple[int, ...]) -> None:
    file, path = tmp_path / "posts.jsonl", tmp_path / "journal.sqlite"
    broken = set(range(10, 400, 40))
    lines = ["{" if number in broken else json.dumps({"text": f"яма {number}"}) for number in range(400)]
    file.write_text("\n".join(lines), encoding="utf-8")
    with EmbeddedJournal(path) as journal:
        kills = [killed(TAKE_FILE, path, file, when=lambda stop=stop: journal.end(INCOMING) >= stop) for stop in stops]
        assert any(kills)
        finished(TAKE_FILE, path, file)
        assert texts_of(journal) == [f"яма {number}" for number in range(400) if number not in broken]
        assert [message["origin"]["offset"] - 1 for message, _ in rejected_of(journal)] == sorted(broken)

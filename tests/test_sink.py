"""The file of decisions: each message once, whatever kills the process; a file that is not ours is left alone."""

from __future__ import annotations

import json
import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_triage import FakeTriage
from killing import finished, killed

from app.errors import UsageFault
from app.sink import Sink
from journal import JournalError, Message
from journal.embedded import EmbeddedJournal
from records import Post, decision_to_json, dump
from records.messages import DECIDED, decided

CATCH_UP = """
import sys
from pathlib import Path
import app.sink
from journal.embedded import EmbeddedJournal
app.sink._BATCH = 5
with EmbeddedJournal(Path(sys.argv[1])) as journal, app.sink.Sink(journal, Path(sys.argv[2])) as sink:
    sink.catch_up()
"""


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[EmbeddedJournal]:
    with EmbeddedJournal(tmp_path / "journal.sqlite") as opened:
        yield opened


def decide(journal: EmbeddedJournal, count: int, first: int = 0) -> bytes:
    """Put decided posts into the journal; the lines that a sink must make of them."""
    posts = [Post(f"vk:{number}", f"яма {number}", revision="0") for number in range(first, first + count)]
    made = list(zip(posts, FakeTriage().decide(posts), strict=True))
    journal.append(DECIDED, [Message(post.key.encode(), decided(post, decision)) for post, decision in made])
    return "".join(f"{dump(decision_to_json(decision))}\n" for _, decision in made).encode()


def test_lines_are_those_of_triage_and_are_appended(journal: EmbeddedJournal, tmp_path: Path) -> None:
    file = tmp_path / "out.jsonl"
    with Sink(journal, file) as sink:
        assert (sink.catch_up(), file.read_bytes()) == (0, b"")
        lines = decide(journal, 3)
        assert (sink.catch_up(), file.read_bytes()) == (3, lines)
        lines += decide(journal, 2, first=3)
        assert (sink.catch_up(), file.read_bytes()) == (2, lines)
    with Sink(journal, file) as sink:
        assert (sink.catch_up(), file.read_bytes()) == (0, lines)


def test_each_file_holds_every_decision_of_the_journal(journal: EmbeddedJournal, tmp_path: Path) -> None:
    lines = decide(journal, 3)
    for name in ("a.jsonl", "b.jsonl"):
        with Sink(journal, tmp_path / name) as sink:
            sink.catch_up()
        assert (tmp_path / name).read_bytes() == lines


def test_what_was_being_written_when_the_process_died_is_written_anew(journal: EmbeddedJournal, tmp_path: Path) -> None:
    file = tmp_path / "out.jsonl"
    lines = decide(journal, 3)
    with Sink(journal, file) as sink:
        sink.catch_up()
    with file.open("ab") as torn:
        torn.write(b'{"key": "vk:3", "verd')
    lines += decide(journal, 2, first=3)
    with Sink(journal, file) as sink:
        sink.catch_up()
    assert file.read_bytes() == lines


@pytest.mark.parametrize("stops", [(5, 50, 120), (1,), (30, 31, 32, 33)])
def test_kill_9_neither_loses_nor_repeats_a_line(
    journal: EmbeddedJournal, tmp_path: Path, stops: tuple[int, ...]
) -> None:
    file, size = tmp_path / "out.jsonl", 0
    lines = decide(journal, 300)

    def grown(least: int) -> bool:
        return file.exists() and file.stat().st_size > least

    kills = []
    for stop in stops:
        size = len(b"".join(lines.splitlines(keepends=True)[:stop])) - 1
        kills.append(killed(CATCH_UP, journal.path, file, when=lambda size=size: grown(size)))
        assert lines.startswith(file.read_bytes())
    finished(CATCH_UP, journal.path, file)
    assert any(kills)
    assert file.read_bytes() == lines
    assert [json.loads(line)["key"] for line in lines.splitlines()] == [f"vk:{number}" for number in range(300)]


def test_a_file_that_was_there_before_is_left_alone(journal: EmbeddedJournal, tmp_path: Path) -> None:
    file = tmp_path / "mine.jsonl"
    file.write_text("моё\n", encoding="utf-8")
    with pytest.raises(UsageFault, match="уже есть") as fault:
        Sink(journal, file)
    assert "назовите другой файл" in fault.value.mend
    assert file.read_text(encoding="utf-8") == "моё\n"


@pytest.mark.parametrize("how", ["shortened", "removed"])
@pytest.mark.parametrize("meanwhile", [True, False])
def test_a_file_that_was_shortened_or_removed_is_told(
    journal: EmbeddedJournal, tmp_path: Path, how: str, meanwhile: bool
) -> None:
    file = tmp_path / "out.jsonl"
    decide(journal, 3)
    sink = Sink(journal, file)
    sink.catch_up()
    os.truncate(file, 10) if how == "shortened" else file.unlink()
    decide(journal, 1, first=3)
    if not meanwhile:
        sink.close()
    with pytest.raises(UsageFault, match=r"короче, чем был записан|убран") as fault:
        sink.catch_up() if meanwhile else Sink(journal, file)
    assert "верните его" in fault.value.mend
    sink.close()


def test_put_back_a_file_goes_on(journal: EmbeddedJournal, tmp_path: Path) -> None:
    file, away = tmp_path / "out.jsonl", tmp_path / "away.jsonl"
    lines = decide(journal, 3)
    with Sink(journal, file) as sink:
        sink.catch_up()
        file.rename(away)
        lines += decide(journal, 2, first=3)
        with pytest.raises(UsageFault):
            sink.catch_up()
        away.rename(file)
        assert sink.catch_up() == 2
    assert file.read_bytes() == lines


def test_a_file_has_one_writer(journal: EmbeddedJournal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("journal.embedded.BUSY_SECONDS", 0.1)
    with Sink(journal, tmp_path / "out.jsonl"), pytest.raises(JournalError, match="уже читает другой живой"):
        Sink(journal, tmp_path / "out.jsonl")


@pytest.mark.parametrize(("name", "said"), [("/dev/null", "не обычный файл"), ("нет/out.jsonl", "нет папки")])
def test_what_cannot_be_a_file_of_decisions_is_wrong_usage(
    journal: EmbeddedJournal, tmp_path: Path, name: str, said: str
) -> None:
    with pytest.raises(UsageFault, match=said):
        Sink(journal, tmp_path / name)


def test_a_full_disk_is_told_and_nothing_is_lost(journal: EmbeddedJournal, tmp_path: Path) -> None:
    file = tmp_path / "out.jsonl"
    lines = decide(journal, 300)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Sink(journal, file) as sink:
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (len(lines) // 2, before[1]))
            with pytest.raises(JournalError, match="не записать") as failure:
                sink.catch_up()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert "место на диске" in failure.value.mend
        assert sink.catch_up() == 300
    assert file.read_bytes() == lines

"""The command line from outside: outputs, pipes, exit codes, help, explanations."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random
from typing import IO

import pytest
from click.testing import CliRunner
from counting import steps
from fake_triage import DEPARTMENTS, POISON, ROOT, Department, FakeTriage, decisions, otklik, process
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from app import engine, labels
from app.command import otklik as group
from app.copies import MOST, Copies
from app.home import find_home
from app.outputs import Decided
from app.reasons import Words, explanation
from app.screen import ScreenBar
from app.table import TableOutput
from app.target import Target
from records import (
    AlarmKind,
    Decision,
    Evidence,
    Fault,
    FaultsError,
    Ground,
    Place,
    Post,
    Reason,
    ReasonCode,
    Review,
    ReviewCode,
    Route,
    Significance,
    Track,
    Verdict,
)
from records.fingerprints import near

POSTS = """\
{"key": "vk:-1_2", "text": "На Ленина прорвало трубы, провода искрят\\nпомогите", "network": "vk"}
{"text": "Спасибо за работу"}
{"text": "Блин, какие же вы"}
{"text": "🙂🙂"}
"""


def _flipped(bits: Iterable[int]) -> int:
    return 0x1234567890ABCDEF ^ sum(1 << bit for bit in bits)


def _signed(number: int, signature: int) -> Decision:
    significance = Significance(0.1)
    return Decision(str(number), "r", f"{signature:016x}", Verdict.ANSWER, 0.9, significance, None, None, None)


# What comes out


def test_in_a_pipe_decisions_are_json_lines_of_the_contract() -> None:
    found = decisions(otklik("triage", stdin=POSTS))
    assert [d["verdict"] for d in found] == ["answer", "no_answer", "exclude", "answer"]
    assert [d["track"] for d in found] == ["4h", None, None, "8h"]
    assert found[0]["key"] == "vk:-1_2"
    assert list(found[0])[:3] == ["key", "revision", "fingerprint"]
    assert "duplicates_of" not in found[0]


@pytest.mark.parametrize("width", [40, 80, 119, 120, 160, 250])
def test_the_table_stays_within_the_screen(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    long = json.dumps({"text": "Провод на Ленина " * 100})
    wide = json.dumps({"text": "漢字🙂" * 100})
    result = otklik("triage", "--out", "table", stdin=f"{POSTS}{long}\n{wide}\n")
    lines = result.stdout.splitlines()
    assert max(map(cell_len, lines)) <= max(width, 63)
    assert lines[0].split()[:4] == ["№", "Вердикт", "Срок", "Отдел"]
    assert "\x1b" not in result.stdout


@pytest.mark.parametrize("width", [80, 160])
def test_the_table_says_all_of_a_decision(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    said = " ".join(otklik("triage", "--out", "table", stdin=POSTS).stdout.split())
    for words in ("1 ответить 4 ч Горхозяйство", "Ставрополь,", "тревога: опасность", "На Ленина прорвало трубы"):
        assert words in said
    assert "3 исключить Горхозяйство ? мат; проверить: нет" in said


@pytest.mark.parametrize("width", [80, 100, 120, 160])
def test_the_table_breaks_no_word(width: int) -> None:
    """Of a department, a street, a reason or a mark; the sign of doubt stays beside its department."""
    names = {short: Department(short, short) for short in SHORT_NAMES}
    shown = io.BytesIO()
    table = TableOutput(Target(shown, "-"), names, width, colours=False)
    table.write([_overfull(number, code) for number, code in enumerate(names)])
    rows = shown.getvalue().decode()
    words = {word for short in SHORT_NAMES for word in short.split()} | {"Краснопартизанская,", "125/1,", "Буйвола,"}
    words |= {word for label in (*labels.REVIEWS.values(), *labels.REASONS.values()) for word in label.split()}
    assert not {word for word in words if word not in rows}
    for name in SHORT_NAMES:
        assert f"{name.split()[-1]}\u00a0?" in rows


SHORT_NAMES = ("Благоустройство", "Градостроительство", "Газораспределение", "Дороги и транспорт", "Роспотребнадзор")


def _overfull(number: int, code: str) -> Decided:
    reasons = tuple(Reason(reason, None, None, None) for reason in ReasonCode)
    return Decided(
        number,
        Post(key="k", text="текст"),
        Decision(
            "k", "r", "f", Verdict.ANSWER, 0.9, Significance(0.9, reasons), Track.FOUR_HOURS, Route(code, 0.4, False),
            Place("Сухая Буйвола", "Краснопартизанская", "125/1", "музыкальная школа"),
            review=tuple(Review(review, "r") for review in ReviewCode),
        ),
    )  # fmt: skip


def test_the_heading_is_written_once_over_many_batches() -> None:
    result = otklik("triage", "--out", "table", stdin="яма\n" * 1000)
    assert result.stdout.count("Вердикт") == 1
    assert any(line.split()[:1] == ["1000"] for line in result.stdout.splitlines())


def test_csv_opens_in_a_spreadsheet_and_residents_formulas_stay_text() -> None:
    result = otklik("triage", "--out", "csv", stdin=f'{POSTS}{{"text": "=1+1;\\"два\\"\\nстроки"}}\n')
    assert result.stdout.startswith("\ufeffКлюч;Вердикт;Срок;Отдел;")
    rows = list(csv.DictReader(io.StringIO(result.stdout.removeprefix("\ufeff"), newline=""), delimiter=";"))
    assert rows[0]["Вердикт"] == "ответить"
    assert rows[0]["Вероятность отдела"] == "0,8000"
    assert rows[2]["Основания"] == "мат"
    assert rows[4]["Текст"] == '\'=1+1;"два"\nстроки'


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+7 928", "'+7 928"),
        ("-5", "'-5"),
        ("@сосед", "'@сосед"),
        ("\t=1", "' =1"),
        ("\n =1", "'\n =1"),
        ("\r=1", "'\n=1"),
        ("＝1", "'＝1"),
        ("цена = 5", "цена = 5"),
        ("одна\r\nдве\rтри", "одна\nдве\nтри"),
        ("\x1b[2Jяма\x00\x07\x9b\u202e", "·[2Jяма····"),
    ],
)
def test_a_cell_of_csv_is_neither_a_formula_nor_a_command(text: str, cell: str) -> None:
    """The key of a post is somebody's too."""
    line = json.dumps({"key": f"{text}x", "text": text})
    result = otklik("triage", "--in", "jsonl", "--out", "csv", stdin=line)
    (row,) = csv.DictReader(io.StringIO(result.stdout.removeprefix("\ufeff"), newline=""), delimiter=";")
    assert (row["Текст"], row["Ключ"]) == (cell, f"{cell}x")


def test_files_appear_whole_or_not_at_all(tmp_path: Path) -> None:
    """What breaks the run leaves what was there before, and nothing beside it."""
    output, rejects = tmp_path / "out", tmp_path / "rejects"
    output.write_text("прежнее")
    result = otklik("triage", "--in", "text", "--output", output, "--rejects", rejects, stdin=POISON)
    assert result.exit_code == 1
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert output.read_text() == "прежнее"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_no_half_file(tmp_path: Path, number: signal.Signals) -> None:
    output = tmp_path / "out"
    output.write_text("прежнее")
    pipes = {"stdin": subprocess.PIPE, "stderr": subprocess.PIPE}
    with process("triage", "--output", output, **pipes) as running:
        assert running.stdin is not None
        assert running.stderr is not None
        running.stdin.write("яма\n".encode())
        running.stdin.flush()
        _wait_until(lambda: any(path != output and path.stat().st_size for path in tmp_path.iterdir()))
        assert output.read_text() == "прежнее"
        running.send_signal(number)
        assert running.wait() == 1
        assert running.stderr.read().decode().strip() == "Прервано."
        running.stdin.close()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert output.read_text() == "прежнее"


def test_a_file_keeps_its_rights_and_a_link_stays_a_link(tmp_path: Path) -> None:
    output, link = tmp_path / "out", tmp_path / "link"
    output.write_text("прежнее")
    output.chmod(0o640)
    link.symlink_to(output)
    assert otklik("triage", "--output", link, stdin=POSTS).exit_code == 0
    assert link.is_symlink()
    assert output.stat().st_mode & 0o777 == 0o640
    assert len(output.read_text(encoding="utf-8").splitlines()) == 4


def test_standard_output_may_be_named() -> None:
    plain = otklik("triage", stdin=POSTS).stdout
    for name in ("-", "/dev/stdout"):
        assert otklik("triage", "--output", name, stdin=POSTS).stdout == plain


def test_rejects_may_go_to_standard_output_alone(tmp_path: Path) -> None:
    result = otklik("triage", "--rejects", "-", "--output", tmp_path / "out", stdin=f"{POSTS}{{\n")
    assert (result.exit_code, json.loads(result.stdout)["line"]) == (3, 5)
    result = otklik("triage", "--rejects", "-", stdin=POSTS)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "смешались бы" in result.stderr


def test_pipes_and_open_files_are_written_in_place(tmp_path: Path) -> None:
    fifo, appended = tmp_path / "fifo", tmp_path / "log"
    os.mkfifo(fifo)
    lines: list[bytes] = []
    reader = threading.Thread(target=lambda: lines.extend(fifo.read_bytes().splitlines()))
    reader.start()
    assert otklik("triage", "--output", fifo, stdin=POSTS).exit_code == 0
    reader.join()
    assert len(lines) == 4
    with appended.open("wb") as log:
        log.write("начало\n".encode())
        log.flush()
        assert otklik("triage", "--output", f"/dev/fd/{log.fileno()}", stdin=POSTS).exit_code == 0
    assert len(appended.read_bytes().splitlines()) == 5


def test_output_goes_to_a_file_and_the_summary_to_stderr(tmp_path: Path) -> None:
    for out in ("jsonl", "csv", "table"):
        result = otklik("triage", "--out", out, "--output", tmp_path / out, stdin=POSTS)
        assert result.stdout == ""
        assert "Разобрано сообщений: 4 (ответить 2, без ответа 1, исключить 1)." in result.stderr
        assert (tmp_path / out).read_text(encoding="utf-8")
    assert len((tmp_path / "jsonl").read_text(encoding="utf-8").splitlines()) == 4


def test_near_copies_are_linked_to_earlier_keys() -> None:
    lines = [
        {"key": f"vk:{number}", "text": text} for number, text in enumerate(["яма", "крыша течёт", "ямаяма", "яма!"])
    ]
    found = decisions(otklik("triage", "--link-duplicates", stdin="\n".join(map(json.dumps, lines))))
    assert [d["duplicates_of"] for d in found] == [[], [], ["vk:0"], []]


def test_copies_are_linked_across_batches_to_the_first_hundred() -> None:
    lines = "".join(f'{{"key": "vk:{number}", "text": "яма"}}\n' for number in range(600))
    found = decisions(otklik("triage", "--link-duplicates", stdin=lines))
    assert found[42]["duplicates_of"] == [f"vk:{number}" for number in range(42)]
    assert found[599]["duplicates_of"] == [f"vk:{number}" for number in range(MOST)]


@given(st.lists(st.integers(0, 2**64 - 1) | st.builds(_flipped, st.sets(st.integers(0, 63), max_size=7)), max_size=150))
def test_copies_are_all_that_differ_in_few_bits(signatures: list[int]) -> None:
    copies = Copies()
    texts = [f"{signature:016x}" for signature in signatures]
    for number, text in enumerate(texts):
        earlier = [str(other) for other in range(number) if near(texts[other], text)]
        assert copies.of(_signed(number, signatures[number])) == tuple(earlier[:MOST])


@pytest.mark.parametrize("spread", [0, 4, 64])
def test_linking_takes_work_in_proportion_to_the_posts(spread: int) -> None:
    """Equal posts, one text with other numbers in it, posts that have nothing in common."""

    def linked(posts: int) -> int:
        drawn = Random(7)
        signatures = [_flipped(drawn.sample(range(64), drawn.randint(0, spread))) for _ in range(posts)]
        found = [_signed(number, signature) for number, signature in enumerate(signatures)]
        copies = Copies()
        return steps(lambda: [copies.of(decision) for decision in found], "app")

    assert linked(2_000) < 3 * linked(1_000)


def test_posts_are_decided_in_batches_in_the_order_of_the_input() -> None:
    decider = FakeTriage()
    lines = [json.dumps({"key": f"vk:{number}", "text": "яма"}) for number in range(1000)]
    found = decisions(otklik("triage", stdin="\n".join(lines), decider=decider))
    assert [d["key"] for d in found] == [f"vk:{number}" for number in range(1000)]
    assert decider.batches == [256, 256, 256, 232]


def test_a_post_that_breaks_the_pipeline_is_rejected_alone(tmp_path: Path) -> None:
    rejects = tmp_path / "rejects.jsonl"
    result = otklik("triage", "--rejects", rejects, stdin=f"яма\n{POISON}\nкрыша\n")
    assert (result.exit_code, len(decisions(result))) == (3, 2)
    rejection = json.loads(rejects.read_text(encoding="utf-8"))
    assert (rejection["line"], rejection["raw"]) == (2, POISON)
    assert "RuntimeError" in rejection["reason"]


# Failures


def test_a_pipeline_that_fails_on_everything_is_a_failure_without_a_traceback() -> None:
    result = otklik("triage", stdin=POISON)
    assert result.exit_code == 1
    assert "Сбой: RuntimeError\n" in result.stderr
    assert "яд" not in result.stderr
    assert "OTKLIK_DEBUG=1" in result.stderr
    assert "Traceback" not in result.stderr


def test_debugging_shows_the_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTKLIK_DEBUG", "1")
    assert isinstance(otklik("triage", stdin=POISON).exception, RuntimeError)


def test_faults_of_the_configuration_are_shown_and_exit_2(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Path) -> engine.Engine:
        raise FaultsError([Fault("rules/x.yaml", 3, 5, "неизвестный ключ «гм»", "уберите его", "    гм: 1")])

    monkeypatch.setattr(engine, "load", broken)
    result = CliRunner().invoke(group, ["triage"], input="яма")
    assert result.exit_code == 2
    assert "rules/x.yaml:3:5: неизвестный ключ «гм»\n        гм: 1\n        ^\n    как исправить" in result.stderr


def test_files_that_would_overwrite_each_other_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "posts.jsonl"
    file.write_text(POSTS, encoding="utf-8")
    for option in ("--output", "--rejects"):
        result = otklik("triage", file, option, file)
        assert (result.exit_code, file.read_text(encoding="utf-8")) == (2, POSTS)
    assert otklik("triage", "--output", "/dev/null", "--rejects", "/dev/null", stdin=POSTS).exit_code == 0
    assert otklik("triage", "--output", tmp_path / "a", "--rejects", tmp_path / "a", stdin=POSTS).exit_code == 2


def test_a_file_that_cannot_be_written_is_wrong_usage(tmp_path: Path) -> None:
    result = otklik("triage", "--output", tmp_path / "нет" / "a.jsonl", stdin=POSTS)
    assert result.exit_code == 2
    assert "не открыть для записи" in result.stderr


@pytest.mark.parametrize("option", ["--output", "--rejects"])
def test_each_way_in_which_a_file_cannot_be_written_is_said_in_russian(tmp_path: Path, option: str) -> None:
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "file").touch()
    for path, said in (
        (tmp_path / "нет" / "a", "нет такого файла или папки"),
        (tmp_path / "file" / "a", "стоит файл, а не папка"),
        (tmp_path / "loop", "ссылки ведут по кругу"),
        (tmp_path / ("x" * 300), "слишком длинное имя"),
        (tmp_path, "это папка"),
        ("", "это папка"),
    ):
        result = otklik("triage", option, path, stdin=POSTS)
        assert (result.exit_code, result.stdout) == (2, "")
        assert said in result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["triage", "--ouf", "csv"], "Нет такого параметра: --ouf"),
        (["triage", "--out", "xml"], "«xml» — не из списка: 'table', 'jsonl', 'csv'"),
        (["triage", "a", "b"], "Лишний аргумент: b"),
        (["разбор"], "Нет такой команды: разбор"),
        (["explain"], "Не хватает аргумента"),
        (["diff", "a"], "Не хватает аргумента"),
        (["triage", "--home"], "Параметру --home нужно значение"),
        (["triage", "--home", "/нет/такой"], "нет папки /нет/такой"),
    ],
)
def test_wrong_usage_is_explained_in_russian(arguments: list[str], said: str) -> None:
    result = CliRunner().invoke(group, arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert not re.search(r"\b(Error|Usage|Invalid|Missing|Try)\b", result.stderr)


# Help


def test_help_is_russian_and_every_option_has_it() -> None:
    for command in (group, *group.commands.values()):
        text = CliRunner().invoke(group, [] if command is group else [str(command.name), "--help"]).output
        assert not re.search(r"\b(Usage|Options|Commands|Show|OPTIONS|default)\b", text)
        for parameter in command.params:
            if parameter.param_type_name == "option" and not getattr(parameter, "hidden", False):
                assert getattr(parameter, "help", None), parameter.name


def test_version() -> None:
    assert re.fullmatch(r"otklik \S.*\n", CliRunner().invoke(group, ["--version"]).output)


def test_help_does_not_wait_for_the_pipeline() -> None:
    heavy = "{'rich', 'numpy', 'pipeline', 'yaml', 'regulation'}"
    code = f"import sys, app.command; print(sorted({heavy} & set(sys.modules)))"
    out = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert out.stdout == "[]\n"


def test_module_and_command_are_one() -> None:
    out = subprocess.run([sys.executable, "-m", "app", "--help"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert out.stdout.startswith("Как вызывать: otklik [ПАРАМЕТРЫ] КОМАНДА …")


# Pipes


def _later(stream: IO[bytes], lines: list[bytes]) -> threading.Thread:
    thread = threading.Thread(target=lambda: lines.extend(stream))
    thread.start()
    return thread


def test_a_slow_producer_is_not_held_up() -> None:
    with process("triage", stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        lines: list[bytes] = []
        reader = _later(running.stdout, lines)
        for number in range(1, 4):
            running.stdin.write(b'{"text": "a"}\n')
            running.stdin.flush()
            _wait_until(lambda number=number: len(lines) == number)
        running.stdin.close()
        reader.join()
    assert running.returncode == 0


def _wait_until(holds: object) -> None:
    assert callable(holds)
    for _ in range(200):
        if holds():
            return
        time.sleep(0.05)
    raise AssertionError("nothing came for 10 s")


@pytest.mark.parametrize("line", ["1\n", "яма\n"])
def test_the_first_line_does_not_wait_for_the_second(line: str) -> None:
    with process("triage", stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        running.stdin.write(line.encode())
        running.stdin.flush()
        assert running.stdout.readline().startswith(b'{"key"')
        running.stdin.close()


def test_a_screen_that_cannot_show_a_letter_is_no_failure() -> None:
    environment = {"PYTHONIOENCODING": "koi8-r", "COLUMNS": "100"}
    for arguments in (("triage", "--out", "table"), ("explain", "-")):
        with process(*arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as running:
            shown, _ = running.communicate("яма 🙂\n".encode())
            assert "яма" in shown.decode("koi8-r")
        assert running.returncode == 0


def test_a_reader_that_goes_away_is_no_failure() -> None:
    with process("triage", stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdin.write(b'{"text": "a"}\n')
        running.stdin.flush()
        assert running.stdout.readline().startswith(b"{")
        running.stdout.close()
        running.stdin.write(b'{"text": "a"}\n')
        running.stdin.close()
        assert running.stderr.read() == b""
    assert running.returncode == 0


CLOSED = {"<&-": "стандартный ввод закрыт", ">&-": "он закрыт", ">/dev/full": "на диске нет места"}


@pytest.mark.parametrize(
    ("arguments", "streams", "code"),
    [
        ("triage", "<&-", 2),
        ("explain -", "<&-", 2),
        ("triage", ">&-", 1),
        ("triage", ">/dev/full", 1),
        ("triage --out csv", ">/dev/full", 1),
        ("triage --out table", ">/dev/full", 1),
        ("explain яма", ">&-", 1),
        ("explain яма", ">/dev/full", 1),
        ("explain яма --out json", ">/dev/full", 1),
        ("--help", ">/dev/full", 1),
        ("triage --help", ">&-", 1),
    ],
)
def test_a_stream_that_is_closed_or_full_is_said_to_be(arguments: str, streams: str, code: int) -> None:
    ran = _shell(f'echo яма | {{ "$0" "$1" {arguments} {streams}; }}')
    assert (ran.returncode, ran.stdout) == (code, b"")
    said = ran.stderr.decode()
    assert CLOSED[streams] in said
    assert "как исправить" in said
    assert not re.search("Traceback|Exception|Errno|Error", said)


@pytest.mark.parametrize("streams", ["2>&-", "2>/dev/full"])
def test_without_stderr_the_answer_comes_and_the_code_tells(streams: str) -> None:
    ran = _shell(f'printf "%s\n" "яма" "{{" | {{ "$0" "$1" triage {streams}; }}')
    assert (ran.returncode, len(ran.stdout.splitlines()), ran.stderr) == (0, 2, b"")
    ran = _shell(f'echo "{{" | {{ "$0" "$1" triage {streams}; }}')
    assert (ran.returncode, ran.stdout, ran.stderr) == (3, b"", b"")
    assert _shell(f'"$0" "$1" triage /нет {streams}').returncode == 2


def test_a_file_is_written_though_standard_output_is_closed(tmp_path: Path) -> None:
    """Its number goes to no other file."""
    ran = _shell(f'echo яма | {{ "$0" "$1" triage --output {tmp_path}/out >&-; }}')
    assert ran.returncode == 0, ran.stderr
    assert len((tmp_path / "out").read_bytes().splitlines()) == 1


@pytest.mark.parametrize("arguments", ["--help", "explain яма", "explain яма --out json", "triage"])
def test_any_command_bears_a_reader_that_goes_away(arguments: str) -> None:
    ran = _shell(f'yes "яма" | head -999 | "$0" "$1" {arguments} | true; exit "${{PIPESTATUS[2]}}"')
    assert (ran.returncode, ran.stderr) == (0, b"")


def _shell(script: str) -> subprocess.CompletedProcess[bytes]:
    """``"$0" "$1"`` is ``otklik`` with the quick pipeline."""
    command = ["bash", "-c", script, sys.executable, str(ROOT / "tests/fake_triage.py")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "LC_ALL": "C"}
    return subprocess.run(command, env=environment, capture_output=True, check=False)


def test_on_a_terminal_the_table_and_the_bar_share_the_screen(tmp_path: Path) -> None:
    file = tmp_path / "posts.jsonl"
    file.write_text(POSTS * 300, encoding="utf-8")
    screen = _on_terminal("triage", file)
    assert "Вердикт" in screen
    assert "\x1b[32mответить" in screen
    assert "100%" in screen
    assert "сообщ." in screen
    assert re.search(r"\d/с", screen)
    assert "Разобрано сообщений: 1\u202f200" in screen


def test_the_clock_of_the_bar_starts_when_the_models_are_loaded() -> None:
    seconds = [0.0]
    screen = io.StringIO()
    with ScreenBar(100, Console(file=screen, force_terminal=True, width=100), lambda: seconds[0]) as bar:
        seconds[0] = 60.0
        bar.begin()
        seconds[0] = 61.0
        bar.advance(50, 50)
    assert "Загружаю модели" in screen.getvalue()
    assert "50 сообщ. 50/с" in screen.getvalue()


def test_explain_marks_words_with_colour_on_a_terminal() -> None:
    screen = _on_terminal("explain", "Блин, провода на Ленина искрят")
    assert "\x1b[1;37;41mБлин" in screen
    assert "правило fake.mat" in screen


def _on_terminal(*arguments: object) -> str:
    """Everything a terminal of 100 columns would get of both streams."""
    ours, theirs = pty.openpty()
    environment = {"COLUMNS": "100", "TERM": "xterm-256color", "NO_COLOR": ""}
    running = process(*arguments, stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    shown = b"".join(_until_closed(ours))
    os.close(ours)
    assert running.wait() == 0
    return shown.decode()


def _until_closed(terminal: int) -> Iterator[bytes]:
    try:
        while piece := os.read(terminal, 65536):
            yield piece
    except OSError:  # Linux says EIO when the other side is closed
        return


# Explain


def test_explain_marks_words_in_brackets_and_tells_why() -> None:
    result = otklik("explain", "На Ленина прорвало трубы, провод искрит. Блин!")
    assert result.exit_code == 0, result.stderr
    text, _, told = result.stdout.partition("\n\n")
    assert text == "На Ленина прорвало ‹трубы›, [провод] искрит. [Блин]!"
    said = " ".join(told.split())
    for words in (
        "Вердикт исключить (ответ нужен с вероятностью 10 %)",
        "Основание мат «Блин» — правило fake.mat: слово «блин» за мат",
        "Тревога опасность «провод» — правило fake.danger: слово «провод»",
        "Срок не назначен (срочное с вероятностью 95 %)",
        "Почему опасность для людей «провод»",
        "Отдел Комитет городского хозяйства (JKH), 80 %",
        "Или Управление территориями города (TERR), 10 % Комитет образования (EDU), 5 %",
        "Слова трубы +1,2",
        "Тема Водоснабжение, 70 % Дороги, 20 %",
        "Место Ставрополь, улица Ленина",
        "Версии code 0; models: fake 1",
    ):
        assert words in said


def test_explain_says_when_a_person_chooses() -> None:
    assert "уверенности мало, выбирает человек" in otklik("explain", "какой-то текст").stdout
    assert "в сообщении нет слов: выбирает человек" in otklik("explain", "🙂").stdout


def test_explain_reads_the_standard_input_and_gives_the_decision() -> None:
    result = otklik("explain", "-", "--out", "json", stdin="течёт\nкрыша\n".encode("cp1251"))
    (decision,) = decisions(result)
    assert decision == decisions(otklik("triage", stdin='{"text": "течёт\\nкрыша"}'))[0]


def test_explain_tells_which_code_page_it_read() -> None:
    result = otklik("explain", "-", stdin="Течёт крыша в школе".encode("koi8-r"))
    assert result.stdout.startswith("Течёт крыша в школе\n")
    assert result.stderr == "Текст прочитан как KOI8-R.\n"


def test_explain_reads_an_argument_in_the_code_page_of_a_terminal() -> None:
    argument = "Течёт крыша в школе".encode("cp866").decode("utf-8", "surrogateescape")
    with process("explain", argument, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        shown, said = running.communicate()
    assert shown.decode().startswith("Течёт крыша в школе\n")
    assert said.decode() == "Текст прочитан как CP866.\n"


def test_explain_leaves_out_words_that_weigh_nothing() -> None:
    words = Words(engine.Engine(FakeTriage(), DEPARTMENTS, {}, {}))
    for weights, told in (((1.25, 0.04, -0.26, -0.049), "а +1,2; в -0,3"), ((0.0, -0.01), None)):
        evidence = tuple(Evidence(word, 0, 1, weight) for word, weight in zip("абвг", weights, strict=False))
        route = Route("JKH", 0.8, True, evidence=evidence)
        decision = Decision("k", "r", "f", Verdict.ANSWER, 0.9, Significance(0.1), None, route, None)
        assert dict(explanation(decision, words)).get("Слова") == told


def test_explain_refuses_an_empty_text() -> None:
    for text in ("", "  "):
        result = otklik("explain", text)
        assert (result.exit_code, "как исправить" in result.stderr) == (2, True)


# With the real pipeline


def real(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "app", *arguments]
    return subprocess.run(command, cwd=ROOT, input=stdin, capture_output=True, text=True, check=False)


def test_the_shipped_house_has_no_faults() -> None:
    checked = real("check")
    assert (checked.returncode, checked.stdout.splitlines()[:-1]) == (0, []), checked.stdout


def test_the_real_pipeline_decides_what_the_command_reads() -> None:
    ran = real("triage", stdin=POSTS)
    assert ran.returncode == 0, ran.stderr
    found = [json.loads(line) for line in ran.stdout.splitlines()]
    assert [d["key"].split(":")[0] for d in found] == ["vk", "file", "file", "file"]
    assert found[0]["verdict"] == "answer"
    assert found[1]["verdict"] == "no_answer"


def test_the_real_pipeline_is_explained() -> None:
    ran = real("explain", "На улице Ленина прорвало трубу, вода заливает подъезд")
    assert ran.returncode == 0, ran.stderr
    for label in ("Вердикт", "Срок", "Отдел", "Место", "Версии"):
        assert f"\n{label} " in ran.stdout


# Home and labels


def test_home_is_named_or_told_or_found_upward_or_beside_the_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OTKLIK_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    assert find_home(None) == ROOT
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    for name in ("regulation", "rules"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(below)
    assert find_home(None) == tmp_path
    monkeypatch.setenv("OTKLIK_HOME", str(below))
    assert find_home(None) == below
    assert find_home(tmp_path) == tmp_path


@pytest.mark.parametrize(
    ("codes", "words"),
    [
        (Verdict, labels.VERDICTS),
        (Track, labels.TRACKS),
        (Ground, labels.GROUNDS),
        (AlarmKind, labels.ALARMS),
        (ReasonCode, labels.REASONS),
        (ReviewCode, labels.REVIEWS),
    ],
)
def test_every_code_has_its_russian_word(codes: type, words: dict[str, str]) -> None:
    assert list(words) and set(words) == set(codes)  # type: ignore[call-overload]
    assert all(re.fullmatch("[0-9а-яё -]+", word) for word in words.values())

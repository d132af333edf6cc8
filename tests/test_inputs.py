"""What goes into ``otklik triage``: formats, encodings, and every kind of damage, each with its line and a mend."""

from __future__ import annotations

import csv
import gzip
import io
import json
import time
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from fake_triage import ROOT, decisions, otklik
from hypothesis import given, settings
from hypothesis import strategies as st

from app.decoding import LONGEST, Encoding, Line, read_lines
from app.incident import HEADER, clean
from app.posts import Accepted, Format, read_posts
from app.rejects import Rejection
from app.source import open_source

GOOD = '{"text": "течёт крыша"}'


def texts_of(*args: object, stdin: str | bytes = "") -> tuple[list[str], Any]:
    """Texts that were decided, through the «Текст» column of the CSV output."""
    csv.field_size_limit(1 << 30)
    result = otklik("triage", *args, "--out", "csv", stdin=stdin)
    rows = list(csv.DictReader(io.StringIO(result.stdout.removeprefix("\ufeff"), newline=""), delimiter=";"))
    return [row["Текст"] for row in rows], result


def rejected(result_file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result_file.read_text(encoding="utf-8").splitlines()]


def test_json_lines_plain_lines_and_the_export_are_told_apart_by_the_first_line() -> None:
    export = f'{HEADER}\n"УЖКХ";"ЖКХ";"Крыши";"течёт крыша"\n'
    for stdin in (GOOD, "течёт крыша\n", export):
        assert texts_of(stdin=stdin)[0] == ["течёт крыша"]


def test_the_format_can_be_named() -> None:
    assert texts_of("--in", "text", stdin=GOOD)[0] == [GOOD]


def test_json_text_is_not_cleaned_and_the_export_is() -> None:
    text = "'[id1|Анна], где вода?<br>Дом&nbsp;5 &quot;А&quot;"
    assert texts_of(stdin=json.dumps({"text": text}))[0] == [text]
    assert texts_of(stdin=f"{HEADER}\nа;б;в;{text}\n")[0] == ['где вода?\nДом\u00a05 "А"']


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        ("'Здравствуйте", "Здравствуйте"),
        ("[id123|Иван Иванов], согласен", "согласен"),
        ("[club5|Администрация города], ответьте [id7|Пётр]", "ответьте Пётр"),
        ("[id5:bp-1_2|Анна], да", "да"),
        ("[id5|Анна]", "Анна"),
        ("одно<br>два<BR />три<br/>четыре", "одно\nдва\nтри\nчетыре"),
        ("&lt;br&gt; 5 &amp; 6 &gt; 3", "5 & 6 > 3"),
        ("[не ссылка] и [id|x]", "[не ссылка] и [id|x]"),
    ],
)
def test_cleaning_of_the_export(raw: str, cleaned: str) -> None:
    assert clean(raw) == cleaned


@pytest.mark.parametrize("unit", [" ", "[id1|", "[id1:a", "<br", "&amp", "[id1|x]"])
def test_cleaning_takes_time_in_proportion_to_the_text(unit: str) -> None:
    """100 kB of blanks or of mentions that never close took half a minute."""
    started = time.perf_counter()
    clean("а" + unit * (100_000 // len(unit)) + "б")
    assert time.perf_counter() - started < 2


def test_quoted_fields_hold_line_breaks_and_lines_are_physical(tmp_path: Path) -> None:
    file, rejects = tmp_path / "export.csv", tmp_path / "rejects.jsonl"
    file.write_text(f'{HEADER}\nа;б;в;"одна\nдве ""три"";"\nа;б\nа;б;в;"конец"\n', encoding="utf-8")
    texts, result = texts_of(file, "--rejects", rejects)
    assert texts == ['одна\nдве "три";', "конец"]
    (rejection,) = rejected(rejects)
    assert (rejection["line"], rejection["raw"]) == (4, "а;б")
    assert "столбцов 2, а в заголовке 4" in rejection["reason"]
    assert result.exit_code == 3


@pytest.mark.parametrize("separator", [";", ",", "\t"])
def test_the_separator_is_read_off_the_header(separator: str) -> None:
    header = separator.join(["Тема", "Текст  инцидента"])
    assert texts_of("--in", "csv", stdin=f"{header}\nдороги{separator}яма\n")[0] == ["яма"]


def test_a_quote_that_is_not_closed_costs_its_own_line_alone() -> None:
    stdin = f'{HEADER}\nа;б;в;"первая\nа;б;в;"вторая"\nа;б;в;третья\n'
    texts, result = texts_of(stdin=stdin)
    assert texts == ["вторая", "третья"]
    assert "стандартный ввод:2: кавычка в начале поля не закрыта" in result.stderr
    assert result.exit_code == 3


def test_a_quote_open_to_the_end_of_the_file_costs_its_own_line_alone() -> None:
    texts, result = texts_of(stdin=f'{HEADER}\nа;б;в;"первая\nа;б;в;вторая\n')
    assert texts == ["вторая"]
    assert ":2: кавычка" in result.stderr


@pytest.mark.parametrize("first", ["id;дата;сообщение", "а;б;в;течёт крыша", "просто текст"])
def test_a_csv_without_the_text_column_says_which_header_it_needs(tmp_path: Path, first: str) -> None:
    file = tmp_path / "other.csv"
    file.write_text(f"{first}\n1;2;3\n", encoding="utf-8")
    result = otklik("triage", file)
    assert result.exit_code == 3
    assert f"{file}:1: нет столбца «Текст инцидента»; остальные строки файла не читались" in result.stderr
    assert result.stderr.count("как исправить") == 1
    assert HEADER in result.stderr


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"text": "крыша"', "между полями ждут запятую"),
        ('{"text": "крыша}', "кавычка не закрыта"),
        ("{'text': 'крыша'}", "имя поля пишут в двойных кавычках"),
        ('{"key": "vk:1"}', "нет поля text"),
        ('{"text": null}', "нет поля text"),
        ('{"text": 5}', "поле text — не строка"),
        ('{"text": "  "}', "пустой text без вложений"),
        ('{"text": "а", "text": "б"}', "поле text записано дважды"),
        ('{"text": "а", "x": {"y": 1, "y": 2}}', "поле y записано дважды"),
        ('{"text": "а", "x": NaN}', "NaN — не число JSON"),
        ('{"text": "а", "key": 7}', "поле key — не строка"),
        ('{"text": "а", "schema": 2}', "неизвестная схема: 2"),
        ('{"text": "а", "schema": "1"}', 'поле schema — "1", а нужно число 1'),
        ('{"text": "а", "author": 1.5}', "поле author — не строка, а число"),
        ('{"text": "а", "published_at": "2026-03-14T09:30:00"}', "время без часового пояса"),
        ('{"text": "а", "detected_at": 1763000000}', "поле detected_at — не строка, а число"),
        ('{"text": "а", "revision": "00ff"}', "поле revision не от этого текста"),
        ('{"text": "\\ud83d"}', "половина суррогатной пары"),
        ('{"text": "а", "key": "\\ud83d"}', "половина суррогатной пары"),
        ('{"text": "а", "x": ' + "[" * 100_000 + "]" * 100_000 + "}", "слишком глубокая вложенность"),
        ('{"text": "а", "x": ' + "1" * 5_000 + "}", "слишком длинное число"),
        ('["текст"]', "строка не является объектом JSON"),
        ("[", "это массив JSON, а нужны строки JSON"),
        ('{"text": "а\0б"}', "нулевой байт"),
        ("просто текст", "это не JSON"),
    ],
)
def test_a_bad_json_line_is_named_and_the_others_are_decided(tmp_path: Path, line: str, said: str) -> None:
    rejects = tmp_path / "rejects.jsonl"
    result = otklik("triage", "--rejects", rejects, stdin=f"{GOOD}\n{line}\n{GOOD}\n")
    assert result.exit_code == 3, result.stderr
    assert [d["key"][-2:] for d in decisions(result)] == ["-1", "-2"]
    (rejection,) = rejected(rejects)
    assert rejection["line"] == 2
    assert said in rejection["reason"]
    assert rejection["mend"]
    assert rejection["raw"] == line


def test_what_is_odd_but_whole_is_decided() -> None:
    lines = [
        json.dumps({"text": "🙂🙂🙂"}),
        json.dumps({"text": "а" * 1_000_000}),
        json.dumps({"text": "", "attachments": [{"type": "photo"}]}),
        '{"text": "нулевой знак \\u0000 внутри"}',
        '{"text": "лишнее поле", "лишнее": {"a": [1, 2]}}',
    ]
    result = otklik("triage", stdin="\n".join(lines))
    assert result.exit_code == 0, result.stderr
    assert len(decisions(result)) == len(lines)


def test_megabyte_fields_of_the_export_are_decided() -> None:
    texts, _ = texts_of(stdin=f'{HEADER}\nа;б;в;"{"ы " * 500_000}"\n')
    assert len(texts[0]) == 999_999


def test_keys_are_derived_from_text_and_its_ordinal() -> None:
    lines = [GOOD, '{"text": "яма"}', GOOD, '{"key": "vk:-1_5", "text": "яма"}', '{"text": "яма", "network": "ok"}']
    keys = [d["key"] for d in decisions(otklik("triage", stdin="\n".join(lines)))]
    crisp = decisions(otklik("triage", stdin=GOOD))[0]["revision"]
    assert keys[0] == f"file:{crisp}-1"
    assert keys[2] == f"file:{crisp}-2"
    assert keys[3] == "vk:-1_5"
    assert (keys[1][-2:], keys[4][-2:]) == ("-1", "-2")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1251", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("wrapped", [False, True])
def test_encodings_are_told_apart(tmp_path: Path, encoding: str, wrapped: bool) -> None:
    marks = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}
    text = "Течёт крыша — «Ленина, 5»"
    content = f"{HEADER}\r\nа;б;в;{text}\r\n" if wrapped else f"ok\r\n{text}\r\n{text}"
    file = tmp_path / ("file.csv" if wrapped else "file.txt")
    file.write_bytes(marks.get(encoding, b"") + content.encode(encoding))
    texts, result = texts_of(file)
    assert texts == ([text] if wrapped else ["ok", text, text])
    assert result.exit_code == 0
    assert ("windows-1251" in result.stderr) == (encoding == "cp1251")


SENTENCES = (
    "Который день подряд на Заречной улице не вывозят мусор, контейнеры переполнены",
    "Ёлка у ДК до сих пор стоит",
    "яма",
    "ОТКЛЮЧИЛИ ВОДУ И НЕ ПРЕДУПРЕДИЛИ ЖИТЕЛЕЙ ДОМА",
    "Спасибо Анне Петровне!",
)
CODE_PAGES = {"cp1251": "windows-1251", "koi8-r": "KOI8-R", "cp866": "CP866"}


@pytest.mark.parametrize("codec", CODE_PAGES)
@pytest.mark.parametrize("first", range(len(SENTENCES)))
def test_code_pages_are_told_apart_by_their_letters(codec: str, first: int) -> None:
    lines = [*SENTENCES[first:], *SENTENCES[:first]]
    texts, result = texts_of(stdin="\n".join(lines).encode(codec))
    assert texts == lines
    assert f"Вход прочитан как {CODE_PAGES[codec]}." in result.stderr


@pytest.mark.parametrize("codec", CODE_PAGES)
def test_the_samples_are_read_in_any_code_page(codec: str) -> None:
    """One by one, and in capitals."""
    for line in (ROOT / "samples/posts.jsonl").read_text(encoding="utf-8").splitlines():
        text = json.loads(line)["text"].replace("\n", " ")
        for written in (text, text.upper()):
            raw = written.encode(codec, "ignore")
            if any(byte > 127 for byte in raw):
                items = list(filter(None, read_lines(iter([raw]), encoding := Encoding())))
                assert (encoding.code_page, items) == (CODE_PAGES[codec], [Line(1, raw.decode(codec))])


@pytest.mark.parametrize("codec", CODE_PAGES)
def test_json_in_a_code_page_is_read_a_line_at_a_time(codec: str) -> None:
    """What has been seen tells the code page of what is too short to tell."""
    lines = [json.dumps({"text": text}, ensure_ascii=False).encode(codec) + b"\n" for text in (*SENTENCES, "ум")]
    encoding = Encoding()
    items = [item for item in read_posts(read_lines(iter(lines), encoding), "-", None) if isinstance(item, Accepted)]
    assert [item.post.text for item in items] == [*SENTENCES, "ум"]
    assert encoding.code_page == CODE_PAGES[codec]


@pytest.mark.parametrize("place", [0, 1, 5])
def test_a_stray_byte_in_a_utf8_file_rejects_its_line_alone(tmp_path: Path, place: int) -> None:
    lines = ["течёт крыша".encode()] * 6
    lines[place] = b"\xffabc " + "яма".encode() * (place % 2)
    file, rejects = tmp_path / "file.txt", tmp_path / "rejects.jsonl"
    file.write_bytes(b"\n".join(lines))
    texts, result = texts_of(file, "--rejects", rejects)
    assert texts == ["течёт крыша"] * 5
    (rejection,) = rejected(rejects)
    assert (rejection["line"], rejection["reason"]) == (place + 1, "не UTF-8: негодный байт на месте 1")
    assert "windows-1251" not in result.stderr


def test_utf16_without_its_mark_is_recognised_in_the_message() -> None:
    result = otklik("triage", stdin="крыша и яма".encode("utf-16-le") + b"\n")
    assert result.exit_code == 3
    assert "UTF-16 без метки" in result.stderr
    assert "пересохраните файл в UTF-8" in result.stderr


def test_half_a_surrogate_pair_in_utf16_rejects_its_line_alone(tmp_path: Path) -> None:
    file = tmp_path / "file.txt"
    file.write_bytes(b"\xff\xfe" + "яма\n".encode("utf-16-le") + b"\x3d\xd8\n\0" + "крыша".encode("utf-16-le"))
    texts, result = texts_of(file)
    assert texts == ["яма", "крыша"]
    assert f"{file}:2: не UTF-8" in result.stderr


def test_utf16_that_ends_in_half_a_character_is_reported(tmp_path: Path) -> None:
    file = tmp_path / "file.txt"
    file.write_bytes("яма\nкрыша".encode("utf-16")[:-1])
    texts, result = texts_of(file)
    assert texts == ["яма"]
    assert f"{file}:2: файл обрывается на половине знака" in result.stderr


def test_utf32_that_is_none_is_reported() -> None:
    result = otklik("triage", stdin=b"\xff\xfe\0\0" + b"abcdefgh")
    assert result.exit_code == 3
    assert "дальше не UTF-32" in result.stderr


def test_gzip_is_read_whatever_its_name(tmp_path: Path) -> None:
    for name in ("file.jsonl.gz", "file.jsonl", "file"):
        (tmp_path / name).write_bytes(gzip.compress(GOOD.encode()) + gzip.compress(b"\n" + GOOD.encode()))
        result = otklik("triage", tmp_path / name)
        assert (result.exit_code, len(decisions(result))) == (0, 2)


def test_of_a_truncated_gzip_what_is_whole_is_decided(tmp_path: Path) -> None:
    file, rejects = tmp_path / "cut.jsonl.gz", tmp_path / "rejects.jsonl"
    lines = [json.dumps({"text": f"сообщение {number * 7919}"}) for number in range(5_000)]
    packed = gzip.compress("\n".join(lines).encode())
    file.write_bytes(packed[: len(packed) // 2])
    result = otklik("triage", file, "--rejects", rejects)
    done = len(decisions(result))
    assert 0 < done < 5_000
    (rejection,) = rejected(rejects)
    assert rejection["line"] == done + 1
    assert rejection["reason"] == "сжатый файл обрывается"
    assert lines[done].startswith(rejection["raw"])
    assert result.exit_code == 3


def test_a_damaged_gzip_is_reported(tmp_path: Path) -> None:
    file = tmp_path / "bad.gz"
    packed = bytearray(gzip.compress(f"{GOOD}\n{GOOD}\n".encode()))
    packed[-6] ^= 0xFF
    file.write_bytes(packed)
    result = otklik("triage", file)
    assert (result.exit_code, len(decisions(result))) == (3, 2)
    assert "сжатый файл повреждён" in result.stderr


def test_gzip_that_ends_where_a_piece_ends_is_whole(tmp_path: Path) -> None:
    for size in (1 << 18, 1 << 19, (1 << 18) + 1):
        (tmp_path / "file.gz").write_bytes(gzip.compress(b"a" * (size - 1) + b"\n"))
        result = otklik("triage", tmp_path / "file.gz")
        assert (result.exit_code, len(decisions(result))) == (0, 1), result.stderr


# Too long


def endless(head: bytes, size: int) -> Iterator[bytes]:
    yield head
    for _ in range(size >> 16):
        yield b"a" * (1 << 16)


def peak(work: Callable[[], object]) -> int:
    """Bytes that Python held at once, at most."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_line_that_is_too_long_is_rejected_and_the_others_are_decided(tmp_path: Path) -> None:
    file, rejects = tmp_path / "posts.jsonl.gz", tmp_path / "rejects.jsonl"
    long = json.dumps({"text": "a" * LONGEST}).encode()
    file.write_bytes(gzip.compress(b"\n".join([GOOD.encode(), long, GOOD.encode(), long])))
    result = otklik("triage", file, "--rejects", rejects)
    assert (result.exit_code, len(decisions(result))) == (3, 2)
    found = rejected(rejects)
    assert [rejection["line"] for rejection in found] == [2, 4]
    assert {rejection["reason"] for rejection in found} == {"строка длиннее 8 МиБ"}
    assert all(rejection["mend"] and len(rejection["raw"]) < 2_000 for rejection in found)


def test_the_longest_line_is_decided_however_its_pieces_break() -> None:
    for size, whole in ((LONGEST, True), (LONGEST + 1, False)):
        line = b"a" * size
        for pieces in ([line, b"\nb"], [line[:7], line[7:] + b"\nb"], [line[:-1], b"a\n", b"b"]):
            first, second = read_lines(iter(pieces), Encoding())
            assert isinstance(first, Line if whole else Rejection)
            assert second == Line(2, "b")


@pytest.mark.parametrize("head", [b"", '{"text": "яма'.encode(), f'{HEADER}\nа;б;в;"'.encode(), b"\xff\xfe"])
def test_an_endless_line_is_never_held(head: bytes) -> None:
    def read() -> None:
        found = list(read_posts(read_lines(endless(head, 100 << 20), Encoding()), "-", None))
        assert sum("длиннее 8 МиБ" in item.reason for item in found if isinstance(item, Rejection)) == 1

    assert peak(read) < 6 * LONGEST


def test_a_record_over_endless_lines_is_never_held() -> None:
    """A quote of the export that does not close."""
    lines = chain([f'{HEADER}\nа;б;в;"начало\n'.encode()], (b"a" * (1 << 20) + b"\n" for _ in range(60)))

    def read() -> None:
        items = read_posts(read_lines(lines, Encoding()), "-", None)
        assert sum(isinstance(item, Rejection) for item in items) == 61

    assert peak(read) < 6 * LONGEST


@pytest.mark.parametrize("content", [b"a", b"\n", b"\0", b"\0\n"])
def test_a_gzip_bomb_is_unpacked_piece_by_piece(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "bomb.gz"
    with gzip.open(file, "wb", compresslevel=1) as bomb:
        for _ in range(16):
            bomb.write(content * ((1 << 21) // len(content)))
    source = open_source(str(file))
    assert peak(lambda: sum(len(piece or b"") for piece in source.pieces())) < 4 << 20
    source.close()


def test_lines_before_the_first_post_are_not_kept() -> None:
    """Blank ones are dropped, damaged ones shown at once."""
    items = read_posts(read_lines(chain([b"\n\0\n"], endless(b"", 1 << 16)), Encoding()), "-", None)
    first = next(items)
    assert isinstance(first, Rejection)
    assert first.line == 2


def test_other_binary_files_do_not_pass_for_text(tmp_path: Path) -> None:
    file = tmp_path / "book.xlsx"
    with zipfile.ZipFile(file, "w") as book:
        book.writestr("sheet.xml", "<c/>" * 100)
    result = otklik("triage", file)
    assert (result.exit_code, result.stdout) == (3, "")
    assert f"{file}:1: это книга Excel, документ Word или архив zip" in result.stderr
    assert "CSV" in result.stderr


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf", gzip.compress(b"", mtime=0)])
def test_an_empty_file_is_said_to_be_empty(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "empty"
    file.write_bytes(content)
    result = otklik("triage", file)
    assert (result.exit_code, result.stdout) == (0, "")
    assert "Вход пуст: ни одного сообщения." in result.stderr


def test_a_folder_and_a_missing_file_are_wrong_usage(tmp_path: Path) -> None:
    for path, said in ((tmp_path, "это папка"), (tmp_path / "нет.jsonl", "нет файла")):
        result = otklik("triage", path)
        assert result.exit_code == 2
        assert said in result.stderr
        assert "как исправить" in result.stderr


def test_an_unreadable_file_is_wrong_usage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    file = tmp_path / "file.jsonl"
    file.write_text(GOOD)
    monkeypatch.setattr(Path, "open", refuse)
    result = otklik("triage", file)
    assert result.exit_code == 2
    assert "не читается" in result.stderr


def test_twenty_rejections_are_shown_and_the_others_counted() -> None:
    result = otklik("triage", stdin=GOOD + "\n{\n" * 25)
    assert result.stderr.count("как исправить") == 20
    assert "и ещё 5 строк с ошибками" in result.stderr
    assert "Не принято строк: 25." in result.stderr


def test_somebodys_escape_sequences_do_not_reach_the_screen() -> None:
    result = otklik("triage", "--out", "table", stdin='{"text": "\\u001b[2Jяма"}\n{\x1b[2J\n')
    assert "\x1b" not in result.stdout + result.stderr
    assert "·[2Jяма" in result.stdout


# Whatever comes


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.binary(max_size=12) | st.sampled_from([b"\n", b'"', b";", b'{"text":"', b'"}', "яма".encode(), b"\xff\xfe"])
    ),
    st.sampled_from(["jsonl", "text", "csv"]),
)
def test_any_bytes_end_in_decisions_and_rejections(parts: list[bytes], kind: str) -> None:
    result = otklik("triage", "--in", kind, stdin=b"".join(parts))
    assert result.exit_code in (0, 3), result.stderr
    assert "Сбой" not in result.stderr


@settings(deadline=None)
@given(
    st.lists(st.sampled_from([" яма ", "крыша", '{"text": 1}', "\xff", "", "а\0б"])),
    st.sampled_from(["utf-8", "cp1251"]),
)
def test_every_line_that_is_not_blank_is_decided_or_rejected(lines: list[str], encoding: str) -> None:
    given_lines = [line.encode(encoding, "replace") for line in lines]
    lines_read = read_lines(iter([b"\n".join(given_lines)]), Encoding())
    items = [item for item in read_posts(lines_read, "-", Format.TEXT) if item is not None]
    assert len(items) == sum(bool(line.strip()) for line in given_lines)


@settings(deadline=None)
@given(st.data(), st.sampled_from(["utf-8", "utf-8-sig", "cp1251", "utf-16"]))
def test_where_the_pieces_break_does_not_matter(data: st.DataObject, encoding: str) -> None:
    content = f'{HEADER}\nа;б;в;"одна\nдве"\r\nа;б\nа;б;в;"ёж\nа;б;в;три'.encode(encoding)
    cuts = sorted(data.draw(st.lists(st.integers(1, len(content)), max_size=8)))
    pieces = [content[a:b] for a, b in zip([0, *cuts], [*cuts, None], strict=True)]
    whole, broken = (
        [item for item in read_posts(read_lines(iter(p), Encoding()), "-", Format.CSV) if item is not None]
        for p in ([content], [piece for piece in pieces if piece])
    )
    assert broken == whole
    assert len(whole) == 4

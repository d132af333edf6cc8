"""``otklik check`` and ``streams.yaml``: every fault of all four, with its place and a mend."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from shelves import faults_of

from app.command import otklik
from app.config import TOPICS, Carrier, load_streams
from records import FaultsError
from regulation import Regulation
from rules import RuleBook

ROOT = Path(__file__).resolve().parent.parent
SHIPPED = ROOT / "streams.yaml"

# One rule for each code that only rules speak for.
SPOKEN = {
    "insult.yaml": "ground: insult",
    "threat.yaml": "ground: threat",
    "alarm_crime.yaml": "alarm: crime",
    "alarm_crisis.yaml": "alarm: crisis",
    "alarm_danger.yaml": "alarm: danger",
    "reason_accident.yaml": "reason: accident",
    "reason_outage.yaml": "reason: outage",
    "reason_vulnerable.yaml": "reason: vulnerable",
    "asks.yaml": "review: answer_doubt",
    "quote.yaml": "review: quote",
    "rude.yaml": "review: rude",
    "wish.yaml": "review: wish",
}
RULE = """{speaks}
rules:
  - name: {name}
    says: обещание
    any: ["убью"]
    hits: ["[убью]"]
    passes: ["люблю"]
"""
PATTERNS = """ground: obscenity
rules:
  - name: obscenity.x
    says: слово
    patterns: ["^бзык"]
    hits: ["вот [бзыкает]"]
    passes: ["собака"]
"""
BROKEN = ("streams.yaml", "regulation/places.yaml", "rules/insult.yaml", "models/words/current")


def check(home: Path) -> Result:
    return CliRunner().invoke(otklik, ["check", "--home", str(home)])


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A house with the shipped regulation, streams and models, and small rules."""
    shutil.copytree(ROOT / "regulation", tmp_path / "regulation", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    shutil.copy(SHIPPED, tmp_path)
    (tmp_path / "rules").mkdir()
    for file, speaks in SPOKEN.items():
        rule = RULE.format(speaks=speaks, name=file.replace("yaml", "kill"))
        (tmp_path / "rules" / file).write_text(rule, encoding="utf-8")
    (tmp_path / "rules/obscenity.yaml").write_text(PATTERNS, encoding="utf-8")
    (tmp_path / "models").mkdir()
    for model in (ROOT / "models").iterdir():
        if model.name in ("words", "router"):
            shutil.copytree(model, tmp_path / "models" / model.name)
        else:
            (tmp_path / "models" / model.name).symlink_to(model)
    return tmp_path


def changed(home: Path, file: str, before: str, after: str) -> None:
    path = home / file
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), encoding="utf-8")


def test_without_faults_one_line_tells_counts_and_versions(home: Path) -> None:
    """Rules of both kinds are counted."""
    result = check(home)
    assert result.exit_code == 0, result.output
    (line,) = result.stdout.splitlines()
    assert line.startswith("Ошибок нет: embedded, 0 источников; ")
    version = (ROOT / "models/words/current").read_text(encoding="utf-8").strip()
    for part in ("отделов, ", "regulation ", "13 правил, rules ", "модели: ", f"words {version}."):
        assert part in line


def test_every_fault_of_all_four_is_shown(home: Path) -> None:
    """What is wrong in one place keeps nobody from looking at the others."""
    (home / "models/words/current").write_text("000000000000", encoding="utf-8")
    changed(home, "streams.yaml", "carrier: embedded ", "carrier: pigeons ")
    changed(home, "streams.yaml", "size: 256", "size: 0")
    changed(home, "rules/threat.yaml", '"люблю"', '"убью"')
    changed(home, "rules/insult.yaml", 'any: ["убью"]', 'any: ["@nobody"]')
    changed(home, "rules/wish.yaml", "review: wish", "review wish")
    changed(home, "regulation/departments.yaml", "code: JKH", "code: jkh")
    changed(home, "regulation/topics.yaml", "group: Благоустройство", "group: Благо: устройство")
    result = check(home)
    assert result.exit_code == 2
    for said in (
        "carrier: неизвестное значение «pigeons»",
        "size: 0 вне пределов",
        "правило threat.kill сработало на «убью»",
        "нет набора слов «nobody»",
        "wish.yaml:1:1: это не YAML: здесь ждут «ключ: значение», а двоеточия нет",
        "departments.yaml:",
        "topics.yaml:6:15: это не YAML: двоеточие посреди значения",
        "версии 000000000000 нет",
    ):
        assert said in result.stdout
    assert "    ^\n    как исправить: " in result.stdout
    assert result.stdout.splitlines()[-1] == f"Проверено в {home}: 8 ошибок."


def test_a_topic_that_the_models_know_by_another_name_is_a_warning(home: Path) -> None:
    """They name the old one, which has no department any more, and never the new one."""
    changed(home, "regulation/topics.yaml", "name: Ямы во дворах", "name: Ямы во дворе")
    result = check(home)
    assert result.exit_code == 0, result.output
    assert "предупреждение: модели называют тему «Ямы во дворах», а её здесь нет" in result.stdout
    assert "верните прежнее имя теме «Ямы во дворе»" in result.stdout
    assert "topics.yaml:5:3: предупреждение: модели не знают темы «Ямы во дворе»" in result.stdout
    assert "Ошибок нет" in result.stdout


def test_another_list_of_topics_is_one_warning(home: Path) -> None:
    entry = "- {name: Тема, group: Г, department: JKH, urgency: нет, reason: р}\n"
    (home / "regulation/topics.yaml").write_text(f"topics:\n{entry}", encoding="utf-8")
    result = check(home)
    assert result.exit_code == 0, result.output
    assert "модели обучены на другом списке тем: незнакомых 1, пропавших 195" in result.stdout
    assert result.stdout.count("предупреждение") == 1


def test_an_empty_house_lacks_everything(tmp_path: Path) -> None:
    result = check(tmp_path)
    assert result.exit_code == 2
    for name in ("streams.yaml", "departments.yaml", "rules", "models"):
        assert name in result.stdout
    assert "Traceback" not in result.output


# Rules


@pytest.mark.parametrize("file", [*SPOKEN, "obscenity.yaml"])
def test_a_code_that_no_rule_speaks_for_is_a_fault(home: Path, file: str) -> None:
    """It says which file and which code are missed."""
    speaks = SPOKEN.get(file, "ground: obscenity")
    (home / "rules" / file).unlink()
    with pytest.raises(FaultsError) as raised:
        RuleBook.load(home / "rules", whole=True)
    (fault,) = raised.value.faults
    assert Path(fault.file) == home / "rules" / file
    assert fault.what == f"нет ни одного правила для «{speaks}»"
    assert speaks in fault.mend


def test_a_file_without_rules_speaks_for_nothing(home: Path) -> None:
    for file in ("threat.yaml", "obscenity.yaml"):
        text = (home / "rules" / file).read_text(encoding="utf-8")
        (home / "rules" / file).write_text(text.partition("rules:")[0] + "rules: []\n", encoding="utf-8")
    with pytest.raises(FaultsError) as raised:
        RuleBook.load(home / "rules", whole=True)
    assert [Path(fault.file).name for fault in raised.value.faults] == ["obscenity.yaml", "threat.yaml"]


def test_a_file_that_cannot_be_read_is_told_once(home: Path) -> None:
    """Its code is not called missing beside."""
    (home / "rules/threat.yaml").write_text("ground: [", encoding="utf-8")
    with pytest.raises(FaultsError) as raised:
        RuleBook.load(home / "rules", whole=True)
    (fault,) = raised.value.faults
    assert "скобка не закрыта" in fault.what


@pytest.mark.parametrize("file", ["threat.yaml", "obscenity.yaml"])
@pytest.mark.parametrize(
    ("before", "after", "what"),
    [
        ("hits: [", "# hits: [", "у правила нет hits"),
        ("hits: [", "hits: []  # [", "у правила нет hits"),
        ("passes: [", "# passes: [", "у правила нет passes"),
        ("passes: [", "passes: []  # [", "у правила нет passes"),
        ("hits: [", 'hits: ["вот так", ', "в примере не отмечено, что найти"),
        ("passes: [", 'passes: ["вот", "вот", ', "такой пример у правила уже есть"),
    ],
)
def test_rules_of_both_kinds_need_their_examples(home: Path, file: str, before: str, after: str, what: str) -> None:
    changed(home, f"rules/{file}", before, after)
    with pytest.raises(FaultsError) as raised:
        RuleBook.load(home / "rules", whole=True)
    (fault,) = raised.value.faults
    assert fault.what == what
    assert fault.line
    assert fault.mend


# Files that are none


def _replaced(make: Callable[[Path], object]) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        path.unlink()
        make(path)

    return damage


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        (_replaced(Path.mkdir), "это папка, а не файл"),
        (_replaced(os.mkfifo), "это не обычный файл"),
        (_replaced(lambda path: path.symlink_to(path)), "ссылка ведёт сама на себя"),
        (_replaced(lambda path: path.symlink_to("/nowhere/at-all")), "ссылка ведёт в никуда: /nowhere/at-all"),
        (lambda path: path.write_bytes(b""), "файл пуст"),
        (lambda path: path.write_bytes("что: угодно".encode("windows-1251")), "файл не в UTF-8"),
        (lambda path: path.write_bytes("что: угодно".encode("utf-16")), "файл в UTF-16, а нужен UTF-8"),
    ],
    ids=["folder", "pipe", "circle", "nowhere", "empty", "windows-1251", "utf-16"],
)
def test_whatever_stands_in_place_of_a_file_is_a_fault(home: Path, damage: Callable[[Path], object], what: str) -> None:
    for file in BROKEN:
        damage(home / file)
    result = check(home)
    assert result.exit_code == 2
    lines = result.stdout.splitlines()
    for file in BROKEN:
        assert any(line.startswith(str(home / file)) and what in line for line in lines), (file, result.stdout)
    assert lines[-1] == f"Проверено в {home}: {len(BROKEN)} ошибки."
    assert "Сбой" not in result.output


@pytest.mark.parametrize("file", BROKEN[:3])
def test_the_mark_and_the_line_ends_of_windows_are_no_fault(home: Path, file: str) -> None:
    data = (home / file).read_bytes()
    (home / file).write_bytes(b"\xef\xbb\xbf" + data.replace(b"\n", b"\r\n"))
    if file.startswith("rules"):
        assert RuleBook.load(home / "rules", whole=True).rules
    elif file.startswith("regulation"):
        assert Regulation.load(home / "regulation").places.offices
    else:
        assert load_streams(home / file).carrier


# Models (more damage in test_models)


def test_a_version_that_is_not_there_is_told_with_those_that_are(home: Path) -> None:
    current = home / "models/words/current"
    version = current.read_text(encoding="utf-8").strip()
    current.write_text("0123456789ab\n", encoding="utf-8")
    (fault,) = faults_of(home / "models")
    assert fault.file == str(current)
    assert "версии 0123456789ab нет" in fault.what
    assert f"впишите имеющуюся ({version})" in fault.mend


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda text: text[:100], "паспорт оборван или испорчен"),
        (lambda text: "[" * 100_000, "паспорт оборван или испорчен"),
        (lambda text: json.dumps({**json.loads(text), "thresholds": {"noise": 0.1}}), "нет порогов: propose"),
        (lambda text: json.dumps({**json.loads(text), "thresholds": None}), "нет порогов: propose, noise"),
    ],
)
def test_a_passport_that_says_too_little_is_a_fault(home: Path, change: Callable[[str], str], what: str) -> None:
    (card,) = (home / "models/router").glob("*/card.json")
    card.write_text(change(card.read_text(encoding="utf-8")), encoding="utf-8")
    (fault,) = faults_of(home / "models")
    assert fault.file == str(card)
    assert what in fault.what
    assert "make train" in fault.mend


# streams.yaml


def test_the_shipped_streams_are_whole() -> None:
    streams = load_streams(SHIPPED)
    assert streams.carrier is Carrier.EMBEDDED
    assert streams.journal == ROOT / "var/journal.sqlite"
    assert tuple(streams.topics) == TOPICS
    assert streams.batch.size == 256


@pytest.mark.parametrize(
    ("before", "after", "what", "mend"),
    [
        ("carrier: embedded ", "carier: embedded ", "неизвестный ключ «carier»", "возможно, carrier"),
        ("retention_hours: 8760", "retention: 8760", "неизвестный ключ «retention»", "возможно, retention_hours"),
        ("posts.alarms:", "post.alarms:", "неизвестный ключ «post.alarms»", "возможно, posts.alarms"),
        ("posts.alarms:", "post.alarms:", "нет очереди posts.alarms", "добавьте posts.alarms"),
        (
            "retention_hours: 8760",
            "retention_hours: год",
            "retention_hours: ждут целое число",
            "без кавычек",
        ),
        ("size: 256", "size: true", "size: ждут целое число, а не True", "число от 1 до 10000"),
        ("size: 256", "size: 20000", "size: 20000 вне пределов", "число от 1 до 10000"),
        ("size: 256", "", "нет значения size", "добавьте size"),
        ('["localhost:9092"]', "localhost:9092", "servers: ждут список", "servers: ["),
        ('["localhost:9092"]', '["localhost"]', "«localhost» — не адрес сервера", "kafka.local:9092"),
        ('["localhost:9092"]', "[]", "не назван ни один сервер", "localhost:9092"),
        ("protocol: PLAINTEXT", "protocol: HTTP", "protocol: неизвестное значение «HTTP»", "SASL_SSL"),
        ("protocol: PLAINTEXT", "protocol: SASL_SSL", "для SASL_SSL нужен password_variable", "переменной окружения"),
        ("# password_variable: OTKLIK_KAFKA_PASSWORD", "password_variable: пар0ль", "не имя переменной", "её имя"),
        ("path: var/journal.sqlite", "path: 5", "path: ждут текст", "кавычки"),
        ("batch: ", "bach: ", "нет раздела batch", "size, wait_milliseconds"),
        ("sources: []", "sources: [{name: vk}]", "нет значения network", "network"),
        ("sources: []", "sources: [vk]", "здесь ждут «ключ: значение»", "token_variable"),
        ("sources: []", "sources: {}", "sources: ждут список", "sources"),
    ],
)
def test_a_fault_of_streams_has_its_place_and_mend(
    tmp_path: Path, before: str, after: str, what: str, mend: str
) -> None:
    shutil.copy(SHIPPED, tmp_path)
    changed(tmp_path, "streams.yaml", before, after)
    with pytest.raises(FaultsError) as raised:
        load_streams(tmp_path / "streams.yaml")
    (fault,) = [f for f in raised.value.faults if what in f.what]
    assert mend in fault.mend
    assert fault.line > 0
    assert fault.source


@pytest.mark.parametrize("content", ["", "5", "[]", "carrier: [", "a: 1\na: 2\n", "carrier:\n  - {x: 1}\n"])
def test_streams_of_any_other_kind_are_faults_too(tmp_path: Path, content: str) -> None:
    (tmp_path / "streams.yaml").write_text(content, encoding="utf-8")
    with pytest.raises(FaultsError):
        load_streams(tmp_path / "streams.yaml")


def test_sources_are_read(tmp_path: Path) -> None:
    shutil.copy(SHIPPED, tmp_path)
    source = '{name: a, network: vk, watch: ["-1"], token_variable: VK_TOKEN, every_seconds: 60}'
    changed(tmp_path, "streams.yaml", "sources: []", f"sources: [{source}]")
    (found,) = load_streams(tmp_path / "streams.yaml").sources
    assert (found.name, found.network, found.watch, found.token_variable) == ("a", "vk", ("-1",), "VK_TOKEN")
    changed(tmp_path, "streams.yaml", f"[{source}]", f"[{source}, {source}]")
    with pytest.raises(FaultsError, match="источник «a» уже есть"):
        load_streams(tmp_path / "streams.yaml")

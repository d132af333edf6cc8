"""``otklik check`` and ``streams.yaml``: every fault of all four, with its place and a mend."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import classifiers.shelf
from app.command import otklik
from app.config import TOPICS, Carrier, load_streams
from records import Fault, FaultsError, file_fault

ROOT = Path(__file__).resolve().parent.parent
SHIPPED = ROOT / "streams.yaml"


def check(home: Path) -> Result:
    return CliRunner().invoke(otklik, ["check", "--home", str(home)])


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A house with the shipped regulation and streams, one small rule, and a shelf without faults."""
    monkeypatch.setattr(classifiers.shelf, "check", lambda _: [])
    shutil.copytree(ROOT / "regulation", tmp_path / "regulation")
    shutil.copy(SHIPPED, tmp_path)
    for name in ("rules", "models/words"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "models/words/current").write_text("3\n", encoding="utf-8")
    rule = '- {name: threat.kill, says: обещание, any: ["убью"], hits: ["[убью]"], passes: ["люблю"]}'
    (tmp_path / "rules/threat.yaml").write_text(f"ground: threat\nrules:\n  {rule}\n", encoding="utf-8")
    return tmp_path


def changed(home: Path, file: str, before: str, after: str) -> None:
    path = home / file
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")


def test_without_faults_one_line_tells_counts_and_versions(home: Path) -> None:
    result = check(home)
    assert result.exit_code == 0, result.output
    (line,) = result.stdout.splitlines()
    assert line.startswith("Ошибок нет: embedded, 0 источников; ")
    for part in ("отделов, ", "regulation ", "1 правило, rules ", "модели: words 3."):
        assert part in line


def test_every_fault_of_all_four_is_shown(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classifiers.shelf, "check", lambda folder: [file_fault(folder, "модель повреждена", "верните")])
    changed(home, "streams.yaml", "carrier: embedded ", "carrier: pigeons ")
    changed(home, "streams.yaml", "size: 256", "size: 0")
    changed(home, "rules/threat.yaml", '"люблю"', '"убью"')
    changed(home, "regulation/departments.yaml", "code: JKH", "code: jkh")
    result = check(home)
    assert result.exit_code == 2
    for said in (
        "carrier: неизвестное значение «pigeons»",
        "size: 0 вне пределов",
        "правило threat.kill сработало на «убью»",
        "departments.yaml:",
        "модель повреждена",
    ):
        assert said in result.stdout
    assert "    ^\n    как исправить: " in result.stdout
    assert result.stdout.splitlines()[-1].startswith(f"Проверено в {home}: ")


def test_warnings_do_not_fail(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    warning = Fault("models/words/1", 0, 0, "паспорт устарел", "обновите", warning=True)
    monkeypatch.setattr(classifiers.shelf, "check", lambda _: [warning])
    result = check(home)
    assert result.exit_code == 0
    assert "предупреждение: паспорт устарел" in result.stdout
    assert "Ошибок нет" in result.stdout


def test_an_empty_house_lacks_everything(tmp_path: Path) -> None:
    result = check(tmp_path)
    assert result.exit_code == 2
    for name in ("streams.yaml", "departments.yaml", "rules", "models"):
        assert name in result.stdout
    assert "Traceback" not in result.output


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

"""``otklik diff``: what changed between two runs, as counts and keys."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from fake_triage import otklik


def decision(key: str, verdict: str = "answer", track: str | None = "8h", **more: Any) -> str:
    department = more.pop("department", "JKH")
    value: dict[str, Any] = {
        "key": key,
        "revision": "0" * 16,
        "verdict": verdict,
        "track": track,
        "route": department and {"department": department},
        "grounds": [],
        "alarms": [],
        "review": [],
    }
    return json.dumps({**value, **more})


def written(folder: Path, name: str, *lines: str) -> Path:
    path = folder / name
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def two_runs(folder: Path) -> tuple[Path, Path]:
    a = written(
        folder,
        "a.jsonl",
        *(decision(f"vk:{number}") for number in range(3)),
        decision("vk:same"),
        decision("vk:gone"),
        decision("vk:route", department=None, alarms=[{"kind": "crime"}, {"kind": "crime"}]),
    )
    swears: dict[str, Any] = {"grounds": [{"ground": "obscenity"}], "review": [{"code": "quote"}]}
    b = written(
        folder,
        "b.jsonl",
        decision("vk:new"),
        decision("vk:route", department="EDU", track="4h"),
        decision("vk:same"),
        *(decision(f"vk:{number}", "exclude", None, **swears) for number in range(3)),
    )
    return a, b


def test_changes_are_counted_with_their_keys(tmp_path: Path) -> None:
    result = otklik("diff", *two_runs(tmp_path), "--keys", 2)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.splitlines() == [
        "Сравнено 5 решений, изменилось 4.",
        "Только в первом: 1 (vk:gone)",
        "Только во втором: 1 (vk:new)",
        "Вердикты:",
        "  answer → exclude: 3 (vk:0, vk:1 и ещё 1)",
        "Сроки:",
        "  8h → —: 3 (vk:0, vk:1 и ещё 1)",
        "  8h → 4h: 1 (vk:route)",
        "Отделы:",
        "  — → EDU: 1 (vk:route)",
        "Основания:",
        "  obscenity: 0 → 3, +3 (vk:0, vk:1 и ещё 1)",
        "Тревоги:",
        "  crime: 1 → 0, −1 (vk:route)",
        "Проверить:",
        "  quote: 0 → 3, +3 (vk:0, vk:1 и ещё 1)",
    ]


def test_json_names_every_key(tmp_path: Path) -> None:
    found = json.loads(otklik("diff", *two_runs(tmp_path), "--out", "json").stdout)
    assert found["compared"] == 5
    assert found["moved"]["verdict"]["answer → exclude"] == {"count": 3, "keys": ["vk:0", "vk:1", "vk:2"]}
    assert found["codes"]["alarms"]["crime"] == {"a": 1, "b": 0, "gained": [], "lost": ["vk:route"]}
    assert (found["only_a"], found["only_b"]) == (["vk:gone"], ["vk:new"])


def test_equal_runs_differ_in_nothing(tmp_path: Path) -> None:
    lines = otklik("triage", stdin='{"text": "яма"}\n{"text": "блин"}\n').stdout.splitlines()
    a, b = written(tmp_path, "a", *lines), tmp_path / "b.gz"
    b.write_bytes(gzip.compress("\n".join(reversed(lines)).encode()))
    assert otklik("diff", a, b).stdout == "Сравнено 2 решения, изменилось 0.\n"
    assert otklik("diff", a, "-", stdin="\n".join(lines)).stdout == "Сравнено 2 решения, изменилось 0.\n"


def test_an_edited_post_is_another_one(tmp_path: Path) -> None:
    a = written(tmp_path, "a", decision("vk:1"))
    b = written(tmp_path, "b", decision("vk:1", revision="1" * 16))
    assert otklik("diff", a, b).stdout.splitlines() == [
        "Сравнено 0 решений, изменилось 0.",
        "Только в первом: 1 (vk:1)",
        "Только во втором: 1 (vk:1)",
    ]


def test_broken_lines_are_reported_and_the_others_compared(tmp_path: Path) -> None:
    a = written(tmp_path, "a", decision("vk:1"), "{", '{"text": "это сообщение, а не решение"}', "")
    b = written(tmp_path, "b", decision("vk:1"), decision("vk:2", "maybe"), decision("vk:3", grounds=5))
    result = otklik("diff", a, b)
    assert result.exit_code == 3
    assert "Сравнено 1 решение, изменилось 0." in result.stdout
    assert f"{a}:2: это не JSON" in result.stderr
    assert f"{a}:3: это не решение: нет поля 'verdict'" in result.stderr
    assert f"{b}:2: это не решение" in result.stderr
    assert f"{b}:3: это не решение" in result.stderr
    assert result.stderr.count("дайте вывод otklik triage --out jsonl") == 3


def test_wrong_usage(tmp_path: Path) -> None:
    a = written(tmp_path, "a", decision("vk:1"))
    assert otklik("diff", a, tmp_path / "нет").exit_code == 2
    assert otklik("diff", "-", "-").exit_code == 2


def test_what_is_not_shown_is_counted_without_naming_an_option_of_another_command(tmp_path: Path) -> None:
    a = written(tmp_path, "a", *"{" * 25)
    result = otklik("diff", a, a)
    assert result.stderr.count("и ещё 5 строк с ошибками\n") == 2
    assert "--rejects" not in result.stderr

"""The plan of the house: who imports whom, one reader of the environment, sizes, labels, numbered decisions."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path

import pytest
import yaml

from app import labels
from records import AlarmKind, Ground, ReasonCode, ReviewCode, Track, Verdict
from rules.book import KINDS

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("app", "classifiers", "language", "pipeline", "records", "regulation", "rules")
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
RULES = sorted((ROOT / "rules").glob("*.yaml"))
CARRYING = ("attempts", "handler", "metrics", "portions", "run", "worker")
LONGEST_FILE = 400
MOST_MEGABYTES = 40


def imports(path: Path) -> Iterator[str]:
    """Top-level names of what a module imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]


def importers(*libraries: str) -> set[str]:
    """Packages, and ``package.module``, that import one of the libraries."""
    found = [path for path in SOURCES if set(libraries) & set(imports(path))]
    return {".".join(path.relative_to(ROOT).with_suffix("").parts) for path in found}


def packages(modules: set[str]) -> set[str]:
    return {module.split(".")[0] for module in modules}


def rules() -> Iterator[tuple[str, dict[str, object]]]:
    for path in RULES:
        for rule in yaml.safe_load(path.read_text(encoding="utf-8"))["rules"]:
            yield path.name, rule


# Who may import whom


def test_the_contracts_of_import_linter_hold() -> None:
    command = Path(sys.executable).with_name("lint-imports")
    if not command.exists():
        pytest.skip("import-linter не установлен")
    done = subprocess.run([command, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_only_language_knows_the_libraries_of_russian() -> None:
    assert packages(importers("pymorphy3", "natasha", "razdel", "navec", "slovnet", "yargy")) == {"language"}


def test_only_classifiers_knows_the_libraries_of_learning() -> None:
    assert packages(importers("sklearn", "skops", "scipy")) == {"classifiers"}


def test_what_decides_never_loads_what_trains() -> None:
    """A cold start does not pay for training, nor for natasha before a text needs it."""
    code = "import sys, pipeline.triage; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "classifiers.predictor" in loaded
    assert not loaded & {"classifiers.train", "classifiers.material", "classifiers.linear", "natasha"}


def test_records_depends_on_nothing() -> None:
    allowed = set(sys.stdlib_module_names) | {"records"}
    for path in (ROOT / "records").glob("*.py"):
        assert set(imports(path)) <= allowed, path


def test_nobody_unpickles() -> None:
    assert importers("pickle", "joblib", "cloudpickle", "dill", "shelve", "marshal") == set()
    for path in SOURCES:
        assert "allow_pickle=True" not in path.read_text(encoding="utf-8"), path


def test_nobody_runs_text_as_code() -> None:
    for path in SOURCES:
        called = {
            node.func.id
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        assert not called & {"eval", "exec", "compile", "__import__"}, path


def test_one_module_reads_the_environment() -> None:
    readers = {path for path in SOURCES if re.search(r"\b(?:environ|getenv)\b", path.read_text(encoding="utf-8"))}
    assert [str(path.relative_to(ROOT)) for path in readers] == ["app/home.py"]


def test_nothing_that_decides_reads_a_clock_or_draws_lots() -> None:
    """A decision is a function of the post and the versions; what carries decisions is another matter."""
    deciding = ("language", "pipeline", "records", "regulation", "rules")
    carrying = {ROOT / "records/clock.py", *(ROOT / "pipeline" / f"{name}.py" for name in CARRYING)}
    for package in deciding:
        for path in set((ROOT / package).rglob("*.py")) - carrying:
            assert not {"time", "random", "secrets", "uuid"} & set(imports(path)), path
            assert not re.search(r"\b(?:now|utcnow|today)\(", path.read_text(encoding="utf-8")), path


# One truth for each thing

LABELS: list[tuple[type[StrEnum], Mapping[StrEnum, str]]] = [
    (Verdict, labels.VERDICTS),
    (Track, labels.TRACKS),
    (Ground, labels.GROUNDS),
    (AlarmKind, labels.ALARMS),
    (ReasonCode, labels.REASONS),
    (ReviewCode, labels.REVIEWS),
]  # type: ignore[list-item]


@pytest.mark.parametrize(("codes", "words"), LABELS, ids=[codes.__name__ for codes, _ in LABELS])
def test_every_code_has_a_russian_label(codes: type[StrEnum], words: Mapping[StrEnum, str]) -> None:
    assert set(words) == set(codes)
    assert all(re.search("[а-яё]|ч$", word) for word in words.values())
    assert len(set(words.values())) == len(words)


def test_every_ground_and_alarm_has_rules() -> None:
    """Half forgotten is found here: a code of the enum without a file that speaks for it."""
    spoken = {
        (kind, code)
        for path in RULES
        for kind, code in yaml.safe_load(path.read_text(encoding="utf-8")).items()
        if kind in KINDS
    }
    for ground in Ground:
        assert ("ground", ground) in spoken
    for alarm in AlarmKind:
        # the author's own threat is both ground and alarm: one file speaks for both
        assert ("alarm", alarm) in spoken or ("ground", alarm) in spoken


def test_every_rule_says_what_it_looks_for_with_examples_of_both_kinds() -> None:
    names = []
    for file, rule in rules():
        assert isinstance(rule["says"], str), (file, rule["name"])
        assert re.search("[а-яё]", rule["says"]), (file, rule["name"])
        assert rule["hits"], (file, rule["name"])
        assert rule["passes"], (file, rule["name"])
        names.append(rule["name"])
    assert len(set(names)) == len(names)


def test_every_example_of_a_hit_marks_its_span() -> None:
    for file, rule in rules():
        for line in rule["hits"]:  # type: ignore[attr-defined]
            assert re.search(r"\[.+\]", line), (file, rule["name"], line)


def test_no_word_of_a_phrase_is_one_that_no_text_can_have() -> None:
    """A word of a text is letters alone or digits alone: «убью-ю» is two words."""
    found = []
    for path in RULES:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        phrases = [word for words in (content.get("sets") or {}).values() for word in words]
        phrases += [p for rule in content["rules"] for key in ("any", "with", "unless") for p in rule.get(key) or ()]
        for phrase in phrases:
            for word in re.findall(r"[\w-]+", re.sub(r"[@/][\w+]+", "", phrase)):
                if not re.fullmatch(r"[^\W\d_]+|\d+", word):
                    found.append((path.name, phrase[:60], word))
    assert found == []


# Sizes


def test_the_models_weigh_less_than_forty_megabytes() -> None:
    total = sum(path.stat().st_size for path in (ROOT / "models").rglob("*") if path.is_file())
    assert total < MOST_MEGABYTES * 2**20


def test_no_file_has_more_than_four_hundred_lines() -> None:
    long = {
        str(p.relative_to(ROOT)): n for p in SOURCES if (n := p.read_text(encoding="utf-8").count("\n")) > LONGEST_FILE
    }
    assert long == {}


def test_every_module_says_what_it_is() -> None:
    """``__main__`` and empty files aside."""
    for path in SOURCES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert not tree.body or ast.get_docstring(tree), path


# Papers


def test_decisions_are_numbered_without_gaps_and_titled_by_their_number() -> None:
    entries = sorted(path for path in (ROOT / "docs/decisions").glob("*.md") if path.name != "README.md")
    assert [path.name[:5] for path in entries] == [f"{number:04}-" for number in range(1, len(entries) + 1)]
    for path in entries:
        title = path.read_text(encoding="utf-8").splitlines()[0]
        assert re.match(rf"# {path.name[:4]}\. \S", title), path


def test_no_figure_is_left_to_be_filled_in() -> None:
    for path in (*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md")):
        assert not re.search(r"\b(?:FIGURE|TODO|TBD|FIXME)\b", path.read_text(encoding="utf-8")), path

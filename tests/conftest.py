"""What the tests share: the golden files and their switch, the real pipeline, tests that need ``../shared``."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from broker import WITHOUT_KAFKA, broker, own_broker, secure  # noqa: F401
from casebooks import casebook, decree, empty_sqlite, postgresql  # noqa: F401
from hypothesis import settings
from services import service, web  # noqa: F401

from pipeline.triage import Triage
from rules import RuleBook

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"

settings.register_profile("house", deadline=None)
settings.load_profile("house")

# Started in the background, a shell makes us deaf to Ctrl+C, and so whoever we start.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write tests/golden anew from what is found now")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if not SHARED.is_dir():
        for item in items:
            if item.get_closest_marker("shared"):
                item.add_marker(pytest.mark.skip(reason="нет ../shared"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = [
        str(report.longrepr[2]).removeprefix("Skipped: ") for report in terminalreporter.stats.get("skipped", ())
    ]
    if without_kafka := [reason for reason in skipped if WITHOUT_KAFKA in reason]:
        terminalreporter.write_line(f"Пропущено проверок: {len(without_kafka)}. {without_kafka[0]}")


@pytest.fixture(scope="session")
def book() -> RuleBook:
    """The rules as shipped, without regulation and models."""
    return RuleBook.load(ROOT / "rules")


@pytest.fixture(scope="session")
def triage() -> Triage:
    """The pipeline as shipped: its regulation, rules and models."""
    return Triage.load(ROOT)


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], str]:
    """``golden(name, found)`` is the text that is expected; with ``--update-golden``, ``found`` is written first."""
    folder = Path(__file__).parent / "golden"

    def expected(name: str, found: str) -> str:
        path = folder / name
        if request.config.getoption("--update-golden"):
            folder.mkdir(exist_ok=True)
            path.write_text(found, encoding="utf-8", newline="\n")
        assert path.is_file(), f"нет {path}: создайте его ключом --update-golden"
        return path.read_text(encoding="utf-8")

    return expected

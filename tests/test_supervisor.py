"""The supervisor with real processes: what ends starts again, what must stop stops, nobody is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app import supervisor
from app.errors import DONE, WRONG_USAGE
from app.supervisor import Child, Supervisor

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 60.0
FOREVER = "import signal; signal.pause()"
STUBBORN = """
import pathlib, signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pathlib.Path({path!r}).touch()
while True:
    signal.pause()
"""
SUPERVISE = """
import sys
from app.supervisor import Child, Supervisor
words = [sys.executable, "-c", sys.argv[1]]
sys.exit(Supervisor([Child(str(n), words, grace=30) for n in range(2)], print).run())
"""
OF_A_SUPERVISOR = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {root!r})
from app.supervisor import stop_with_parent
folder = Path({folder!r})
signal.signal(signal.SIGTERM, lambda *_: ((folder / f"stopped.{{os.getpid()}}").touch(), sys.exit(0)))
stop_with_parent()
(folder / f"started.{{os.getpid()}}").touch()
while True:
    signal.pause()
"""


class Watched:
    """A supervisor over programs in Python, and what it said."""

    def __init__(self, *programs: str, grace: float = 30.0) -> None:
        self.said: list[str] = []
        self.children = [Child(f"№ {n}", [sys.executable, "-c", p], grace) for n, p in enumerate(programs)]
        self._supervisor = Supervisor(self.children, self.said.append)

    def run(self, finished: Callable[[], bool]) -> int:
        end = time.monotonic() + PATIENCE

        def in_time() -> bool:
            assert time.monotonic() < end
            return finished()

        return self._supervisor.run(in_time)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """What ends is started again at once."""
    monkeypatch.setattr(supervisor, "LONGEST_PAUSE", 0.0)


@pytest.fixture
def supervised(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """A supervisor as a process, with two children that note when they start and stop."""
    program = OF_A_SUPERVISOR.format(root=str(ROOT), folder=str(tmp_path))
    process = subprocess.Popen([sys.executable, "-c", SUPERVISE, program], cwd=ROOT)
    _until(lambda: len(list(tmp_path.glob("started.*"))) == 2)
    yield process, tmp_path
    process.kill()
    process.wait()


def _until(what: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < end
        time.sleep(0.02)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text(encoding="utf-8")


def test_what_ends_is_started_again_and_it_is_said_how_it_ended(hasty: None) -> None:
    watched = Watched("raise SystemExit(9)", "import os; os.kill(os.getpid(), 9)", FOREVER)
    assert watched.run(lambda: all(child.restarts >= 2 for child in watched.children[:2])) == DONE
    assert watched.children[2].restarts == 0
    assert any("№ 0: процесс кончился (код 9)" in line for line in watched.said)
    assert any("№ 1: процесс кончился (сигнал SIGKILL)" in line for line in watched.said)


def test_the_pause_before_a_restart_doubles_up_to_its_limit_and_is_forgotten_after_steady_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(supervisor, "SHORTEST_PAUSE", 1.0)
    monkeypatch.setattr(supervisor, "LONGEST_PAUSE", 12.0)
    child = Child("", [sys.executable, "-c", ""])
    pauses = []
    for steady in (False, False, False, False, False, True, False):
        monkeypatch.setattr(supervisor, "STEADY_SECONDS", 0.0 if steady else PATIENCE)
        child.start()
        assert child.process is not None
        child.process.wait()
        assert child.ended() == 0
        assert not child.due
        pauses.append(child.pause)
    assert pauses == [1, 2, 4, 8, 12, 1, 2]


def test_a_child_whose_configuration_is_wrong_stops_all(hasty: None) -> None:
    watched = Watched(FOREVER, f"raise SystemExit({WRONG_USAGE})")
    assert watched.run(lambda: False) == WRONG_USAGE
    assert all(child.process is None for child in watched.children)


def test_a_program_that_cannot_be_started_is_no_end_of_the_others(hasty: None) -> None:
    watched = Watched(FOREVER, FOREVER)
    watched.children[1].command = ["/there/is/no/such/program"]
    assert watched.run(lambda: watched.children[1].restarts >= 2) == DONE
    assert watched.children[0].restarts == 0
    assert any("№ 1: не запустить" in line for line in watched.said)


def test_a_child_that_does_not_stop_is_killed_when_its_grace_is_over(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    watched = Watched(STUBBORN.format(path=str(ready)), grace=0.5)
    assert watched.run(ready.exists) == DONE
    assert watched.children[0].process is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_the_children_and_then_the_supervisor(
    supervised: tuple[subprocess.Popen[bytes], Path], number: signal.Signals
) -> None:
    process, folder = supervised
    process.send_signal(number)
    assert process.wait(PATIENCE) == DONE
    assert len(list(folder.glob("stopped.*"))) == len(list(folder.glob("started.*"))) == 2


def test_children_stop_by_themselves_when_their_supervisor_is_killed(
    supervised: tuple[subprocess.Popen[bytes], Path],
) -> None:
    process, folder = supervised
    process.kill()
    process.wait()
    _until(lambda: len(list(folder.glob("stopped.*"))) == 2)
    pids = [int(path.suffix[1:]) for path in folder.glob("started.*")]
    _until(lambda: not any(_alive(pid) for pid in pids))

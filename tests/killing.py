"""Processes that are killed without warning (SIGKILL) at a place of the journal that the test chooses."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def killed(code: str, *arguments: object, when: Callable[[], bool]) -> bool:
    """Run ``code`` as a process and kill it once ``when``; false where it ended before by itself."""
    child = started(code, *arguments)
    while child.poll() is None and not when():
        time.sleep(0.001)
    if child.poll() is None:
        child.kill()
        child.wait()
        return True
    assert child.returncode == 0
    return False


def finished(code: str, *arguments: object) -> None:
    assert started(code, *arguments).wait() == 0


def started(code: str, *arguments: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], cwd=ROOT)

"""Where ``regulation/``, ``rules/``, ``models/``, ``streams.yaml`` are: the one reader of the environment."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from app.errors import UsageFault

_MARKS = ("regulation", "rules")


def keep_to_one_thread() -> None:
    """Before numpy is imported: the matrices here are small, and threads of BLAS cost more than they bring."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def children_log_as_json() -> None:
    """Unless ``OTKLIK_LOG`` says otherwise; processes inherit the environment."""
    os.environ.setdefault("OTKLIK_LOG", "json")


def find_home(named: Path | None) -> Path:
    """``--home``, else ``OTKLIK_HOME``, else upward from the working directory, else beside the installed code.

    Raises:
        UsageFault: the folder that was named is not there.
    """
    if named is not None:
        return _existing(named, "--home")
    if told := os.environ.get("OTKLIK_HOME"):
        return _existing(Path(told), "OTKLIK_HOME")
    here = Path.cwd()
    for folder in (here, *here.parents):
        if all((folder / mark).is_dir() for mark in _MARKS):
            return folder
    return Path(__file__).resolve().parent.parent


def _existing(folder: Path, said_by: str) -> Path:
    if not folder.is_dir():
        raise UsageFault(f"{said_by}: нет папки {folder}", "укажите папку, где лежат regulation/, rules/ и models/")
    return folder


def secret(variable: str) -> str:
    """The value of an environment variable that ``streams.yaml`` names.

    Raises:
        UsageFault: it is not set.
    """
    value = os.environ.get(variable, "")
    if not value:
        raise UsageFault(f"переменная окружения {variable} не задана", f"задайте её: export {variable}=…")
    return value


def setting(variable: str) -> str:
    """The value of an environment variable; empty where it is not set."""
    return os.environ.get(variable, "")


def database_url() -> str:
    """Where the casebook is kept; empty for SQLite in the home."""
    return setting("DATABASE_URL")


def debugging() -> bool:
    """``OTKLIK_DEBUG=1``: an unexpected failure shows its traceback."""
    return os.environ.get("OTKLIK_DEBUG", "") not in ("", "0")


def columns() -> int:
    """Width of the screen; where there is none, wide enough for a table in a file."""
    return shutil.get_terminal_size((120, 24)).columns


def colours_wanted() -> bool:
    """``NO_COLOR`` set to anything turns colours off (no-color.org)."""
    return not os.environ.get("NO_COLOR")

"""What the tests ask a shelf of models."""

from __future__ import annotations

from pathlib import Path

from classifiers import shelf
from records import Fault, FaultsError


def faults_of(folder: Path) -> list[Fault]:
    try:
        shelf.load_all(folder)
    except FaultsError as error:
        return list(error.faults)
    return []

"""What the commands take from the packages below, loaded when asked for: the one seam where tests put a fake.

Imports stand inside: models and morphology take seconds to load, ``otklik --help`` must not wait for them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from records import Decision, Post


class Decider(Protocol):
    """``pipeline.triage.Triage`` as the commands see it; decisions come in the order of the posts."""

    def decide(self, posts: Sequence[Post]) -> list[Decision]: ...


class Named(Protocol):
    """A department as the commands see it."""

    @property
    def name(self) -> str: ...

    @property
    def short(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Engine:
    """The pipeline and the words for its codes: departments, offices and what each rule says."""

    decider: Decider
    departments: Mapping[str, Named]
    offices: Mapping[str, str]
    rules: Mapping[str, str]


def load(home: Path) -> Engine:
    """Raises: FaultsError."""
    from pipeline.triage import Triage

    triage = Triage.load(home)
    return Engine(
        triage,
        triage.regulation.departments,
        {code: office.name for code, office in triage.regulation.places.offices.items()},
        triage.rules.says,
    )


def most_bits() -> int:
    """In how many of the 64 bits of their fingerprints near copies may differ."""
    from records.fingerprints import NEAR

    return NEAR


def decide_each(decider: Decider, posts: Sequence[Post]) -> list[Decision | Exception]:
    """One for each post: its decision, or what it raised."""
    from pipeline.each import decide_each

    return decide_each(decider.decide, posts)

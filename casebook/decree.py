"""What the casebook goes by: the clocks, the departments and the policies of one reading of ``regulation/``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cases.clocks import Clocks
from cases.terms import Terms, working_time
from regulation import Department, Regulation

ORGANISING = "ORG"  # the department of points 2 and 4: it receives, sends out, publishes


@dataclass(frozen=True, slots=True)
class Decree:
    regulation: Regulation
    clocks: Clocks

    @classmethod
    def of(cls, regulation: Regulation) -> Decree:
        return cls(regulation, Clocks(working_time(regulation), Terms.of(regulation.policies)))

    def policy(self, key: str, name: str) -> Any:
        return self.regulation.policies[key].values[name]

    def department(self, code: str) -> Department | None:
        return self.regulation.departments.get(code)

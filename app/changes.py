"""What differs between two runs over the same posts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from records import PostError, Verdict

FIELDS = ("verdict", "track", "department")
LISTS = ("grounds", "alarms", "review")
_CODE_OF = {"grounds": "ground", "alarms": "kind", "review": "code"}
_NONE = "—"
Identity = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What of a decision is compared: ``values`` in the order of ``FIELDS``, ``codes`` in that of ``LISTS``."""

    values: tuple[str, ...]
    codes: tuple[frozenset[str], ...]


@dataclass(slots=True)
class CodeCount:
    """Decisions with a code in A and in B; ``gained`` and ``lost`` are keys."""

    a: int = 0
    b: int = 0
    gained: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Changes:
    """``moved["verdict"]["answer → exclude"]`` are keys; ``codes["alarms"]["danger"]`` counts both sides."""

    compared: int
    changed: int
    only_a: list[str]
    only_b: list[str]
    moved: dict[str, dict[str, list[str]]]
    codes: dict[str, dict[str, CodeCount]]

    def to_json(self) -> dict[str, Any]:
        """Counts beside keys: ``{"count": 3, "keys": […]}``."""
        moved = {
            name: {move: {"count": len(keys), "keys": keys} for move, keys in moves.items()}
            for name, moves in self.moved.items()
        }
        codes = {name: {code: asdict(count) for code, count in counts.items()} for name, counts in self.codes.items()}
        sides = {"only_a": self.only_a, "only_b": self.only_b}
        return {"compared": self.compared, "changed": self.changed, **sides, "moved": moved, "codes": codes}


def outcome(value: Mapping[str, Any]) -> tuple[Identity, Outcome]:
    """Key and revision of a decision's JSON, and what is compared of it.

    Raises:
        PostError: it is not a decision.
    """
    try:
        verdict = Verdict(value["verdict"]).value
        route = value["route"]
        department = route["department"] if route else _NONE
        codes = tuple(frozenset(str(part[_CODE_OF[name]]) for part in value[name]) for name in LISTS)
        identity = str(value["key"]), str(value["revision"])
        return identity, Outcome((verdict, str(value["track"] or _NONE), str(department)), codes)
    except (KeyError, TypeError, ValueError) as error:
        reason = f"это не решение: нет поля {error}" if isinstance(error, KeyError) else "это не решение: поле негодно"
        raise PostError(reason, "дайте вывод otklik triage --out jsonl") from None


def compare(a: Mapping[Identity, Outcome], b: Mapping[Identity, Outcome]) -> Changes:
    both = [identity for identity in a if identity in b]
    return Changes(
        compared=len(both),
        changed=sum(a[identity] != b[identity] for identity in both),
        only_a=[key for key, revision in a if (key, revision) not in b],
        only_b=[key for key, revision in b if (key, revision) not in a],
        moved={name: _moves(both, a, b, number) for number, name in enumerate(FIELDS)},
        codes={name: _codes(both, a, b, number) for number, name in enumerate(LISTS)},
    )


def _moves(
    both: list[Identity], a: Mapping[Identity, Outcome], b: Mapping[Identity, Outcome], number: int
) -> dict[str, list[str]]:
    """Keys by «before → after», the most frequent first."""
    moves: dict[str, list[str]] = {}
    for identity in both:
        before, after = a[identity].values[number], b[identity].values[number]
        if before != after:
            moves.setdefault(f"{before} → {after}", []).append(identity[0])
    return dict(sorted(moves.items(), key=lambda move: (-len(move[1]), move[0])))


def _codes(
    both: list[Identity], a: Mapping[Identity, Outcome], b: Mapping[Identity, Outcome], number: int
) -> dict[str, CodeCount]:
    counts: dict[str, CodeCount] = {}
    for identity in both:
        before, after = a[identity].codes[number], b[identity].codes[number]
        for code in before | after:
            count = counts.setdefault(code, CodeCount())
            count.a += code in before
            count.b += code in after
            if code not in before:
                count.gained.append(identity[0])
            elif code not in after:
                count.lost.append(identity[0])
    return dict(sorted(counts.items()))

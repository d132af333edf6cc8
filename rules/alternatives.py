"""Patterns taken apart: thousands of alternatives are asked faster where those that begin alike are tried once."""

from __future__ import annotations

import re
from collections.abc import Sequence

_PIECE = re.compile(r"\\.|\[\^?(?:\\.|.)(?:\\.|[^\]\\])*\]|.", re.DOTALL)
_QUANTIFIERS = "*+?{"
_NEVER = r"(?!)"
_MOST_LETTERS = 1_000


class Sieve:
    """Whether a word can match one of many alternatives at all: most words cannot, and cost two short looks.

    Alternatives that begin alike (``<pre>``) are put behind one beginning, which is then tried once, and only by words
    whose first letter it allows.
    """

    def __init__(self, alternatives: Sequence[str]) -> None:
        self._begins: dict[tuple[str, str], list[str]] = {}
        self._by_letter: dict[str, re.Pattern[str]] = {}
        inside: list[str] = []
        for alternative in alternatives:
            anchor, *atoms = _atoms(alternative) or [""]
            if anchor != "^":
                inside.append(alternative)
                continue
            size = 2 if atoms[1:2] == ["?"] else 1
            if atoms[size : size + 1] and atoms[size] in _QUANTIFIERS:
                size = len(atoms)
            # The letter that every word that matches begins with; a group may be several, or none.
            first = atoms[0] if size == 1 and atoms and atoms[0][0] != "(" else ""
            self._begins.setdefault((first, "".join(atoms[:size])), []).append("".join(atoms[size:]))
        self._inside = re.compile("|".join(inside or [_NEVER]))

    def passes(self, word: str) -> bool:
        begins = self._by_letter.get(word[:1]) or self._beginning_with(word[:1])
        return begins.match(word) is not None or self._inside.search(word) is not None

    def _beginning_with(self, letter: str) -> re.Pattern[str]:
        whole = [
            f"{begin}(?:{'|'.join(rest)})" for (first, begin), rest in self._begins.items() if re.match(first, letter)
        ]
        pattern = re.compile("|".join(whole or [_NEVER]))
        if len(self._by_letter) < _MOST_LETTERS:
            self._by_letter[letter] = pattern
        return pattern


def alternatives_of(pattern: str) -> list[str]:
    """``^a(b|c)|d`` → ``^a(b|c)``, ``d``."""
    parts = [""]
    for atom in _atoms(pattern):
        if atom == "|":
            parts.append("")
        else:
            parts[-1] += atom
    return parts


def _atoms(pattern: str) -> list[str]:
    """A pattern taken apart: characters, classes, whole groups, quantifiers by their characters."""
    atoms, depth = [""], 0
    for piece in _PIECE.findall(pattern):
        depth += (piece == "(") - (piece == ")")
        atoms[-1] += piece
        if not depth:
            atoms.append("")
    return atoms[:-1]

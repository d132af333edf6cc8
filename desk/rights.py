"""``docs/access.md``: who may do what, written from the code."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from cases.lifecycle import MOVES, Role
from desk.access import ROLES, TITLES, Scope

_ROLES = [role for role in Role if role is not Role.SYSTEM]
_HEAD = """# Who may do what

Written from the code (`desk/rights.py`); a test holds it there (`pytest tests/test_access.py --update-golden`).
`head` and `executor` see the cases of their own department (and office) alone. A token holds what its scopes and the
role of its user both allow; `system` is the program itself, which nobody signs in as.
"""


def document(schema: dict[str, Any]) -> str:
    """``schema``: the OpenAPI document."""
    parts = [
        _HEAD,
        "\n## Scopes by role\n\n",
        *_table(["scope", *_ROLES], ([f"`{s}` {TITLES[s]}", *_marks(ROLES[s])] for s in Scope)),
        "\n## Operations of the HTTP API\n\n",
        *_table(["operation", "scope", *_ROLES], _operations(schema)),
        "\n## Moves of a case\n\n",
        *_table(
            ["move", "from", *_ROLES],
            (
                [f"`{m.name}` {m.title}", ", ".join(sorted(m.before)) if len(m.before) < 8 else "…", *_marks(m.roles)]
                for m in MOVES.values()
            ),
        ),
    ]
    return "".join(parts)


def _operations(schema: dict[str, Any]) -> Iterator[list[str]]:
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            scope = operation["x-scope"]
            roles = ROLES[Scope(scope)] if scope in set(Scope) else frozenset(_ROLES)
            yield [f"`{method.upper()} {path}`", scope or "any token", *_marks(roles)]


def _marks(roles: Iterable[Role]) -> list[str]:
    return ["+" if role in roles else "" for role in _ROLES]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |\n|{'---|' * len(head)}\n"
    for row in rows:
        yield f"| {' | '.join(row)} |\n"

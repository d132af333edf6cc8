"""How near two signatures of texts are (Charikar, STOC 2002): few bits that differ, likely copies."""

from __future__ import annotations

NEAR = 6


def near(one: str, other: str) -> bool:
    return (int(one, 16) ^ int(other, 16)).bit_count() <= NEAR

"""A batch in which a post may be at fault: it is halved until the culprit stands alone, the others are decided."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from records import Decision, Post

Decide = Callable[[Sequence[Post]], Sequence[Decision]]


def decide_each(decide: Decide, posts: Sequence[Post]) -> list[Decision | Exception]:
    """One for each post, in order: its decision, or what it raised when it stood alone."""
    if not posts:
        return []
    try:
        decisions = list(decide(posts))
    except Exception as error:
        if len(posts) == 1:
            return [error]
        half = len(posts) // 2
        return decide_each(decide, posts[:half]) + decide_each(decide, posts[half:])
    if len(decisions) != len(posts):
        raise RuntimeError(f"{len(posts)} posts, {len(decisions)} decisions")
    return list(decisions)

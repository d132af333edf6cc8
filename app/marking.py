"""Words of a post that a decision points at: by colour on a terminal, in brackets elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from app.words import harmless
from records import Decision

Span = tuple[int, int]
_STYLES = {
    "ground": "bold white on red",
    "alarm": "bold red",
    "reason": "bold yellow",
    "review": "magenta",
    "word": "underline",
}
LEGEND = "[ ] — на что указали правила и модели, ‹ › — слова в пользу отдела"


def spans(decision: Decision) -> Iterator[tuple[str, Span]]:
    """Kind and offsets of every place pointed at."""
    parts = (
        ("ground", decision.grounds),
        ("alarm", decision.alarms),
        ("reason", decision.significance.reasons),
        ("review", decision.review),
        ("word", decision.route.evidence if decision.route else ()),
    )
    for kind, pointing in parts:
        for part in pointing:
            if part.start is not None and part.stop is not None:
                yield kind, (part.start, part.stop)


def styles(decision: Decision) -> list[tuple[str, Span]]:
    """Styles of rich, the weakest first, so that a ground stays seen over a word of the route."""
    return [(_STYLES[kind], span) for kind, span in spans(decision)][::-1]


def bracketed(text: str, decision: Decision) -> str:
    """The text with ``[ ]`` around hits and ``‹ ›`` around words of the route that no hit covers."""
    hits = merged(span for kind, span in spans(decision) if kind != "word")
    words = [w for w in merged(s for kind, s in spans(decision) if kind == "word") if not _covered(w, hits)]
    marks = [("[", "]", span) for span in hits] + [("‹", "›", span) for span in words]
    shown = harmless(text)
    parts: list[str] = []
    last = 0
    for left, right, (start, stop) in sorted(marks, key=lambda mark: mark[2]):
        parts += (shown[last:start], left, shown[start:stop], right)
        last = stop
    return "".join(parts) + shown[last:]


def merged(found: Iterable[Span]) -> list[Span]:
    """Spans in order, those that overlap made one."""
    whole: list[Span] = []
    for start, stop in sorted(found):
        if whole and start < whole[-1][1]:
            whole[-1] = (whole[-1][0], max(stop, whole[-1][1]))
        else:
            whole.append((start, stop))
    return whole


def _covered(word: Span, hits: Iterable[Span]) -> bool:
    return any(word[0] < stop and start < word[1] for start, stop in hits)

"""Posts go in one by one, batches of decisions come out: in the order of the input, none lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from app import engine
from app.copies import Copies
from app.engine import Decider
from app.home import debugging
from app.outputs import Decided, Output
from app.posts import Accepted, Parsed
from app.rejects import Rejection, Rejects
from records import Decision, Verdict

BATCH = 256
_BATCH_LETTERS = 1 << 20


class Run:
    """``verdicts`` counts what was decided.

    A pause in the input, or very long posts, let a batch go before it holds ``BATCH`` of them.
    """

    def __init__(self, decider: Decider, output: Output, rejects: Rejects, *, link: bool = False) -> None:
        self.verdicts: Counter[Verdict] = Counter()
        self._decider = decider
        self._output = output
        self._rejects = rejects
        self._copies = Copies() if link else None

    def over(self, parsed: Parsed) -> None:
        batch: list[Accepted] = []
        letters = 0
        for item in parsed:
            if isinstance(item, Rejection):
                self._rejects.add(item)
            elif item is not None:
                batch.append(item)
                letters += len(item.post.text)
            if len(batch) == BATCH or letters > _BATCH_LETTERS or (batch and item is None):
                self._decide(batch)
                batch, letters = [], 0
        if batch:
            self._decide(batch)

    def _decide(self, batch: Sequence[Accepted]) -> None:
        done: list[Decided] = []
        for accepted, decision in self._decisions(batch):
            number = self.verdicts.total() + 1
            self.verdicts[decision.verdict] += 1
            copies = None if self._copies is None else self._copies.of(decision)
            done.append(Decided(number, accepted.post, decision, copies))
        self._output.write(done)

    def _decisions(self, batch: Sequence[Accepted]) -> list[tuple[Accepted, Decision]]:
        """Without those that are at fault, which are rejected.

        Raises: whatever each post of the batch fails with; then it is not the posts.
        """
        posts = [accepted.post for accepted in batch]
        if debugging():
            return list(zip(batch, self._decider.decide(posts), strict=True))
        made = engine.decide_each(self._decider, posts)
        failed = [one for one in made if isinstance(one, Exception)]
        if len(failed) == len(batch):
            raise failed[-1]
        for accepted, one in zip(batch, made, strict=True):
            if isinstance(one, Exception):
                self._rejects.add(_failure(accepted, one))
        return [(accepted, one) for accepted, one in zip(batch, made, strict=True) if not isinstance(one, Exception)]


def _failure(accepted: Accepted, error: Exception) -> Rejection:
    reason = f"сбой при разборе этого сообщения: {type(error).__name__}"
    mend = "пришлите эту строку разработчикам; OTKLIK_DEBUG=1 показывает подробности"
    return Rejection(accepted.line, reason, mend, accepted.raw)

"""Posts go in one by one, batches of decisions come out: in the order of the input, none lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

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
        """Where the batch fails, its posts are decided one by one, and the culprit is rejected.

        Raises: whatever each post of the batch fails with; then it is not the posts.
        """
        try:
            return list(zip(batch, self._decider.decide([a.post for a in batch]), strict=True))
        except Exception:
            if debugging():
                raise
            return self._one_by_one(batch)

    def _one_by_one(self, batch: Sequence[Accepted]) -> list[tuple[Accepted, Decision]]:
        found: list[tuple[Accepted, Decision]] = []
        failed: list[Rejection] = []
        for accepted in batch:
            try:
                (decision,) = self._decider.decide([accepted.post])
                found.append((accepted, decision))
            except Exception as error:
                failed.append(_failure(accepted, error))
                if len(failed) == len(batch):
                    raise
        for rejection in failed:
            self._rejects.add(rejection)
        return found


def _failure(accepted: Accepted, error: Exception) -> Rejection:
    reason = f"сбой при разборе этого сообщения: {type(error).__name__}"
    mend = "пришлите эту строку разработчикам; OTKLIK_DEBUG=1 показывает подробности"
    return Rejection(accepted.line, reason, mend, accepted.raw)

"""The stream over any journal: poll, decide, commit, until told to stop."""

from __future__ import annotations

import time
from collections.abc import Callable

from journal import Reader
from pipeline.portions import Portion, Portions

READER = "triage"
NEVER = -1  # what a reader has committed of whom the carrier has not heard yet
After = Callable[[Portion, float], None]


def run(
    reader: Reader,
    portions: Portions,
    *,
    limit: int,
    wait: float,
    going: Callable[[], bool],
    after: After,
    turned: Callable[[], None],
) -> None:
    """``going`` is asked between batches, so that a batch begun is always committed.

    ``after``: with every portion committed and the seconds that it took; ``turned``: at every turn of the loop.

    Raises:
        JournalError: the carrier went away; nothing polled and not committed is lost.
    """
    while going():
        records = reader.poll(limit, wait)
        turned()
        if not records:
            continue
        begun = time.perf_counter()
        for portion in portions.of(records):
            reader.commit(portion.records, portion.handled.outputs)
            ended = time.perf_counter()
            after(portion, ended - begun)
            begun = ended

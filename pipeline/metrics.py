"""What the loop counts, in the words of Prometheus; the only module that knows its client."""

from __future__ import annotations

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from pipeline.portions import Portion
from records import AlarmKind, Verdict
from records.clock import now

CONTENT_TYPE = CONTENT_TYPE_LATEST
_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)


class Metrics:
    """Of one process. Numbers and codes alone: no key, no text."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._received = Counter("otklik_posts", "Posts taken out of posts.incoming", registry=self._registry)
        self._decided = Counter("otklik_decided", "Posts decided", ["verdict"], registry=self._registry)
        self._quarantined = Counter("otklik_quarantined", "Messages put in quarantine", registry=self._registry)
        self._alarms = Counter("otklik_alarms", "Posts with an alarm", ["kind"], registry=self._registry)
        self._batches = Histogram(
            "otklik_batch_seconds",
            "Seconds from polling a batch to its commit",
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._lag = Gauge("otklik_lag", "Messages of posts.incoming not yet committed", registry=self._registry)
        self._progress = Gauge("otklik_last_progress_timestamp_seconds", "Last commit", registry=self._registry)
        self._oldest_at: float | None = None
        oldest = Gauge(
            "otklik_oldest_undecided_seconds", "Age of the oldest message not committed", registry=self._registry
        )
        oldest.set_function(self._age)
        # told as nought before the first of a kind: a rate over what was absent has no value
        for verdict in Verdict:
            self._decided.labels(verdict.value)
        for kind in AlarmKind:
            self._alarms.labels(kind.value)

    def committed(self, portion: Portion, seconds: float) -> None:
        """A portion is durable; ``seconds`` it took, its commit included."""
        handled = portion.handled
        self._received.inc(len(portion.records))
        for verdict, count in handled.verdicts.items():
            self._decided.labels(verdict).inc(count)
        for kind, count in handled.alarms.items():
            self._alarms.labels(kind).inc(count)
        self._quarantined.inc(handled.quarantined)
        self._batches.observe(seconds)
        self._progress.set(now().timestamp())

    def waiting(self, lag: int, oldest_at: float | None) -> None:
        """``oldest_at``: when the first message not committed was appended, seconds since the epoch, or ``None``."""
        self._lag.set(lag)
        self._oldest_at = oldest_at if lag else None

    def exposition(self) -> bytes:
        """The text that Prometheus reads, of ``CONTENT_TYPE``."""
        return generate_latest(self._registry)

    def _age(self) -> float:
        oldest = self._oldest_at
        return 0.0 if oldest is None else max(0.0, now().timestamp() - oldest)

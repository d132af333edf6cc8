"""What Prometheus reads of the casebook: counts and ages from the tables at the moment of asking."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.db.models import Count, F, Min, Q
from django.db.models.functions import Coalesce
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from casebook.models import Alarm, Case, Clock, Event, Verdict
from desk.health import reasons
from desk.wiring import Desk
from records import Verdict as Verdicts

CONTENT_TYPE = CONTENT_TYPE_LATEST
WEEK = timedelta(days=7)
_FRESH = 3.0
_latest: list[Any] = [0.0, None, b""]


def exposition(desk: Desk) -> bytes:
    """Made at most every few seconds, however many ask."""
    moment = time.monotonic()
    made, of, text = _latest
    if of is not desk or moment - made > _FRESH:
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Casebook(desk))
        text = generate_latest(registry)
        _latest[:] = [moment, desk, text]
    return bytes(text)


class _Casebook(Collector):
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def collect(self) -> Iterator[Metric]:
        yield from (
            self._breach(),
            self._overdue(),
            self._cases(),
            self._alarms(),
            self._unrelayed(),
            self._verdicts(),
            self._proposals(),
            self._lag(),
            GaugeMetricFamily("otklik_ready", "1 when /health/ready is green", value=float(not reasons(self._desk))),
        )

    def _breach(self) -> Metric:
        """Calendar minutes to the nearest that is still to come; those that passed are counted by ``_overdue``."""
        last = Coalesce("limit", "due")
        ahead = Clock.objects.filter(stopped_at=None).alias(last=last).filter(last__gte=self._desk.now())
        nearest = ahead.aggregate(nearest=Min(last))["nearest"]
        found = GaugeMetricFamily("otklik_minutes_to_breach", "Minutes to the nearest deadline of a running clock")
        if nearest is not None:
            found.add_metric([], (nearest - self._desk.now()).total_seconds() / 60)
        return found

    def _overdue(self) -> Metric:
        past = Clock.objects.filter(stopped_at=None).alias(last=Coalesce("limit", "due"))
        count = past.filter(last__lt=self._desk.now()).count()
        return GaugeMetricFamily("otklik_overdue", "Running clocks whose last moment has passed", value=count)

    def _cases(self) -> Metric:
        found = GaugeMetricFamily("otklik_cases", "Cases by state and track", labels=["state", "track"])
        for row in Case.objects.values("state", "track").annotate(count=Count("id")).order_by("state", "track"):
            found.add_metric([row["state"], row["track"] or "none"], row["count"])
        return found

    def _alarms(self) -> Metric:
        waiting = Alarm.objects.filter(acknowledged_at=None)
        found = GaugeMetricFamily(
            "otklik_unacknowledged_alarms", "Alarms that nobody has acknowledged", labels=["kind"]
        )
        for row in waiting.values("kind").annotate(count=Count("id")).order_by("kind"):
            found.add_metric([row["kind"]], row["count"])
        return found

    def _unrelayed(self) -> Metric:
        oldest = Event.objects.filter(relayed_at=None).order_by("id").values_list("at", flat=True).first()
        age = (self._desk.now() - oldest).total_seconds() if oldest else 0.0
        return GaugeMetricFamily("otklik_oldest_unrelayed_seconds", "Age of the oldest event not relayed", value=age)

    def _verdicts(self) -> Metric:
        found = CounterMetricFamily("otklik_decisions", "Decisions met by the casebook", labels=["verdict"])
        counts = dict(Verdict.objects.values_list("verdict").annotate(count=Count("id")))
        for verdict in Verdicts:
            found.add_metric([verdict.value], counts.get(verdict.value, 0))
        return found

    def _proposals(self) -> Metric:
        """Of the routes that people confirmed within a week, the share that was the one proposed."""
        confirmed = Event.objects.filter(kind="confirm", at__gt=self._desk.now() - WEEK)
        own = Q(body__external="", body__proposed=F("body__department"))
        all_of_them = confirmed.count()
        found = GaugeMetricFamily("otklik_proposals_confirmed_ratio", "Routes confirmed as proposed, within a week")
        if all_of_them:
            same = confirmed.filter(own | Q(body__proposed=F("body__external"))).count()
            found.add_metric([], same / all_of_them)
        return found

    def _lag(self) -> Metric:
        found = GaugeMetricFamily("otklik_waiting", "Messages that a reader has not committed", labels=["reader"])
        for name in self._desk.pulse.watched:
            found.add_metric([name], self._desk.pulse.lag(name))
        return found

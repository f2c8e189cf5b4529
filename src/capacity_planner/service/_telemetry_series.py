"""Every metric that the service exports: its name, its labels, and what it says."""

from __future__ import annotations

import math
from contextlib import suppress
from itertools import product
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from capacity_planner.service._telemetry_labels import DECISIONS, DIRECTIONS, OUTCOMES, REASONS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from prometheus_client.metrics_core import Metric

_PREFIX = "capacity_planner_"
_PLAN_BUCKETS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
_SIMULATION_BUCKETS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0)
_PASS_BUCKETS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0)
_HTTP_BUCKETS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
_QUEUE = ("queue",)


def remove(metric: Counter | Gauge | Histogram, *labels: str) -> None:
    """Remove a series, if it is there; clients before 0.22 complain where it is not."""
    with suppress(KeyError):
        metric.remove(*labels)


class Registry(CollectorRegistry):
    """The metrics of one process, with those of Python and of the operating system."""

    def __init__(self) -> None:
        super().__init__()
        ProcessCollector(registry=self)
        PlatformCollector(registry=self)
        GCCollector(registry=self)
        self._by_queue: list[tuple[Counter | Gauge | Histogram, list[tuple[str, ...]]]] = []

    def counter(
        self, name: str, help_: str, labels: Sequence[str] = (), others: Sequence[Sequence[str]] = ()
    ) -> Counter:
        """One that only grows; ``others`` are the values that the labels after the queue's can take."""
        made = Counter(_PREFIX + name, help_, labels, registry=self)
        self._note(made, labels, others)
        return made

    def gauge(self, name: str, help_: str, labels: Sequence[str] = ()) -> Gauge:
        """One that goes up and down; without labels it is NaN until something is known, for a zero would be a claim."""
        made = Gauge(_PREFIX + name, help_, labels, registry=self)
        self._note(made, labels)
        if not labels:
            made.set(math.nan)
        return made

    def histogram(self, name: str, help_: str, labels: Sequence[str] = (), *, buckets: Sequence[float]) -> Histogram:
        """Durations, counted by how long they were."""
        made = Histogram(_PREFIX + name, help_, labels, buckets=buckets, registry=self)
        self._note(made, labels)
        return made

    def info(self, name: str, help_: str, said: dict[str, str]) -> None:
        """One that is always 1, and says something in its labels."""
        Info(_PREFIX + name, help_, registry=self).info(said)

    def forget(self, queue: str) -> None:
        """Remove every series of a queue."""
        for metric, others in self._by_queue:
            for rest in others:
                remove(metric, queue, *rest)

    def collect(self) -> Iterator[Metric]:
        """All metrics, without the library's ``_created`` series, which would be a tenth of them and alert nobody."""
        for metric in super().collect():
            metric.samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
            yield metric

    def _note(
        self, metric: Counter | Gauge | Histogram, labels: Sequence[str], others: Sequence[Sequence[str]] = ()
    ) -> None:
        if "queue" in labels:
            self._by_queue.append((metric, list(product(*others))))


class QueueGauges:
    """How one queue stands."""

    def __init__(self, registry: Registry) -> None:
        gauge = registry.gauge
        self.current = gauge("current_workers", "Workers that run.", _QUEUE)
        self.arrivals = gauge("arrival_rate", "Arrival rate of the newest sample [jobs/s].", _QUEUE)
        self.backlog = gauge("backlog", "Jobs that wait, of the newest sample.", _QUEUE)
        self.sampled = gauge("sample_timestamp_seconds", "When the newest sample was measured [Unix time].", _QUEUE)
        self.target = gauge("target_workers", "Workers at the end of the newest plan's first ramp.", _QUEUE)
        self.required = gauge("required_workers", "Fewest workers that the next interval needs, before limits.", _QUEUE)
        self.confidence = gauge("plan_confidence", "Probability that the newest plan keeps the SLO.", _QUEUE)
        self.forecast = gauge("forecast_arrival_rate", "Median forecast for the next interval [jobs/s].", _QUEUE)
        self.achievable = gauge(
            "slo_achievable", "1 where the newest plan can keep the SLO within limits, or 0.", _QUEUE
        )
        self.p95 = gauge("expected_p95_seconds", "Expected p95 of response time in the busiest interval.", _QUEUE)
        self.slo_p95 = gauge("slo_p95_seconds", "Target of the p95 of response time, where the SLO has one.", _QUEUE)
        self.cost = gauge("cost_per_hour", "Cost of the newest plan's target workers [$/h].", _QUEUE)
        self.planned = gauge("plan_timestamp_seconds", "When the newest plan was made [Unix time].", _QUEUE)
        self.interval = gauge("plan_interval_seconds", "How often the queue is planned for by itself.", _QUEUE)
        self.since = gauge("planned_since_timestamp_seconds", "When this process took the queue over.", _QUEUE)


class Series:
    """All metrics of one process.

    Args:
        version: of the package.
    """

    def __init__(self, version: str) -> None:
        self.registry = registry = Registry()
        registry.info("build", "The version that runs.", {"version": version})
        self.queue = QueueGauges(registry)
        self._of_planning(registry)
        self._of_the_loop(registry)
        self._of_the_process(registry)

    def _of_planning(self, registry: Registry) -> None:
        self.generation = registry.histogram(
            "generation_duration_seconds",
            "Time to answer with a plan, or to refuse one.",
            _QUEUE,
            buckets=_PLAN_BUCKETS,
        )
        self.plans = registry.counter(
            "plans", "Plans asked for, by who asked and what came of it.", ("source", "outcome")
        )
        self.hits = registry.gauge("cache_hit_ratio", "Share of the last 1,000 plans that were answered from memory.")
        self.accuracy = registry.gauge("forecast_accuracy", "1 - WAPE of a model's forecasts, from 0 to 1.", ("model",))
        self.errors = registry.counter("errors", "Calls that failed, by code.", ("code",))

    def _of_the_loop(self, registry: Registry) -> None:
        self.decisions = registry.counter(
            "decisions", "What was decided about plans, and why.", ("queue", "decision", "reason"), (DECISIONS, REASONS)
        )
        self.scalings = registry.counter(
            "scalings",
            "Steps that were carried out, or tried.",
            ("queue", "direction", "outcome"),
            (DIRECTIONS, OUTCOMES),
        )
        self.scaler_calls = registry.counter(
            "scaler_calls", "Calls of a scaler, by how they ended.", ("scaler", "outcome")
        )
        self.gaps = registry.counter("gaps", "Intervals in which a queue could not be measured.", _QUEUE)
        self.passes = registry.histogram(
            "loop_pass_duration_seconds", "Time of one pass over all queues.", buckets=_PASS_BUCKETS
        )
        self.passed = registry.gauge("loop_timestamp_seconds", "When the newest pass ended [Unix time].")
        self.lag = registry.gauge("loop_lag_seconds", "How late the most overdue queue of the newest pass was.")
        self.owned = registry.gauge("owned_queues", "Queues that this process plans for by itself.")

    def _of_the_process(self, registry: Registry) -> None:
        self.simulations = registry.histogram(
            "simulation_duration_seconds", "Time of one simulation.", buckets=_SIMULATION_BUCKETS
        )
        self.running = registry.gauge("simulations_running", "Simulations that run.")
        self.waiting = registry.gauge("simulations_waiting", "Simulations that wait for their turn.")
        self.samples = registry.counter("samples_stored", "Samples that were stored.")
        self.requests = registry.counter("http_requests", "HTTP requests.", ("route", "method", "status"))
        self.answers = registry.histogram(
            "http_request_duration_seconds",
            "Time to answer an HTTP request.",
            ("route", "method"),
            buckets=_HTTP_BUCKETS,
        )

"""What the service tells a Prometheus server about itself; ``docs/how-to/monitor.md`` lists every metric.

No label can grow without end: there is room for so many queues and routes, all others are closed sets, and what is in
none of them counts as ``other``.
"""

from __future__ import annotations

import time
from collections import deque
from importlib.metadata import version
from threading import Lock
from typing import TYPE_CHECKING, Literal

from prometheus_client.exposition import choose_encoder

from capacity_planner.service._telemetry_labels import (
    ANSWERS,
    CODES,
    METHODS,
    NONE,
    OTHER,
    OUTCOMES,
    SOURCES,
    Models,
    Names,
    code_of,
    known_scalers,
    routes,
)
from capacity_planner.service._telemetry_series import Series, remove
from capacity_planner.units import seconds_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from prometheus_client import Gauge

    from capacity_planner.domain.metrics import Metrics
    from capacity_planner.domain.request import PlanResponse
    from capacity_planner.domain.scaling import Decision, Reason
    from capacity_planner.service._telemetry_series import Registry

Outcome = Literal["done", "retry", "failed"]
_REMEMBERED = 1_000
_STATUSES = range(100, 600)


class Telemetry:
    """The metrics of one process; safe to share between threads, and every call takes microseconds.

    Args:
        max_queues: most queues with series of their own; those beyond count together as ``other``, without gauges.
        clock: Unix time [s].
    """

    def __init__(self, *, max_queues: int = 1_000, clock: Callable[[], float] = time.time) -> None:
        self._series = Series(version("capacity-planner"))
        self._clock = clock
        self._lock = Lock()
        self._queues, self._routes, self._models = Names(max_queues), routes(), Models()
        self._scalers = known_scalers()
        self._hits: deque[bool] = deque(maxlen=_REMEMBERED)
        self._begin_at_zero()

    @property
    def registry(self) -> Registry:
        """The collector of all metrics."""
        return self._series.registry

    def keep(self, queue: str, interval: timedelta) -> None:
        """This process plans for a queue by itself from now on, once every interval; said again it changes nothing.

        Where there is no more room for queues it takes that of one which is only planned for on request.
        """
        with self._lock:
            known = self._queues.kept(queue)
            label, gone = self._queues.keep(queue)
            if gone:
                self._series.registry.forget(gone)
            if label == OTHER:
                return
            self._series.queue.interval.labels(label).set(interval.total_seconds())
            if not known:
                self._series.queue.since.labels(label).set(self._clock())
                for direction in ("up", "down"):
                    self._series.scalings.labels(label, direction, "failed")

    def forget(self, queue: str) -> None:
        """This process no longer plans for a queue: it is gone, or another replica took it over."""
        with self._lock:
            label = self._queues.drop(queue)
            if label != OTHER:
                self._series.registry.forget(label)

    def planned(self, queue: str, seconds: float, response: PlanResponse | None, *, source: str) -> None:
        """A plan was asked for.

        Args:
            queue: the queue.
            seconds: how long the answer took.
            response: the plan; ``None`` where it was refused.
            source: ``loop`` or ``request``. What is asked on request about a queue that is planned for by itself leaves
                its gauges alone: it may be a what-if.
        """
        with self._lock:
            label = self._queues.label(queue)
            self._series.generation.labels(label).observe(seconds)
            answer = "refused" if response is None else "cached" if response.cache_hit else "made"
            self._series.plans.labels(source if source in SOURCES else OTHER, answer).inc()
            if response is None:
                return
            self._hits.append(response.cache_hit)
            self._series.hits.set(sum(self._hits) / len(self._hits))
            if label != OTHER and (source == "loop" or not self._queues.kept(label)):
                self._show(label, response)

    def refused(self, error: str | BaseException) -> None:
        """A call failed; with an error, or with one of the codes."""
        self._series.errors.labels(code_of(error)).inc()

    def simulated(self, seconds: float) -> None:
        """A simulation ended after so long."""
        self._series.simulations.observe(seconds)

    def accuracy(self, model: str, share: float) -> None:
        """How right a model's forecasts were, of all queues: 1 - WAPE; nothing to tell before any was judged."""
        self._series.accuracy.labels(self._models.label(model)).set(share)

    def decided(self, queue: str, decision: Decision, reason: Reason) -> None:
        """It was decided what becomes of a plan."""
        with self._lock:
            label = self._queues.label(queue)
            self._series.decisions.labels(label, str(decision), str(reason) or NONE).inc()

    def scaled(self, queue: str, from_workers: int, to_workers: int, *, scaler: str, outcome: Outcome) -> None:
        """A step was carried out, or failed.

        Args:
            queue: the queue.
            from_workers: workers before.
            to_workers: workers ordered.
            scaler: what carried it out; empty where a person did, and told.
            outcome: ``done``; ``retry`` where it will be tried again; ``failed`` where it was given up.
        """
        direction = "up" if to_workers > from_workers else "down" if to_workers < from_workers else NONE
        name = scaler or NONE
        self._series.scaler_calls.labels(name if name in self._scalers else OTHER, outcome).inc()
        with self._lock:
            self._series.scalings.labels(self._queues.label(queue), direction, outcome).inc()

    def seen(self, queue: str, metrics: Metrics, *, workers: int) -> None:
        """A queue was measured.

        Args:
            queue: the queue.
            metrics: its newest sample.
            workers: workers that run, as the scaler knows them where it can tell.
        """
        with self._lock:
            label, show = self._queues.label(queue), self._series.queue
            if label == OTHER:
                return
            show.current.labels(label).set(workers)
            show.arrivals.labels(label).set(metrics.arrival_rate)
            show.backlog.labels(label).set(metrics.backlog)
            show.sampled.labels(label).set(metrics.timestamp.timestamp())

    def gap(self, queue: str) -> None:
        """A queue could not be measured."""
        with self._lock:
            self._series.gaps.labels(self._queues.label(queue)).inc()

    def stored(self, samples: int) -> None:
        """So many samples were stored."""
        self._series.samples.inc(samples)

    def loop_pass(self, seconds: float, lag_seconds: float) -> None:
        """The loop went over all its queues.

        Args:
            seconds: how long it took.
            lag_seconds: how late the most overdue queue was; zero where none was.
        """
        self._series.passes.observe(seconds)
        self._series.lag.set(lag_seconds)
        self._series.passed.set(self._clock())

    def owned(self, queues: int) -> None:
        """This process plans for so many queues by itself."""
        self._series.owned.set(queues)

    def heavy(self, running: int, waiting: int) -> None:
        """So many simulations run, and so many wait for their turn."""
        self._series.running.set(running)
        self._series.waiting.set(waiting)

    def http_request(self, route: str, method: str, status: int, seconds: float) -> None:
        """An HTTP request was answered.

        Args:
            route: the route's template, such as ``/v1/plans/{plan_id}``; ``other`` where none fits.
            method: such as ``GET``.
            status: such as 200.
            seconds: how long the answer took.
        """
        verb = method if method in METHODS else OTHER
        with self._lock:
            label = OTHER if route == OTHER else self._routes.label(route)
        self._series.requests.labels(label, verb, str(status) if status in _STATUSES else OTHER).inc()
        self._series.answers.labels(label, verb).observe(seconds)

    def exposition(self, accept: str | None) -> tuple[bytes, str]:
        """All metrics as text, and its content type.

        Args:
            accept: the ``Accept`` header; OpenMetrics where it asks for that.
        """
        encode, content_type = choose_encoder(accept or "")
        return encode(self._series.registry), content_type

    def _show(self, label: str, response: PlanResponse) -> None:
        show, plan = self._series.queue, response.plan
        show.target.labels(label).set(plan.target_workers)
        show.confidence.labels(label).set(plan.confidence)
        show.achievable.labels(label).set(plan.slo_achievable)
        show.cost.labels(label).set(plan.cost_impact.projected_cost_per_hour)
        show.p95.labels(label).set(seconds_of(response.queueing_result.p95_response_time))
        show.planned.labels(label).set(self._clock())
        _put(show.slo_p95, label, plan.slo.p95_latency.total_seconds() or None)
        _put(show.required, label, plan.required[0].workers if plan.required else None)
        _put(show.forecast, label, response.forecast[0].arrival_rate if response.forecast else None)

    def _begin_at_zero(self) -> None:
        """What is counted from nothing on can be alerted upon when it happens for the first time."""
        for code in CODES:
            self._series.errors.labels(code)
        for source in SOURCES:
            for answer in ANSWERS:
                self._series.plans.labels(source, answer)
        for scaler in self._scalers:
            for outcome in OUTCOMES:
                self._series.scaler_calls.labels(scaler, outcome)


def _put(gauge: Gauge, label: str, value: float | None) -> None:
    """Show a value, or that there is none."""
    if value is None:
        remove(gauge, label)
    else:
        gauge.labels(label).set(value)

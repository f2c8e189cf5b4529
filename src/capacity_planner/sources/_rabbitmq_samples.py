"""A queue's statistics → samples: rates from counters, the service time by the utilisation law."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import fmean
from typing import TYPE_CHECKING

from capacity_planner.domain.metrics import Metrics
from capacity_planner.units import from_seconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from capacity_planner.sources._rabbitmq_stats import Stats

_WINDOW = 600
_FEWEST = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Crew:
    """How the consumers work.

    Attributes:
        slots: jobs that one consumer serves at once.
        consumers_per_worker: consumers that one worker has.
        before: whether a message is acknowledged when its job begins, rather than when it ends.
        service_time: E[S] [s], where it is known otherwise.
        std: its standard deviation [s].
        p95: its 95th percentile [s].
    """

    slots: int
    consumers_per_worker: int
    before: bool
    service_time: float | None
    std: float | None
    p95: float | None


class Told:
    """Statistics of a queue, and how its consumers work.

    Args:
        queue_name: the queue.
        stats: the statistics.
        crew: how the consumers work.
        step: distance of two samples [s].
    """

    def __init__(self, queue_name: str, stats: Stats, crew: Crew, step: int) -> None:
        self._queue_name, self._stats, self._crew, self._step = queue_name, stats, crew, step
        self._slots = stats.consumers * crew.slots

    def instants(self, since: float, until: float) -> list[int]:
        """Ends of whole steps in between that were counted from begin to end [s since 1970]."""
        stats = self._stats
        return [
            at
            for at in stats.published
            if not at % self._step
            and since < at <= until
            and at - self._step in stats.published
            and at in stats.ready
            and at in stats.unacked
        ]

    def sample(self, at: int) -> Metrics:
        """The sample of the step that ends then."""
        stats, crew = self._stats, self._crew
        arrived = stats.published[at] - stats.published[at - self._step]
        service = crew.service_time if crew.service_time is not None else self._service_time(at)
        active = self._busy(at, service)
        held = stats.unacked[at] if crew.before else max(0, stats.unacked[at] - self._slots)
        return Metrics(
            timestamp=datetime.fromtimestamp(at, UTC),
            arrival_rate=arrived / self._step,
            service_time=from_seconds(service or 0.0),
            service_time_std=_duration(crew.std),
            service_time_p95=_duration(crew.p95),
            current_workers=-(-stats.consumers // crew.consumers_per_worker),
            utilization=self._utilization(at, service),
            backlog=stats.ready[at] + held,
            active_jobs=round(active),
            queue_name=self._queue_name,
        )

    def _busy(self, at: int, service: float | None) -> float:
        """Slots that are busy at an instant, or were in the step before it where that cannot be seen [jobs]."""
        if not self._crew.before:
            return min(self._stats.unacked[at], self._slots)
        return min(self._throughput(at - self._step, at) * (service or 0.0), self._slots)

    def _utilization(self, at: int, service: float | None) -> float:
        if not self._slots:
            return 0.0
        if self._crew.before:
            return self._busy(at, service) / self._slots
        return self._mean_busy(at - self._step, at) / self._slots

    def _service_time(self, at: int) -> float | None:
        """Busy slots over throughput, of the last minutes [s]; ``None`` where too little was served, or is not seen."""
        begin = next(moment for moment in self._stats.published if moment >= at - _WINDOW)
        if self._stats.served[at] - self._stats.served[begin] < _FEWEST:
            return None
        if self._crew.before:
            busy = float(self._slots) if min(self._held(begin, at)) > 0 else 0.0
        else:
            busy = self._mean_busy(begin, at)
        return busy / self._throughput(begin, at) if busy else None

    def _throughput(self, begin: int, at: int) -> float:
        """Jobs that were served [1/s]."""
        return (self._stats.served[at] - self._stats.served[begin]) / (at - begin)

    def _mean_busy(self, begin: int, at: int) -> float:
        return fmean(min(held, self._slots) for held in self._held(begin, at))

    def _held(self, begin: int, at: int) -> Sequence[int]:
        """Messages that consumers held, at every instant after ``begin`` at which RabbitMQ looked."""
        return [held for moment, held in self._stats.unacked.items() if begin < moment <= at]


def _duration(seconds: float | None) -> timedelta | None:
    return None if seconds is None else from_seconds(seconds)

"""Outcomes of simulated futures → timeline, summary and confidence intervals."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from capacity_planner.domain.simulation import ConfidenceInterval, SimulationSummary, TimelinePoint
from capacity_planner.simulation.estimate import mean_and_interval, share_and_interval
from capacity_planner.units import from_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from capacity_planner.domain.congestion import FloatArray
    from capacity_planner.simulation._tally import Outcome
    from capacity_planner.simulation.verdict import Verdict

_HOUR = 3600.0
_LEVEL = 0.95
_HALF = 0.5
_MANY = 1_000


@dataclass(frozen=True, eq=False)
class Report:
    """Simulated futures in the words of the domain; numbers are means over the replications.

    Args:
        verdict: the futures against the SLO.
        start: begin of the simulated time.
        mean_service: E[S] [s].
        concurrency: servers per worker.
        worker_cost: [$/h].
        violation_cost: [$/h].
    """

    verdict: Verdict
    start: datetime
    mean_service: float
    concurrency: int
    worker_cost: float
    violation_cost: float

    @property
    def outcomes(self) -> Sequence[Outcome]:
        """One per replication."""
        return self.verdict.outcomes

    @property
    def lengths(self) -> FloatArray:
        """Lengths of the intervals [s]."""
        return np.diff(self.outcomes[0].edges)

    def timeline(self, check: Callable[[], None]) -> tuple[TimelinePoint, ...]:
        """What happened in each interval.

        Args:
            check: called now and then; may raise to stop.
        """
        length, edges = self.lengths, self.outcomes[0].edges
        arrived, gone, serving = self._sum("arrived"), self._sum("gone"), self._sum("serving")
        count = len(self.outcomes)
        columns = {
            "workers": np.rint(self._sum("paid") / count / length),
            "arrival_rate": arrived / count / length,
            "service_rate": serving / count / length / self.mean_service,
            "backlog": self._sum("waiting") / count / length,
            "latency": _mean_of(self._sum("response"), arrived, gone),
            "p95_latency": self._p95(),
            "utilization": np.divide(self._sum("busy"), serving, out=np.zeros(len(length)), where=serving > 0),
            "cost": self._cost().mean(axis=0),
            "slo_violation": self.verdict.broken.mean(axis=0) >= _HALF,
            "max_backlog": np.rint(self._sum("peak") / count),
        }
        rows = zip(edges[:-1].tolist(), *(column.tolist() for column in columns.values()), strict=True)
        found = []
        for number, (begin, *row) in enumerate(rows):
            if number % _MANY == 0:
                check()
            found.append(self._point(begin, dict(zip(columns, row, strict=True))))
        return tuple(found)

    def _point(self, begin: float, row: dict[str, float]) -> TimelinePoint:
        return TimelinePoint(
            timestamp=self.start + timedelta(seconds=begin),
            workers=int(row["workers"]),
            arrival_rate=row["arrival_rate"],
            service_rate=row["service_rate"],
            backlog=row["backlog"],
            latency=from_seconds(row["latency"]),
            p95_latency=from_seconds(row["p95_latency"]),
            utilization=row["utilization"],
            cost=row["cost"],
            slo_violation=bool(row["slo_violation"]),
            max_backlog=int(row["max_backlog"]),
        )

    def summary(self) -> SimulationSummary:
        """The whole run."""
        mean = {name: float(np.mean(values)) for name, values in self.measures().items()}
        return SimulationSummary(
            avg_backlog=mean["avg_backlog"],
            max_backlog=round(mean["max_backlog"]),
            avg_latency=from_seconds(mean["avg_latency"]),
            p95_latency=from_seconds(mean["p95_latency"]),
            slo_violations=round(mean["slo_violations"]),
            slo_achievement=mean["slo_achievement"],
            total_cost=mean["total_cost"],
            avg_utilization=mean["avg_utilization"],
            efficiency_score=mean["efficiency_score"],
            jobs=round(mean["jobs"]),
            abandoned=round(mean["abandoned"]),
        )

    def confidence_intervals(self) -> tuple[ConfidenceInterval, ...]:
        """Where the true means of the summary lie; none from a single replication."""
        if len(self.outcomes) == 1:
            return ()
        measured, count = self.measures(), len(self.lengths)
        return tuple(_interval(name, values, count) for name, values in measured.items() if len(values) > 1)

    def measures(self) -> dict[str, FloatArray]:
        """The numbers of the summary by name, one value per replication; times in seconds, of those with jobs alone."""
        total = {name: self._totals(name) for name in _SUMMED}
        span = float(self.lengths.sum())
        kept = 1.0 - self.verdict.broken.mean(axis=1)
        paid = total["paid"] * self.concurrency
        return {
            "avg_backlog": total["waiting"] / span,
            "max_backlog": np.array([float(item.peak.max()) for item in self.outcomes]),
            "avg_latency": _of_some(_mean_of(total["response"], total["arrived"], total["gone"]), total["arrived"]),
            "p95_latency": _of_some(np.array([item.total_p95 for item in self.outcomes]), total["arrived"]),
            "slo_violations": self.verdict.broken.sum(axis=1).astype(float),
            "slo_achievement": kept,
            "total_cost": self._cost().sum(axis=1),
            "avg_utilization": _share(total["busy"], total["serving"]),
            "efficiency_score": 100.0 * _share(total["busy"], paid) * kept,
            "jobs": total["arrived"],
            "abandoned": total["gone"],
        }

    def mean_workers(self) -> float:
        """Workers that were paid, on average over the time."""
        return float(np.mean(self._totals("paid")) / self.lengths.sum())

    def _cost(self) -> FloatArray:
        """Cost of each interval in each replication [$]."""
        paid = np.array([item.paid for item in self.outcomes])
        return (paid * self.worker_cost + self.verdict.broken * self.lengths * self.violation_cost) / _HOUR

    def _p95(self) -> FloatArray:
        """Mean over the replications in which jobs arrived in the interval."""
        some = np.array([item.arrived > 0 for item in self.outcomes])
        values = np.array([item.p95 for item in self.outcomes])
        return np.asarray(np.where(some, values, 0.0).sum(axis=0) / np.maximum(some.sum(axis=0), 1))

    def _sum(self, name: str) -> FloatArray:
        """Per interval, over the replications."""
        return np.asarray(np.sum([getattr(item, name) for item in self.outcomes], axis=0), dtype=float)

    def _totals(self, name: str) -> FloatArray:
        """Per replication, over the intervals."""
        return np.array([float(getattr(item, name).sum()) for item in self.outcomes])


_SUMMED = ("waiting", "response", "arrived", "gone", "busy", "serving", "paid")


def _mean_of(response: FloatArray, arrived: FloatArray, gone: FloatArray) -> FloatArray:
    """Mean response time; where jobs arrived and none was served it never ends, where none arrived it is 0."""
    served = arrived - gone
    nobody = np.where(arrived > 0, np.inf, 0.0)
    return np.divide(response, served, out=nobody, where=served > 0)


def _of_some(values: FloatArray, arrived: FloatArray) -> FloatArray:
    """The futures in which jobs arrived; all where there is none."""
    return values[arrived > 0] if (arrived > 0).any() else values


def _share(part: FloatArray, whole: FloatArray) -> FloatArray:
    return np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)


def _interval(name: str, values: FloatArray, count: int) -> ConfidenceInterval:
    """The interval of a measure; those that count intervals are shares of them."""
    if name in {"slo_achievement", "slo_violations"}:
        most = count if name == "slo_violations" else 1
        mean, lower, upper = (most * end for end in share_and_interval(values / most, _LEVEL, count))
    else:
        mean, lower, upper = mean_and_interval(values, _LEVEL)
    return ConfidenceInterval(measure=name, mean=mean, lower=max(lower, 0.0), upper=upper, level=_LEVEL)

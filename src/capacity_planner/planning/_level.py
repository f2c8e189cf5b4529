"""The lowest forecast quantile whose needs, if they are met, keep the SLO as surely as was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from capacity_planner.planning import confidence
from capacity_planner.planning._capacity import Capacity
from capacity_planner.planning._futures_begin import futures
from capacity_planner.planning.offered_load import peak_offered_load

if TYPE_CHECKING:
    from collections.abc import Sequence

    from capacity_planner.domain.config import PlannerConfig
    from capacity_planner.domain.congestion import FloatArray
    from capacity_planner.domain.metrics import Metrics
    from capacity_planner.domain.slo import SLO
    from capacity_planner.planning.demand import Demand
    from capacity_planner.planning.fluid import Fluid
    from capacity_planner.planning.need import Need
    from capacity_planner.planning.staffing import Staffing

_NORMAL = NormalDist()
_TRIED = (-0.5, 0.0, 0.6, 1.4)
_WORTH_IT = 0.02
_HIGHEST = 3.3


@dataclass(frozen=True)
class Trial:
    """Tries quantiles in the same futures of the queue.

    Args:
        metrics: the sample.
        slo: what must hold.
        config: settings.
        staffing: the inverse of the queueing model.
        demands: the arrival rate per interval.
        paths: futures of the arrival rate, shape (rows, intervals).
        before: the rate that the servers feel now [jobs/s].
    """

    metrics: Metrics
    slo: SLO
    config: PlannerConfig
    staffing: Staffing
    demands: Sequence[Demand]
    paths: FloatArray
    before: float

    def lowest(self, near: float, needs: Sequence[Need], queue: Fluid) -> float:
        """The lowest of some quantiles around ``near`` that is as sure as asked for.

        Where none is, for instance because what waits now is late already, the lowest that is nearly as sure as any.

        Args:
            near: where to look.
            needs: at that quantile; what they hold for the backlog is held at every one.
            queue: at time 0.
        """
        probits = [min(_NORMAL.inv_cdf(near) + off, _HIGHEST) for off in _TRIED]
        capacity = Capacity.of(needs, self.staffing, self.config.worker_concurrency)
        plans = [self._levels(probit, needs, queue, capacity) for probit in probits]
        begin = futures(self.metrics, self.slo, self.config, self.staffing, self.paths)
        sure = [confidence.share(broken, self.slo.allowed_share) for broken in begin.broken(*plans)]
        wanted = min(self.config.confidence_threshold, max(sure) - _WORTH_IT)
        return _NORMAL.cdf(next(probit for probit, held in zip(probits, sure, strict=True) if held >= wanted))

    def _levels(
        self, probit: float, needs: Sequence[Need], queue: Fluid, capacity: Capacity
    ) -> list[tuple[float, int]]:
        """The workers that serve from when on, if the needs at a quantile are met as soon as a worker can serve."""
        level, config = _NORMAL.cdf(probit), self.config
        interval, delay = config.plan_interval.total_seconds(), config.startup_delay.total_seconds()
        rates = [max(demand.quantile(level), demand.median) for demand in self.demands]
        loads = peak_offered_load(rates, self.before, interval, self.staffing.law)
        workers = np.maximum(capacity.workers(loads), [max(need.drain, need.unhurried) for need in needs])
        held = np.clip(workers, config.min_workers, config.max_workers).astype(int).tolist()
        if delay <= 0.0:
            return [(at * interval, count) for at, count in enumerate(held)]
        begin = [(0.0, queue.serving), *((at, count) for at, count in queue.starting if at < delay)]
        first = held[min(int(delay / interval), len(held) - 1)]
        return [
            *begin,
            (delay, first),
            *((at * interval, count) for at, count in enumerate(held) if at * interval > delay),
        ]

"""Everything a plan rests on, worked out once: needs, the path through them, and how sure it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from capacity_planner.planning import confidence
from capacity_planner.planning._futures_begin import futures

if TYPE_CHECKING:
    from capacity_planner.domain.config import PlannerConfig
    from capacity_planner.domain.congestion import FloatArray
    from capacity_planner.domain.metrics import Metrics
    from capacity_planner.domain.slo import SLO
    from capacity_planner.planning._futures import BoolArray
    from capacity_planner.planning.demand import Demand
    from capacity_planner.planning.fluid import Fluid
    from capacity_planner.planning.need import Need
    from capacity_planner.planning.schedule import Path
    from capacity_planner.planning.staffing import Staffing

_LATE = 0.05
_PARTITIONED = ("mm1", "mg1")


@dataclass(frozen=True, kw_only=True)
class Study:
    """A plan's reasons, for the texts and the figures.

    Args:
        metrics: the sample the plan starts from.
        current: workers ordered at that instant.
        slo: what must hold.
        config: settings.
        staffing: the inverse of the queueing model.
        demands: the arrival rate per interval.
        paths: futures of the arrival rate, shape (rows, intervals).
        level: the forecast quantile that is staffed.
        experienced: the one with which the last days would have kept the SLO; 0 where they were not replayed.
        needs: what each interval asks for.
        path: the steps and the queue that results.
        unchanged: the queue when nothing is done.
        blocked: for how long a cooldown holds back a step that is due now [s]; 0 when none is.
    """

    metrics: Metrics
    current: int
    slo: SLO
    config: PlannerConfig
    staffing: Staffing
    demands: tuple[Demand, ...]
    paths: FloatArray
    level: float
    experienced: float
    needs: tuple[Need, ...]
    path: Path
    unchanged: Fluid
    blocked: float

    @cached_property
    def limits(self) -> tuple[float, ...]:
        """The largest arrival rate at which each interval keeps the SLO in the steady state, with the plan [jobs/s]."""
        return self._limits(self.path.fluid)

    @cached_property
    def broken_futures(self) -> BoolArray:
        """Whether intervals break the SLO in each future, as planned and unchanged, shape (2, rows, intervals)."""
        fluids = self.path.fluid, self.unchanged
        begin = futures(self.metrics, self.slo, self.config, self.staffing, self.paths)
        broken = begin.broken(*(fluid.levels for fluid in fluids))
        if self.config.queueing_model in _PARTITIONED:
            broken |= np.stack([self.paths > np.array(self._limits(fluid)) for fluid in fluids])
        return broken

    def confidence(self, first: int = 0, last: int | None = None) -> float:
        """P(the SLO holds, within its error budget) from interval ``first`` to before ``last``."""
        if not self.staffing.achievable:
            return 0.0
        if confidence.enough(self.paths):
            return confidence.share(self.broken_futures[0, :, first:last], self.slo.allowed_share)
        return confidence.bound(confidence.kept(self.demands, self.limits)[first:last], self.slo.allowed_share)

    @cached_property
    def risk(self) -> float:
        """Expected share of the intervals that break the SLO, with the plan."""
        return self._risk(0, self.path.fluid)

    @cached_property
    def risk_unchanged(self) -> float:
        """The same, when nothing is done: in the same futures."""
        return self._risk(1, self.unchanged)

    @cached_property
    def binding(self) -> int:
        """The interval that needs most workers; of several the one with the largest load that is staffed."""
        return max(range(len(self.needs)), key=lambda index: (self.needs[index].target, self.needs[index].demand_load))

    @cached_property
    def broken(self) -> tuple[int, ...]:
        """The intervals in which the plan has fewer workers than the SLO needs, or too large a backlog."""
        fluid = self.path.fluid
        rows = enumerate(zip(self.needs, fluid.least, fluid.late, strict=True))
        return tuple(i for i, (need, least, late) in rows if least < need.slo or late > _LATE * fluid.interval)

    @property
    def within_budget(self) -> bool:
        """Whether no more intervals are broken than the error budget allows."""
        return len(self.broken) <= self.slo.allowed_share * len(self.needs) + 1e-9

    @property
    def achievable(self) -> bool:
        """Whether the plan keeps the SLO within all limits."""
        return self.staffing.achievable and self.within_budget

    @property
    def target(self) -> int:
        """Workers at the end of the first run of steps in one direction."""
        level = self.current
        direction = 0
        for change in self.path.changes:
            sign = 1 if change.after > change.before else -1
            if direction and sign != direction:
                break
            level, direction = change.after, sign
        return level

    @property
    def servers_now(self) -> int:
        """Servers of the workers that run now, or are starting."""
        return self.current * self.config.worker_concurrency

    def required(self, index: int) -> int:
        """The fewest workers for an interval, before limits: for the SLO and what waits then."""
        return max(self.needs[index].slo, self.needs[index].drain)

    def at(self, seconds: float) -> datetime:
        """The instant so many seconds after the plan's start."""
        return self.metrics.timestamp + timedelta(seconds=round(seconds, 6))

    def _risk(self, plan: int, fluid: Fluid) -> float:
        if confidence.enough(self.paths):
            return float(self.broken_futures[plan].mean())
        return 1.0 - sum(confidence.kept(self.demands, self._limits(fluid))) / len(self.demands)

    def _limits(self, fluid: Fluid) -> tuple[float, ...]:
        return confidence.limits(self.needs, fluid, self.staffing, self.config.worker_concurrency)

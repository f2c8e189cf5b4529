"""Everything a plan rests on, worked out once: needs, the path through them, and how sure it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from capacity_planner.planning import confidence
from capacity_planner.planning._futures_begin import futures
from capacity_planner.planning._violation import violation
from capacity_planner.planning.fluid import Fluid, Tolerance
from capacity_planner.planning.needs import needs
from capacity_planner.planning.schedule import Path, follow

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from capacity_planner.domain.config import PlannerConfig
    from capacity_planner.domain.congestion import FloatArray
    from capacity_planner.domain.metrics import Metrics
    from capacity_planner.domain.slo import SLO
    from capacity_planner.planning._futures import BoolArray
    from capacity_planner.planning.demand import Demand
    from capacity_planner.planning.need import Need
    from capacity_planner.planning.staffing import Staffing

_LATE = 0.05
_PARTITIONED = ("mm1", "mg1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaled:
    """The last scaling: to ``workers``, ``ago`` seconds before the sample was taken (negative: after it)."""

    workers: int
    ago: float


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
        """The interval with the largest load that is staffed."""
        return max(range(len(self.needs)), key=lambda index: self.needs[index].demand_load)

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


def study(
    metrics: Metrics,
    slo: SLO,
    config: PlannerConfig,
    demands: Sequence[Demand],
    paths: FloatArray,
    staffing: Staffing,
    *,
    scaled: Scaled | None = None,
    cooling: bool = True,
    experienced: float = 0.0,
) -> Study:
    """Work out needs, steps and the queue.

    Args:
        metrics: the sample the plan starts from.
        slo: what must hold.
        config: settings.
        demands: the arrival rate per interval.
        paths: futures of the arrival rate, shape (rows, intervals).
        staffing: the inverse of the queueing model.
        scaled: the last scaling there was; workers it ordered that do not serve yet are not ordered again.
        cooling: whether its cooldown holds.
        experienced: the quantile with which the last days would have kept the SLO; no lower one is staffed.
    """
    level = max(confidence.level(paths, demands, config.confidence_threshold, slo.allowed_share), experienced)
    serving, starting = _pool(metrics.current_workers, scaled, config.startup_delay.total_seconds())
    fluid = Fluid(
        rates=[demand.median for demand in demands],
        interval=config.plan_interval.total_seconds(),
        service_rate=config.worker_concurrency / staffing.law.mean,
        tolerance=_tolerance(slo, staffing),
        backlog=float(metrics.backlog),
        serving=serving,
        starting=starting,
    )
    wanted = needs(
        demands,
        level,
        metrics.arrival_rate,
        staffing,
        config,
        surplus=_surplus(metrics, config, staffing.law.mean),
        queue=fluid,
    )
    unchanged = fluid.copy()
    current = fluid.ordered
    unchanged.advance(unchanged.end)
    begin, last_change = fluid.copy(), -scaled.ago if scaled and cooling else -float("inf")
    priced = violation(demands, wanted, staffing, config.worker_concurrency, fluid.interval)
    path = follow(wanted, fluid, last_change=last_change, config=config, violation=priced)
    return Study(
        current=current,
        metrics=metrics,
        slo=slo,
        config=config,
        staffing=staffing,
        demands=tuple(demands),
        paths=paths,
        level=level,
        experienced=experienced,
        needs=wanted,
        path=path,
        unchanged=unchanged,
        blocked=_blocked(wanted, begin, path, last_change, config, priced),
    )


def _surplus(metrics: Metrics, config: PlannerConfig, mean: float) -> float:
    """Jobs in service now beyond what the rate explains, where they were counted; fewer do not count while jobs wait.

    Args:
        metrics: the sample.
        config: settings.
        mean: E[S] [s].
    """
    servers = metrics.current_workers * config.worker_concurrency
    counted = metrics.active_jobs or min(metrics.utilization, 1.0) * servers
    if not counted:
        return 0.0
    more = min(float(counted), float(servers)) - min(metrics.arrival_rate * mean, float(servers))
    return max(more, 0.0) if metrics.backlog else more


def _pool(serving: int, scaled: Scaled | None, startup: float) -> tuple[int, list[tuple[float, int]]]:
    """Workers that serve, and those that start: (from when [s], how many then)."""
    if scaled is None or scaled.ago >= max(startup, 0.0):
        return serving, []
    if scaled.workers <= serving:
        return (scaled.workers if scaled.ago < 0 else serving), []
    return serving, [(startup - scaled.ago, scaled.workers)]


def _blocked(
    wanted: Sequence[Need],
    begin: Fluid,
    path: Path,
    last_change: float,
    config: PlannerConfig,
    priced: Callable[[int, FloatArray], FloatArray],
) -> float:
    """How long the first step of the path without a cooldown must wait."""
    if _starts_now(path) or last_change + max(config.cooldown_up, config.cooldown_period).total_seconds() <= 0:
        return 0.0
    free = follow(wanted, begin, last_change=-float("inf"), config=config, violation=priced)
    if not _starts_now(free):
        return 0.0
    up = free.changes[0].after > free.changes[0].before
    return last_change + (config.cooldown_up if up else config.cooldown_period).total_seconds()


def _starts_now(path: Path) -> bool:
    return bool(path.changes) and path.changes[0].at == 0.0


def _tolerance(slo: SLO, staffing: Staffing) -> Tolerance:
    inf = float("inf")
    return Tolerance(
        wait=inf if staffing.latency is None else max(staffing.latency - staffing.least_p95, 0.0),
        jobs=slo.max_backlog or inf,
        drain=slo.drain_time.total_seconds() or inf,
    )

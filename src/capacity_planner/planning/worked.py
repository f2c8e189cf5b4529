"""A sample and a forecast worked out to a study: how high to staff, what is needed, which steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from capacity_planner.planning import confidence
from capacity_planner.planning._level import Trial
from capacity_planner.planning._violation import violation
from capacity_planner.planning.fluid import Fluid, Tolerance
from capacity_planner.planning.needs import needs
from capacity_planner.planning.schedule import Path, follow
from capacity_planner.planning.study import Study

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from capacity_planner.domain.config import PlannerConfig
    from capacity_planner.domain.congestion import FloatArray
    from capacity_planner.domain.metrics import Metrics
    from capacity_planner.domain.slo import SLO
    from capacity_planner.planning.demand import Demand
    from capacity_planner.planning.need import Need
    from capacity_planner.planning.staffing import Staffing


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaled:
    """The last scaling: to ``workers``, ``ago`` seconds before the sample was taken (negative: after it)."""

    workers: int
    ago: float


def study(
    metrics: Metrics,
    slo: SLO,
    config: PlannerConfig,
    demands: Sequence[Demand],
    paths: FloatArray,
    staffing: Staffing,
    *,
    before: float | None = None,
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
        before: the rate that the servers feel now [jobs/s]; ``None`` takes the sample's.
        scaled: the last scaling there was; workers it ordered that do not serve yet are not ordered again.
        cooling: whether its cooldown holds.
        experienced: the quantile with which the last days would have kept the SLO; no lower one is staffed.
    """
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
    felt = metrics.arrival_rate if before is None else before
    surplus = _surplus(metrics, config, felt * staffing.law.mean)

    def needed(quantile: float) -> tuple[Need, ...]:
        return needs(demands, quantile, felt, staffing, config, surplus=surplus, queue=fluid)

    level = confidence.level(paths, demands, config.confidence_threshold, slo.allowed_share)
    wanted = needed(max(level, experienced))
    if confidence.enough(paths) and staffing.achievable:
        tried = Trial(metrics, slo, config, staffing, demands, paths, felt)
        level = tried.lowest(level, wanted, fluid)
        wanted = needed(max(level, experienced))
    level = max(level, experienced)
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


def _surplus(metrics: Metrics, config: PlannerConfig, load: float) -> float:
    """Jobs in service now beyond what the rate explains, where they were counted.

    Fewer than that do not count: a plan reaches far, and what is idle for a moment is needed in the next.

    Args:
        metrics: the sample.
        config: settings.
        load: what the rate explains [erlang].
    """
    servers = float(metrics.current_workers * config.worker_concurrency)
    counted = metrics.active_jobs or min(metrics.utilization, 1.0) * servers
    return max(min(float(counted), servers) - load, 0.0) if counted else 0.0


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

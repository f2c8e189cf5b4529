"""From a sample, an SLO and the settings to the futures of a queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from capacity_planner.planning._futures import Futures, Promise

if TYPE_CHECKING:
    from capacity_planner.domain.config import PlannerConfig
    from capacity_planner.domain.congestion import FloatArray
    from capacity_planner.domain.metrics import Metrics
    from capacity_planner.domain.slo import SLO
    from capacity_planner.planning.staffing import Staffing

_INF = float("inf")


def futures(metrics: Metrics, slo: SLO, config: PlannerConfig, staffing: Staffing, rates: FloatArray) -> Futures:
    """What may come of a queue from a sample on: drawn by its timestamp and the seed, whatever is planned.

    Where the latency asked for is out of reach, the one that is staffed for is promised.

    Args:
        metrics: the sample.
        slo: what must hold.
        config: settings.
        staffing: the inverse of the queueing model.
        rates: of the arrivals, shape (futures, intervals) [jobs/s].
    """
    return Futures(
        rates=rates,
        interval=config.plan_interval.total_seconds(),
        law=staffing.law,
        promise=promise(slo, staffing),
        waiting=float(metrics.backlog),
        busy=_busy(metrics, config.worker_concurrency, staffing.law.mean),
        concurrency=config.worker_concurrency,
        seed=(config.seed, round(metrics.timestamp.timestamp() * 1e6) % 2**64),
    )


def promise(slo: SLO, staffing: Staffing) -> Promise:
    """What an interval must keep.

    Args:
        slo: what must hold.
        staffing: the inverse of the queueing model.
    """
    return Promise(
        latency=staffing.latency or _INF,
        jobs=slo.max_backlog or _INF,
        drain=slo.drain_time.total_seconds() or _INF,
    )


def _busy(metrics: Metrics, concurrency: int, mean: float) -> float:
    """Jobs in service: as counted, as measured, or as many as the load would have."""
    servers = float(metrics.current_workers * concurrency)
    usual = servers if metrics.backlog else metrics.arrival_rate * mean
    return min(float(metrics.active_jobs or metrics.utilization * servers or usual), servers)

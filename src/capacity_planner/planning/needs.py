"""Workers needed per interval: demand quantiles, staffed, with the floors that the settings put under them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from capacity_planner.planning.drain import drained
from capacity_planner.planning.need import Need, workers
from capacity_planner.planning.offered_load import peak_offered_load

if TYPE_CHECKING:
    from collections.abc import Sequence

    from capacity_planner.domain.config import PlannerConfig
    from capacity_planner.domain.congestion import FloatArray
    from capacity_planner.planning.demand import Demand
    from capacity_planner.planning.fluid import Fluid
    from capacity_planner.planning.staffing import Staffing


def needs(
    demands: Sequence[Demand],
    level: float,
    before: float,
    staffing: Staffing,
    config: PlannerConfig,
    *,
    surplus: float = 0.0,
    queue: Fluid | None = None,
) -> tuple[Need, ...]:
    """The need of every interval.

    Args:
        demands: the arrival rate per interval.
        level: the forecast quantile to staff.
        before: the rate up to now [jobs/s].
        staffing: the inverse of the queueing model.
        config: settings.
        surplus: jobs in service now beyond what the rate explains.
        queue: the queue at time 0; without it nobody waits.
    """
    interval, mean = config.plan_interval.total_seconds(), staffing.law.mean
    medians = [demand.median for demand in demands]
    quantiles = [max(demand.quantile(level), demand.median) for demand in demands]
    lasting = _lasting(surplus, len(demands), interval, mean)
    loads = np.maximum(peak_offered_load(medians, before, interval, staffing.law) + lasting, 0.0)
    demand_loads = np.maximum(peak_offered_load(quantiles, before, interval, staffing.law) + lasting, loads)
    fewest = staffing.fewest_each(np.concatenate([loads, demand_loads]) / mean).tolist()
    concurrency = config.worker_concurrency
    found = [
        Need(
            rate=medians[index],
            demand_rate=quantiles[index],
            load=load,
            demand_load=demand_load,
            slo=workers(fewest[len(loads) + index], concurrency),
            margin=workers(fewest[index] * (1.0 + config.safety_margin), concurrency),
            unhurried=workers(load / config.scale_up_threshold, concurrency),
        )
        for index, (load, demand_load) in enumerate(zip(loads.tolist(), demand_loads.tolist(), strict=True))
    ]
    return tuple(found if queue is None else drained(found, queue, mean, config))


def _lasting(surplus: float, intervals: int, interval: float, mean: float) -> FloatArray:
    """What is still there of more jobs in service now, in each interval; as the controller has it for one instant."""
    left: FloatArray = surplus * np.exp(-np.arange(intervals) * interval / mean)
    return left

"""The probability that an interval breaks the SLO, for every number of workers: what the schedule is priced by."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from capacity_planner.planning._capacity import Capacity

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from capacity_planner.domain.congestion import FloatArray
    from capacity_planner.planning.demand import Demand
    from capacity_planner.planning.need import Need
    from capacity_planner.planning.staffing import Staffing

_NO_JOB = 0.5  # jobs in an interval: less than that is none


def violation(
    demands: Sequence[Demand], needs: Sequence[Need], staffing: Staffing, concurrency: int, interval: float
) -> Callable[[int, FloatArray], FloatArray]:
    """P(interval i breaks the SLO) as a function of i and of numbers of workers.

    Args:
        demands: the arrival rate per interval.
        needs: what each interval asks for.
        staffing: the inverse of the queueing model.
        concurrency: servers per worker.
        interval: length of an interval [s].
    """
    capacity = Capacity.of(needs, staffing, concurrency)

    def broken(index: int, workers: FloatArray) -> FloatArray:
        rates = _rate(needs[index], capacity.load(workers), staffing.law.mean)
        return demands[index].exceeded(np.maximum(rates, _NO_JOB / interval))

    return broken


def _rate(need: Need, loads: FloatArray, mean: float) -> FloatArray:
    """The rate with such a peak load: it is a straight line in the rate through median and quantile."""
    rise, run = need.demand_load - need.load, need.demand_rate - need.rate
    slope = rise / run if run > 0 and rise > 0 else mean
    rates: FloatArray = np.maximum(need.rate + (loads - need.load) / slope, 0.0)
    return rates

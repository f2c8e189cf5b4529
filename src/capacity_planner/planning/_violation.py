"""The probability that an interval breaks the SLO, for every number of workers: what the schedule is priced by."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from capacity_planner.planning._search import MOST_SERVERS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from capacity_planner.domain.congestion import FloatArray
    from capacity_planner.planning.demand import Demand
    from capacity_planner.planning.need import Need
    from capacity_planner.planning.staffing import Staffing

_POINTS = 8
_ROOM = 2.0
_LEAST = 0.05
_NO_JOB = 0.5  # jobs in an interval: less than that is none


def violation(
    demands: Sequence[Demand], needs: Sequence[Need], staffing: Staffing, concurrency: int, interval: float
) -> Callable[[int, FloatArray], FloatArray]:
    """P(interval i breaks the SLO) as a function of i and of numbers of workers.

    The load that servers can take is joined by straight lines between eight loads, at which it is exact.

    Args:
        demands: the arrival rate per interval.
        needs: what each interval asks for.
        staffing: the inverse of the queueing model.
        concurrency: servers per worker.
        interval: length of an interval [s].
    """
    least, most = min(need.load for need in needs), max(need.demand_load for need in needs)
    loads = np.geomspace(max(least, _LEAST), min(max(_ROOM * most, 1.0), MOST_SERVERS / _ROOM), _POINTS)
    servers = np.concatenate([[0], staffing.fewest_each(loads / staffing.law.mean)]).astype(float)
    loads = np.concatenate([[0.0], loads])
    share = loads[-1] / servers[-1]

    def broken(index: int, workers: FloatArray) -> FloatArray:
        count = np.asarray(workers, dtype=float) * concurrency
        taken = np.where(count > servers[-1], count * share, np.interp(count, servers, loads))
        rates = _rate(needs[index], taken, staffing.law.mean)
        return demands[index].exceeded(np.maximum(rates, _NO_JOB / interval))

    return broken


def _rate(need: Need, loads: FloatArray, mean: float) -> FloatArray:
    """The rate with such a peak load: it is a straight line in the rate through median and quantile."""
    rise, run = need.demand_load - need.load, need.demand_rate - need.rate
    slope = rise / run if run > 0 and rise > 0 else mean
    rates: FloatArray = np.maximum(need.rate + (loads - need.load) / slope, 0.0)
    return rates

"""How sure a plan is: the probability that each interval keeps the SLO, from the forecast's own distribution."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from capacity_planner.planning.demand import Demand
    from capacity_planner.planning.fluid import Fluid
    from capacity_planner.planning.needs import Need
    from capacity_planner.planning.staffing import Staffing

_TOLERATED = 0.05


def kept(
    demands: Sequence[Demand], needs: Sequence[Need], fluid: Fluid, staffing: Staffing, concurrency: int
) -> tuple[float, ...]:
    """P(the SLO holds) in each interval.

    An interval keeps the SLO when its peak load is at most what its least number of serving workers can take; one in
    which the backlog is too large for more than 5 % of the time does not keep it.

    Args:
        demands: the arrival rate per interval.
        needs: what each interval asks for.
        fluid: the queue after the plan was carried out.
        staffing: the inverse of the queueing model.
        concurrency: servers per worker.
    """
    if not staffing.achievable:
        return (0.0,) * len(demands)
    mean = staffing.law.mean
    largest = {level: staffing.largest_rate(level * concurrency) for level in set(fluid.least)}
    rows = zip(demands, needs, fluid.least, fluid.late, strict=True)
    return tuple(
        0.0 if late > _TOLERATED * fluid.interval else _probability(demand, need, largest[least] * mean, mean)
        for demand, need, least, late in rows
    )


def of_plan(kept: Sequence[float], allowed_share: float) -> float:
    """P(no more than ``allowed_share`` of the intervals break the SLO), when a high rate stays high over the window.

    The intervals are taken as fully dependent: one draw of "how high" decides them all, so that the plan is as sure as
    its worst interval, or, with a budget of k intervals, as its (k+1)-th worst.

    >>> of_plan([0.9, 0.8, 0.95], 0.0), of_plan([0.9, 0.8, 0.95], 0.4)
    (0.8, 0.9)
    """
    budget = math.floor(allowed_share * len(kept) + 1e-9)
    return sorted(kept)[budget] if budget < len(kept) else 1.0


def _probability(demand: Demand, need: Need, largest: float, mean: float) -> float:
    """P(peak load ≤ ``largest``), the load being a straight line in the rate through its median and its quantile."""
    rise, run = need.demand_load - need.load, need.demand_rate - need.rate
    slope = rise / run if run > 0 else mean
    if slope <= 0:
        return float(largest >= need.load)
    return demand.probability(need.rate + (largest - need.load) / slope)

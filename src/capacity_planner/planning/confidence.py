"""How sure a plan is: the share of futures, deviating as the past did, in which the SLO holds."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from capacity_planner.domain.congestion import FloatArray
    from capacity_planner.planning._futures import BoolArray
    from capacity_planner.planning.demand import Demand
    from capacity_planner.planning.fluid import Fluid
    from capacity_planner.planning.need import Need
    from capacity_planner.planning.staffing import Staffing

_TOLERATED = 0.05
_ENOUGH = 30


def limits(needs: Sequence[Need], fluid: Fluid, staffing: Staffing, concurrency: int) -> tuple[float, ...]:
    """The largest arrival rate at which each interval keeps the SLO [jobs/s].

    An interval keeps the SLO when its peak load is at most what its least number of serving workers can take; one in
    which the backlog is too large for more than 5 % of the time does not keep it at any rate (-1). Where the latency
    asked for is out of reach, the one that is staffed for counts.

    Args:
        needs: what each interval asks for.
        fluid: the queue after the plan was carried out.
        staffing: the inverse of the queueing model.
        concurrency: servers per worker.
    """
    mean = staffing.law.mean
    largest = {level: staffing.largest_rate(level * concurrency) for level in set(fluid.least)}
    rows = zip(needs, fluid.least, fluid.late, strict=True)
    return tuple(
        -1.0 if late > _TOLERATED * fluid.interval else _limit(need, largest[least] * mean, mean)
        for need, least, late in rows
    )


def kept(demands: Sequence[Demand], limits: Sequence[float]) -> tuple[float, ...]:
    """P(the SLO holds) in each interval by itself."""
    return tuple(demand.probability(limit) for demand, limit in zip(demands, limits, strict=True))


def share(broken: BoolArray, allowed_share: float) -> float:
    """The share of futures in which no more than ``allowed_share`` of the intervals break the SLO.

    Half a future of each kind is added to those there are: that something always happens is not known from so many.

    Args:
        broken: whether an interval breaks it, shape (futures, intervals).
        allowed_share: share of the intervals that may.

    References:
        Jeffreys (1946), Proceedings of the Royal Society A 186:453-461.

    >>> share(np.array([[False, True], [False, False], [True, True]]), 0.5), share(np.zeros((99, 1), dtype=bool), 0.0)
    (0.625, 0.995)
    """
    budget = math.floor(allowed_share * broken.shape[1] + 1e-9)
    kept = int(np.count_nonzero(broken.sum(axis=1) <= budget))
    return (kept + 0.5) / (len(broken) + 1.0)


def enough(paths: FloatArray) -> bool:
    """Whether there are so many futures that a share of them says something; else `bound` must do."""
    return len(paths) >= _ENOUGH


def bound(kept: Sequence[float], allowed_share: float) -> float:
    """The most that the intervals' own probabilities allow: one draw of "how high" decides all intervals.

    The plan is then as sure as its worst interval, or, with a budget of k intervals, as its (k+1)-th worst.

    >>> bound([0.9, 0.8, 0.95], 0.0), bound([0.9, 0.8, 0.95], 0.4)
    (0.8, 0.9)
    """
    budget = math.floor(allowed_share * len(kept) + 1e-9)
    return sorted(kept)[budget] if budget < len(kept) else 1.0


def level(paths: FloatArray, demands: Sequence[Demand], wanted: float, allowed_share: float) -> float:
    """The forecast quantile to staff, so that the intervals hold together with probability ``wanted``.

    Args:
        paths: futures [jobs/s], shape (rows, intervals).
        demands: the arrival rate per interval.
        wanted: the probability asked for.
        allowed_share: share of the intervals that may break the SLO.
    """
    budget = math.floor(allowed_share * len(demands) + 1e-9)
    if not enough(paths) or budget >= len(demands):
        return wanted
    levels = np.column_stack([demand.levels(paths[:, index]) for index, demand in enumerate(demands)])
    decisive = np.sort(levels, axis=1)[:, len(demands) - 1 - budget]
    return max(wanted, NormalDist().cdf(float(np.quantile(decisive, wanted, method="higher"))))


def _limit(need: Need, largest: float, mean: float) -> float:
    """The rate with the peak load ``largest``: the load is a straight line in the rate through median and quantile."""
    rise, run = need.demand_load - need.load, need.demand_rate - need.rate
    slope = rise / run if run > 0 else mean
    if slope <= 0:
        return math.inf if largest >= need.load else -1.0
    return need.rate + (largest - need.load) / slope

"""Workers needed per interval: demand quantiles, staffed, with the floors that the settings put under them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from capacity_planner.planning.offered_load import peak_offered_load

if TYPE_CHECKING:
    from collections.abc import Sequence

    from capacity_planner.domain.config import PlannerConfig
    from capacity_planner.planning.demand import Demand
    from capacity_planner.planning.staffing import Staffing


_MOST = 1e15


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What one interval asks for, before the limits.

    Args:
        rate: median arrival rate [jobs/s].
        demand_rate: the quantile that is staffed [jobs/s].
        load: peak offered load at the median [erlang].
        demand_load: peak offered load at the quantile [erlang].
        slo: fewest workers that keep the SLO at the quantile.
        margin: workers for the median and the safety margin.
        unhurried: fewest workers that keep utilisation at the median within scale_up_threshold.
    """

    rate: float
    demand_rate: float
    load: float
    demand_load: float
    slo: int
    margin: int
    unhurried: int

    @property
    def hold(self) -> int:
        """With fewer workers than this the plan must add some."""
        return max(self.slo, self.unhurried)

    @property
    def target(self) -> int:
        """The level that a change goes to."""
        return max(self.hold, self.margin)


def needs(
    demands: Sequence[Demand], level: float, before: float, staffing: Staffing, config: PlannerConfig
) -> tuple[Need, ...]:
    """The need of every interval.

    Args:
        demands: the arrival rate per interval.
        level: the forecast quantile to staff.
        before: the rate up to now [jobs/s].
        staffing: the inverse of the queueing model.
        config: settings.
    """
    interval = config.plan_interval.total_seconds()
    medians = [demand.median for demand in demands]
    quantiles = [max(demand.quantile(level), demand.median) for demand in demands]
    loads = peak_offered_load(medians, before, interval, staffing.law)
    demand_loads = peak_offered_load(quantiles, before, interval, staffing.law)
    rows = zip(medians, quantiles, loads.tolist(), demand_loads.tolist(), strict=True)
    return tuple(_need(*row, staffing, config) for row in rows)


def workers(servers: float, config: PlannerConfig) -> int:
    """Whole workers that hold so many servers, and no more than anyone can count."""
    return math.ceil(min(servers / config.worker_concurrency, _MOST) - 1e-9)


def _need(
    rate: float, demand_rate: float, load: float, demand_load: float, staffing: Staffing, config: PlannerConfig
) -> Need:
    mean = staffing.law.mean
    median = staffing.fewest(load / mean)
    return Need(
        rate=rate,
        demand_rate=demand_rate,
        load=load,
        demand_load=demand_load,
        slo=workers(staffing.fewest(demand_load / mean), config),
        margin=workers(median * (1.0 + config.safety_margin), config),
        unhurried=workers(load / config.scale_up_threshold, config),
    )

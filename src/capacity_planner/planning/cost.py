"""What a plan costs, and what breaking the SLO would have cost."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from capacity_planner.domain.plan import CostAnalysis
from capacity_planner.units import from_seconds

if TYPE_CHECKING:
    from capacity_planner.domain.config import PlannerConfig

HOURS_PER_MONTH = 730.0


def analyse(
    config: PlannerConfig,
    *,
    current: int,
    target: float,
    mean_added: float,
    risk: float,
    risk_unchanged: float,
    window: float | None = None,
) -> CostAnalysis:
    """The cost of going from ``current`` to ``target`` workers.

    Args:
        config: prices.
        current: workers now.
        target: workers after the first ramp; of a plan that was simulated, the mean.
        mean_added: workers that the plan adds, on average over its window; negative when it removes.
        risk: expected share of intervals that break the SLO if the plan is carried out.
        risk_unchanged: the same if nothing is changed.
        window: over which the means are taken [s]; ``None`` takes the forecast window.

    >>> from capacity_planner.domain.config import PlannerConfig
    >>> analyse(PlannerConfig(), current=8, target=10, mean_added=2, risk=0.0, risk_unchanged=0.1).net_benefit
    9.0
    """
    price, penalty = config.worker_cost_per_hour, config.violation_cost_per_hour
    delta = (target - current) * price
    seconds = config.forecast_window.total_seconds() if window is None else window
    added, avoided = mean_added * price, (risk_unchanged - risk) * penalty
    return CostAnalysis(
        current_cost_per_hour=current * price,
        projected_cost_per_hour=target * price,
        delta_cost_per_hour=delta,
        monthly_cost_delta=delta * HOURS_PER_MONTH,
        violation_cost_risk=risk * penalty,
        net_benefit=avoided - added,
        payback_period=from_seconds(_payback(added, avoided, seconds)),
    )


def _payback(added: float, avoided: float, window: float) -> float:
    if added <= 0:
        return 0.0
    return added / avoided * window if avoided > 0 else math.inf

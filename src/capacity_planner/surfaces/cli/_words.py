"""Values as a person reads them in a terminal or a picture."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from capacity_planner import units

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from capacity_planner.domain.plan import CapacityPlan

_HUNDRED, _TEN, _NEARLY = 100, 10, 0.995


def number(value: float) -> str:
    """Three digits, and all before the point.

    >>> number(25.5), number(1234.6), number(0.04567), number(0)
    ('25.5', '1,235', '0.0457', '0')
    """
    if value >= _HUNDRED:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= _TEN else f"{value:.3g}"


def percent(share: float) -> str:
    """A share; what is not quite certain never reads as 100 %, nor what is possible as 0 %.

    >>> percent(0.874), percent(0.9968), percent(0.99999), percent(1.0), percent(0.0031)
    ('87 %', '99.6 %', '99.9 %', '100 %', '0.4 %')
    """
    if _NEARLY <= share < 1:
        return f"{math.floor(share * 1000) / 10:.1f} %"
    if 0 < share < 1 - _NEARLY:
        return f"{math.ceil(share * 1000) / 10:.1f} %"
    return f"{share * 100:.0f} %"


def money(amount: float, *, signed: bool = False) -> str:
    """Dollars and cents.

    >>> money(1234.5), money(-3.0), money(35.0, signed=True)
    ('$1,234.50', '-$3.00', '+$35.00')
    """
    sign = "-" if amount < 0 else "+" if signed else ""
    return f"{sign}${abs(amount):,.2f}"


def span(value: timedelta) -> str:
    """A duration; an unstable queue's is endless."""
    return "∞" if value >= units.UNBOUNDED else units.words(value)


def clock(instant: datetime, *, dated: bool = False) -> str:
    """Time of day in UTC, with the date where a day is not enough."""
    return f"{instant:%a %d %H:%M}" if dated else f"{instant:%H:%M}"


def headline(plan: CapacityPlan) -> str:
    """The plan in one line."""
    end = "SLO achievable" if plan.slo_achievable else "SLO not achievable"
    change = f"{plan.current_workers} → {plan.target_workers}" if plan.delta else f"Stay at {plan.current_workers}"
    noun = "worker" if plan.target_workers == 1 else "workers"
    cost = money(plan.cost_impact.delta_cost_per_hour, signed=True)
    return f"{change} {noun}, confidence {percent(plan.confidence)}, {end}, {cost}/h"

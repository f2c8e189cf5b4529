"""Costs, by hand."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity_planner.domain.config import PlannerConfig
from capacity_planner.planning.cost import HOURS_PER_MONTH, analyse
from capacity_planner.units import UNBOUNDED


def test_scaling_up_costs_workers_and_avoids_violations() -> None:
    """10 → 25 workers at $0.50/h: $5.00, $12.50, +$7.50/h, x 730 h = $5475 a month.

    The plan adds 12 workers on average, $6/h; it lowers the risk from 80 % to 5 % of $100/h: $75/h avoided. The
    benefit is $69/h, and 6/75 of the hour pays for it: 4 min 48 s.
    """
    result = analyse(PlannerConfig(), current=10, target=25, mean_added=12.0, risk=0.05, risk_unchanged=0.8)
    assert result.current_cost_per_hour == 5.0
    assert result.projected_cost_per_hour == 12.5
    assert result.delta_cost_per_hour == 7.5
    assert result.monthly_cost_delta == 5475.0
    assert result.violation_cost_risk == pytest.approx(5.0)
    assert result.net_benefit == pytest.approx(69.0)
    assert result.payback_period == timedelta(minutes=4, seconds=48)


def test_scaling_down_saves_and_pays_back_at_once() -> None:
    """20 → 12 workers at $2/h: -$16/h; 6 fewer on average save $12/h, and the risk rises by 1 % of $100/h: $11/h."""
    config = PlannerConfig(worker_cost_per_hour=2.0)
    result = analyse(config, current=20, target=12, mean_added=-6.0, risk=0.01, risk_unchanged=0.0)
    assert result.delta_cost_per_hour == -16.0
    assert result.monthly_cost_delta == -16.0 * 730
    assert result.net_benefit == pytest.approx(11.0)
    assert result.payback_period == timedelta(0)


def test_what_avoids_nothing_never_pays_back() -> None:
    result = analyse(PlannerConfig(), current=1, target=2, mean_added=1.0, risk=0.5, risk_unchanged=0.5)
    assert result.payback_period == UNBOUNDED
    assert result.net_benefit == -0.5


def test_nothing_changes_and_nothing_costs() -> None:
    result = analyse(PlannerConfig(), current=8, target=8, mean_added=0.0, risk=0.0, risk_unchanged=0.0)
    assert (result.delta_cost_per_hour, result.net_benefit, result.payback_period) == (0.0, 0.0, timedelta(0))


def test_a_month_has_730_hours() -> None:
    assert HOURS_PER_MONTH == 8760 / 12


@given(st.floats(0, 1e9), st.integers(0, 10**6), st.integers(0, 10**6), st.floats(0, 1), st.floats(0, 1))
def test_free_workers_cost_nothing(penalty: float, current: int, target: int, risk: float, unchanged: float) -> None:
    config = PlannerConfig(worker_cost_per_hour=0.0, violation_cost_per_hour=penalty)
    result = analyse(
        config, current=current, target=target, mean_added=target - current, risk=risk, risk_unchanged=unchanged
    )
    assert (result.current_cost_per_hour, result.projected_cost_per_hour, result.monthly_cost_delta) == (0.0, 0.0, 0.0)
    assert result.net_benefit == pytest.approx((unchanged - risk) * penalty)
    assert result.payback_period == timedelta(0)

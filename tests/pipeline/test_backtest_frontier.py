"""Costs at the same share: interpolation, ranking and what is said of policies that do not reach it."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity_planner import Frontier, FrontierPoint
from capacity_planner.pipeline._backtest_frontier import cost_at, equal_of, split_of
from capacity_planner.pipeline._backtest_limits import Limits

POINTS = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 100)), max_size=8)


def frontier(policy: str, *points: tuple[float, float, float]) -> Frontier:
    made = (FrontierPoint(worker_hours=hours, share_in_time=jobs, windows_in_time=win) for hours, jobs, win in points)
    return Frontier(policy=policy, points=tuple(made))


def test_interpolation_is_exact() -> None:
    line = [(0.90, 10.0), (0.98, 14.0), (1.0, 30.0)]
    assert cost_at(line, 0.96) == pytest.approx(13.0)
    assert cost_at(line, 0.98) == 14.0
    assert cost_at(line, 0.99) == pytest.approx(22.0)
    assert cost_at([*line, (0.985, 9.0)], 0.96) == 9.0
    assert cost_at([(0.9, 10.0), (0.99, 40.0), (1.0, 20.0)], 0.95) == pytest.approx(15.0)
    assert cost_at([], 0.5) == math.inf


@given(POINTS, st.floats(0, 1))
def test_it_is_the_lower_envelope(points: list[tuple[float, float]], share: float) -> None:
    cost = cost_at(points, share)
    reaching = [price for kept, price in points if kept >= share]
    assert math.isfinite(cost) == bool(reaching)
    if reaching:
        assert min(price for _, price in points) - 1e-9 <= cost <= min(reaching)


@given(POINTS, st.floats(0, 1), st.floats(0, 1))
def test_a_larger_share_costs_no_less(points: list[tuple[float, float]], one: float, two: float) -> None:
    assert cost_at(points, min(one, two)) <= cost_at(points, max(one, two)) + 1e-9


def test_policies_at_the_asked_share() -> None:
    rivals = [
        frontier("keda", (20.0, 0.98, 0.9), (40.0, 1.0, 1.0)),
        frontier("planner", (10.0, 0.98, 0.98), (30.0, 1.0, 1.0)),
        frontier("static", (5.0, 0.5, 0.5)),
    ]
    planner, keda, static = equal_of(rivals, 0.99, 50.0, 10.0)
    assert (planner.policy, planner.to_planner) == ("planner", 1.0)
    assert planner.worker_hours == pytest.approx(20.0)
    assert (keda.worker_hours, keda.to_planner, keda.regret) == pytest.approx((30.0, 1.5, 2.0))
    assert keda.windows_worker_hours == pytest.approx(38.0)
    assert (static.reached, static.windows_reached, static.worker_hours) == (False, False, 100.0)
    assert all(item.regret is None for item in equal_of(rivals, 0.99, 50.0, 0.0))
    assert split_of((), (planner, keda), 10.0) is None


def test_limits_by_hand() -> None:
    limits = Limits(step=4, cooldown=300.0, cooldown_up=0.0, lowest=2, highest=12)
    assert limits.allowed(30, 10, 0.0) == 12
    assert limits.allowed(30, 5, 0.0) == 9
    assert limits.allowed(0, 10, 299.0) == 10
    assert limits.allowed(0, 10, 300.0) == 6
    assert limits.allowed(0, 3, 300.0) == 2

"""What an interval asks for: the demand at the median and at the quantile, as servers and as workers."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity_planner.domain.config import PlannerConfig
from capacity_planner.domain.congestion import ServiceTime
from capacity_planner.planning.demand import Demand
from capacity_planner.planning.fluid import Fluid, Tolerance
from capacity_planner.planning.needs import needs
from capacity_planner.planning.offered_load import peak_offered_load
from capacity_planner.planning.staffing import Staffing, Targets
from capacity_planner.registry import queue_models

if TYPE_CHECKING:
    from capacity_planner.planning.need import Need

LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
MEAN, INTERVAL = 100.0, 300.0
STAFFING = Staffing(queue_models.get("mmc"), ServiceTime(mean=MEAN), Targets(p95_latency=400.0))


def sure(rate: float) -> Demand:
    return Demand(rate, (0.0,), (rate,))


def spread(median: float, deviation: float) -> Demand:
    probits = tuple(NormalDist().inv_cdf(level) for level in LEVELS)
    return Demand(median, probits, tuple(max(0.0, median + deviation * probit) for probit in probits))


def asked(demands: list[Demand], before: float, level: float = 0.85, **more: Any) -> tuple[Need, ...]:
    config = more.pop("config", PlannerConfig())
    return needs(demands, level, before, STAFFING, config, **more)


def test_a_steady_rate_asks_for_what_its_load_takes() -> None:
    """0.2 jobs/s of 100 s are 20 servers busy."""
    for need in asked([sure(0.2)] * 4, 0.2):
        assert (need.rate, need.demand_rate, need.drain) == (0.2, 0.2, 0)
        assert [need.load, need.demand_load] == pytest.approx([20.0, 20.0])
        assert need.slo == STAFFING.fewest(0.2)
        assert need.margin == math.ceil(1.15 * need.slo)
        assert need.unhurried == 25  # 20/0.8


def test_what_is_staffed_is_the_quantile_and_the_floors_are_the_medians() -> None:
    demand = spread(0.2, 0.05)
    (need,) = asked([demand], 0.2, 0.95)
    load = peak_offered_load([demand.quantile(0.95)], 0.2, INTERVAL, STAFFING.law)[0]
    assert need.demand_rate == pytest.approx(0.2 + 0.05 * NormalDist().inv_cdf(0.95))
    assert need.demand_load == pytest.approx(load)
    assert need.slo == STAFFING.fewest(load / MEAN) > STAFFING.fewest(0.2)
    assert need.margin == math.ceil(1.15 * STAFFING.fewest(need.load / MEAN) - 1e-9)


def test_no_quantile_below_the_median_is_staffed() -> None:
    (low,), (half,) = (asked([spread(0.2, 0.05)], 0.2, level) for level in (0.1, 0.5))
    assert low == half


@pytest.mark.parametrize("surplus", [6.0, -6.0])
def test_jobs_in_service_beyond_what_the_rate_explains_leave_by_and_by(surplus: float) -> None:
    found = asked([sure(0.2)] * 4, 0.2, surplus=surplus)
    assert [need.load for need in found] == pytest.approx([20.0 + surplus * math.exp(-3.0 * at) for at in range(4)])
    assert [need.slo for need in found] == [STAFFING.fewest(need.load / MEAN) for need in found]


def test_no_more_jobs_are_missing_than_were_expected() -> None:
    found = asked([sure(0.2)] * 3, 0.2, surplus=-1e3)
    assert (found[0].load, found[0].slo) == (0.0, 0)
    assert found[2].load == pytest.approx(20.0 - 1e3 * math.exp(-6.0))


def test_no_jobs_need_nobody() -> None:
    assert {(need.load, need.target) for need in asked([sure(0.0)] * 3, 0.0)} == {(0.0, 0)}


def test_workers_of_several_servers_are_fewer() -> None:
    (need,) = asked([sure(0.2)], 0.2, config=PlannerConfig(worker_concurrency=4))
    servers = STAFFING.fewest(0.2)
    assert (need.slo, need.unhurried) == (math.ceil(servers / 4), math.ceil(25 / 4))


def test_with_a_queue_the_needs_work_its_backlog_off() -> None:
    """60 jobs of 100 s in 600 s: ten servers beyond the twenty of the load."""
    queue = Fluid(
        rates=[0.2] * 2,
        interval=INTERVAL,
        service_rate=1.0 / MEAN,
        tolerance=Tolerance(drain=600.0),
        backlog=60.0,
        serving=20,
    )
    plain, found = (asked([sure(0.2)] * 2, 0.2, queue=one) for one in (None, queue))
    assert [need.drain for need in found] == [30, 30]
    assert [need.slo for need in found] == [need.slo for need in plain]


@given(
    rates=st.lists(st.floats(0.0, 1e3), min_size=1, max_size=8),
    before=st.floats(0.0, 1e3),
    deviation=st.floats(0.0, 1e3),
    level=st.floats(0.0, 0.999),
    surplus=st.floats(-1e4, 1e4),
)
def test_a_need_is_never_less_than_stability_and_rises_with_the_level(
    rates: list[float], before: float, deviation: float, level: float, surplus: float
) -> None:
    demands = [spread(rate, deviation) for rate in rates]
    low = asked(demands, before, level / 2.0, surplus=surplus)
    for one, other in zip(low, asked(demands, before, level, surplus=surplus), strict=True):
        assert other.demand_load >= one.demand_load >= one.load == other.load >= 0.0
        assert other.slo >= one.slo
        assert one.slo > one.demand_load or one.slo == one.demand_load == 0
        assert one.target >= one.hold >= one.slo

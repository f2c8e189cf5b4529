"""The probability that an interval breaks the SLO, for every number of workers; and the distribution it comes from."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity_planner.domain.config import PlannerConfig
from capacity_planner.domain.congestion import ServiceTime
from capacity_planner.planning._violation import violation
from capacity_planner.planning.demand import Demand
from capacity_planner.planning.needs import needs
from capacity_planner.planning.staffing import Staffing, Targets
from capacity_planner.registry import queue_models

NORMAL = NormalDist()
LEVELS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)
PROBITS = tuple(map(NORMAL.inv_cdf, LEVELS))
MEAN, INTERVAL = 2.0, 300.0
STAFFING = Staffing(queue_models.get("mmc"), ServiceTime(mean=MEAN), Targets(p95_latency=8.0))


def spread(median: float, deviation: float) -> Demand:
    return Demand(median, PROBITS, tuple(max(0.0, median + deviation * probit) for probit in PROBITS))


def sure(rate: float) -> Demand:
    return Demand(rate, (0.0,), (rate,))


def priced(
    demands: list[Demand], count: int, level: float = 0.85, concurrency: int = 1
) -> tuple[np.ndarray, list[int]]:
    """P(broken) with 0 to ``count`` workers, by interval, and the fewest that keep the SLO at the level."""
    config = PlannerConfig(worker_concurrency=concurrency)
    found = needs(demands, level, demands[0].median, STAFFING, config)
    broken = violation(demands, found, STAFFING, concurrency, INTERVAL)
    workers = np.arange(count + 1.0)
    return np.array([broken(index, workers) for index in range(len(demands))]), [need.slo for need in found]


@pytest.mark.parametrize("load", [2.0, 40.0, 3_000.0])
@pytest.mark.parametrize("deviation", [0.05, 0.3])
@pytest.mark.parametrize("level", [0.85, 0.95])
@pytest.mark.parametrize("concurrency", [1, 3])
def test_it_falls_to_what_is_left_above_the_level_where_the_level_is_staffed(
    load: float, deviation: float, level: float, concurrency: int
) -> None:
    medians = load / MEAN * np.linspace(1.0, 4.0, 6)
    demands = [spread(median, deviation * median) for median in medians.tolist()]
    shares, staffed = priced(demands, math.ceil(16.0 * load / concurrency) + 20, level, concurrency)
    assert ((shares >= 0.0) & (shares <= 1.0)).all()
    assert (np.diff(shares, axis=1) <= 1e-12).all()
    for row, slo in zip(shares, staffed, strict=True):
        assert abs(int(np.argmax(row <= 1.0 - level + 1e-9)) - slo) <= 1
        assert row[0] == 1.0
        assert row[-1] < 0.01


def test_it_is_the_chance_of_a_rate_that_so_many_cannot_take() -> None:
    """In the steady state: the largest rate that n servers can take is the inverse of staffing."""
    demand = spread(20.0, 4.0)
    shares, _ = priced([demand] * 3, 80)
    for servers in (35, 42, 50, 55):
        rates = [STAFFING.largest_rate(count) for count in (servers - 1, servers + 1)]
        least, most = (1.0 - demand.probability(rate) for rate in reversed(rates))
        assert least - 1e-9 <= shares[0, servers] <= most + 1e-9


def test_where_the_rate_is_sure_it_is_sure() -> None:
    shares, (slo, *_) = priced([sure(20.0)] * 3, 80)
    assert set(shares[0, : slo - 1].tolist()) == {1.0}
    assert set(shares[0, slo + 1 :].tolist()) == {0.0}


def test_without_jobs_nobody_breaks_nothing() -> None:
    shares, _ = priced([sure(0.0), spread(0.0, 0.0)], 10)
    assert not shares.any()


def test_less_than_a_job_an_interval_is_none() -> None:
    """0.3 jobs in 300 s, and 3 of them."""
    few, more = priced([sure(0.001)], 9)[0], priced([sure(0.01)], 9)[0]
    assert not few.any()
    assert (more[0, 0], more[0, -1]) == (1.0, 0.0)


def test_a_quiet_interval_beside_a_busy_one_is_priced_as_alone() -> None:
    demands = [spread(1.0, 0.3), spread(500.0, 50.0)]
    beside, _ = priced(demands, 60)
    config = PlannerConfig()
    found = needs(demands, 0.85, 1.0, STAFFING, config)
    alone = violation(demands[:1], found[:1], STAFFING, 1, INTERVAL)(0, np.arange(61.0))
    crossings = [int(np.argmax(row <= 0.15)) for row in (beside[0], alone)]
    assert abs(crossings[0] - crossings[1]) <= 1


def test_a_load_beyond_counting_has_a_price() -> None:
    shares, _ = priced([spread(1e15, 1e14)] * 2, 5)
    assert (shares == 1.0).all()


# --- the distribution ------------------------------------------------------------------------------------------------

RATES = st.lists(st.floats(0.0, 1e6), min_size=len(LEVELS), max_size=len(LEVELS)).map(sorted)


@given(rates=RATES, share=st.floats(0.0, 1.0))
def test_what_is_exceeded_is_what_is_not_reached(rates: list[float], share: float) -> None:
    demand = Demand(rates[3], PROBITS, tuple(rates))
    rate = rates[0] + share * (rates[-1] - rates[0])
    exceeded = float(demand.exceeded(np.array([rate]))[0])
    if min(abs(rate - known) for known in rates) > 1e-6 * rates[-1]:
        assert exceeded == pytest.approx(1.0 - demand.probability(rate), abs=1e-6)


@given(rates=RATES)
def test_it_falls_from_one_to_nothing(rates: list[float]) -> None:
    demand = Demand(rates[3], PROBITS, tuple(rates))
    shares = demand.exceeded(np.array([-1.0, *np.linspace(rates[0], 3.0 * rates[-1] + 1.0, 50), 1e12]))
    assert (np.diff(shares) <= 1e-12).all()
    assert (shares[0], shares[-1]) == (1.0, 0.0)


def test_at_a_level_it_is_what_is_left_above_it() -> None:
    shares = spread(20.0, 4.0).exceeded(np.array([20.0 + 4.0 * probit for probit in PROBITS]))
    assert shares == pytest.approx([1.0 - level for level in LEVELS], abs=1e-9)


def test_beyond_the_last_level_the_line_goes_on() -> None:
    assert spread(20.0, 4.0).exceeded(np.array([36.0])) == pytest.approx([1.0 - NORMAL.cdf(4.0)], rel=1e-6)


def test_a_sure_rate_is_exceeded_below_itself() -> None:
    assert sure(5.0).exceeded(np.array([4.9, 5.0, 5.1])).tolist() == [1.0, 0.0, 0.0]


def test_where_most_levels_are_nothing_what_is_above_nothing_is_the_rest() -> None:
    demand = Demand(0.0, PROBITS, (0.0,) * 6 + (1.0, 2.0))
    assert demand.exceeded(np.array([0.0, 1e-9])) == pytest.approx([0.1, 0.1], abs=1e-6)

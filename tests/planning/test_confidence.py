"""How sure a plan is."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capacity_planner.domain.config import PlannerConfig
from capacity_planner.domain.congestion import ServiceTime
from capacity_planner.domain.forecast import Forecast
from capacity_planner.frozen import FrozenMap
from capacity_planner.planning import confidence
from capacity_planner.planning.demand import Demand
from capacity_planner.planning.fluid import Fluid, Tolerance
from capacity_planner.planning.needs import needs
from capacity_planner.planning.staffing import Staffing, Targets
from capacity_planner.registry import queue_models

if TYPE_CHECKING:
    from numpy.typing import NDArray

NORMAL = NormalDist()


def demand(quantiles: dict[float, float]) -> Demand:
    return Demand.of(
        Forecast(
            timestamp=datetime(2026, 1, 31, tzinfo=UTC),
            arrival_rate=quantiles[0.5],
            lower=min(quantiles.values()),
            upper=max(quantiles.values()),
            confidence=0.9,
            model="ewma",
            quantiles=FrozenMap(quantiles),
        )
    )


GAUSSIAN = demand({level: 100.0 + 10.0 * NORMAL.inv_cdf(level) for level in (0.05, 0.25, 0.5, 0.75, 0.95, 0.99)})


@given(st.floats(0.001, 0.999))
def test_gaussian_quantiles_are_read_as_the_gaussian_law_they_are(level: float) -> None:
    assert GAUSSIAN.quantile(level) == pytest.approx(100.0 + 10.0 * NORMAL.inv_cdf(level))
    assert GAUSSIAN.probability(GAUSSIAN.quantile(level)) == pytest.approx(level)


RATES = st.lists(st.floats(0.0, 1e6), min_size=5, max_size=5).map(sorted)


@given(RATES, st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_a_higher_level_is_no_lower_rate(rates: list[float], one: float, other: float) -> None:
    known = demand(dict(zip((0.05, 0.25, 0.5, 0.75, 0.95), rates, strict=True)))
    low, high = sorted((one, other))
    assert 0.0 <= known.quantile(low) <= known.quantile(high)
    assert known.quantile(0.5) == pytest.approx(known.median)


@given(RATES, st.floats(-1.0, 2e6), st.floats(-1.0, 2e6))
def test_a_higher_rate_is_no_less_probable_to_suffice(rates: list[float], one: float, other: float) -> None:
    known = demand(dict(zip((0.05, 0.25, 0.5, 0.75, 0.95), rates, strict=True)))
    low, high = sorted((one, other))
    assert 0.0 <= known.probability(low) <= known.probability(high) <= 1.0
    assert known.probability(math.inf) == 1.0
    assert known.probability(-1.0) == 0.0


def test_a_rate_that_is_certain_suffices_or_does_not() -> None:
    certain = Demand.of(
        Forecast(
            timestamp=datetime(2026, 1, 31, tzinfo=UTC),
            arrival_rate=7.0,
            lower=7.0,
            upper=7.0,
            confidence=0.9,
            model="mine",
        )
    )
    assert certain.quantile(0.99) == 7.0
    assert (certain.probability(6.9), certain.probability(7.0)) == (0.0, 1.0)


def kept(workers: int, *, concurrency: int = 1, latency: float = 8.0) -> tuple[float, ...]:
    config = PlannerConfig(worker_concurrency=concurrency)
    staffing = Staffing(queue_models.get("mmc"), ServiceTime(mean=2.0), Targets(p95_latency=latency))
    demands = [GAUSSIAN] * 4
    wanted = needs(demands, 0.85, 100.0, staffing, config)
    queue = Fluid(
        rates=[100.0] * 4,
        interval=300.0,
        service_rate=concurrency / 2.0,
        tolerance=Tolerance(),
        backlog=0.0,
        serving=workers,
    )
    queue.advance(queue.end)
    return confidence.kept(demands, confidence.limits(wanted, queue, staffing, concurrency))


def test_confidence_is_the_probability_that_the_rate_is_one_that_the_workers_can_take() -> None:
    staffing = Staffing(queue_models.get("mmc"), ServiceTime(mean=2.0), Targets(p95_latency=8.0))
    for workers in (200, 210, 230):
        expected = NORMAL.cdf((staffing.largest_rate(workers) - 100.0) / 10.0)
        assert kept(workers) == pytest.approx([expected] * 4, abs=1e-3)


@settings(max_examples=20)
@given(st.integers(150, 260))
def test_confidence_rises_with_workers(workers: int) -> None:
    fewer, more = kept(workers), kept(workers + 1)
    assert all(0.0 <= low <= high <= 1.0 for low, high in zip(fewer, more, strict=True))


def test_two_jobs_at_once_are_two_servers() -> None:
    assert kept(105, concurrency=2) == pytest.approx(kept(210))


def test_what_is_staffed_at_a_quantile_is_as_sure_as_that_quantile() -> None:
    """The promise of `confidence_threshold`: the fewest workers at the 85 % quantile are at least 85 % sure."""
    config = PlannerConfig(confidence_threshold=0.85)
    staffing = Staffing(queue_models.get("mmc"), ServiceTime(mean=2.0), Targets(p95_latency=8.0))
    workers = needs([GAUSSIAN] * 4, 0.85, 100.0, staffing, config)[-1].slo
    assert kept(workers)[-1] >= 0.85 - 1e-3
    assert kept(workers - 1)[-1] < 0.85


@pytest.mark.parametrize(
    ("shares", "allowed", "sure"),
    [
        ([0.9, 0.8, 0.95], 0.0, 0.8),
        ([0.9, 0.8, 0.95], 0.33, 0.8),  # a third of three intervals is not quite one
        ([0.9, 0.8, 0.95], 1 / 3, 0.9),
        ([0.9, 0.8, 0.95], 2 / 3, 0.95),
        ([0.0, 0.0], 0.5, 0.0),
        ([1.0], 0.0, 1.0),
        ([0.1, 0.2], 1.0, 1.0),
    ],
)
def test_a_budget_forgives_the_worst_intervals(shares: list[float], allowed: float, sure: float) -> None:
    assert confidence.bound(shares, allowed) == sure


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20), st.floats(0, 1), st.floats(0, 1))
def test_a_larger_budget_is_never_less_sure(shares: list[float], one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert confidence.bound(shares, low) <= confidence.bound(shares, high)
    assert min(shares) == confidence.bound(shares, 0.0)


def futures(rows: int, intervals: int, *, shared: float) -> NDArray[np.float64]:
    """Gaussian rates of mean 100 and deviation 10, of which a share of the variance is common to a row."""
    dice = np.random.default_rng(5)
    common, own = dice.standard_normal((rows, 1)), dice.standard_normal((rows, intervals))
    return 100.0 + 10.0 * (math.sqrt(shared) * common + math.sqrt(1.0 - shared) * own)


def sure(rates: NDArray[np.float64], limits: list[float], allowed: float) -> float:
    return confidence.share(rates > np.array(limits), allowed)


def test_independent_intervals_hold_together_with_the_product_of_their_shares() -> None:
    limits = [100.0 + 10.0 * NORMAL.inv_cdf(0.9)] * 6
    assert sure(futures(200_000, 6, shared=0.0), limits, 0.0) == pytest.approx(0.9**6, abs=0.005)


def test_intervals_that_move_as_one_hold_together_like_one() -> None:
    limits = [100.0 + 10.0 * NORMAL.inv_cdf(0.9)] * 6
    assert sure(futures(200_000, 6, shared=1.0), limits, 0.0) == pytest.approx(0.9, abs=0.003)


def test_a_share_of_few_futures_is_never_certain() -> None:
    for kept in range(100):
        broken = np.arange(99)[:, None] >= kept
        assert confidence.share(broken, 0.0) == pytest.approx((kept + 0.5) / 100)


def test_thirty_futures_are_enough() -> None:
    assert confidence.enough(np.ones((30, 6)))
    assert not confidence.enough(np.ones((29, 6)))


@pytest.mark.parametrize("shared", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("allowed", [0.0, 0.2])
def test_what_is_staffed_at_the_level_holds_together_as_often_as_wanted(shared: float, allowed: float) -> None:
    paths = futures(20_000, 6, shared=shared)
    level = confidence.level(paths, [GAUSSIAN] * 6, 0.85, allowed)
    limits = [GAUSSIAN.quantile(level)] * 6
    assert level >= 0.85
    assert sure(paths, limits, allowed) >= 0.85 - 1e-3
    assert sure(paths, limits, allowed) == pytest.approx(0.85, abs=0.01) or level == pytest.approx(0.85, abs=0.01)


@given(st.integers(1, 12), st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_a_larger_budget_is_never_less_sure_of_futures(intervals: int, one: float, other: float) -> None:
    broken = np.random.default_rng(intervals).random((50, intervals)) < 0.3
    low, high = sorted((one, other))
    assert confidence.share(broken, low) <= confidence.share(broken, high)
    assert confidence.share(broken, 1.0) == pytest.approx(50.5 / 51)

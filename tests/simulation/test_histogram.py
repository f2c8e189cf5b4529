"""Percentiles: exact where all times are kept, within 0.1 % where they are counted in buckets."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity_planner.simulation._histogram import Histogram, exact_quantile

if TYPE_CHECKING:
    from capacity_planner.domain.congestion import FloatArray

ERROR = 1e-3
SHORTEST, LONGEST = 1e-12, 1e12
"""Seconds: what is shorter counts as 0, what is longer as infinite."""
TIMES = st.one_of(
    st.just(0.0),
    st.just(math.inf),
    st.floats(SHORTEST, LONGEST),
    st.floats(1e-3, 10.0),
    st.integers(0, 4).map(float),
    st.integers(-40, 38).map(lambda power: 2.0**power),
    st.floats(0.0, 1e-13),
    st.floats(1e13, allow_nan=False),
)
LEVELS = st.one_of(st.sampled_from([0.0, 0.5, 0.9, 0.95, 0.99, 1.0]), st.floats(0.0, 1.0))


def counted(*blocks: FloatArray) -> Histogram:
    histogram = Histogram()
    for block in blocks:
        histogram.add(block)
    return histogram


def statistic(times: FloatArray, level: float) -> float:
    """The order statistic, by sorting; of shares that only rounding tells from a whole number, that number."""
    rank = math.ceil(level * len(times) - 1e-9)
    return float(np.sort(times)[max(rank, 1) - 1])


def is_near(found: float, exact: float) -> bool:
    if exact < 1.001 * SHORTEST:
        return found <= 1.001 * SHORTEST
    return found == math.inf if exact > LONGEST else abs(found - exact) <= ERROR * exact


@given(st.lists(TIMES, min_size=1, max_size=60), LEVELS)
def test_a_quantile_is_off_by_no_more_than_a_thousandth(times: list[float], level: float) -> None:
    values = np.array(times)
    assert is_near(counted(values).quantile(level), statistic(values, level))


@pytest.mark.parametrize("level", [0.01, 0.5, 0.9, 0.95, 0.999, 1.0])
@pytest.mark.parametrize("scale", [1e-9, 1e-3, 1.0, 3_600.0, 1e9])
def test_many_times_are_no_farther_off_than_few(level: float, scale: float) -> None:
    dice = np.random.default_rng(5)
    for values in (dice.exponential(scale, 50_000), scale * dice.lognormal(0.0, 2.5, 50_000), np.full(9, scale)):
        assert is_near(counted(values).quantile(level), statistic(values, level))


@given(st.lists(TIMES, max_size=40), st.lists(TIMES, max_size=40), LEVELS)
def test_parts_add_up_to_the_whole(one: list[float], other: list[float], level: float) -> None:
    merged = counted(np.array(one))
    merged.merge(counted(np.array(other)))
    whole = counted(np.array(one + other))
    assert merged.count == whole.count == len(one) + len(other)
    assert merged.quantile(level) == whole.quantile(level) == counted(np.array(one), np.array(other)).quantile(level)


@given(st.lists(TIMES, min_size=1, max_size=40), LEVELS, LEVELS)
def test_a_higher_level_has_no_shorter_time(times: list[float], one: float, other: float) -> None:
    histogram = counted(np.array(times))
    assert histogram.quantile(min(one, other)) <= histogram.quantile(max(one, other))


def test_nothing_counted_is_nothing() -> None:
    assert counted(np.empty(0)).quantile(0.95) == exact_quantile(np.empty(0), 0.95) == 0.0


@pytest.mark.parametrize("tiny", [0.0, -0.0, 5e-324, 1e-300, 1e-13])
def test_what_is_too_short_to_measure_is_zero(tiny: float) -> None:
    assert counted(np.array([tiny, tiny, 1.0])).quantile(0.5) == 0.0


@pytest.mark.parametrize("gone", [5, 6])
def test_jobs_that_never_end_are_longer_than_all(gone: int) -> None:
    times = np.concatenate((np.ones(100 - gone), np.full(gone, math.inf)))
    assert math.isinf(counted(times).quantile(0.95)) == math.isinf(exact_quantile(times, 0.95)) == (gone > 5)


@pytest.mark.parametrize("power", range(-39, 39))
def test_every_doubling_has_the_same_fine_buckets(power: int) -> None:
    """A time alone in a bucket is told as the bucket's end, which is at most 1/1024 of its begin above it."""
    for within in np.linspace(1.0, 2.0, 37, endpoint=False).tolist():
        time = within * 2.0**power
        assert time <= counted(np.array([time])).quantile(0.5) <= time * (1.0 + 1.0 / 1024.0)


@given(st.lists(st.floats(0.0, 1e6), min_size=1, max_size=200), st.integers(1, 100))
def test_an_exact_quantile_is_that_of_numpy(times: list[float], percent: int) -> None:
    """NumPy's rank is ceil(n q) too, but as it rounds; so levels are asked for half a rank below a whole number."""
    values = np.array(times)
    level = (math.ceil(percent / 100.0 * len(values)) - 0.5) / len(values)
    assert exact_quantile(values, level) == float(np.quantile(values, level, method="inverted_cdf"))


@given(st.lists(TIMES, min_size=1, max_size=80), LEVELS)
def test_an_exact_quantile_is_an_order_statistic(times: list[float], level: float) -> None:
    values = np.array(times)
    before = values.copy()
    assert exact_quantile(values, level) == statistic(values, level)
    assert values.tolist() == before.tolist()


@pytest.mark.parametrize("count", [1, 19, 20, 21, 39, 40, 100, 1_000, 61_440, 100_000])
def test_a_whole_number_of_jobs_is_no_matter_of_rounding(count: int) -> None:
    """0.95 n in integers: 95 of 100 jobs, not 96, although 0.95 · 100 may be rounded upwards."""
    rank = -(-95 * count // 100)
    assert exact_quantile(np.arange(1.0, count + 1.0), 0.95) == rank

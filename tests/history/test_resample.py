"""Irregular samples on an even grid: rates are means, gaps stay gaps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity_planner.domain.metrics import Metrics
from capacity_planner.history.resample import to_series

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def samples(ages: list[float], rates: list[float]) -> list[Metrics]:
    """Samples so many seconds before noon, given oldest first."""
    rows = zip(ages, rates, strict=True)
    return [Metrics(timestamp=NOON - timedelta(seconds=age), arrival_rate=rate) for age, rate in rows]


def test_a_sample_an_interval_is_itself() -> None:
    series = to_series(samples([600, 300, 0], [1.0, 2.0, 3.0]), 300.0)
    assert (series.end, series.interval) == (NOON, 300.0)
    assert series.rates.tolist() == [1.0, 2.0, 3.0]


def test_several_samples_an_interval_are_their_mean() -> None:
    series = to_series(samples([450, 300, 200, 100, 0], [4.0, 8.0, 1.0, 2.0, 3.0]), 300.0)
    assert series.rates.tolist() == [6.0, 2.0]


def test_a_gap_is_absent_and_not_zero() -> None:
    series = to_series(samples([1500, 1200, 300, 0], [1.0, 2.0, 3.0, 4.0]), 300.0)
    assert series.rates == pytest.approx([1.0, 2.0, np.nan, np.nan, 3.0, 4.0], nan_ok=True)


def test_the_grid_is_no_finer_than_the_samples() -> None:
    series = to_series(samples([3600, 1800, 0], [1.0, 2.0, 3.0]), 300.0)
    assert series.interval == 1800.0
    assert series.rates.tolist() == [1.0, 2.0, 3.0]


def test_one_sample_is_one_interval() -> None:
    series = to_series(samples([0], [7.0]), 300.0)
    assert (series.interval, series.rates.tolist()) == (300.0, [7.0])


def test_two_samples_a_century_apart_make_a_small_grid() -> None:
    series = to_series(samples([3.2e9, 0], [1.0, 2.0]), 1.0)
    assert len(series.rates) <= 100_000
    assert series.rates[-1] == 2.0


def test_rates_near_the_largest_do_not_overflow() -> None:
    series = to_series(samples([30, 20, 10, 0], [1.7e308] * 4), 300.0)
    assert np.isfinite(series.rates).all()


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=60, unique=True), st.sampled_from([1.0, 60.0, 300.0]))
def test_a_constant_rate_stays_constant_and_the_newest_interval_is_known(ages: list[int], interval: float) -> None:
    ages = sorted({age - min(ages) for age in ages}, reverse=True)
    series = to_series(samples([float(age) for age in ages], [5.0] * len(ages)), interval)
    known = series.rates[np.isfinite(series.rates)]
    assert known == pytest.approx(np.full(len(known), 5.0))
    assert np.isfinite(series.rates[-1])
    assert np.isfinite(series.rates[0])
    assert len(series.rates) * series.interval >= ages[0]

"""Irregular samples on an even grid: rates are means, gaps stay gaps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from timeit import repeat

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


@pytest.mark.parametrize("spacing", [1, 60, 150, 300, 600, 1800])
@pytest.mark.parametrize("seed", range(4))
def test_later_samples_leave_earlier_intervals_as_they_were(spacing: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    interval, count = max(300, spacing), 20_000 if spacing == 1 else 400
    ages = spacing * (np.arange(1, count) + rng.uniform(-0.1, 0.1, count - 1))
    ends = [steps * interval for steps in (0, 1, 2, 7, 20)]
    kept = np.sort(np.concatenate([ages[rng.random(count - 1) < 0.8], ends]))[::-1]
    rows = samples(kept.tolist(), rng.random(len(kept)).tolist())
    whole = to_series(rows, 300.0)
    assert whole.interval == interval
    for steps in (1, 2, 7, 20):
        end = NOON - timedelta(seconds=steps * interval)
        cut = to_series([row for row in rows if row.timestamp <= end], 300.0)
        assert (cut.end, cut.interval) == (end, interval)
        # The newest interval may still be waiting for a sample that is a little late.
        np.testing.assert_array_equal(cut.rates[:-1], whole.rates[: -steps - 1])


@given(st.integers(1, 40), st.integers(1, 2_000), st.sampled_from([0.25, 1.0, 7.0, 60.0, 300.0, 420.0, 3600.0]))
def test_an_even_series_only_grows(steps: int, count: int, interval: float) -> None:
    times = [NOON + timedelta(seconds=interval) * place for place in range(count + steps)]
    given_samples = [Metrics(timestamp=at, arrival_rate=float(place % 17)) for place, at in enumerate(times)]
    early, late = to_series(given_samples[:count], interval), to_series(given_samples, interval)
    assert late.rates[:-steps].tolist() == early.rates.tolist()
    assert late.rates.tolist() == [float(place % 17) for place in range(count + steps)]


@pytest.mark.parametrize("spacing", [300.0, 900.0])
def test_a_sampler_that_is_a_little_late_or_early_fills_every_interval(spacing: float) -> None:
    rng = np.random.default_rng(0)
    ages = np.arange(500)[::-1] * spacing + rng.uniform(-20.0, 20.0, 500)
    ages[-1] = 0.0
    series = to_series(samples(ages.tolist(), list(range(500))), 300.0)
    assert series.interval == spacing
    assert series.rates.tolist() == list(range(500))


@pytest.mark.parametrize(("spacing", "interval"), [(330.0, 300.0), (400.0, 600.0), (1700.0, 1800.0), (2000.0, 2100.0)])
def test_the_grid_is_a_whole_multiple_of_the_interval(spacing: float, interval: float) -> None:
    series = to_series(samples((np.arange(90)[::-1] * spacing).tolist(), [1.0] * 90), 300.0)
    assert series.interval == interval
    assert np.isfinite(series.rates).mean() > 0.9


def test_five_samples_an_interval_are_their_mean() -> None:
    series = to_series(samples([60.0 * age for age in range(20)][::-1], [float(rate) for rate in range(20)]), 300.0)
    assert (series.interval, series.rates.tolist()) == (300.0, [2.0, 7.0, 12.0, 17.0])


def test_a_sample_a_second_becomes_few_intervals() -> None:
    series = to_series(samples([float(age) for age in range(3600)][::-1], [2.0] * 3600), 300.0)
    assert series.interval == 300.0
    assert series.rates == pytest.approx([2.0] * 12)


@pytest.mark.parametrize("where", ["first", "last"])
def test_one_sample_centuries_off_makes_no_large_grid(where: str) -> None:
    ages = [300.0 * age for age in range(100)][::-1]
    far = [1e10, *ages] if where == "first" else [*ages, -1e11]
    series = to_series(samples(far, [1.0] * 101), 300.0)
    assert len(series.rates) == (100 if where == "first" else 1)
    assert series.interval == 300.0


def test_many_samples_are_put_on_the_grid_quickly() -> None:
    many = samples([60.0 * age for age in range(20_000)][::-1], [1.0] * 20_000)
    assert min(repeat(lambda: to_series(many, 300.0), number=1, repeat=5)) < 0.1

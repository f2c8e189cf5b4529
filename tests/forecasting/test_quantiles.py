"""Quantiles of a forecast: from residuals where there are enough, assumed where there are not."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capacity_planner.forecasting import _quantiles
from capacity_planner.forecasting._quantiles import LEVELS, cold, spread
from capacity_planner.forecasting.ewma import Ewma

RATES = st.lists(st.floats(0.0, 1e6), min_size=1, max_size=60).map(np.array)
INTERVALS = st.sampled_from([1.0, 60.0, 300.0, 86_400.0])


def quantiles(rates: np.ndarray, steps: int, interval: float) -> np.ndarray:
    model = Ewma()
    return spread(model.predict(rates, steps), model.hindcast(rates, steps), rates, interval)


@settings(max_examples=100)
@given(RATES, st.integers(1, 12), INTERVALS)
def test_they_are_ordered_finite_and_never_negative(rates: np.ndarray, steps: int, interval: float) -> None:
    rows = quantiles(rates, steps, interval)
    assert rows.shape == (steps, len(LEVELS))
    assert np.isfinite(rows).all()
    assert (rows >= 0.0).all()
    assert (np.diff(rows, axis=1) >= 0.0).all()


@given(st.floats(0.0, 1e15), st.floats(1.0, 1e8), INTERVALS)
def test_without_a_record_they_are_ordered_finite_and_around_the_point(
    point: float, ahead: float, interval: float
) -> None:
    row = cold(point, ahead, interval)
    assert np.isfinite(row).all()
    assert (row >= 0.0).all()
    assert (np.diff(row) >= 0.0).all()
    if point * interval >= 1e-9:
        assert row[LEVELS.index(0.5)] == pytest.approx(point)


def test_after_an_interval_of_silence_a_rate_has_an_exponential_posterior() -> None:
    """Above its median: half of it lies at zero, and 95 % below ln(10)/interval."""
    row = cold(0.0, 300.0, 300.0)
    assert row[LEVELS.index(0.5)] == 0.0
    assert row[LEVELS.index(0.95)] == pytest.approx(math.log(10) / 300.0)


def test_a_record_is_covered_as_often_as_the_level_says() -> None:
    """Independent Poisson counts around 50 jobs/s: fresh counts are covered as the level says, to 4 std errors."""
    dice = np.random.default_rng(11)
    hits = np.zeros(len(LEVELS))
    trials = 400
    for _ in range(trials):
        rates = dice.poisson(50.0 * 60.0, 120) / 60.0
        row = quantiles(rates, 1, 60.0)[0]
        hits += dice.poisson(50.0 * 60.0) / 60.0 <= row
    levels = np.array(LEVELS)
    errors = np.sqrt(levels * (1 - levels) / trials)
    # corrected outwards for the number of residuals, so a little more at the outer levels
    assert np.all(np.abs(hits / trials - levels) <= 4 * errors + 0.03)


def test_a_longer_record_takes_over_from_the_assumption() -> None:
    rates = np.full(100, 10.0)
    assert np.ptp(quantiles(rates, 1, 300.0)[0]) == pytest.approx(0.0, abs=1e-9)
    assert np.ptp(quantiles(rates[:5], 1, 300.0)[0]) > 1.0


def test_the_levels_are_ordered_and_hold_the_median_and_the_bounds() -> None:
    assert list(LEVELS) == sorted(set(LEVELS))
    assert {0.05, 0.5, 0.95} <= set(LEVELS)
    assert _quantiles.LEVELS is LEVELS

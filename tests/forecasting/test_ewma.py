"""The exponentially weighted moving average."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity_planner.forecasting.ewma import Ewma

RATE = st.floats(0.0, 1e9)


def with_gaps(rate: st.SearchStrategy[float]) -> st.SearchStrategy[np.ndarray]:
    """Rates that end with one that is known, as a series does: it is counted back from the newest sample."""
    entries = st.lists(rate | st.just(float("nan")), max_size=40)
    return st.tuples(entries, rate).map(lambda parts: np.array([*parts[0], parts[1]]))


@given(with_gaps(RATE), st.integers(1, 12))
def test_a_level_lies_between_the_least_and_the_largest_rate(rates: np.ndarray, steps: int) -> None:
    made = Ewma().predict(rates, steps)
    assert made.shape == (steps,)
    least, largest = np.nanmin(rates), np.nanmax(rates)
    rounding = 1e-9 * largest
    assert np.all(made >= least - rounding)
    assert np.all(made <= largest + rounding)


@given(with_gaps(RATE), st.integers(1, 5))
def test_the_newest_hindcast_is_the_forecast(rates: np.ndarray, steps: int) -> None:
    rows = Ewma().hindcast(rates, steps)
    assert rows.shape == (len(rates), steps)
    assert np.array_equal(rows[-1], Ewma().predict(rates, steps))


def test_a_hindcast_knows_nothing_of_what_came_later() -> None:
    """`ForecastModel.hindcast`: row t knows ``rates[: t + 1]`` alone."""
    rates = np.concatenate([10.0 + np.random.default_rng(5).standard_normal(40), np.repeat([50.0, 5.0, 80.0], 20)])
    whole, part = Ewma().hindcast(rates, 3), Ewma().hindcast(rates[:40], 3)
    assert whole[:40] == pytest.approx(part)


def test_the_usual_smoothing_by_hand() -> None:
    """α = 0.3: 10, then 10 + 0.3·(20 - 10) = 13, then 13 + 0.3·(5 - 13) = 10.6."""
    assert Ewma().predict(np.array([10.0, 20.0, 5.0]), 2) == pytest.approx([10.6, 10.6])


def test_a_gap_leaves_the_level_as_it_is() -> None:
    assert Ewma().predict(np.array([10.0, float("nan"), 20.0]), 1) == pytest.approx([13.0])


def test_a_step_is_followed_quickly_once_that_has_paid_off() -> None:
    """A rate that jumps and stays each time is best forecast by its last value."""
    rates = np.repeat([10.0, 50.0, 5.0, 80.0, 20.0, 60.0], 20)
    assert Ewma().predict(rates, 1) == pytest.approx([60.0])


def test_noise_around_a_level_is_smoothed() -> None:
    rates = 100.0 + 10.0 * np.random.default_rng(5).standard_normal(500)
    assert Ewma().predict(rates, 1) == pytest.approx([100.0], abs=5.0)

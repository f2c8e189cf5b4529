"""A robust line through the newest rates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity_planner.domain.series import ForecastTask
from capacity_planner.forecasting.linear import Linear

if TYPE_CHECKING:
    from capacity_planner.domain.congestion import FloatArray

TASK = ForecastTask(ahead=(1, 3, 6), interval=300.0)


def predicted(rates: FloatArray, *ahead: int) -> FloatArray:
    state = Linear().start(TASK)
    state.read(rates[None], np.ones((1, len(rates))))
    made: FloatArray = state.predict(ahead)[0]
    return made


@given(st.floats(0.0, 1e6), st.floats(0.0, 1e3), st.integers(8, 60))
def test_a_line_goes_on_as_a_line(height: float, slope: float, count: int) -> None:
    """Up to six intervals, the length of the shortest window."""
    rates: FloatArray = height + slope * np.arange(float(count))
    expected = height + slope * (count - 1 + np.array([1.0, 3.0, 6.0]))
    np.testing.assert_allclose(predicted(rates, 1, 3, 6), expected, rtol=1e-9, atol=1e-6)


def test_one_odd_rate_does_not_tilt_the_line() -> None:
    rates = 10.0 + 0.5 * np.arange(40.0)
    rates[33] = 500.0
    assert predicted(rates, 1, 6) == pytest.approx([30.0, 32.5], abs=0.5)


def test_a_gap_does_not_tilt_the_line() -> None:
    rates = 10.0 + 0.5 * np.arange(40.0)
    rates[[20, 31, 32, 36]] = np.nan
    assert predicted(rates, 1, 6) == pytest.approx([30.0, 32.5])


def test_beyond_a_window_the_line_is_level() -> None:
    """The longest window is 24 intervals."""
    rates = 10.0 + 0.5 * np.arange(40.0)
    far = predicted(rates, 24, 25, 100, 10_000)
    assert far[1:] == pytest.approx(far[1])
    assert far.max() <= rates[-1] + 24 * 0.5 + 1e-9


def test_a_falling_line_stops_at_zero() -> None:
    assert predicted(np.linspace(10.0, 0.5, 20), 1, 6, 100) == pytest.approx([0.0, 0.0, 0.0])


def test_two_rates_are_level_until_half_a_window_apart() -> None:
    assert predicted(np.array([10.0, 12.0]), 1, 6) == pytest.approx([11.0, 11.0])


def test_an_hour_of_silence_leaves_the_last_height() -> None:
    rates = np.concatenate([np.full(30, 7.0), np.full(40, np.nan)])
    assert predicted(rates, 1, 12) == pytest.approx([7.0, 7.0])

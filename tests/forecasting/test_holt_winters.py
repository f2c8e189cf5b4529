"""Holt-Winters, held against the recursion as it stands in the book."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capacity_planner.domain.series import ForecastTask
from capacity_planner.forecasting.holt_winters import HoltWinters, Smoothing

if TYPE_CHECKING:
    from capacity_planner.domain.congestion import FloatArray

PERIOD = 6
SHARE = st.floats(0.0, 1.0)


def smoothing(alpha: float, beta: float, gamma: float, phi: float, series: int = 1, period: int = PERIOD) -> Smoothing:
    sets = (np.array([part]) for part in (alpha, beta, gamma, phi))
    return Smoothing(*sets, series=series, period=period)


def read(ours: Smoothing, values: FloatArray, *ahead: int, weights: FloatArray | None = None) -> FloatArray:
    """Forecasts after every value of the first series under the first parameters, shape (n, horizons)."""
    taught = np.ones_like(values) if weights is None else weights
    return ours.read(values, taught, ahead, np.arange(values.shape[1]))[0, :, :, 0]


def by_hand(values: list[float], alpha: float, beta: float, gamma: float, phi: float, ahead: int) -> list[float]:
    """ETS(A,Ad,A) of Hyndman et al. (2008), table 2.3, with their β = our αβ; the season starts from two cycles."""
    first, second = values[:PERIOD], values[PERIOD : 2 * PERIOD]
    means = sum(first) / PERIOD, sum(second) / PERIOD
    season = [(a - means[0] + b - means[1]) / 2.0 for a, b in zip(first, second, strict=True)]
    level, trend, made = means[1], 0.0, []
    for at, value in enumerate(values[2 * PERIOD :]):
        error = value - level - phi * trend - season[at % PERIOD]
        level, trend = level + phi * trend + alpha * error, phi * trend + alpha * beta * error
        season[at % PERIOD] += gamma * error
        rise = sum(phi**power for power in range(1, ahead + 1))
        made.append(level + rise * trend + season[(at + ahead) % PERIOD])
    return made


@settings(max_examples=60)
@given(
    st.lists(st.floats(-50.0, 50.0), min_size=2 * PERIOD + 1, max_size=5 * PERIOD),
    SHARE,
    SHARE,
    SHARE,
    st.floats(0.0, 0.98),
    st.integers(1, 2 * PERIOD + 1),
)
def test_the_recursion_is_that_of_the_book(
    values: list[float], alpha: float, beta: float, gamma: float, phi: float, ahead: int
) -> None:
    ours = smoothing(alpha, beta, gamma, phi)
    row = np.array([values])
    ours.begin(row[:, : 2 * PERIOD])
    made = read(ours, row[:, 2 * PERIOD :], ahead)
    expected = by_hand(values, alpha, beta, gamma, phi, ahead)
    np.testing.assert_allclose(made[:, 0], expected, rtol=1e-7, atol=1e-6)
    np.testing.assert_allclose(ours.predict((ahead,))[0, 0], expected[-1], rtol=1e-7, atol=1e-6)


def test_two_steps_by_hand_without_a_season() -> None:
    """α = 0.5, β = 0.4, φ = 0.9: 10 starts the level; 14 is 4 off: l = 12, b = 0.8; two ahead 12 + (0.9 + 0.81)·0.8."""
    ours = smoothing(0.5, 0.4, 0.3, 0.9, period=1)
    made = read(ours, np.array([[10.0, 14.0]]), 1, 2)
    np.testing.assert_allclose(made, [[10.0, 10.0], [12.72, 13.368]])


def test_a_gap_changes_nothing_but_lets_the_trend_go_on() -> None:
    """What was forecast for the interval of a gap is taken to have come."""
    values = np.random.default_rng(1).normal(10.0, 2.0, (1, 40))
    with_gap, filled = smoothing(0.3, 0.2, 0.1, 0.9), smoothing(0.3, 0.2, 0.1, 0.9)
    for one in (with_gap, filled):
        one.begin(values[:, : 2 * PERIOD])
        read(one, values[:, 2 * PERIOD : 30], 1)
    came = filled.predict((1,))[:, :, 0]
    read(with_gap, np.array([[np.nan]]), 1)
    read(filled, came, 1)
    ahead = tuple(range(1, 2 * PERIOD))
    np.testing.assert_allclose(with_gap.predict(ahead), filled.predict(ahead))


def test_the_season_starts_from_the_means_of_two_cycles() -> None:
    shape = np.array([3.0, -1.0, -2.0, 0.0, 1.0, -1.0])
    ours = smoothing(0.3, 0.0, 0.1, 0.0)
    ours.begin(np.concatenate([10.0 + 0.5 * shape, 20.0 + 1.5 * shape])[None])
    np.testing.assert_allclose(ours.predict(range(1, 13))[0, :, 0], 20.0 + np.tile(shape, 2))


def test_a_gap_in_the_first_cycles_leaves_the_other_cycle_to_say() -> None:
    shape = np.array([3.0, -1.0, -2.0, 0.0, 1.0, -1.0])
    values = np.tile(10.0 + shape, 2)
    values[0] = np.nan
    ours = smoothing(0.3, 0.0, 0.1, 0.0)
    ours.begin(values[None])
    made = ours.predict(range(1, 7))[0, :, 0]
    assert np.isfinite(made).all()
    assert made[0] == pytest.approx(13.0, abs=0.5)


def test_what_is_flagged_teaches_the_season_less() -> None:
    values = np.concatenate([np.tile([9.0, 11.0, 10.0, 10.0, 12.0, 8.0], 3), [30.0]])[None]
    seasons = []
    for weight in (1.0, 0.1, 0.0):
        ours = smoothing(0.0, 0.0, 0.5, 0.0)
        ours.begin(values[:, :12])
        read(ours, values[:, 12:], 1, weights=np.array([[*[1.0] * 6, weight]]))
        seasons.append(float(ours.predict((PERIOD,))[0, 0, 0]))
    np.testing.assert_allclose(seasons, [19.5, 10.05, 9.0], rtol=1e-9)


def test_the_season_multiplies_the_rate() -> None:
    """Twice the traffic on the third day is twice the traffic at each of its hours."""
    day = 288
    shape: FloatArray = 10.0 * np.exp(np.sin(np.arange(day) * 2.0 * np.pi / day))
    rates = np.concatenate([shape, shape, shape, 2.0 * shape[:150]])[None]
    state = HoltWinters().start(ForecastTask(ahead=(1, 12), interval=300.0, periods=(day,)))
    state.read(rates, np.ones_like(rates))
    ahead = np.array([1, 12, 60])
    np.testing.assert_allclose(state.predict(ahead.tolist())[0], 2.0 * shape[149 + ahead], rtol=0.05)


def test_a_season_that_repeats_is_known_from_the_third_cycle_on() -> None:
    day = 48
    shape = 10.0 + 8.0 * np.sin(np.arange(day) * 2.0 * np.pi / day)
    rates = np.tile(shape, 4)[None]
    task = ForecastTask(ahead=(1, 6, 20), interval=1800.0, periods=(day,))
    made = HoltWinters().start(task).read(rates, np.ones_like(rates))[0]
    for column, ahead in enumerate(task.ahead):
        origins = np.arange(2 * day, 4 * day - ahead)
        np.testing.assert_allclose(made[origins, column], rates[0, origins + ahead], rtol=1e-6)

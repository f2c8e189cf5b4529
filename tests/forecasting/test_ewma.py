"""The exponentially weighted moving average."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity_planner.domain.series import ForecastTask
from capacity_planner.forecasting._levels import Levels
from capacity_planner.forecasting.ewma import Ewma

if TYPE_CHECKING:
    from capacity_planner.domain.congestion import FloatArray

NAN = float("nan")
RATE = st.floats(0.0, 1e9)
ALPHA = st.floats(0.01, 1.0)
TASK = ForecastTask(ahead=(1, 2, 3), interval=300.0)


def followed(rates: FloatArray, task: ForecastTask = TASK) -> FloatArray:
    made: FloatArray = Ewma().start(task).read(rates[None], np.ones((1, len(rates))))[0]
    return made


@given(st.lists(RATE | st.just(NAN), max_size=40), RATE)
def test_a_level_lies_between_the_least_and_the_largest_rate(before: list[float], last: float) -> None:
    rates = np.array([*before, last])
    made = followed(rates)
    assert made.shape == (len(rates), 3)
    least, largest = np.nanmin(rates), np.nanmax(rates)
    assert np.all(made[-1] >= least - 1e-9 * largest)
    assert np.all(made[-1] <= largest + 1e-9 * largest)


@given(st.lists(RATE | st.just(NAN), min_size=1, max_size=80), ALPHA)
def test_a_level_is_the_mean_under_weights_that_fall_with_age(rates: list[float], alpha: float) -> None:
    """Σ(1 - α)^age·x / Σ(1 - α)^age over the rates that are known: the definition, as it stands."""
    made = Levels((1,), (alpha,)).read(np.array([rates]))[0, :, 0]
    for at in range(len(rates)):
        pairs = [((1.0 - alpha) ** (at - i), x) for i, x in enumerate(rates[: at + 1]) if not np.isnan(x)]
        total = sum(weight for weight, _ in pairs)
        if total > 1e-6:
            expected = sum(weight * x for weight, x in pairs) / total
            assert made[at] == pytest.approx(expected, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("alpha", [0.05, 0.3, 0.7])
def test_a_level_becomes_simple_exponential_smoothing(alpha: float) -> None:
    """Brown's l' = l + α(x - l) differs by the weight of its start alone, which fades as (1 - α)^n."""
    rates = np.random.default_rng(1).gamma(4.0, 2.5, 600)
    level = rates[0]
    for rate in rates[1:]:
        level += alpha * (rate - level)
    made = Levels((1,), (alpha,)).read(rates[None])[0, -1, 0]
    assert made == pytest.approx(level, abs=100.0 * (1.0 - alpha) ** 600 + 1e-9)


def test_the_usual_smoothing_by_hand() -> None:
    """α = 0.3, weights 1, 0.7, 0.49: (5 + 0.7·20 + 0.49·10) / 2.19."""
    made = followed(np.array([10.0, 20.0, 5.0]))
    assert made[:, 2] == pytest.approx([10.0, (20.0 + 7.0) / 1.7, 23.9 / 2.19])


def test_a_gap_has_no_weight_but_takes_time() -> None:
    """The rate before the gap is two intervals old: (20 + 0.49·10) / 1.49."""
    made = Levels((1,), (0.3,)).read(np.array([[10.0, NAN, 20.0]]))[0, :, 0]
    assert made == pytest.approx([10.0, 10.0, 24.9 / 1.49])


def test_a_long_gap_leaves_the_level_as_it_was() -> None:
    levels = Levels((1,), (0.5,))
    levels.read(np.array([[8.0, 8.0]]))
    assert levels.read(np.full((1, 5_000), NAN))[0, -1, 0] == pytest.approx(8.0)
    assert levels.read(np.array([[2.0]]))[0, -1, 0] == pytest.approx(2.0)


def test_a_step_is_followed_at_once_when_that_has_paid_off() -> None:
    """A rate that jumps and stays each time is best forecast by its last value: α = 1."""
    rates = np.repeat([10.0, 50.0, 5.0, 80.0, 20.0, 60.0], 20)
    assert followed(rates)[-20] == pytest.approx([60.0, 60.0, 60.0])


def test_noise_around_a_level_is_smoothed() -> None:
    """α = 0.02 halves within a standard error: 10·√(α/(2 - α)) = 1; four of them."""
    rates = 100.0 + 10.0 * np.random.default_rng(5).standard_normal(2_000)
    assert followed(rates)[-1] == pytest.approx(100.0, abs=4.0)


def test_a_horizon_between_two_lies_between_their_levels() -> None:
    task = ForecastTask(ahead=(1, 12), interval=300.0)
    state = Ewma().start(task)
    state.read(np.random.default_rng(6).gamma(2.0, 5.0, (1, 300)), np.ones((1, 300)))
    near, between, far, beyond = state.predict((1, 4, 12, 500))[0]
    assert min(near, far) <= between <= max(near, far)
    assert beyond == far

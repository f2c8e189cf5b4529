"""The mixture is about as good as the model that suits the traffic, whatever the traffic."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from capacity_planner.domain.series import ForecastTask
from capacity_planner.forecasting.auto import MEMBERS
from capacity_planner.registry import forecast_models

if TYPE_CHECKING:
    from collections.abc import Callable

    from capacity_planner.domain.congestion import FloatArray

DAY = 288
TASK = ForecastTask(ahead=(1, 6, 12), interval=300.0, periods=(DAY,))
DAYS = 10


def steps(dice: np.random.Generator) -> FloatArray:
    return np.repeat(dice.choice([3.0, 10.0, 30.0, 60.0], DAYS * DAY // 36), 36) + 0.02 * dice.random(DAYS * DAY)


def sine(dice: np.random.Generator) -> FloatArray:
    shape = 10.0 + 7.0 * np.sin(np.arange(DAYS * DAY) * 2.0 * np.pi / DAY)
    return dice.poisson(shape * 300.0) / 300.0


def walk(dice: np.random.Generator) -> FloatArray:
    return 10.0 * np.exp(np.cumsum(0.03 * dice.standard_normal(DAYS * DAY)))


def noise(dice: np.random.Generator) -> FloatArray:
    return dice.gamma(8.0, 2.0, DAYS * DAY)


def errors(name: str, rates: FloatArray) -> FloatArray:
    """Mean absolute error per horizon, after five days: two for the season, and those in which it proves itself."""
    made = forecast_models.get(name).start(TASK).read(rates[None], np.ones((1, len(rates))))[0]
    since = 5 * DAY
    parts = [np.abs(rates[since + ahead :] - made[since:-ahead, at]).mean() for at, ahead in enumerate(TASK.ahead)]
    return np.array(parts)


@pytest.mark.parametrize("kind", [steps, sine, walk, noise])
@pytest.mark.parametrize("seed", [1, 2])
def test_it_is_never_much_worse_than_the_best(kind: Callable[[np.random.Generator], FloatArray], seed: int) -> None:
    """At most a twentieth above the best of the newest rate, the average and the season."""
    rates = kind(np.random.default_rng(seed))
    best = np.min([errors(name, rates) for name in ("naive", "ewma", "seasonal")], axis=0)
    ours = errors("auto", rates)
    assert (ours <= 1.05 * best).all(), (ours / best).round(3)


def test_shares_sum_to_one_and_say_the_best() -> None:
    state = forecast_models.get("auto").start(TASK)
    rates = sine(np.random.default_rng(3))
    state.read(rates[None], np.ones((1, len(rates))))
    explain = state.shares  # type: ignore[attr-defined]  # a mixture says what it is made of
    for parts in explain((1, 4, 12), 0):
        assert tuple(name for name, _, _ in parts) == MEMBERS
        assert sum(share for _, share, _ in parts) == pytest.approx(1.0)
        assert all(missed > 0.0 for _, _, missed in parts)
    _, _, far = explain((1, 4, 12), 0)
    shares = {name: share for name, share, _ in far}
    assert shares["naive"] < 0.01
    assert max(shares, key=lambda name: shares[name]) in {"seasonal", "holt_winters", "ridge"}


def test_before_anything_is_judged_it_is_the_average() -> None:
    rates = np.array([[10.0, 14.0, 12.0]])
    for name in ("auto", "ewma"):
        state = forecast_models.get(name).start(TASK)
        state.read(rates, np.ones_like(rates))
        np.testing.assert_allclose(state.predict((12,)), (12.0 + 0.7 * 14.0 + 0.49 * 10.0) / 2.19)

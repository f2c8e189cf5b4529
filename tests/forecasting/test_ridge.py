"""A line per horizon, learned."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from capacity_planner.domain.series import ForecastTask
from capacity_planner.forecasting.ridge import Ridge

if TYPE_CHECKING:
    from capacity_planner.domain.congestion import FloatArray

DAY = 288


def said(rates: FloatArray, task: ForecastTask) -> FloatArray:
    made: FloatArray = Ridge().start(task).read(rates[None], np.ones((1, len(rates))))[0]
    return made


def error(made: FloatArray, rates: FloatArray, ahead: int, since: int) -> float:
    return float(np.abs(rates[since + ahead :] - made[since:-ahead]).mean())


def test_what_follows_from_the_rates_before_is_learned() -> None:
    """An undamped wave of 40 intervals in the logarithm, x(t) = 2·cos(2π/40)·x(t-1) - x(t-2), that no season tells."""
    wave = np.log(3_000.0) + 0.8 * np.sin(np.arange(8 * DAY) * 2.0 * np.pi / 40.0)
    rates = np.expm1(wave) / 300.0
    task = ForecastTask(ahead=(1, 6, 12), interval=300.0)
    made = said(rates, task)
    for column, ahead in enumerate(task.ahead):
        naive = error(rates, rates, ahead, 4 * DAY)
        assert error(made[:, column], rates, ahead, 4 * DAY) < 0.25 * naive


def test_returning_to_the_usual_is_learned() -> None:
    """An autoregression in the logarithm, x' = 0.8·x + noise: the best forecast six ahead has 0.26 of x left."""
    dice, off = np.random.default_rng(1), np.zeros(10 * DAY)
    for at in range(1, len(off)):
        off[at] = 0.8 * off[at - 1] + 0.15 * dice.standard_normal()
    rates = 10.0 * np.exp(off)
    task = ForecastTask(ahead=(1, 6), interval=300.0)
    made = said(rates, task)
    best = 10.0 * np.exp(0.8**6 * off)
    ours = error(made[:, 1], rates, 6, 5 * DAY)
    assert ours < 0.85 * error(rates, rates, 6, 5 * DAY)
    assert ours < 1.03 * error(best, rates, 6, 5 * DAY)


def test_before_it_has_learned_it_says_as_far_off_as_lately() -> None:
    rates = np.concatenate([np.full(40, 10.0), np.full(40, 20.0)])
    made = said(rates, ForecastTask(ahead=(1, 12), interval=300.0, periods=(DAY,)))
    np.testing.assert_allclose(made[:40], 10.0, rtol=1e-6)
    assert (np.abs(made[79] - 20.0) < 1.0).all()


def test_between_the_horizons_that_are_fitted_it_says_what_lies_between() -> None:
    shape = 20.0 + 12.0 * np.sin(np.arange(8 * DAY) * 2.0 * np.pi / DAY)
    rates = np.random.default_rng(1).poisson(shape * 300.0) / 300.0
    state = Ridge().start(ForecastTask(ahead=(1, 6, 36), interval=300.0, periods=(DAY,)))
    state.read(rates[None], np.ones((1, len(rates))))
    ahead = np.array([1, 3, 6, 12, 20, 36])
    np.testing.assert_allclose(state.predict(ahead.tolist())[0], shape[ahead - 1], rtol=0.1)


def test_it_never_leaves_the_page() -> None:
    """A rate that grows a thousandfold within the rates that a line is drawn through: at most twice what was seen."""
    rates = np.geomspace(1.0, 1_000.0, 3 * DAY)
    made = said(rates, ForecastTask(ahead=(1, 12, 100), interval=300.0))
    assert (made <= 2.1 * np.maximum.accumulate(rates)[:, None] + 1.0).all()

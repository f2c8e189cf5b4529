"""What every forecast model keeps, ours and a user's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from capacity_planner.domain.series import ForecastTask
from capacity_planner.registry import forecast_models
from capacity_planner.testing import check_forecast_model

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from capacity_planner.domain.congestion import FloatArray

DAY = 288
NAMES = [name for name in forecast_models.names() if not name.startswith("statsforecast")]
TASK = ForecastTask(ahead=(1, 3, 12), interval=300.0, periods=(DAY,))


def said(name: str, rates: FloatArray, task: ForecastTask = TASK) -> FloatArray:
    """Forecasts after each rate, shape (n, horizons)."""
    made: FloatArray = forecast_models.get(name).start(task).read(rates[None], np.ones((1, len(rates))))[0]
    return made


def error(made: FloatArray, rates: FloatArray, ahead: int, column: int, after: int = 0) -> float:
    """Mean absolute error of the forecasts made from ``after`` on."""
    missed = np.abs(rates[after + ahead :] - made[after:-ahead, column])
    return float(np.nanmean(missed))


def daily(days: int, level: float = 10.0, seed: int = 1) -> FloatArray:
    """Poisson counts around a day's sine."""
    expected = level * (1.0 + 0.7 * np.sin(np.arange(days * DAY) * 2.0 * np.pi / DAY))
    return np.random.default_rng(seed).poisson(expected * 300.0) / 300.0


class Last:
    """The whole of a user's model: the newest rate goes on."""

    name = "last"
    minimum_samples = 1
    seasonal = False

    def start(self, task: ForecastTask) -> Last.State:
        return self.State(task)

    class State:
        def __init__(self, task: ForecastTask) -> None:
            self.horizons = len(task.ahead)
            self.newest = np.full(task.series, np.nan)

        def read(self, rates: FloatArray, weights: FloatArray, origins: NDArray[np.intp] | None = None) -> FloatArray:
            columns = []
            for column in rates.T:
                self.newest = np.where(np.isnan(column), self.newest, column)
                columns.append(self.newest)
            made = np.repeat(np.stack(columns, axis=1)[..., None], self.horizons, axis=2)
            return made if origins is None else made[:, origins]

        def predict(self, ahead: Sequence[int]) -> FloatArray:
            return np.repeat(self.newest[:, None], len(ahead), axis=1)


class Peeking(Last):
    """The rate that comes next, where it was given together with this one."""

    class State(Last.State):
        def read(self, rates: FloatArray, weights: FloatArray, origins: NDArray[np.intp] | None = None) -> FloatArray:
            made = super().read(rates, weights, origins)
            return np.concatenate([made[:, 1:], made[:, -1:]], axis=1)


class Neighbourly(Last):
    """The mean over all series that are read together."""

    class State(Last.State):
        def read(self, rates: FloatArray, weights: FloatArray, origins: NDArray[np.intp] | None = None) -> FloatArray:
            made = super().read(rates, weights, origins)
            return np.broadcast_to(made.mean(axis=0), made.shape)

        def predict(self, ahead: Sequence[int]) -> FloatArray:
            made = super().predict(ahead)
            return np.broadcast_to(made.mean(axis=0), made.shape)


@pytest.mark.parametrize("name", NAMES)
def test_every_model_passes_the_battery(name: str) -> None:
    check_forecast_model(forecast_models.get(name))


def test_a_model_of_twenty_lines_passes_the_battery() -> None:
    check_forecast_model(Last())


@pytest.mark.parametrize(
    ("model", "problem"), [(Peeking(), "cuts make no difference"), (Neighbourly(), "does not know those beside it")]
)
def test_a_model_that_looks_where_it_must_not_is_found_out(model: Last, problem: str) -> None:
    with pytest.raises(AssertionError, match=problem):
        check_forecast_model(model)


@pytest.mark.parametrize("name", NAMES)
def test_a_model_says_whether_it_learns_from_days(name: str) -> None:
    assert forecast_models.get(name).seasonal is (name in {"seasonal", "holt_winters", "ridge"})


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("periods", [(), (DAY,), (DAY, 7 * DAY)])
@pytest.mark.parametrize("level", [0.0, 1e-9, 7.0, 1e12])
def test_a_constant_goes_on(name: str, periods: tuple[int, ...], level: float) -> None:
    task = ForecastTask(ahead=(1, 3, 12), interval=300.0, periods=periods)
    made = said(name, np.full(3 * DAY, level), task)
    np.testing.assert_allclose(made, level, rtol=1e-6)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e12])
def test_rates_of_any_size_are_forecast_in_their_own_size(name: str, scale: float) -> None:
    rates = daily(4) * scale
    made = said(name, rates)
    assert np.isfinite(made).all()
    assert (made >= 0.0).all()
    assert made[DAY:].max() < 5.0 * rates.max()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_first_rates_are_enough(name: str, count: int) -> None:
    made = said(name, np.array([10.0, 12.0, 11.0])[:count])
    assert np.isfinite(made).all()
    assert (made[0] == pytest.approx(10.0)) if count == 1 else ((made >= 8.0).all() and (made <= 40.0).all())


@pytest.mark.parametrize("name", NAMES)
def test_before_the_first_rate_nothing_is_known_and_after_it_something(name: str) -> None:
    made = said(name, np.concatenate([np.full(20, np.nan), daily(3)]))
    assert np.isnan(made[:20]).all()
    assert np.isfinite(made[20:]).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_third_of_gaps_costs_less_than_half_as_much_again(name: str) -> None:
    rates = daily(8)
    gaps = np.where(np.random.default_rng(2).random(len(rates)) < 0.3, np.nan, rates)
    made = said(name, gaps)
    assert np.isfinite(made[12:]).all()
    full = error(said(name, rates), rates, 12, 2, 3 * DAY)
    assert error(made, rates, 12, 2, 3 * DAY) < 1.5 * full


@pytest.mark.parametrize("name", ["seasonal", "holt_winters", "ridge", "auto"])
def test_growth_to_three_times_the_rate_and_a_clock_change_are_got_over(name: str) -> None:
    """One hour ahead, better than the newest rate, on the weeks in which it happens."""
    at = np.arange(14 * DAY)
    moved = np.where(at < 9 * DAY, at, at + 12)
    shape = 1.0 + 0.7 * np.sin(moved * 2.0 * np.pi / DAY)
    grown = np.geomspace(3.0, 9.0, len(at))
    rates = np.random.default_rng(3).poisson(shape * grown * 300.0) / 300.0
    relative = error(said(name, rates), rates, 12, 2, 3 * DAY) / error(said("naive", rates), rates, 12, 2, 3 * DAY)
    assert relative < 1.0

"""How often what came lies at or below a quantile, on simulated traffic whose law is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from capacity_planner.domain.series import ForecastTask
from capacity_planner.forecasting._conformal import LEVELS, Conformal
from capacity_planner.registry import forecast_models

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from capacity_planner.domain.congestion import FloatArray

DAY = 288
SERIES = 12
CHECKED = (0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)
COLUMNS = [LEVELS.index(level) for level in CHECKED]


def task(series: int = SERIES) -> ForecastTask:
    return ForecastTask(ahead=(1, 3, 12), interval=300.0, series=series)


def said(model: str, rates: FloatArray, since: int) -> tuple[NDArray[np.intp], FloatArray]:
    """Origins and the quantiles after them, shape (series, origins, horizons, levels)."""
    made = forecast_models.get(model).start(task(len(rates))).read(rates, np.ones_like(rates))
    origins = np.arange(since, rates.shape[1] - 12)
    return origins, Conformal(task(len(rates))).hindcast(made, rates, origins)


def covered(rates: FloatArray, origins: NDArray[np.intp], quantiles: FloatArray, ahead: int) -> FloatArray:
    """Share at or below each level."""
    column = (1, 3, 12).index(ahead)
    share: FloatArray = (rates[:, origins + ahead, None] <= quantiles[:, :, column]).mean(axis=(0, 1))
    return share


@pytest.mark.parametrize("model", ["naive", "ewma"])
@pytest.mark.parametrize("law", ["poisson", "negative binomial"])
def test_stationary_traffic_is_covered_as_often_as_the_level_says(model: str, law: str) -> None:
    """After three days, to 1.5 points and four standard errors; counts around 3,000, so that ties do not matter."""
    dice = np.random.default_rng(1)
    size = (SERIES, 8 * DAY)
    counts = dice.poisson(3_000.0, size) if law == "poisson" else dice.negative_binomial(5, 5 / 3_005, size)
    rates = counts / 300.0
    origins, quantiles = said(model, rates, 3 * DAY)
    levels = np.array(CHECKED)
    # Errors of neighbouring origins share rates: as many count as the horizon is intervals long, at most twelve.
    for ahead in (1, 3, 12):
        error = np.sqrt(levels * (1.0 - levels) * 2.0 / (SERIES * len(origins)))
        off = covered(rates, origins, quantiles, ahead)[COLUMNS] - levels
        assert np.all(np.abs(off) <= 0.015 + 4.0 * error), (ahead, off.round(4))


def test_a_noisy_day_and_a_quiet_night_have_their_own_bounds() -> None:
    """Log-normal noise of 4 % at night to 28 % by day: the outer levels within three points in each half."""
    dice = np.random.default_rng(2)
    at = np.arange(9 * DAY)
    noise = 0.16 * (1.0 + 0.75 * np.sin(at * 2.0 * np.pi / DAY))
    rates = 100.0 * np.exp(noise * dice.standard_normal((SERIES, len(at))))
    origins, quantiles = said("ewma", rates, 3 * DAY)
    outer = [LEVELS.index(level) for level in (0.05, 0.1, 0.9, 0.95, 0.99)]
    for column, ahead in enumerate((1, 3, 12)):
        by_day = (origins + ahead) % DAY < DAY // 2
        widths = []
        for half in (by_day, ~by_day):
            rows = quantiles[:, half]
            off = covered(rates, origins[half], rows, ahead) - np.array(LEVELS)
            assert np.all(np.abs(off[outer]) < 0.03), (ahead, off.round(3))
            widths.append(float(np.median(rows[:, :, column, outer[-2]] - rows[:, :, column, outer[0]])))
        assert widths[1] < 0.6 * widths[0]


@pytest.mark.parametrize("model", ["naive", "ewma"])
def test_the_first_day_of_a_queue_is_covered_from_what_is_usual(model: str) -> None:
    """Over-dispersed counts on a slowly moving level, levels from 1 to 100 jobs/s, by the age of the queue.

    Nominal 90, 95 and 99 %: at least 88 % of each in the first two hours, and within 3.5 points over the day.
    """
    dice = np.random.default_rng(3)
    size = (300, DAY + 12)
    moved = np.zeros(size)
    for at in range(1, size[1]):
        moved[:, at] = 0.98 * moved[:, at - 1] + 0.06 * dice.standard_normal(size[0])
    level = np.exp(dice.normal(np.log(10.0), 1.0, (size[0], 1)) + moved)
    rates = dice.poisson(300.0 * level * dice.gamma(20.0, 0.05, size)) / 300.0
    origins, quantiles = said(model, rates, 0)
    columns = [LEVELS.index(level) for level in (0.9, 0.95, 0.99)]
    nominal = np.array([0.9, 0.95, 0.99])
    young = origins < 24
    for ahead in (1, 3, 12):
        first = covered(rates, origins[young], quantiles[:, young], ahead)[columns]
        day = covered(rates, origins, quantiles, ahead)[columns]
        assert np.all(first >= 0.88 * nominal), (ahead, first.round(3))
        assert np.all(np.abs(day - nominal) <= 0.035), (ahead, day.round(3))


def test_a_sparse_queue_is_covered_from_above() -> None:
    """One job in five minutes on average: a quantile is a whole number of jobs, so it covers its level or more."""
    dice = np.random.default_rng(4)
    rates = dice.poisson(1.0, (SERIES, 8 * DAY)) / 300.0
    origins, quantiles = said("ewma", rates, 3 * DAY)
    upper = [LEVELS.index(level) for level in (0.9, 0.95, 0.99)]
    for ahead in (1, 3, 12):
        share = covered(rates, origins, quantiles, ahead)[upper]
        assert np.all(share >= np.array([0.9, 0.95, 0.99]) - 0.015), (ahead, share.round(3))

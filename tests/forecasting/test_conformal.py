"""Quantiles around point forecasts: what always holds of them, and futures that hang together."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capacity_planner.domain.series import ForecastTask
from capacity_planner.forecasting._conformal import LEVELS, Conformal
from capacity_planner.forecasting._paths import drawn, effective, nearness, systematic
from capacity_planner.registry import forecast_models

if TYPE_CHECKING:
    from collections.abc import Iterable

    from capacity_planner.domain.congestion import FloatArray

HOURS = ForecastTask(ahead=(1, 6, 30), interval=3600.0)
TASK = ForecastTask(ahead=(1, 2, 3, 5, 8, 12), interval=300.0)
MEDIAN = LEVELS.index(0.5)


def pointed(rates: FloatArray, task: ForecastTask, model: str = "naive") -> FloatArray:
    return forecast_models.get(model).start(task).read(rates, np.ones_like(rates))


def learned(points: FloatArray, rates: FloatArray, task: ForecastTask, cuts: Iterable[int] = ()) -> Conformal:
    """One that has read all of it, in these cuts."""
    conformal = Conformal(task)
    for at, end in pairwise((0, *cuts, rates.shape[1])):
        conformal.read(points[:, at:end][:, conformal.looks(end - at)], rates[:, at:end])
    return conformal


def noisy(count: int, seed: int = 1, series: int = 1, mean: float = 3_000.0) -> FloatArray:
    return np.random.default_rng(seed).poisson(mean, (series, count)) / 300.0


@pytest.mark.parametrize("task", [HOURS, TASK], ids=["hours", "minutes"])
def test_the_cuts_in_which_it_reads_make_no_difference(task: ForecastTask) -> None:
    """Over more than the four weeks for which residuals are kept."""
    count = round(32 * 86_400.0 / task.interval)
    rates = noisy(count)
    rates[:, 100:130] = np.nan
    points = pointed(rates, task)
    whole = learned(points, rates, task).quantiles(points[:, -1], task.ahead)
    for cuts in ((1, 2, 3, count // 2, count - 1), range(7, count, 997)):
        pieces = learned(points, rates, task, cuts).quantiles(points[:, -1], task.ahead)
        np.testing.assert_allclose(pieces, whole, rtol=1e-9)


def test_a_hindcast_is_what_was_said_along_the_way() -> None:
    rates = noisy(45 * 24)
    points = pointed(rates, HOURS, "ewma")
    origins = np.array([0, 1, 5, 30, 200, 700, 1_000, 1_079])
    made = Conformal(HOURS).hindcast(points, rates, origins)
    for at, origin in enumerate(origins.tolist()):
        there = learned(points[:, : origin + 1], rates[:, : origin + 1], HOURS)
        np.testing.assert_allclose(made[:, at], there.quantiles(points[:, origin], HOURS.ahead), rtol=1e-9)


RATE = st.floats(0.0, 1e6) | st.just(float("nan"))


@settings(max_examples=50)
@given(st.floats(0.0, 1e6), st.lists(RATE, max_size=200), st.sampled_from([60.0, 300.0, 3600.0, 86_400.0]))
def test_quantiles_are_ordered_finite_and_never_negative(first: float, rest: list[float], interval: float) -> None:
    task = ForecastTask(ahead=(1, 3, 12), interval=interval)
    rates = np.array([[first, *rest]])
    points = pointed(rates, task)
    made = learned(points, rates, task).quantiles(points[:, -1, [0, 0, 1, 2, 2]], (1, 2, 3, 12, 40))
    assert made.shape == (1, 5, len(LEVELS))
    assert np.isfinite(made).all()
    assert (made >= 0.0).all()
    assert (np.diff(made, axis=-1) >= 0.0).all()


def test_the_levels_are_ordered_and_hold_the_median_and_the_bounds() -> None:
    assert list(LEVELS) == sorted(set(LEVELS))
    assert {0.05, 0.5, 0.9, 0.95, 0.99} <= set(LEVELS)


def test_one_rate_has_bounds_that_widen_with_the_horizon() -> None:
    rates = np.array([[10.0]])
    made = learned(pointed(rates, TASK), rates, TASK).quantiles(np.full((1, 6), 10.0), TASK.ahead)[0]
    width = made[:, -1] - made[:, 0]
    assert made[0, MEDIAN] == pytest.approx(10.0)
    assert (np.diff(width) > 0.0).all()
    assert width[0] > 2.0


@pytest.mark.parametrize("scale", [1e-3, 1_000.0])
def test_rates_in_another_unit_have_quantiles_in_that_unit(scale: float) -> None:
    """Noise of a tenth of the rate, far above that of counting, which is the one thing that knows the unit."""
    rates = 1e6 * np.random.default_rng(1).gamma(100.0, 0.01, (1, 5 * 288))
    one, other = (
        learned(pointed(part, TASK), part, TASK).quantiles(pointed(part, TASK)[:, -1], TASK.ahead)
        for part in (rates, scale * rates)
    )
    np.testing.assert_allclose(other, scale * one, rtol=0.01)


def test_series_side_by_side_do_not_know_each_other() -> None:
    task = ForecastTask(ahead=(1, 12), interval=300.0, series=3)
    alone = ForecastTask(ahead=(1, 12), interval=300.0)
    rates = noisy(3 * 288, series=3) * np.array([[1.0], [5.0], [0.01]])
    points = pointed(rates, task)
    made = learned(points, rates, task).quantiles(points[:, -1], task.ahead)
    for row in range(3):
        single = learned(points[[row]], rates[[row]], alone).quantiles(points[[row], -1], task.ahead)
        np.testing.assert_allclose(made[[row]], single, rtol=1e-9)


def test_a_perfect_forecast_has_narrow_bounds_in_the_end() -> None:
    """Two weeks without an error leave less of the spread that is assumed at first than a tenth."""
    rates = np.full((1, 14 * 288), 10.0)
    points = np.full((1, 14 * 288, 6), 10.0)
    cold = Conformal(TASK)
    cold.read(points[:, :1], rates[:, :1])
    first, last = (one.quantiles(points[:, -1], TASK.ahead)[0] for one in (cold, learned(points, rates, TASK)))
    assert (last[:, -1] - last[:, 0] < 0.1 * (first[:, -1] - first[:, 0])).all()


def followed(errors: FloatArray) -> tuple[Conformal, FloatArray]:
    """One that has read errors around a forecast of 100, and its quantiles one to twelve ahead."""
    rates = 100.0 + errors[None]
    points = np.full((1, len(errors), 6), 100.0)
    conformal = learned(points, rates, TASK)
    return conformal, conformal.quantiles(np.full((1, 12), 100.0), range(1, 13))[0]


def correlated(memory: float, count: int = 21 * 288) -> FloatArray:
    steps = np.random.default_rng(1).standard_normal(count)
    walk = np.empty(count)
    walk[0] = steps[0]
    for at in range(1, count):
        walk[at] = memory * walk[at - 1] + np.sqrt(1.0 - memory**2) * steps[at]
    return 5.0 * walk


@pytest.mark.parametrize("memory", [0.0, 0.95])
def test_each_horizon_of_the_paths_spreads_as_its_errors_did(memory: float) -> None:
    """Also between the horizons that are learned: Gaussian errors of 5, less what the forecast of 100 leaves of them.

    A hundred rows of about 250 that count: quantiles are off by up to four standard errors of a hundred normal numbers.
    """
    conformal, quantiles = followed(correlated(memory))
    paths = conformal.paths(quantiles, range(1, 13))
    assert len(paths) == 100
    np.testing.assert_allclose(np.median(paths, axis=0), quantiles[:, MEDIAN], atol=1e-9)
    np.testing.assert_allclose(paths.std(axis=0), 5.0, rtol=4 / np.sqrt(2 * 100))


def test_paths_hang_together_as_errors_did() -> None:
    """Independent errors: within four standard errors 1/√rows of none. Neighbours of a memory of 0.95: 0.95."""
    ahead = TASK.ahead
    for memory, least, most in ((0.0, -0.4, 0.4), (0.95, 0.8, 1.0)):
        conformal, quantiles = followed(correlated(memory))
        paths = conformal.paths(quantiles, range(1, 13))[:, np.array(ahead) - 1]
        together = np.asarray(np.corrcoef(paths.T))[np.arange(len(ahead) - 1), np.arange(1, len(ahead))]
        assert (together >= least).all()
        assert (together <= most).all()


def test_paths_are_those_of_the_time_of_the_day() -> None:
    """Errors of 20 in the mornings, of 2 else."""
    count = 21 * 288
    hour = np.arange(count) % 288 // 12
    errors = np.random.default_rng(1).standard_normal(count) * np.where(hour < 12, 20.0, 2.0)
    for end, spread in ((count + 6 * 12, 20.0), (count + 18 * 12, 2.0)):
        conformal, quantiles = followed(np.concatenate([errors, errors[: end - count]]))
        paths = conformal.paths(quantiles, range(1, 13))
        np.testing.assert_allclose(paths.std(axis=0), spread, rtol=4 / np.sqrt(2 * 100))


def test_a_larger_rate_has_larger_errors_as_counts_have() -> None:
    errors, ones = np.random.default_rng(1).standard_normal((40, 1)), np.ones(40)
    small, large = (drawn(errors, ones, (1,), np.array([rate]), (1,), 1.0) for rate in (99.0, 9_999.0))
    np.testing.assert_allclose(large - 9_999.0, 10.0 * (small - 99.0))


def test_a_short_record_counts_origins_of_other_times_too() -> None:
    """Two days of origins every half hour: within an hour there are about seven, so the kernel is made wider."""
    origins = np.arange(0, 2 * 288, 6)
    assert effective(nearness(origins, 2 * 288, 300.0)) >= 30
    month = np.arange(0, 28 * 288, 6)
    near = nearness(month, 28 * 288, 300.0)
    away = np.minimum(month % 288, -month % 288) / 12
    assert near[away > 4].sum() < 1e-3 * near.sum()


@given(st.lists(st.floats(0.0, 1e6), min_size=1, max_size=50).filter(any), st.integers(1, 200))
def test_each_origin_is_drawn_as_often_as_it_counts(weights: list[float], count: int) -> None:
    """Systematic draws are off by less than one."""
    drawn_ = np.bincount(systematic(np.array(weights), count), minlength=len(weights))
    assert (np.abs(drawn_ - np.array(weights) / sum(weights) * count) <= 1.0 + 1e-6).all()


def test_without_a_record_there_are_no_paths() -> None:
    conformal = Conformal(TASK)
    assert conformal.paths(np.ones((4, len(LEVELS))), range(1, 5)).shape == (0, 4)
    conformal.read(np.full((1, 1, 6), 10.0), np.full((1, 1), 10.0))
    assert conformal.paths(np.ones((4, len(LEVELS))), range(1, 5)).shape == (0, 4)

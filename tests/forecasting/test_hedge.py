"""Which of several forecasts is trusted."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from capacity_planner.domain.series import ForecastTask
from capacity_planner.forecasting._hedge import Hedge, mixed

if TYPE_CHECKING:
    from capacity_planner.domain.congestion import FloatArray

DAY = 86_400.0
TASK = ForecastTask(ahead=(1,), interval=3600.0)


def judged(hedge: Hedge, rivals: FloatArray, rates: FloatArray) -> FloatArray:
    """Weights after each rate, shape (n, horizons, rivals); ``rivals`` are constants, or one row an origin."""
    shape = (1, len(rates), len(hedge.weights[0]), hedge.weights.shape[-1])
    made = np.broadcast_to(rivals if rivals.ndim == 1 else rivals[:, None], shape[1:])[None]
    weights: FloatArray = hedge.read(made[:, hedge.looks(len(rates))], rates[None], np.arange(len(rates)))[0]
    return weights


def test_before_anything_is_known_the_prior_is_taken() -> None:
    alike = Hedge(TASK, 4, half_life=DAY, sharpness=20.0)
    chosen = Hedge(TASK, 4, half_life=DAY, sharpness=20.0, prior=2)
    np.testing.assert_array_equal(alike.weights[0, 0], [0.25] * 4)
    np.testing.assert_array_equal(chosen.weights[0, 0], [0.0, 0.0, 1.0, 0.0])
    assert np.isnan(alike.errors).all()
    made = judged(chosen, np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0]))
    np.testing.assert_array_equal(made[0, 0], [0.0, 0.0, 1.0, 0.0])


def test_an_infinite_sharpness_takes_the_best_alone() -> None:
    hedge = Hedge(TASK, 3, half_life=DAY, sharpness=math.inf, prior=0)
    made = judged(hedge, np.array([10.0, 14.0, 13.0]), np.full(5, 13.5))
    np.testing.assert_array_equal(made[0, 0], [1.0, 0.0, 0.0])
    np.testing.assert_array_equal(made[1:, 0], [[0.0, 1.0, 0.0]] * 4)
    assert (
        judged(Hedge(TASK, 2, half_life=DAY, sharpness=math.inf), np.array([3.0, 4.0]), np.full(3, 4.0))[2, 0, 1] == 1
    )


def test_the_weight_of_a_rival_is_exponential_in_how_much_worse_it_is() -> None:
    """Errors 1, 1.1 and 2: exp(0), exp(-20·0.1) and exp(-20·1), normalised."""
    hedge = Hedge(TASK, 3, half_life=DAY, sharpness=20.0)
    made = judged(hedge, np.array([9.0, 8.9, 12.0]), np.full(30, 10.0))[-1, 0]
    expected = np.exp([0.0, -2.0, -20.0])
    np.testing.assert_allclose(made, expected / expected.sum(), rtol=1e-6)
    np.testing.assert_allclose(hedge.errors[0, 0], [1.0, 1.1, 2.0])


def test_a_rival_without_error_takes_all() -> None:
    hedge = Hedge(TASK, 2, half_life=DAY, sharpness=20.0)
    np.testing.assert_allclose(judged(hedge, np.array([10.0, 9.0]), np.full(5, 10.0))[-1, 0], [1.0, 0.0], atol=1e-12)


def test_rivals_alike_share_alike_even_without_error() -> None:
    hedge = Hedge(TASK, 2, half_life=DAY, sharpness=20.0)
    np.testing.assert_allclose(judged(hedge, np.array([10.0, 10.0]), np.full(5, 10.0))[-1, 0], [0.5, 0.5])


def test_after_its_half_life_an_error_counts_half() -> None:
    """One error of 8, then none for half a life (a day and six horizons of an hour): Σ = 8·½ over Σ½^(k/30)."""
    hedge = Hedge(TASK, 2, half_life=DAY, sharpness=1.0)
    judged(hedge, np.array([2.0, 2.0]), np.array([2.0, 10.0, *[2.0] * 30]))
    weight = sum(0.5 ** (age / 30.0) for age in range(31))
    np.testing.assert_allclose(hedge.errors[0, 0], 4.0 / weight)


def test_a_gap_and_a_rival_that_says_nothing_are_not_judged() -> None:
    hedge = Hedge(TASK, 2, half_life=DAY, sharpness=20.0)
    rivals = np.array([[np.nan, np.nan], [9.0, 8.0], [9.0, 8.0], [9.0, 8.0]])
    judged(hedge, rivals, np.array([10.0, 10.0, np.nan, 10.0]))
    np.testing.assert_allclose(hedge.errors[0, 0], [1.0, 2.0])


def test_each_horizon_trusts_its_own_but_looks_at_its_neighbours() -> None:
    """Errors 1 and 3 at the near, 9 and 3 at the far horizon; a neighbour counts half: 3, 3 and 7, 3."""
    task = ForecastTask(ahead=(1, 2), interval=3600.0)
    hedge = Hedge(task, 2, half_life=1e12, sharpness=1.0)
    rivals = np.array([[11.0, 13.0], [19.0, 13.0]])
    count = 4_000
    looked = np.broadcast_to(rivals, (1, len(hedge.looks(count)), 2, 2))
    made = hedge.read(looked, np.full((1, count), 10.0), np.array([count - 1]))[0, 0]
    worse = math.exp(-(7.0 / 3.0 - 1.0))
    np.testing.assert_allclose(made[0], [0.5, 0.5], rtol=0.01)
    np.testing.assert_allclose(made[1], np.array([worse, 1.0]) / (1.0 + worse), rtol=0.01)


@pytest.mark.parametrize("interval", [60.0, 300.0, 3600.0])
def test_the_cuts_in_which_it_reads_make_no_difference(interval: float) -> None:
    task = ForecastTask(ahead=(1, 3, 12), interval=interval)
    dice = np.random.default_rng(1)
    rates = dice.gamma(3.0, 3.0, 400)
    rates[50:60] = np.nan
    rivals = dice.gamma(3.0, 3.0, (400, 3, 4))

    def read(*cuts: int) -> FloatArray:
        hedge, parts = Hedge(task, 4, half_life=DAY, sharpness=5.0, prior=1), []
        for at, end in zip((0, *cuts), (*cuts, 400), strict=True):
            looks = hedge.looks(end - at)
            parts.append(hedge.read(rivals[at:end][looks][None], rates[None, at:end], np.arange(end - at)))
        return np.concatenate(parts, axis=1)

    whole = read()
    np.testing.assert_allclose(read(1, 2, 3, 100, 101, 333), whole, rtol=1e-9)
    assert not np.allclose(whole[0, -1], whole[0, 0])


def test_a_mixture_is_the_weighted_mean() -> None:
    made = mixed(np.array([[0.25, 0.75]]), np.array([[10.0, 20.0]]))
    np.testing.assert_array_equal(made, [17.5])

"""Noise on a rate: its mean, its variation, and when it is drawn."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from capacity_planner.simulation._curve import RateCurve
from capacity_planner.simulation.traffic import NOISE_PERIOD, noisy

if TYPE_CHECKING:
    from capacity_planner.domain.congestion import FloatArray


def _moods(noise: float, seed: int = 1) -> FloatArray:
    return noisy(
        RateCurve(np.array([0.0, 20_000 * NOISE_PERIOD]), np.array([3.0])), noise, np.random.default_rng(seed)
    ).rates


@pytest.mark.parametrize("noise", [0.01, 0.1, 0.5, 1.0])
def test_noise_keeps_the_mean_and_has_its_variation(noise: float) -> None:
    """20 000 draws: four standard errors of the mean, and of the deviation of a gamma variate."""
    rates = _moods(noise) / 3.0
    assert abs(rates.mean() - 1.0) < 4.0 * noise / math.sqrt(20_000)
    assert rates.std() == pytest.approx(noise, rel=4.0 * math.sqrt((2.0 + 6.0 * noise**2) / 4.0 / 20_000))


def test_five_minute_counts_are_negative_binomial() -> None:
    counts = np.random.default_rng(2).poisson(_moods(0.2) * NOISE_PERIOD)
    assert counts.mean() == pytest.approx(900.0, rel=0.01)
    assert counts.var() == pytest.approx(900.0 + (0.2 * 900.0) ** 2, rel=0.05)


def test_noise_is_drawn_every_five_minutes_from_the_start_on() -> None:
    whole = RateCurve(np.array([0.0, 100.0, 900.0, 1000.0]), np.array([1.0, 2.0, 4.0]))
    found = noisy(whole, 0.3, np.random.default_rng(3))
    assert found.edges.tolist() == [0.0, 100.0, 300.0, 600.0, 900.0, 1000.0]
    factors = found.rates / [1.0, 2.0, 2.0, 2.0, 4.0]
    assert factors[0] == pytest.approx(factors[1])
    assert len(set(factors.round(12))) == 4


def test_no_noise_is_the_curve_itself() -> None:
    whole = RateCurve(np.array([0.0, 1000.0]), np.array([1.0]))
    dice = np.random.default_rng(4)
    assert noisy(whole, 0.0, dice) is whole
    assert noisy(whole, 1e-300, dice) is whole
    assert dice.bit_generator.state == np.random.default_rng(4).bit_generator.state


def test_noise_lasts_as_long_as_its_period() -> None:
    flat = RateCurve(np.array([0.0, 100.0]), np.array([1.0]))
    assert noisy(flat, 0.3, np.random.default_rng(5), period=40.0).edges.tolist() == [0.0, 40.0, 80.0, 100.0]

"""What is off, and what is not."""

from __future__ import annotations

import numpy as np
import pytest

from capacity_planner.forecasting._anomaly import Anomaly, detect
from capacity_planner.forecasting.ewma import Ewma

INTERVAL = 300.0


def judged(rates: np.ndarray, *, threshold: float = 3.0, spike: float = 2.0) -> Anomaly | None:
    return detect(Ewma().hindcast(rates, 1)[:, 0], rates, INTERVAL, threshold=threshold, spike=spike)


def noisy(count: int, seed: int = 1, rate: float = 10.0) -> np.ndarray:
    return np.random.default_rng(seed).poisson(rate * INTERVAL, count) / INTERVAL


def test_ten_times_the_rate_is_an_anomaly() -> None:
    found = judged(np.append(noisy(100), 100.0))
    assert found is not None
    assert found.came == 100.0
    assert found.expected == pytest.approx(10.0, rel=0.05)
    assert found.deviations > 3.0


def test_a_sudden_silence_is_an_anomaly() -> None:
    found = judged(np.append(noisy(100), 0.0))
    assert found is not None
    assert found.deviations < -3.0


def test_poisson_noise_is_hardly_ever_one() -> None:
    """Three standard deviations of a normal law: 0.27 % of samples; a few more while the scale is estimated."""
    found = sum(judged(noisy(101, seed)) is not None for seed in range(300))
    assert found <= 6


def test_a_higher_threshold_finds_fewer() -> None:
    rates = np.append(noisy(100), 11.0)
    assert judged(rates, threshold=3.0) is not None
    assert judged(rates, threshold=30.0) is None


@pytest.mark.parametrize(("last", "found"), [(19.0, False), (21.0, True), (0.0, False)])
def test_with_a_short_record_only_a_spike_is_one(last: float, found: bool) -> None:  # noqa: FBT001 - a table's column
    rates = np.array([10.0, 10.0, 10.0, 10.0, last])
    assert (judged(rates, spike=2.0) is not None) is found


def test_a_spike_of_few_jobs_is_chance() -> None:
    """One job in five minutes after a quarter of one: four times the level, and nothing."""
    assert judged(np.array([0.2, 0.3, 0.2, 0.3, 1.0]) / INTERVAL) is None


def test_two_rates_are_too_few_to_judge() -> None:
    assert judged(np.array([1.0, 1_000.0])) is None


def test_a_series_of_gaps_is_too_short_to_judge() -> None:
    rates = np.full(50, np.nan)
    rates[[0, -1]] = 1.0, 1_000.0
    assert judged(rates) is None


def test_a_flat_line_that_moves_by_less_than_counting_noise_is_none() -> None:
    assert judged(np.append(np.full(60, 10.0), 10.0 + 2 * np.sqrt(10.0 / INTERVAL))) is None

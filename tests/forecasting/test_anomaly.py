"""What is off, since when, and what is not."""

from __future__ import annotations

import numpy as np
import pytest

from capacity_planner.domain.series import ForecastTask
from capacity_planner.forecasting._anomaly import Anomaly, Watch
from capacity_planner.registry import forecast_models

INTERVAL = 300.0
DAY = 288


def poisson(count: int, seed: int = 1, rate: float | np.ndarray = 1.0, series: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).poisson(rate * INTERVAL, (series, count)) / INTERVAL


def watched(rates: np.ndarray, expected: np.ndarray | float = 1.0, **given: float) -> tuple[Watch, np.ndarray]:
    watch = Watch(len(rates), INTERVAL, **{"threshold": 3.0, "spike": 2.0, **given})
    return watch, watch.read(np.broadcast_to(expected, rates.shape), rates)


def forecast(rates: np.ndarray) -> np.ndarray:
    task = ForecastTask(ahead=(1,), interval=INTERVAL, periods=(DAY, 7 * DAY), series=len(rates))
    made = forecast_models.get("seasonal").start(task).read(rates, np.ones_like(rates))[:, :, 0]
    return np.concatenate([np.full((len(rates), 1), np.nan), made[:, :-1]], axis=1)


def with_event(at: int, length: int, factor: float, count: int = 1000, seed: int = 1) -> np.ndarray:
    rates = poisson(count, seed)
    rates[:, at : at + length] *= factor
    return rates


def places(watch: Watch) -> list[int]:
    return [int(at) for at in np.flatnonzero(watch.raised[0])]


def test_the_deviation_of_a_count_by_hand() -> None:
    """2(√(490 + 3/8) − √(300 + 3/8)) = 9.626 standard deviations of a Poisson count, the least noise; by 1.3."""
    rates = np.append(np.full(100, 1.0), 490.0 / INTERVAL)[None]
    watch, weights = watched(rates)
    assert watch.scores[0, -1] == pytest.approx(9.626 / 1.3, abs=0.001)
    assert watch.scores[0, :-1].tolist() == [0.0] * 100
    assert watch.states() == [Anomaly(1.0, 490.0 / INTERVAL, watch.scores[0, -1], 0)]
    assert weights[0].tolist() == [1.0] * 100 + [0.1]


def test_less_than_forecast_is_negative() -> None:
    watch, _ = watched(np.append(np.full(100, 1.0), 0.0)[None])
    assert watch.scores[0, -1] == pytest.approx(-2 * (np.sqrt(300.375) - np.sqrt(0.375)) / 1.3)


def test_four_bins_tell_what_one_does_not() -> None:
    """Three standard deviations a bin, of the 3 x 1.3 that would be off: three of them together are 9 / √4."""
    low = (np.sqrt(300.375) - 1.5) ** 2 - 0.375
    watch, _ = watched(np.append(np.full(200, 1.0), np.full(4, low / INTERVAL))[None])
    assert watch.scores[0, 200:] == pytest.approx([-3 / 1.3, -3 / 1.3, -4.5 / 1.3, -6 / 1.3])
    assert places(watch) == [202]


def test_an_anomaly_is_raised_once_and_ends_after_three_calm_bins() -> None:
    rates = with_event(500, 6, 3.0)
    watch, weights = watched(rates)
    assert places(watch) == [500]
    assert (weights[0, 500:506] == 0.1).all()
    assert (weights[0, 506:] == 1.0).all()
    watch = Watch(1, INTERVAL, threshold=3.0, spike=2.0)
    going = []
    for at in range(512):
        watch.read(np.ones((1, 1)), rates[:, at : at + 1])
        state = watch.states()[0]
        going.append(None if state is None else state.started)
    assert going[499:512] == [None, 0, 1, 2, 3, 4, 5, 6, 7, None, None, None, None]


def test_a_repeat_within_six_hours_must_be_clearly_worse() -> None:
    rates = with_event(300, 3, 2.0, count=1000)
    rates[:, 340:343] *= 2.0
    rates[:, 360:363] *= 12.0
    rates[:, 700:703] *= 2.0
    watch, weights = watched(rates)
    assert places(watch) == [300, 360, 700]
    assert (weights[0, 340:343] == 0.1).all()


def test_repeats_that_were_not_raised_do_not_put_off_the_next() -> None:
    rates = with_event(300, 3, 2.0, count=1000)
    for at in range(350, 560, 50):
        rates[:, at : at + 3] *= 2.0
    assert places(watched(rates)[0]) == [300, 400, 500]


@pytest.mark.parametrize("factor", [2.0, 0.4])
def test_a_level_shift_is_raised_once_and_accepted_after_four_hours(factor: float) -> None:
    rates = with_event(500, 500, factor)
    watch, weights = watched(rates)
    assert places(watch) == [500]
    assert (weights[0, 500:548] == 0.1).all()
    assert (weights[0, 548:] == 1.0).all()
    assert watch.states() == [None]


def test_an_outage_is_raised_at_once_under_a_seasonal_forecast() -> None:
    clock = np.arange(14 * DAY)
    rates = poisson(14 * DAY, rate=1.0 - 0.8 * np.cos(2 * np.pi * clock / DAY))
    outage = 12 * DAY + DAY // 2
    rates[:, outage : outage + 12] = 0.0
    watch, weights = watched(rates, forecast(rates))
    assert outage in places(watch)
    assert (weights[0, outage : outage + 3] == 0.1).all()


def test_poisson_traffic_raises_less_than_once_a_week() -> None:
    clock = np.arange(14 * DAY)
    level = 0.2 - 0.15 * np.cos(2 * np.pi * clock / DAY)
    rates = poisson(14 * DAY, rate=level, series=20)
    known, _ = watched(rates, level)
    assert known.raised.sum() / 40 < 0.7
    forecasted, weights = watched(rates, forecast(rates))
    assert forecasted.raised.sum() / 40 < 1.0
    assert weights.mean() > 0.99


def test_overdispersed_traffic_raises_less_than_once_a_week() -> None:
    noise = np.random.default_rng(5).negative_binomial(3.0, 3.0 / (3.0 + 300.0), (20, 14 * DAY)) / INTERVAL
    watch, _ = watched(noise)
    assert watch.raised.sum() / 40 < 1.0


def test_a_burst_at_the_same_time_every_day_is_no_anomaly_though_the_forecast_misses_it() -> None:
    rates = poisson(10 * DAY)
    for day in range(1, 10):
        at = day * DAY + 100 + day % 2
        rates[:, at : at + 2] += 4.0
    watch, _ = watched(rates)
    assert places(watch) == [DAY + 101]


def test_fewer_than_ten_jobs_off_is_never_one() -> None:
    rates = np.zeros((2, 200))
    rates[:, 150] = np.array([9.0, 11.0]) / INTERVAL
    watch, _ = watched(rates, 0.0)
    assert watch.raised.sum(axis=1).tolist() == [0, 1]


@pytest.mark.parametrize(("last", "found"), [(1.9, False), (2.1, True), (0.0, False)])
def test_without_a_record_only_a_spike_is_one(last: float, found: bool) -> None:  # noqa: FBT001 - a table's column
    watch, _ = watched(np.array([[1.0, 1.0, 1.0, 1.0, last]]), np.nan)
    assert watch.raised[0].tolist() == [False] * 4 + [found]
    assert watch.states() == [Anomaly(1.0, last, watch.scores[0, -1], 0) if found else None]


@pytest.mark.parametrize("rates", [[1.0, 1000.0], [0.001, 0.001, 0.001, 0.001, 0.01], []])
def test_two_rates_and_a_few_jobs_are_too_little_to_judge(rates: list[float]) -> None:
    watch, weights = watched(np.array([rates]), np.nan)
    assert watch.states() == [None]
    assert weights.shape == (1, len(rates))


def test_gaps_are_never_off_and_do_not_hide_what_comes_after_them() -> None:
    rates = with_event(500, 3, 4.0)
    rates[:, 100:150] = rates[:, 490:500] = rates[:, 501] = np.nan
    watch, weights = watched(rates)
    assert places(watch) == [500]
    assert watch.scores[0, 501] == 0.0
    assert weights[0, 501] == 1.0
    assert np.isfinite(watch.scores).all()


def test_a_series_of_gaps_says_nothing() -> None:
    rates = np.full((1, 300), np.nan)
    watch, weights = watched(rates, np.nan)
    assert not watch.raised.any()
    assert (weights == 1.0).all()


def test_no_traffic_is_no_anomaly() -> None:
    watch, _ = watched(np.zeros((1, 1000)), 0.0)
    assert not watch.scores.any()


@pytest.mark.parametrize("size", [1e300, 1e308, np.finfo(float).max])
def test_huge_rates_stay_finite(size: float) -> None:
    rates = with_event(500, 1, 1.0)
    rates[:, 500] = size
    for expected in (1.0, np.nan):
        watch, weights = watched(rates, expected)
        assert np.isfinite(watch.scores).all()
        assert np.isfinite(weights).all()
        assert places(watch) == [500]


def test_a_higher_threshold_raises_less() -> None:
    rates = with_event(500, 1, 1.5)
    assert places(watched(rates, threshold=3.0)[0]) == [500]
    assert places(watched(rates, threshold=30.0)[0]) == []


@pytest.mark.parametrize("cut", [1, 7, 288, 5000])
def test_how_rates_are_cut_into_calls_makes_no_difference(cut: int) -> None:
    count = 900 if cut == 1 else 5000
    rates = poisson(count, series=3)
    rates[0, 300:310] *= 3.0
    rates[1, 400:800] *= 0.5
    rates[2, ::5] = np.nan
    expected = np.where(np.arange(count) < 30, np.nan, 1.0) * np.ones_like(rates)
    whole, weights = watched(rates, expected)
    parts = Watch(3, INTERVAL, threshold=3.0, spike=2.0)
    made, scores, raised = [], [], []
    for at in range(0, count, cut):
        made.append(parts.read(expected[:, at : at + cut], rates[:, at : at + cut]))
        scores.append(parts.scores)
        raised.append(parts.raised)
    assert np.array_equal(np.concatenate(made, axis=1), weights)
    assert np.array_equal(np.concatenate(scores, axis=1), whole.scores)
    assert np.array_equal(np.concatenate(raised, axis=1), whole.raised)
    assert parts.states() == whole.states()


def test_a_batch_is_judged_as_its_series_are_one_by_one() -> None:
    rates = poisson(1200, series=5)
    rates[3, 700:720] = 0.0
    rates[4, 100:400] = np.nan
    batch, weights = watched(rates)
    for row in range(5):
        single, alone = watched(rates[row : row + 1])
        assert np.array_equal(single.scores[0], batch.scores[row])
        assert np.array_equal(alone[0], weights[row])
        assert single.states() == batch.states()[row : row + 1]


def test_a_bin_is_judged_without_those_after_it() -> None:
    rates = poisson(1000)
    changed = np.concatenate([rates[:, :600], 50.0 * rates[:, 600:]], axis=1)
    assert np.array_equal(watched(rates)[0].scores[:, :600], watched(changed)[0].scores[:, :600])

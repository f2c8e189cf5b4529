"""The seasons of a series are found when they are there, and not when they are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given as given_any
from hypothesis import strategies as st

from capacity_planner.forecasting._season import given, periods

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from capacity_planner.domain.congestion import FloatArray

HOUR = 3600.0
DAY = 24 * HOUR
SEEDS = range(8)


def clock(days: float, interval: float) -> FloatArray:
    """Seconds since a Monday's midnight."""
    return np.arange(round(days * DAY / interval), dtype=float) * interval


def daily(at: FloatArray, swing: float = 0.6) -> FloatArray:
    return 1.0 + swing * np.sin(2 * np.pi * at / DAY)


def weekly(at: FloatArray) -> FloatArray:
    return np.where(at // DAY % 7 < 5, 1.0, 0.4)


def counts(expected: NDArray[np.floating], seed: int = 0) -> FloatArray:
    return np.random.default_rng(seed).poisson(expected).astype(float)


@pytest.mark.parametrize("interval", [60.0, 300.0, 420.0, 1800.0, 3600.0])
def test_the_day_and_the_week_are_found_at_any_interval(interval: float) -> None:
    at = clock(21, interval)
    day, week = round(DAY / interval), round(7 * DAY / interval)
    many = 10.0 * interval / 300.0
    assert periods(counts(many * daily(at)), interval) == (day,)
    assert periods(counts(many * daily(at) * weekly(at)), interval) == (day, week)
    assert periods(counts(many * weekly(at)), interval) == (week,)
    assert periods(counts(np.full(len(at), many)), interval) == ()


@pytest.mark.parametrize("interval", [6 * HOUR, 8 * HOUR, DAY])
def test_an_interval_too_long_for_the_day_may_show_the_week(interval: float) -> None:
    at = clock(56, interval)
    found = periods(counts(400.0 * weekly(at)), interval)
    assert found == (round(7 * DAY / interval),)


@pytest.mark.parametrize("interval", [2 * DAY, 30 * DAY])
def test_an_interval_too_long_for_the_week_has_no_season(interval: float) -> None:
    assert periods(counts(400.0 * weekly(clock(56, DAY))), interval) == ()


@pytest.mark.parametrize("days", [2, 3, 7, 28])
def test_a_plain_day_is_found_from_its_second_cycle_on(days: int) -> None:
    at = clock(days, 300.0)
    assert all(288 in periods(counts(20.0 * daily(at), seed), 300.0) for seed in SEEDS)
    assert 288 in periods(np.maximum(10.0 * daily(at), 0.0), 300.0)


@pytest.mark.parametrize("days", [1.0, 1.9])
def test_less_than_two_cycles_is_no_season(days: float) -> None:
    assert periods(20.0 * daily(clock(days, 300.0)), 300.0) == ()
    at = clock(7 * days, HOUR)
    assert periods(counts(200.0 * daily(at) * weekly(at)), HOUR) == (24,)


@pytest.mark.parametrize("days", [14, 28])
def test_what_has_no_season_shows_none(days: int) -> None:
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        length = days * 288
        walk = np.exp(np.cumsum(rng.normal(0.0, 0.02, length)))
        steps = np.repeat(rng.choice([3.0, 10.0, 30.0], length // 50 + 1), 50)[:length]
        assert periods(rng.normal(100.0, 10.0, length), 300.0) == ()
        assert periods(rng.poisson(5.0, length).astype(float), 300.0) == ()
        assert periods(walk, 300.0) == ()
        assert periods(steps, 300.0) == ()
        assert periods(rng.poisson(np.linspace(5.0, 15.0, length)).astype(float), 300.0) == ()


def test_a_short_series_without_a_season_rarely_shows_one() -> None:
    rng = np.random.default_rng(0)
    found = 0
    for _ in range(100):
        noise = rng.poisson(5.0, 3 * 288).astype(float)
        walk = np.exp(np.cumsum(rng.normal(0.0, 0.02, 3 * 288)))
        found += (periods(noise, 300.0) != ()) + (periods(walk, 300.0) != ())
    assert found <= 25


@pytest.mark.parametrize("times", [3.0, 1 / 3])
def test_growth_neither_hides_a_season_nor_makes_one(times: float) -> None:
    at = clock(28, 300.0)
    growth: FloatArray = np.linspace(1.0, times, len(at))
    assert periods(counts(30.0 * growth), 300.0) == ()
    assert periods(counts(30.0 * growth * daily(at)), 300.0) == (288,)
    assert periods(counts(30.0 * growth * daily(at) * weekly(at)), 300.0) == (288, 2016)


@pytest.mark.parametrize("seed", SEEDS)
def test_gaps_outages_and_outliers_hide_nothing(seed: int) -> None:
    at = clock(21, 300.0)
    rng = np.random.default_rng(seed)
    rates = counts(10.0 * daily(at) * weekly(at), seed)
    gaps = np.where(rng.random(len(at)) < 0.2, np.nan, rates)
    outage, silence = rates.copy(), rates.copy()
    start = int(rng.integers(0, 20)) * 288
    outage[start : start + 288], silence[start : start + 288] = 0.0, np.nan
    spikes = np.where(rng.random(len(at)) < 0.002, 100.0 * rates, rates)
    for marred in (gaps, outage, silence, spikes):
        assert periods(marred, 300.0) == (288, 2016)


@pytest.mark.parametrize("seed", SEEDS)
def test_gaps_outages_and_outliers_make_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rates = rng.poisson(10.0, 21 * 288).astype(float)
    outage = rates.copy()
    outage[3000:3288] = 0.0
    for marred in (
        np.where(rng.random(len(rates)) < 0.2, np.nan, rates),
        np.where(rng.random(len(rates)) < 0.002, 100.0 * rates, rates),
        outage,
    ):
        assert periods(marred, 300.0) == ()


def test_a_clock_change_hides_nothing() -> None:
    at = clock(28, 300.0)
    moved = np.where(at < 14 * DAY, at, at + HOUR)
    assert periods(counts(10.0 * daily(moved) * weekly(moved)), 300.0) == (288, 2016)


@pytest.mark.parametrize("seed", SEEDS)
def test_few_jobs_show_the_day_too(seed: int) -> None:
    assert periods(counts(0.2 * daily(clock(14, 300.0), 0.9), seed), 300.0)[0] == 288


@pytest.mark.parametrize("days", [2, 7])
def test_one_busy_hour_a_day_is_a_season(days: int) -> None:
    at = clock(days, 300.0)
    assert periods(counts(5.0 + 30.0 * (at % DAY < HOUR)), 300.0) == (288,)


@pytest.mark.parametrize("value", [0.0, 1e-300, 7.3, 1.7e308, np.nan])
def test_a_constant_and_nothing_have_no_season(value: float) -> None:
    for length in (0, 1, 7, 575, 576, 8064):
        assert periods(np.full(length, value), 300.0) == ()


def test_one_value_among_gaps_has_no_season() -> None:
    rates = np.full(8064, np.nan)
    rates[100] = 3.0
    assert periods(rates, 300.0) == ()


@given_any(st.integers(0, 30), st.sampled_from(["day", "both", "none"]), st.integers(-250, 250))
def test_the_unit_of_the_rate_does_not_matter(seed: int, kind: str, exponent: int) -> None:
    at = clock(15, HOUR)
    shape = {"day": daily(at), "both": daily(at) * weekly(at), "none": np.ones(len(at))}[kind]
    rates = counts(20.0 * shape, seed)
    assert periods(rates * 2.0**exponent, HOUR) == periods(rates, HOUR)
    assert periods(rates / 3600.0, HOUR) == periods(rates, HOUR)


def test_the_rates_are_left_as_they_were() -> None:
    rates = counts(20.0 * daily(clock(14, 300.0)))
    before = rates.copy()
    periods(rates, 300.0)
    assert np.array_equal(rates, before)


def test_a_given_season_is_in_whole_intervals() -> None:
    assert given(DAY, 300.0) == (288,)
    assert given(DAY, 420.0) == (206,)
    assert given(600.0, 300.0) == (2,)
    assert given(300.0, 300.0) == given(0.0, 300.0) == ()

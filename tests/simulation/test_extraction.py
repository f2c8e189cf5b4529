"""What made a history is found in it again."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from capacity_planner.domain.series import Series
from capacity_planner.domain.traffic import PatternType, SpikeShape, TrafficPattern, TrafficSpike
from capacity_planner.simulation._bins import binned
from capacity_planner.simulation.extraction import extract
from capacity_planner.simulation.traffic import curve, noisy

EXAMPLES = Path(__file__).parents[2] / "examples"
MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
DAY = 86_400.0


def series(rates: Any, interval: float = 300.0, end: datetime = MONDAY) -> Series:
    return Series(end=end, interval=interval, rates=np.asarray(rates, dtype=float))


def history(made: TrafficPattern, days: float, interval: float = 300.0, seed: int = 1) -> Series:
    """Poisson counts of a pattern with its noise, from a Monday on."""
    dice = np.random.default_rng(seed)
    rate = noisy(curve(made, MONDAY, days * DAY), made.noise, dice, made.noise_period.total_seconds() or 300.0)
    marks = np.arange(round(days * DAY / interval) + 1) * interval
    counts = dice.poisson(np.diff(np.interp(marks, rate.edges, rate.cumulated)))
    return series(counts / interval, interval, MONDAY + timedelta(days=days))


def pattern(kind: str, **fields: Any) -> TrafficPattern:
    return TrafficPattern(type=PatternType(kind), **{"base_rate": 20.0, **fields})


@pytest.mark.parametrize("interval", [10.0, 60.0, 300.0, 420.0, 1800.0, 3600.0])
@pytest.mark.parametrize("kind", ["constant", "daily", "weekly"])
def test_type_level_and_noise_are_found_at_any_interval(kind: str, interval: float) -> None:
    lasting = timedelta(seconds=interval * math.ceil(300.0 / interval))
    found = extract(history(pattern(kind, noise=0.1, noise_period=lasting), 42, interval))
    assert found.noise_period == lasting
    assert found.type == kind
    assert found.base_rate == pytest.approx(20.0, rel=0.01)
    assert found.noise == pytest.approx(0.1, abs=0.02)
    assert (found.trend, found.spikes) == (0.0, ())
    day = 24 if interval in {420.0, 3600.0} else round(DAY / max(interval, 300.0))
    assert len(found.rates) == {"constant": 0, "daily": day, "weekly": 168}[kind]


@pytest.mark.parametrize("noise", [0.0, 0.05, 0.2, 0.4, 0.8])
def test_noise_is_found_to_three_hundredths(noise: float) -> None:
    found = extract(history(pattern("daily", noise=noise), 14))
    assert found.noise == pytest.approx(noise, abs=0.03)
    assert found.base_rate == pytest.approx(20.0, rel=0.03)


def test_the_shape_is_that_of_the_pattern() -> None:
    found = extract(history(pattern("daily", noise=0.05), 14))
    middles = (np.arange(288) + 0.5) / 12.0
    expected = 20.0 - 10.0 * np.cos(2.0 * np.pi * (middles - 3.0) / 24.0)
    assert np.sqrt(np.mean((np.array(found.rates) / expected - 1.0) ** 2)) < 0.02
    weekly = extract(history(pattern("weekly"), 14))
    assert np.mean(weekly.rates[120:]) == pytest.approx(0.5 * np.mean(weekly.rates[:120]), rel=0.02)


@pytest.mark.parametrize("trend", [0.03, 0.1, -0.01])
@pytest.mark.parametrize("kind", ["constant", "daily", "weekly"])
def test_growth_is_found_and_the_level_is_that_of_the_end(kind: str, trend: float) -> None:
    found = extract(history(pattern(kind, noise=0.1, trend=trend), 21))
    assert found.type == kind
    assert found.trend == pytest.approx(trend, rel=0.05)
    assert found.base_rate == pytest.approx(20.0 + 21 * 24 * trend, rel=0.03)


def test_less_than_four_days_tell_no_growth() -> None:
    assert extract(history(pattern("constant", trend=0.3), 3)).trend == 0.0
    assert extract(history(pattern("constant", trend=0.3), 4)).trend == pytest.approx(0.3, rel=0.05)


def test_chance_is_rarely_taken_for_growth_or_a_shape() -> None:
    found = [
        extract(history(pattern("constant", noise=0.2), days, 1800.0, seed))
        for days in (2, 7, 14)
        for seed in range(40)
    ]
    assert sum(made.type is not PatternType.CONSTANT for made in found) <= 3
    assert sum(made.trend != 0.0 for made in found) <= 2
    assert sum(len(made.spikes) for made in found) <= 2


def test_bins_that_straddle_the_draws_show_less_noise() -> None:
    """Half of one factor and half of the next have half of the variance."""
    past = history(pattern("constant", noise=0.2), 14, 150.0)
    straddling = past.rates[1:-1].reshape(-1, 2).mean(axis=1)
    found = extract(series(straddling, 300.0, past.end - timedelta(seconds=150)))
    assert found.noise == pytest.approx(0.2 / np.sqrt(2.0), abs=0.01)


@pytest.mark.parametrize(("days", "kind"), [(1.9, "constant"), (2, "daily"), (13.9, "daily"), (14, "weekly")])
def test_two_cycles_show_a_season(days: float, kind: str) -> None:
    found = extract(history(pattern("weekly"), days))
    assert found.type == kind


def test_a_walk_is_no_day() -> None:
    dice = np.random.default_rng(3)
    kinds = Counter(
        extract(series(10.0 * np.exp(0.05 * dice.standard_normal(24 * days).cumsum()), 3600.0)).type
        for days in (2, 7, 14)
        for _ in range(20)
    )
    assert kinds[PatternType.CONSTANT] >= 57


@pytest.mark.parametrize("shape", SpikeShape)
@pytest.mark.parametrize(("minutes", "magnitude"), [(40, 5.0), (120, 3.0), (480, 2.5)])
def test_a_spike_is_found_where_it_was(shape: SpikeShape, minutes: int, magnitude: float) -> None:
    begins, length = MONDAY + timedelta(days=3, hours=9), timedelta(minutes=minutes)
    spike = TrafficSpike(start_time=begins, duration=length, magnitude=magnitude, shape=shape)
    made = pattern("daily", noise=0.05, spikes=(spike,))
    for seed in range(3):
        (found,) = extract(history(made, 7, seed=seed)).spikes
        assert abs(found.start_time - begins) <= max(0.15 * length, timedelta(minutes=5))
        assert abs(found.duration - length) <= max(0.25 * length, timedelta(minutes=10))
        assert found.magnitude == pytest.approx(magnitude, rel=0.2)


@pytest.mark.parametrize("shape", SpikeShape)
def test_the_shape_of_a_spike_is_found(shape: SpikeShape) -> None:
    begins = MONDAY + timedelta(days=3, hours=9)
    spike = TrafficSpike(start_time=begins, duration=timedelta(hours=3), magnitude=4.0, shape=shape)
    found = [extract(history(pattern("daily", spikes=(spike,)), 7, seed=seed)).spikes[0].shape for seed in range(5)]
    assert found == [shape] * 5


def test_spikes_leak_into_nothing_else() -> None:
    spikes = tuple(
        TrafficSpike(start_time=MONDAY + timedelta(days=day, hours=5 * day), duration=timedelta(hours=1), magnitude=8.0)
        for day in range(1, 5)
    )
    with_spikes, without = (
        extract(history(pattern("daily", noise=0.1, spikes=given_spikes), 7, seed=5)) for given_spikes in (spikes, ())
    )
    assert [spike.start_time for spike in with_spikes.spikes] == [spike.start_time for spike in spikes]
    assert with_spikes.base_rate == pytest.approx(without.base_rate, rel=0.01)
    assert with_spikes.noise == pytest.approx(without.noise, abs=0.01)
    assert max(with_spikes.rates) < 1.1 * max(without.rates)


def test_fifty_spikes_at_most_the_largest() -> None:
    rates = np.full(60 * 288, 10.0)
    rates[100 : 100 + 80 * 200 : 200] = 20.0 + np.arange(80)
    found = extract(series(rates))
    assert len(found.spikes) == 50
    assert min(spike.magnitude for spike in found.spikes) == pytest.approx(5.0)


def test_traffic_that_is_mostly_bursts_has_none() -> None:
    """Three hours in ten: no exception, but what this traffic is, and its mean is kept."""
    busy = np.random.default_rng(6).random(2000) < 0.3
    for quiet in (0.0, 0.5):
        found = extract(series(np.where(busy, 10.0, quiet)))
        assert found.spikes == ()
        assert found.base_rate == pytest.approx(np.where(busy, 10.0, quiet).mean())
        assert found.noise == 1.0


@pytest.mark.parametrize("kind", ["constant", "daily", "weekly"])
def test_a_replayed_week_has_the_mean_of_the_history(kind: str) -> None:
    past = history(pattern(kind, noise=0.1), 14)
    found = extract(past)
    again = curve(found, past.end, 7 * DAY)
    assert again.total / (7 * DAY) == pytest.approx(float(past.rates.mean()), rel=0.01)
    assert again.total / (7 * DAY) == pytest.approx(found.base_rate, rel=1e-9)
    grown = extract(history(pattern(kind, trend=0.05), 14))
    assert curve(grown, past.end, 3600.0).rates[0] == pytest.approx(
        curve(dataclasses.replace(grown, trend=0.0), past.end, 3600.0).rates[0], rel=0.01
    )


@pytest.mark.parametrize("rates", [[], [0.0], [0.0] * 5000, [np.nan] * 5000, [-1.0, np.nan]])
def test_nothing_is_a_constant_of_zero(rates: list[float]) -> None:
    assert extract(series(rates)) == TrafficPattern(type=PatternType.CONSTANT)


@pytest.mark.parametrize("count", [1, 2, 100, 5000])
def test_what_does_not_move_is_constant(count: int) -> None:
    found = extract(series([7.0] * count))
    assert found == TrafficPattern(type=PatternType.CONSTANT, base_rate=found.base_rate)
    assert found.base_rate == pytest.approx(7.0, rel=1e-12)


def test_gaps_are_left_out() -> None:
    past = history(pattern("daily", noise=0.05), 14)
    rates = past.rates.copy()
    rates[500:900] = np.nan
    rates[np.random.default_rng(7).random(len(rates)) < 0.2] = np.nan
    found = extract(series(rates, end=past.end))
    assert found.type is PatternType.DAILY
    assert found.base_rate == pytest.approx(20.0, rel=0.01)
    assert found.noise == pytest.approx(0.05, abs=0.02)


def test_few_jobs_make_wide_slots() -> None:
    """36 jobs in an hour: a slot of five minutes would be made of chance; 20 jobs take 2000 s, so an hour it is."""
    found = extract(history(pattern("daily", base_rate=0.01), 28))
    assert (found.type, len(found.rates)) == (PatternType.DAILY, 24)
    assert found.base_rate == pytest.approx(0.01, rel=0.05)
    assert found.spikes == ()


def test_work_grows_with_bins_alone() -> None:
    """A month of seconds is 8640 bins before anything else is done, and bins lie on the clock."""
    month = binned(series(np.ones(30 * 86_400), 1.0))
    assert (len(month.rates), month.length) == (8640, 300.0)
    assert (month.times % 300.0 == 150.0).all()
    off = binned(series(np.arange(1000.0), 60.0, MONDAY + timedelta(seconds=100)))
    assert (np.abs(off.times % 300.0 - 150.0) <= 30.0).all()
    assert {binned(series(np.ones(999), step)).length for step in (7.0, 45.0, 200.0, 420.0)} == {
        301.0,
        360.0,
        400.0,
        420.0,
    }


ANY = st.lists(st.floats(0.0, 1e6) | st.floats(), min_size=1, max_size=300)


@example(rates=[1.0, 5e-324], interval=300.0)
@example(rates=[5e-324], interval=0.5)
@example(rates=[1e308, 1.0, 1e14], interval=300.0)
@given(rates=ANY, interval=st.sampled_from([0.5, 7.0, 300.0, 3600.0, 5000.0, DAY, 7 * DAY]))
def test_any_history_makes_a_pattern_that_can_be_drawn(rates: list[float], interval: float) -> None:
    found = extract(series(rates, interval))
    assert 0.0 <= found.base_rate < math.inf
    assert 0.0 <= found.noise <= 1.0
    assert len(found.spikes) <= 50
    assert np.isfinite(curve(found, MONDAY, DAY).total)

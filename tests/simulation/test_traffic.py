"""Every pattern as a rate over time, against its formula."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity_planner.domain.traffic import PatternType, SpikeShape, TrafficPattern, TrafficSpike
from capacity_planner.simulation.traffic import curve

if TYPE_CHECKING:
    from capacity_planner.simulation._curve import RateCurve

HOUR, DAY = 3600.0, 86_400.0
MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
EXPLICIT = (PatternType.DAILY, PatternType.WEEKLY, PatternType.CUSTOM)
BELL_MEAN = math.sqrt(2.0 * math.pi) / 6.0 * math.erf(3.0 / math.sqrt(2.0))


def pattern(kind: str, **fields: Any) -> TrafficPattern:
    return TrafficPattern(type=PatternType(kind), **{"base_rate": 10.0, **fields})


def at(found: RateCurve, hours: float) -> float:
    return float(found.rates[np.searchsorted(found.edges, hours * HOUR, "right") - 1])


def jobs(found: RateCurve, begin: float, end: float) -> float:
    return float(np.diff(np.interp([begin, end], found.edges, found.cumulated))[0])


def test_constant_is_one_step() -> None:
    found = curve(pattern("constant"), MONDAY, DAY)
    assert found.edges.tolist() == [0.0, DAY]
    assert found.rates.tolist() == [10.0]


@pytest.mark.parametrize("kind", ["sinusoidal", "linear", "spiky", "custom"])
def test_without_a_swing_every_shape_is_constant(kind: str) -> None:
    assert curve(pattern(kind), MONDAY, 7 * DAY, step=60.0).rates.tolist() == [10.0]


@pytest.mark.parametrize("kind", ["daily", "weekly", "sinusoidal", "custom"])
def test_nothing_is_one_step_of_zero(kind: str) -> None:
    assert curve(pattern(kind, base_rate=0.0), MONDAY, DAY).rates.tolist() == [0.0]


def test_sinusoidal_begins_at_the_base_and_climbs() -> None:
    """∫ over the first half is base · P/2 + amplitude · P/π."""
    found = curve(
        pattern("sinusoidal", amplitude=4.0, period=timedelta(hours=6)), MONDAY + timedelta(hours=5), 6 * HOUR
    )
    assert jobs(found, 0.0, 3 * HOUR) == pytest.approx(30.0 * HOUR + 4.0 * 6 * HOUR / math.pi, rel=1e-8)
    assert found.total == pytest.approx(60.0 * HOUR, rel=1e-8)
    assert curve(pattern("sinusoidal", amplitude=4.0), MONDAY, DAY).rates.argmax() == pytest.approx(90, abs=1)


def test_a_sine_below_zero_is_clipped() -> None:
    """Base 0: what is left of a period is its first half, amplitude · P/π."""
    found = curve(pattern("sinusoidal", base_rate=0.0, amplitude=4.0), MONDAY, DAY)
    assert found.total == pytest.approx(4.0 * DAY / math.pi, rel=1e-6)
    assert jobs(found, DAY / 2, DAY) == 0.0


def test_linear_climbs_over_its_period_and_stays() -> None:
    found = curve(pattern("linear", amplitude=6.0, period=timedelta(hours=2)), MONDAY, 5 * HOUR)
    assert jobs(found, 0.0, 2 * HOUR) == pytest.approx(13.0 * 2 * HOUR, rel=1e-12)
    assert found.edges[-2] == 2 * HOUR
    assert found.rates[-1] == 16.0
    whole = curve(pattern("linear", amplitude=6.0), MONDAY, 5 * HOUR)
    assert whole.total == pytest.approx(13.0 * 5 * HOUR, rel=1e-12)


def test_spiky_bursts_over_the_first_tenth_of_every_period() -> None:
    found = curve(pattern("spiky", amplitude=30.0), MONDAY + timedelta(minutes=7), 2.05 * HOUR)
    burst = 30.0 * BELL_MEAN * 360.0
    assert jobs(found, 0.0, HOUR) == pytest.approx(10.0 * HOUR + burst, rel=1e-6)
    assert jobs(found, 360.0, HOUR) == pytest.approx(10.0 * 3240.0, rel=1e-9)
    assert found.rates.max() == pytest.approx(40.0, rel=1e-3)
    assert {360.0, HOUR, HOUR + 360.0, 2 * HOUR} <= set(found.edges.tolist())


def test_daily_is_lowest_at_three_and_takes_half_of_the_base() -> None:
    found = curve(pattern("daily"), MONDAY + timedelta(hours=6), DAY)
    assert at(found, 21.0) == pytest.approx(5.0, rel=1e-3)
    assert at(found, 9.0) == pytest.approx(15.0, rel=1e-3)
    assert at(found, 3.0) == pytest.approx(10.0, rel=1e-2)
    assert found.total == pytest.approx(10.0 * DAY, rel=1e-9)
    assert curve(pattern("daily", amplitude=2.0), MONDAY, DAY).rates.max() == pytest.approx(12.0, rel=1e-3)


def test_weekly_has_half_as_much_at_weekends_and_the_mean_of_its_base() -> None:
    found = curve(pattern("weekly", amplitude=3.0), MONDAY, 7 * DAY)
    assert found.total == pytest.approx(10.0 * 7 * DAY, rel=1e-9)
    assert jobs(found, 0.0, DAY) == pytest.approx(10.0 * 7 / 6 * DAY, rel=1e-8)
    assert jobs(found, 5 * DAY, 6 * DAY) == pytest.approx(10.0 * 7 / 12 * DAY, rel=1e-8)
    assert set(np.arange(8) * DAY) <= set(found.edges.tolist())


@pytest.mark.parametrize(
    ("kind", "begin", "expected"),
    [("daily", 3 * HOUR, [1.0, 3.0, 2.0, 1.0]), ("weekly", 0.0, [1.0]), ("custom", 3 * HOUR, [1.0, 3.0, 2.0])],
)
def test_explicit_rates_lie_on_the_clock_or_begin_at_the_start(kind: str, begin: float, expected: list[float]) -> None:
    explicit = pattern(kind, base_rate=0.0, rates=(1.0, 3.0, 2.0))
    found = curve(explicit, MONDAY + timedelta(seconds=begin), DAY)
    assert found.rates.tolist() == expected
    if kind == "daily":
        assert found.edges.tolist() == [0.0, 5 * HOUR, 13 * HOUR, 21 * HOUR, DAY]


def test_custom_repeats_and_is_scaled_to_the_base() -> None:
    found = curve(pattern("custom", rates=(1.0, 3.0), period=timedelta(seconds=20)), MONDAY, 50.0)
    assert found.edges.tolist() == [0.0, 10.0, 20.0, 30.0, 40.0, 50.0]
    assert found.rates == pytest.approx([5.0, 15.0, 5.0, 15.0, 5.0])
    assert curve(pattern("custom", rates=(0.0, 0.0)), MONDAY, 50.0).total == 0.0


def test_another_period_keeps_the_anchor() -> None:
    """Half days since 1970: noon begins a cycle as midnight does; weeks of another length count from a Monday."""
    half = pattern("daily", base_rate=0.0, rates=(1.0, 2.0), period=timedelta(hours=12))
    assert curve(half, MONDAY + timedelta(hours=12), HOUR).rates.tolist() == [1.0]
    two = pattern("weekly", base_rate=0.0, rates=(1.0, 2.0), period=timedelta(days=14))
    first = datetime(1970, 1, 5, tzinfo=UTC)
    assert curve(two, first + timedelta(days=7), HOUR).rates.tolist() == [2.0]
    assert curve(two, first + timedelta(days=14), HOUR).rates.tolist() == [1.0]


def test_a_trend_is_added_per_hour_and_ends_at_zero() -> None:
    rising = curve(pattern("constant", trend=2.0), MONDAY, 3 * HOUR)
    assert rising.total == pytest.approx((10.0 + 3.0) * 3 * HOUR, rel=1e-12)
    falling = curve(pattern("constant", trend=-2.0), MONDAY, 10 * HOUR)
    assert falling.total == pytest.approx(10.0 / 2.0 * 5 * HOUR, rel=1e-12)
    assert falling.edges[-2] == 5 * HOUR
    assert falling.rates[-1] == 0.0


def test_the_trend_is_multiplied_by_spikes() -> None:
    spike = TrafficSpike(start_time=MONDAY + timedelta(hours=1), duration=timedelta(hours=1), magnitude=3.0)
    found = curve(pattern("constant", trend=2.0, spikes=(spike,)), MONDAY, 3 * HOUR)
    assert jobs(found, HOUR, 2 * HOUR) == pytest.approx(3.0 * 13.0 * HOUR, rel=1e-12)


@pytest.mark.parametrize("start", [datetime(1, 1, 1, tzinfo=UTC), MONDAY, datetime(9000, 1, 1, tzinfo=UTC)])
@pytest.mark.parametrize("duration", [1e-6, 1.0, 3 * HOUR + 0.1, 365 * DAY])
@pytest.mark.parametrize("period", [timedelta(0), timedelta(microseconds=3), timedelta(seconds=1), timedelta(days=900)])
def test_any_window_is_covered(start: datetime, duration: float, period: timedelta) -> None:
    for kind in PatternType:
        for rates in ((), (1.0, 2.0, 6.0)):
            made = pattern(kind, amplitude=4.0, period=period, rates=rates, trend=1e-3)
            _check(curve(made, start, duration), duration)


def _check(found: RateCurve, duration: float) -> None:
    assert found.edges[0] == 0.0
    assert found.edges[-1] == duration
    assert (np.diff(found.edges) > 0.0).all()
    assert len(found.edges) == len(found.rates) + 1 <= 101_000
    assert np.isfinite(found.rates).all()
    assert (found.rates >= 0.0).all()


@pytest.mark.parametrize("kind", ["sinusoidal", "daily", "weekly", "spiky", "custom"])
def test_cycles_too_many_to_draw_become_their_mean(kind: str) -> None:
    """A second's cycle over ten days: 864 000 of them."""
    made = pattern(kind, amplitude=4.0, period=timedelta(seconds=1), rates=(1.0, 3.0))
    found = curve(made, MONDAY, 10 * DAY)
    expected = 10.0 + (4.0 * BELL_MEAN / 10.0 if kind == "spiky" else 0.0)
    assert found.total == pytest.approx(expected * 10 * DAY, rel=1e-5)
    assert len(found.rates) == 50_000
    assert np.ptp(found.rates) < 0.04 * expected
    spike = TrafficSpike(start_time=MONDAY + timedelta(days=1), duration=timedelta(days=1), magnitude=2.0)
    spiked = curve(
        pattern(kind, amplitude=4.0, period=timedelta(seconds=1), rates=(1.0, 3.0), spikes=(spike,)), MONDAY, 10 * DAY
    )
    assert spiked.total == pytest.approx(1.1 * found.total, rel=1e-6)


def test_steps_are_counted_by_what_moves() -> None:
    """So many for a cycle, for a spike and for a trend, whatever the length: never a grid over all."""
    assert len(curve(pattern("daily"), MONDAY, 7 * DAY).rates) == 7 * 360
    assert len(curve(pattern("spiky", amplitude=1.0), MONDAY, DAY).rates) == 24 * 201
    spikes = tuple(
        TrafficSpike(
            start_time=MONDAY + timedelta(days=day), duration=timedelta(hours=1), magnitude=2.0, shape=SpikeShape.EXP
        )
        for day in range(1, 300)
    )
    assert len(curve(pattern("constant", spikes=spikes), MONDAY, 300 * DAY).rates) == 299 * 300 + 300
    assert len(curve(pattern("daily"), MONDAY, 3650 * DAY).rates) <= 100_500


def test_a_step_of_ones_own_is_a_longest_step() -> None:
    found = curve(pattern("daily"), MONDAY, DAY, step=600.0)
    assert np.diff(found.edges).max() == 600.0
    assert found.total == pytest.approx(10.0 * DAY, rel=1e-9)
    coarse = curve(pattern("daily"), MONDAY, DAY, step=1e9)
    assert len(coarse.rates) == 9
    assert coarse.total == pytest.approx(10.0 * DAY, rel=1e-9)
    assert len(curve(pattern("daily"), MONDAY, DAY, step=1e-9).rates) <= 101_000


@pytest.mark.parametrize(
    ("duration", "step"), [(0.0, None), (-1.0, None), (math.inf, None), (math.nan, None), (1.0, 0.0)]
)
def test_a_window_without_length_is_refused(duration: float, step: float | None) -> None:
    with pytest.raises(ValueError, match="Give a positive number of seconds"):
        curve(pattern("constant"), MONDAY, duration, step=step)


PATTERNS = st.builds(
    TrafficPattern,
    type=st.sampled_from(PatternType),
    base_rate=st.floats(0.0, 100.0),
    amplitude=st.floats(0.0, 200.0),
    period=st.timedeltas(timedelta(0), timedelta(days=10)),
    trend=st.floats(-10.0, 10.0),
    rates=st.lists(st.floats(0.0, 100.0), max_size=30).map(tuple),
    spikes=st.lists(
        st.builds(
            TrafficSpike,
            start_time=st.datetimes(datetime(2026, 1, 4), datetime(2026, 1, 7), timezones=st.just(UTC)),  # noqa: DTZ001
            duration=st.timedeltas(timedelta(microseconds=1), timedelta(days=2)),
            magnitude=st.floats(0.0, 20.0),
            shape=st.sampled_from(SpikeShape),
        ),
        max_size=4,
    ).map(tuple),
)


@given(made=PATTERNS, duration=st.floats(1e-3, 10 * DAY))
def test_a_curve_covers_its_window_and_is_never_below_zero(made: TrafficPattern, duration: float) -> None:
    found = curve(made, MONDAY, duration)
    _check(found, duration)
    assert found.total == pytest.approx(float(found.rates @ np.diff(found.edges)), rel=1e-9)


@given(made=PATTERNS, factor=st.floats(0.5, 4.0))
def test_scaling_base_and_swing_and_trend_scales_the_rate(made: TrafficPattern, factor: float) -> None:
    scaled = TrafficPattern(
        type=made.type,
        base_rate=factor * made.base_rate,
        amplitude=factor * made.amplitude,
        period=made.period,
        trend=factor * made.trend,
        rates=tuple(factor * rate for rate in made.rates),
        spikes=made.spikes,
    )
    small, large = curve(made, MONDAY, DAY), curve(scaled, MONDAY, DAY)
    assert large.total == pytest.approx(factor * small.total, rel=1e-3, abs=1e-3)


@given(
    rates=st.lists(st.floats(0.1, 100.0), min_size=1, max_size=50).map(tuple),
    base=st.floats(0.1, 100.0),
    kind=st.sampled_from(EXPLICIT),
)
def test_explicit_rates_have_the_mean_of_the_base(rates: tuple[float, ...], base: float, kind: PatternType) -> None:
    found = curve(TrafficPattern(type=kind, base_rate=base, rates=rates), MONDAY + timedelta(hours=7), 7 * DAY)
    assert found.total == pytest.approx(base * 7 * DAY, rel=1e-9)

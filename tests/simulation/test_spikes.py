"""Spikes, against the integrals of their formulas."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity_planner.domain.traffic import PatternType, SpikeShape, TrafficPattern, TrafficSpike
from capacity_planner.simulation._spikes import SHAPES
from capacity_planner.simulation.traffic import curve

START = datetime(2026, 1, 5, tzinfo=UTC)
HOUR = 3600.0
MEANS = {
    SpikeShape.INSTANT: 1.0,
    SpikeShape.LINEAR: 0.5,
    SpikeShape.EXP: 0.99 / math.log(100.0),
    SpikeShape.BELL: math.sqrt(2.0 * math.pi) / 6.0 * math.erf(3.0 / math.sqrt(2.0)),
}


def spike(begin: float, length: float, magnitude: float, shape: SpikeShape = SpikeShape.INSTANT) -> TrafficSpike:
    begins = START + timedelta(seconds=begin)
    return TrafficSpike(start_time=begins, duration=timedelta(seconds=length), magnitude=magnitude, shape=shape)


def total(*spikes: TrafficSpike, duration: float = 4 * HOUR, step: float | None = None) -> float:
    flat = TrafficPattern(type=PatternType.CONSTANT, base_rate=1.0, spikes=spikes)
    return curve(flat, START, duration, step=step).total


@pytest.mark.parametrize(
    ("shape", "values"),
    [
        (SpikeShape.INSTANT, [1.0, 1.0, 1.0]),
        (SpikeShape.LINEAR, [0.0, 0.5, 1.0]),
        (SpikeShape.EXP, [1.0, 100.0**-0.25, 0.1]),
        (SpikeShape.BELL, [math.exp(-4.5), math.exp(-1.125), 1.0]),
    ],
)
def test_a_shape_at_its_begin_quarter_and_middle(shape: SpikeShape, values: list[float]) -> None:
    assert SHAPES[shape](np.array([0.0, 0.25, 0.5])) == pytest.approx(values)


@pytest.mark.parametrize("shape", SpikeShape)
@pytest.mark.parametrize("length", [1e-3, 60.0, HOUR])
def test_a_spike_adds_the_integral_of_its_shape(shape: SpikeShape, length: float) -> None:
    added = total(spike(HOUR, length, 5.0, shape)) - 4 * HOUR
    assert added == pytest.approx(4.0 * MEANS[shape] * length, rel=1e-6)


@pytest.mark.parametrize("shape", SpikeShape)
def test_long_steps_hold_the_same_jobs(shape: SpikeShape) -> None:
    added = total(spike(HOUR, HOUR, 5.0, shape), step=2 * HOUR) - 4 * HOUR
    assert added == pytest.approx(4.0 * MEANS[shape] * HOUR, rel=2e-3)


@pytest.mark.parametrize("shape", SpikeShape)
def test_a_spike_partly_outside_is_cut(shape: SpikeShape) -> None:
    whole, around = spike(0.0, HOUR, 3.0, shape), spike(-1800.0, HOUR, 3.0, shape)
    late = spike(4 * HOUR - 1800.0, HOUR, 3.0, shape)
    both = total(around) + total(late) - 8 * HOUR
    assert both == pytest.approx(total(whole) - 4 * HOUR, rel=1e-5)
    assert total(spike(-HOUR, HOUR, 3.0, shape), spike(4 * HOUR, HOUR, 3.0, shape)) == 4 * HOUR


def test_edges_lie_at_the_begin_and_the_end() -> None:
    flat = TrafficPattern(type=PatternType.CONSTANT, base_rate=2.0, spikes=(spike(100.5, 33.25, 3.0),))
    found = curve(flat, START, 1000.0)
    assert found.edges.tolist() == [0.0, 100.5, 133.75, 1000.0]
    assert found.rates.tolist() == [2.0, 6.0, 2.0]


def test_spikes_add_to_one_factor() -> None:
    """Twice and four times at once are five times, not eight."""
    assert total(spike(0.0, HOUR, 2.0), spike(0.0, HOUR, 4.0), duration=HOUR) == 5.0 * HOUR


def test_below_one_is_a_dip_that_ends_at_zero() -> None:
    assert total(spike(0.0, HOUR, 0.25), duration=HOUR) == 0.25 * HOUR
    assert total(spike(0.0, HOUR, 0.0), spike(0.0, HOUR, 0.5), duration=HOUR) == 0.0
    assert total(spike(0.0, HOUR, 1.0)) == 4 * HOUR


def test_a_spike_longer_than_all_time_is_its_piece() -> None:
    assert total(spike(-1e9, 1e10, 2.0, SpikeShape.INSTANT)) == pytest.approx(8 * HOUR)
    assert math.isfinite(total(spike(-1e9, 1e10, 2.0, SpikeShape.BELL)))


@given(
    begin=st.integers(-7200, 14_000),
    length=st.integers(1, 20_000),
    magnitude=st.floats(0.0, 9.0),
    shape=st.sampled_from(SpikeShape),
)
def test_the_rate_stays_between_one_and_the_top(begin: int, length: int, magnitude: float, shape: SpikeShape) -> None:
    flat = TrafficPattern(type=PatternType.CONSTANT, base_rate=1.0, spikes=(spike(begin, length, magnitude, shape),))
    rates = curve(flat, START, 4 * HOUR).rates
    assert min(1.0, magnitude) - 1e-9 <= rates.min()
    assert rates.max() <= max(1.0, magnitude) + 1e-9

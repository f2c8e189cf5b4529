"""The cycle of every type of traffic pattern: its rate, where its pieces begin and how fast they move."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from capacity_planner.domain.traffic import PatternType, TrafficPattern
from capacity_planner.simulation._spikes import bell

if TYPE_CHECKING:
    from collections.abc import Callable

    from capacity_planner.domain.congestion import FloatArray

_MICROSECOND = timedelta(microseconds=1)
_MIDNIGHT = datetime(1970, 1, 1, tzinfo=UTC)
_MONDAY = datetime(1970, 1, 5, tzinfo=UTC)
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_PER_CYCLE = 360
_PER_CLIMB = 200
_PER_BURST = 200
_BURST = 0.1
_LOWEST = 3.0 / 24.0
_WORKDAYS = np.array([1.0, 1.0, 1.0, 1.0, 1.0, 0.5, 0.5]) * 7.0 / 6.0


class Cycle(NamedTuple):
    """A rate that repeats.

    Attributes:
        length: of a cycle [s].
        phase: where in the cycle the start lies [s].
        knots: where the pieces of a cycle begin [s], ascending, the first 0, shape (k,).
        steps: how finely each piece is drawn [s], infinite where the rate is constant, shape (k,).
        top: the highest rate, or a little more [jobs/s].
        rate: seconds into the cycle → rate [jobs/s], perhaps below zero.
    """

    length: float
    phase: float
    knots: FloatArray
    steps: FloatArray
    top: float
    rate: Callable[[FloatArray], FloatArray]

    def at(self, time: FloatArray) -> FloatArray:
        """The rate at ``time`` [s after the start]."""
        return self.rate(np.mod(self.phase + time, self.length))

    def steps_at(self, time: FloatArray) -> FloatArray:
        """How finely the rate is drawn at ``time`` [s after the start]."""
        where = np.searchsorted(self.knots, np.mod(self.phase + time, self.length), "right") - 1
        steps: FloatArray = self.steps[where]
        return steps

    def breaks(self, duration: float) -> FloatArray:
        """Where pieces begin in a window [s after the start]."""
        cycles = np.arange(math.ceil((self.phase + duration) / self.length))[:, None]
        found: FloatArray = (cycles * self.length + self.knots - self.phase).ravel()
        return found

    def pieces(self, duration: float, coarser: float) -> float:
        """How many steps a window takes when they are ``coarser`` times as long."""
        lengths = np.diff(self.knots, append=self.length)
        cycle = float(np.ceil(lengths / (coarser * self.steps)).clip(1.0).sum())
        return cycle * math.ceil((self.phase + duration) / self.length)


def cycle_of(pattern: TrafficPattern, start: datetime, duration: float) -> Cycle:
    """The shape of a pattern, without trend, spikes and noise.

    Args:
        pattern: what to draw.
        start: instant from which time is counted.
        duration: length of the window [s].
    """
    return _SHAPES[pattern.type](pattern, start, duration)


def _constant(pattern: TrafficPattern, start: datetime, duration: float) -> Cycle:
    del start
    base = pattern.base_rate
    return Cycle(2.0 * duration, 0.0, np.zeros(1), np.full(1, np.inf), base, lambda time: np.full_like(time, base))


def _linear(pattern: TrafficPattern, start: datetime, duration: float) -> Cycle:
    period = pattern.period.total_seconds() or duration
    knots, steps = np.array([0.0, period]), np.array([period / _PER_CLIMB, np.inf])
    cycle = Cycle(2.0 * max(duration, period), 0.0, knots, steps, 0.0, lambda time: np.minimum(time / period, 1.0))
    return _swung(pattern, start, duration, cycle)


def _sinusoidal(pattern: TrafficPattern, start: datetime, duration: float) -> Cycle:
    length = (pattern.period or _DAY).total_seconds()
    steps = np.full(1, length / _PER_CYCLE)
    cycle = Cycle(length, 0.0, np.zeros(1), steps, 0.0, lambda time: np.sin(2.0 * np.pi * time / length))
    return _swung(pattern, start, duration, cycle)


def _spiky(pattern: TrafficPattern, start: datetime, duration: float) -> Cycle:
    length = (pattern.period or _HOUR).total_seconds()
    burst = _BURST * length
    knots, steps = np.array([0.0, burst]), np.array([burst / _PER_BURST, np.inf])
    cycle = Cycle(length, 0.0, knots, steps, 0.0, lambda time: np.where(time < burst, bell(time / burst), 0.0))
    return _swung(pattern, start, duration, cycle)


def _swung(pattern: TrafficPattern, start: datetime, duration: float, unit: Cycle) -> Cycle:
    """The base rate and so much of a shape of height 1 as the amplitude says."""
    base, swing, shape = pattern.base_rate, pattern.amplitude, unit.rate
    if not swing:
        return _constant(pattern, start, duration)
    return unit._replace(top=base + swing, rate=lambda time: base + swing * shape(time))


def _on_clock(
    pattern: TrafficPattern, start: datetime, duration: float, anchor: datetime, weights: FloatArray
) -> Cycle:
    """A cycle that begins at the anchor, of days of such weights."""
    period = pattern.period or _DAY * len(weights)
    length, phase = period.total_seconds(), _phase(start, anchor, period)
    if pattern.rates:
        return _explicit(pattern, length, phase, duration)
    return _days(pattern, length, phase, weights) or _constant(pattern, start, duration)


def _custom(pattern: TrafficPattern, start: datetime, duration: float) -> Cycle:
    if not pattern.rates:
        return _constant(pattern, start, duration)
    return _explicit(pattern, pattern.period.total_seconds() or duration, 0.0, duration)


def _days(pattern: TrafficPattern, length: float, phase: float, weights: FloatArray) -> Cycle | None:
    """A cycle of days, each a cosine of its own weight; none where all is zero."""
    base, swing = pattern.base_rate, pattern.amplitude or pattern.base_rate / 2.0
    if not swing:
        return None
    day = length / len(weights)

    def rate(time: FloatArray) -> FloatArray:
        number = (time / day).astype(np.intp).clip(max=len(weights) - 1)
        found: FloatArray = weights[number] * (base - swing * np.cos(2.0 * np.pi * (time / day - _LOWEST)))
        return found

    knots = np.arange(len(weights), dtype=float) * day
    top = float(weights.max()) * (base + swing)
    return Cycle(length, phase, knots, np.full(len(weights), day / _PER_CYCLE), top, rate)


def _explicit(pattern: TrafficPattern, length: float, phase: float, duration: float) -> Cycle:
    rates = np.array(pattern.rates, dtype=float)
    if pattern.base_rate and rates.any():
        # By the top first: rates too small or too large to be added are shapes too.
        rates /= rates.max()
        rates *= pattern.base_rate / rates.mean()
    if (rates == rates[0]).all():
        length, phase, rates = 2.0 * duration, 0.0, rates[:1]
    knots = np.arange(len(rates), dtype=float) * length / len(rates)
    steps = np.full(len(rates), np.inf)
    return Cycle(
        length, phase, knots, steps, float(rates.max()), lambda time: rates[np.searchsorted(knots, time, "right") - 1]
    )


def _phase(start: datetime, anchor: datetime, period: timedelta) -> float:
    """Seconds since the cycle began, exact for any year."""
    return ((start - anchor) // _MICROSECOND) % (period // _MICROSECOND) / 1e6


_SHAPES: dict[PatternType, Callable[[TrafficPattern, datetime, float], Cycle]] = {
    PatternType.CONSTANT: _constant,
    PatternType.SINUSOIDAL: _sinusoidal,
    PatternType.LINEAR: _linear,
    PatternType.SPIKY: _spiky,
    PatternType.DAILY: partial(_on_clock, anchor=_MIDNIGHT, weights=np.ones(1)),
    PatternType.WEEKLY: partial(_on_clock, anchor=_MONDAY, weights=_WORKDAYS),
    PatternType.CUSTOM: _custom,
}

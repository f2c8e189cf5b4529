"""How spikes rise and fall, and what they multiply a rate by."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from capacity_planner.domain.traffic import SpikeShape, TrafficSpike

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from capacity_planner.domain.congestion import FloatArray

_PER_SPIKE = 300
_BELL_DEVIATIONS = 6.0
_LEFT_AT_THE_END = 0.01


def bell(share: FloatArray) -> FloatArray:
    """A Gaussian about one half, six standard deviations wide; 1 at its top.

    >>> bell(np.array([0.0, 0.5])).round(4).tolist()
    [0.0111, 1.0]
    """
    found: FloatArray = np.exp(-0.5 * (_BELL_DEVIATIONS * (share - 0.5)) ** 2)
    return found


def _instant(share: FloatArray) -> FloatArray:
    return np.ones_like(share)


def _triangle(share: FloatArray) -> FloatArray:
    found: FloatArray = 1.0 - np.abs(2.0 * share - 1.0)
    return found


def _decay(share: FloatArray) -> FloatArray:
    found: FloatArray = _LEFT_AT_THE_END**share
    return found


SHAPES: dict[SpikeShape, Callable[[FloatArray], FloatArray]] = {
    SpikeShape.INSTANT: _instant,
    SpikeShape.LINEAR: _triangle,
    SpikeShape.EXP: _decay,
    SpikeShape.BELL: bell,
}


class Event(NamedTuple):
    """A spike as a window sees it.

    Attributes:
        start: when it begins [s after the window's start], perhaps before it.
        length: how long it lasts [s].
        excess: what it adds to the factor at its top.
        shape: how it rises and falls.
    """

    start: float
    length: float
    excess: float
    shape: SpikeShape

    @property
    def step(self) -> float:
        """How finely it is drawn [s]."""
        return np.inf if self.shape is SpikeShape.INSTANT else self.length / _PER_SPIKE

    @property
    def breaks(self) -> tuple[float, ...]:
        """Where it jumps or bends [s]."""
        middle = (self.start + self.length / 2.0,) if self.shape is SpikeShape.LINEAR else ()
        return self.start, *middle, self.start + self.length


def events_of(spikes: Iterable[TrafficSpike], start: datetime, duration: float) -> list[Event]:
    """The spikes that a window sees.

    Args:
        spikes: in any order; they may overlap.
        start: begin of the window.
        duration: its length [s].
    """
    found = [
        Event(
            (spike.start_time - start).total_seconds(),
            spike.duration.total_seconds(),
            spike.magnitude - 1.0,
            spike.shape,
        )
        for spike in spikes
    ]
    return [event for event in found if event.start < duration and event.start + event.length > 0.0 and event.excess]


def steps_of(events: Iterable[Event], middles: FloatArray) -> FloatArray:
    """How finely the events ask for each step to be drawn [s], infinite where none does, shape (n,).

    Args:
        events: what happens.
        middles: of the steps [s], ascending, shape (n,).
    """
    steps = np.full(len(middles), np.inf)
    for event in events:
        part = _touched(event, middles)
        np.minimum(steps[part], event.step, out=steps[part])
    return steps


def factors(events: Iterable[Event], middles: FloatArray, points: FloatArray) -> FloatArray:
    """What the events multiply the rate by, never below zero, shape (n, k).

    Args:
        events: what happens; each begins and ends at an edge of a step, or outside.
        middles: of the steps [s], ascending, shape (n,).
        points: instants within each step [s], shape (n, k).
    """
    factor = np.ones_like(points)
    for event in events:
        part = _touched(event, middles)
        factor[part] += event.excess * SHAPES[event.shape]((points[part] - event.start) / event.length)
    return np.maximum(factor, 0.0, out=factor)


def _touched(event: Event, middles: FloatArray) -> slice:
    first, last = np.searchsorted(middles, (event.start, event.start + event.length))
    return slice(int(first), int(last))

"""When a plan may step: an even grid of instants, on which a cooldown that is on ends."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from capacity_planner.domain.config import PlannerConfig
    from capacity_planner.domain.congestion import FloatArray

IntArray: TypeAlias = NDArray[np.int64]

# Seconds between steps where no cooldown asks for more: a minute is as often as anyone should act.
_LEAST_GAP = 60.0
_MOST_SLOTS = 360
_MICROSECOND = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Slots:
    """The slots of a plan, and when the next step may follow one.

    Args:
        times: begins of the slots, then the end of the last [s], shape (slots + 1,).
        startup: a worker ordered at t serves from t + startup [s].
        interval: length of an interval [s].
        intervals: how many there are.
        up: the first slot in which workers may be added after a step, for each slot; the number of slots if in none.
        down: the same for workers to be removed.
        first_up: the first slot in which workers may be added.
        first_down: the first slot in which workers may be removed.
    """

    times: FloatArray
    startup: float
    interval: float
    intervals: int
    up: IntArray
    down: IntArray
    first_up: int
    first_down: int

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.times) - 1

    def intervals_at(self, ahead: float) -> IntArray:
        """The interval ``ahead`` seconds after each of ``times``, the last one for what is later."""
        found = np.floor((self.times + ahead) / self.interval + 1e-9).astype(np.int64)
        return np.minimum(found, self.intervals - 1)


def divide(intervals: int, config: PlannerConfig, *, last_change: float, growing: bool) -> Slots:
    """The slots of so many intervals.

    A slot is a minute, or shorter where an interval or a cooldown is no multiple of a minute. In a long window it is
    longer, at most an interval. A cooldown that a slot does not divide ends with the slot.

    Args:
        intervals: how many intervals.
        config: settings.
        last_change: time of the last change before the plan [s], at most 0.
        growing: which cooldown ends on the grid, that of additions or that of removals.
    """
    interval = config.plan_interval.total_seconds()
    cooldowns = config.cooldown_up.total_seconds(), config.cooldown_period.total_seconds()
    free = [last_change + cooldown for cooldown in cooldowns]
    gaps = [max(cooldown, _LEAST_GAP) for cooldown in cooldowns]
    times = _grid(intervals * interval, _length(interval, intervals, gaps), free[0] if growing else free[1])
    begins = times[:-1]
    up, down = (np.searchsorted(begins, begins + gap - _MICROSECOND) for gap in gaps)
    first_up, first_down = (int(np.searchsorted(begins, at - _MICROSECOND)) for at in free)
    return Slots(
        times=times,
        startup=config.startup_delay.total_seconds(),
        interval=interval,
        intervals=intervals,
        up=up,
        down=down,
        first_up=first_up,
        first_down=first_down,
    )


def _grid(end: float, length: float, free: float) -> FloatArray:
    """Every ``length`` seconds up to ``end``, from the begin and through ``free``."""
    offset = math.ceil(round(free % length / _MICROSECOND, 3)) * _MICROSECOND if free > 0 else 0.0
    if min(offset, length - offset) < 2 * _MICROSECOND:
        offset = 0.0
    times = np.arange(math.ceil(end / length) + 1) * length + offset
    return np.concatenate([[0.0], times[(times > 0) & (times < end - _MICROSECOND)], [end]])


def _length(interval: float, intervals: int, gaps: list[float]) -> float:
    """Seconds in a slot.

    >>> _length(300.0, 12, [300.0, 300.0]), _length(300.0, 12, [90.0, 300.0]), _length(300.0, 2016, [60.0, 60.0])
    (60.0, 30.0, 300.0)
    """
    whole, minute, *others = (round(span / _MICROSECOND) for span in (interval, _LEAST_GAP, *gaps))
    for unit in (math.gcd(whole, minute, *others), math.gcd(whole, minute)):
        if intervals * whole <= _MOST_SLOTS * unit:
            return unit * _MICROSECOND
    most = max(min(_MOST_SLOTS // intervals, whole // minute), 1)
    pieces = next((pieces for pieces in range(most, 0, -1) if whole % (pieces * minute) == 0), most)
    return interval / pieces

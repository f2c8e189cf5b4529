"""The levels of workers among which a plan chooses."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from capacity_planner.domain.config import PlannerConfig
    from capacity_planner.domain.congestion import FloatArray
    from capacity_planner.planning._rules import Rules
    from capacity_planner.planning._slots import IntArray, Slots

    Risk: TypeAlias = Callable[[int, FloatArray], FloatArray]

# Levels x slots that are worked through in a few hundredths of a second; a wider range of levels is thinned out.
_MOST_CELLS, _ALWAYS = 80_000, 256


def levels(
    current: int, rules: Rules, slots: Slots, config: PlannerConfig, risk: Risk | None, penalty: float
) -> tuple[IntArray, int]:
    """The levels that matter and that the steps of a plan can reach, ascending, and the highest worth an addition.

    The highest is the largest target, or, where violations cost, that from which on one more worker costs more than all
    the violations it could prevent.

    They are all of them, unless that makes too many. Then they are those that a need or a limit names, whole steps up
    and down from these, and every so manieth in between.

    Args:
        current: workers ordered at time 0.
        rules: what may be done in each slot.
        slots: the slots.
        config: settings.
        risk: P(interval ``i`` breaks the SLO) at ``levels``; ``None`` when that costs nothing.
        penalty: what breaking the SLO costs, in workers.
    """
    size, top = config.max_step_size, int(max(rules.aim.max(), rules.grow.max()))
    if risk and top < config.max_workers:
        top = _useful(risk, penalty, top, slots.intervals, config.max_workers)
    most = max(current, min(top, current + size * _steps(slots.first_up, slots.up)))
    floor = int(rules.least[np.isfinite(rules.idle)].min(initial=current))
    least = min(current, max(floor, current - size * _steps(slots.first_down, slots.down)))
    enough = max(_MOST_CELLS // slots.count, _ALWAYS)
    if most - least < enough:
        return np.arange(least, most + 1), top
    named = np.concatenate([rules.hold, rules.aim, rules.least])
    return _thinned(least, most, enough, size, current, np.unique(named)), top


def _steps(first: int, following: IntArray) -> int:
    """How many steps can be made, each as soon as it may."""
    count = 0
    while first < len(following):
        first, count = int(following[first]), count + 1
    return count


def _useful(risk: Risk, penalty: float, top: int, intervals: int, most: int) -> int:
    """A level at which, in every interval, one more worker costs more than all the violations it could prevent."""
    probes = top + 2 ** np.arange((most - top).bit_length()) - 1
    worst = np.max([risk(index, probes.astype(float)) for index in range(intervals)], axis=0)
    enough = np.flatnonzero(penalty * worst <= 1.0)
    return int(probes[enough[0]]) if len(enough) else most


def _thinned(least: int, most: int, enough: int, size: int, current: int, named: IntArray) -> IntArray:
    """About ``enough`` levels, of which neighbours are at most a step apart."""
    spacing = min(math.ceil(2 * (most - least) / enough), size)
    reach = np.arange(-((most - least) // size), (most - least) // size + 1) * size
    chosen = _within(least, most, current + reach)
    for some in (named, np.add.outer(named, reach) if named.size * reach.size <= 8 * enough else chosen):
        if (wider := _within(least, most, chosen, some)).size <= enough:
            chosen = wider
    return _within(least, most, chosen, np.arange(least, most + 1, spacing), np.array([least, most]))


def _within(least: int, most: int, *some: IntArray) -> IntArray:
    found = np.unique(np.concatenate([item.ravel() for item in some]))
    return found[(found >= least) & (found <= most)]

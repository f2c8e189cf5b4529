"""What each level of workers costs as a plan goes on."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from capacity_planner.planning._levels import levels

if TYPE_CHECKING:
    from collections.abc import Callable

    from capacity_planner.domain.config import PlannerConfig
    from capacity_planner.domain.congestion import FloatArray
    from capacity_planner.planning._rules import Rules
    from capacity_planner.planning._slots import IntArray, Slots

    Risk: TypeAlias = Callable[[int, FloatArray], FloatArray]

ComplexArray: TypeAlias = NDArray[np.complex128]

# Where workers are free, a worker weighs a billionth of a violation: of plans that violate alike, the smallest.
_FREE = 1e-9
# Whole numbers up to here are exact, so that equal plans weigh the same, whatever the order of the sums.
_EXACT, _MICROSECOND = 2.0**52, 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """Weights as complex numbers of whole parts, which NumPy compares by the real part first.

    The real part is the shortfall; the imaginary part is the cost of workers and violations, in workers, times a number
    above that of all steps, so that the steps can be counted below it: a step weighs i.

    Args:
        levels: workers, ascending, shape (levels,).
        top: the highest level worth an addition.
        spent: from a begin to each slot, shape (slots + 1, levels). Workers cost from when they are ordered; shortfall
            and violations are those of the time when a worker ordered in the slot serves.
        early: what removing workers down to a level adds, because they stop sooner than they would start: the
            violations from now until a worker ordered now would serve, shape (slots, levels); ``None`` where they cost
            nothing.
    """

    levels: IntArray
    top: int
    spent: ComplexArray
    early: ComplexArray | None


def prices(current: int, rules: Rules, slots: Slots, config: PlannerConfig, risk: Risk | None = None) -> Prices:
    """The prices of the levels that matter.

    Args:
        current: workers ordered at time 0.
        rules: what may be done in each slot.
        slots: the slots.
        config: settings.
        risk: P(interval ``i`` breaks the SLO) at ``levels`` that serve in it; falls with the level.
    """
    penalty = _penalty(config) if risk else 0.0
    if not penalty:
        risk = None
    found, top = levels(current, rules, slots, config, risk, penalty)
    short = np.maximum(rules.floor[:, None] - found, 0.0)
    steps = slots.count + 1
    time = _Time(slots, (float(short.max()) + float(found[-1] - found[0]) + penalty) * steps)
    spent = np.empty((steps, len(found)), dtype=np.complex128)
    spent.real = time.sums(short, slots.startup)
    spent.imag = np.multiply.outer(np.rint(slots.times / time.unit), found - found[0]) * steps
    if not risk:
        return Prices(levels=found, top=top, spent=spent, early=None)
    risks = penalty * np.array([risk(index, found.astype(float)) for index in range(slots.intervals)])
    served = np.rint(time.sums(risks, slots.startup)) * steps
    spent.imag += served
    early = 1j * (served - np.rint(time.sums(risks, 0.0)) * steps)
    return Prices(levels=found, top=top, spent=spent, early=early[:-1])


def _penalty(config: PlannerConfig) -> float:
    """What breaking the SLO costs, in workers."""
    penalty = config.violation_cost_per_hour
    return penalty / max(config.worker_cost_per_hour, _FREE * penalty) if penalty else 0.0


class _Time:
    """Time in whole units, so short that sums up to ``largest`` x the longest time are still exact."""

    def __init__(self, slots: Slots, largest: float) -> None:
        finest = max(largest * (slots.times[-1] + slots.startup) / _EXACT, _MICROSECOND)
        self.unit = 10.0 ** math.ceil(math.log10(finest) - 1e-9)
        self._slots = slots

    def sums(self, rates: FloatArray, ahead: float) -> FloatArray:
        """The sum of ``rates``, shape (intervals, levels), up to ``ahead`` seconds after each slot's begin."""
        slots, index = self._slots, self._slots.intervals_at(ahead)
        length = round(slots.interval / self.unit)
        before = np.cumsum(rates * length, axis=0) - rates * length
        since = np.rint((slots.times + ahead) / self.unit) - index * length
        return before[index] + rates[index] * since[:, None]

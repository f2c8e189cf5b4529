"""What may be done in each slot of a plan: when workers may come, when they may go, and to which levels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from capacity_planner.domain.config import PlannerConfig
    from capacity_planner.domain.congestion import FloatArray
    from capacity_planner.planning._slots import IntArray, Slots
    from capacity_planner.planning.fluid import Fluid
    from capacity_planner.planning.need import Need


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What holds in each slot, shape (slots,), with levels clipped to min_workers and max_workers.

    Args:
        floor: workers that must serve in each interval, shape (intervals,).
        hold: workers that must serve when one ordered in it does.
        grow: workers may be added to fewer than this: then or later so many must serve.
        aim: an addition goes at least there, if the step size allows it.
        least: a removal goes no lower, so that enough serve until a new worker could.
        idle: only from more than this are workers removed; infinite while jobs wait, if workers came as needed.
    """

    floor: IntArray
    hold: IntArray
    grow: IntArray
    aim: IntArray
    least: IntArray
    idle: FloatArray


def rules(needs: Sequence[Need], fluid: Fluid, slots: Slots, config: PlannerConfig) -> Rules:
    """The rules of every slot.

    Args:
        needs: what each interval asks for.
        fluid: the queue at time 0.
        slots: the slots.
        config: settings.
    """
    now, serving = slots.intervals_at(0.0)[:-1], slots.intervals_at(slots.startup)[:-1]
    floor, target = _clipped([need.hold for need in needs], config), _clipped([need.target for need in needs], config)
    least = target[now]
    for ahead in range(1, int((serving - now).max()) + 1):
        least = np.maximum(least, target[np.minimum(now + ahead, serving)])
    return Rules(
        floor=floor,
        hold=floor[serving],
        grow=np.maximum.accumulate(floor[::-1])[::-1][serving],
        aim=target[serving],
        least=least,
        idle=_idle(needs, fluid, floor, slots, config),
    )


def _clipped(levels: Sequence[int], config: PlannerConfig) -> IntArray:
    return np.array([min(max(level, config.min_workers), config.max_workers) for level in levels], dtype=np.int64)


def _idle(needs: Sequence[Need], fluid: Fluid, floor: IntArray, slots: Slots, config: PlannerConfig) -> FloatArray:
    """The level whose utilisation is scale_down_threshold at the median, or infinity while jobs wait."""
    now, threshold = slots.intervals_at(0.0)[:-1], config.scale_down_threshold * config.worker_concurrency
    if not threshold:
        return np.full(slots.count, np.inf)
    with np.errstate(over="ignore"):  # a threshold next to nothing: no level is idle
        loads = np.array([need.load for need in needs]) / threshold
    draining = np.array([need.drain > 0 for need in needs])
    waits = draining[now] | (_backlog(fluid, floor, slots, config) >= 1.0)
    return np.where(waits, np.inf, loads[now])


def _backlog(fluid: Fluid, floor: IntArray, slots: Slots, config: PlannerConfig) -> FloatArray:
    """Jobs that wait at each slot's begin if no worker goes, and workers come as needed, as fast as they may."""
    begins, rates, size = slots.times[:-1], np.array(fluid.rates), config.max_step_size
    if not fluid.backlog and rates.max() <= min(fluid.serving, config.max_workers) * fluid.service_rate:
        return np.zeros(slots.count)
    readies = [at for at, _ in fluid.starting]
    climb = begins[list(_climb(fluid.ordered, int(floor.max()), slots, size))] + slots.startup
    instants = np.unique(np.concatenate([begins, np.arange(len(floor)) * fluid.interval, readies, climb]))
    index = np.minimum((instants / fluid.interval + 1e-9).astype(np.int64), len(floor) - 1)
    present = np.array([fluid.serving, *(level for _, level in fluid.starting)])[_passed(readies, instants)]
    workers = np.maximum(
        np.minimum(present, config.max_workers),
        np.minimum(floor[index], fluid.ordered + size * _passed(climb, instants)),
    )
    flow = (rates[index] - workers * fluid.service_rate)[:-1] * np.diff(instants)
    free = fluid.backlog + np.concatenate([[0.0], np.cumsum(flow)])
    backlog = free - np.minimum(np.minimum.accumulate(free), 0.0)
    return backlog[np.searchsorted(instants, begins)]


def _climb(level: int, top: int, slots: Slots, size: int) -> Iterator[int]:
    """The slots of the fastest climb to ``top``."""
    slot = slots.first_up
    while level < top and slot < slots.count:
        yield slot
        level, slot = level + size, int(slots.up[slot])


def _passed(times: Sequence[float] | FloatArray, instants: FloatArray) -> IntArray:
    return np.searchsorted(times, instants + 1e-9, side="right")

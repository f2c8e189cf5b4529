"""A sequence of scaling steps within the limits: ahead of the demand when it grows, calmly when it shrinks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from capacity_planner.planning.needs import workers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from capacity_planner.domain.config import PlannerConfig
    from capacity_planner.domain.congestion import FloatArray
    from capacity_planner.planning.fluid import Fluid
    from capacity_planner.planning.needs import Need


_NOT_WORTH_A_STEP = 0.1
# Seconds between steps where no cooldown asks for more: a minute is as often as anyone should act.
_LEAST_GAP = 60.0
_ROUNDING = 1e-6


class Reason(StrEnum):
    """What made a step necessary."""

    SLO = "slo"
    BACKLOG = "backlog"
    UTILIZATION = "utilization"
    MARGIN = "margin"
    MINIMUM = "minimum"
    MAXIMUM = "maximum"
    SHRINK = "shrink"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One step: at ``at`` [s from the plan's start] go from ``before`` to ``after`` workers.

    ``wanted`` is the level it is on the way to, and ``index`` the interval that makes it necessary.
    """

    at: float
    before: int
    after: int
    wanted: int
    reason: Reason
    index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """The steps of a plan and the queue that results."""

    changes: tuple[Change, ...]
    fluid: Fluid


def follow(needs: Sequence[Need], fluid: Fluid, *, last_change: float, config: PlannerConfig) -> Path:
    """Decide at every interval, and whenever a cooldown ends, whether to add or to remove workers.

    Workers are added when the level ordered is below what keeps the SLO, or its utilisation within scale_up_threshold,
    in any later interval, counting the steps that can still be made before it; the plan then climbs to the target, with
    its margin, at the crest of the rise that begins. Workers are removed only when more than a tenth can go (the
    tolerance of the Kubernetes HPA: noise should not move a pool), only from below scale_down_threshold, and not below
    the target of the intervals that a new step could not reach in time.

    Args:
        needs: what each interval asks for.
        fluid: the queue at time 0.
        last_change: time of the last change before the plan [s], at most 0.
        config: settings.
    """
    walk = _Walk(needs, fluid, last_change, config)
    while fluid.time < fluid.end - 1e-9:
        walk.decide()
        fluid.advance(walk.next_decision())
    return Path(changes=tuple(walk.changes), fluid=fluid)


class _Walk:
    def __init__(self, needs: Sequence[Need], fluid: Fluid, last_change: float, config: PlannerConfig) -> None:
        self._needs, self._fluid, self._config = needs, fluid, config
        self._last, self._ordered, self._climbing = last_change, fluid.ordered, False
        self._starts = np.arange(len(needs)) * fluid.interval
        self._hold = np.array([need.hold for need in needs])
        self._target = np.array([need.target for need in needs])
        self._floors = {
            Reason.SLO: [need.slo for need in needs],
            Reason.UTILIZATION: [need.unhurried for need in needs],
            Reason.MARGIN: [need.margin for need in needs],
        }
        self._startup = config.startup_delay.total_seconds()
        self._tick = min(_LEAST_GAP, fluid.interval)
        self._cool_up = config.cooldown_up.total_seconds()
        self._cool_down = config.cooldown_period.total_seconds()
        self.changes: list[Change] = []

    def decide(self) -> None:
        """Make the step that is due now, if one is due and allowed."""
        wanted, reason, index = self._wanted()
        most = self._config.max_step_size
        if wanted > self._ordered and self._free_at(self._cool_up):
            self._change(min(wanted, self._ordered + most), wanted, reason, index)
        elif wanted < self._ordered and self._free_at(self._cool_down):
            self._change(max(wanted, self._ordered - most), wanted, reason, index)

    def next_decision(self) -> float:
        """The next interval, or the end of a cooldown before it."""
        now, interval = self._fluid.time, self._fluid.interval
        boundary = (math.floor(now / interval + 1e-9) + 1) * interval
        ends = (self._last + self._gap(cooldown) for cooldown in (self._cool_up, self._cool_down))
        return min([boundary, *(end for end in ends if now + 1e-6 < end < boundary)])

    def _wanted(self) -> tuple[int, Reason, int]:
        """The level to go to, why, and the interval that decides."""
        limits, ordered, now = self._config, self._ordered, self._index(0.0)
        if ordered > limits.max_workers:
            return limits.max_workers, Reason.MAXIMUM, now
        drain, crest = self._drain(), self._rise()[-1]
        hold = max(self._envelope(self._hold), drain)
        target = max(self._envelope(self._target), int(self._target[crest]), drain)
        self._climbing = ordered < self._clamp(hold) or (self._climbing and ordered < self._clamp(target))
        if self._climbing:
            return self._clamp(target), *self._why(drain)
        calm = self._clamp(max(target, self._soon()))
        worth_it = calm < (1.0 - _NOT_WORTH_A_STEP) * ordered and self._fluid.backlog < 1
        return (calm, Reason.SHRINK, now) if worth_it and self._idle() else (ordered, Reason.SLO, now)

    def _why(self, drain: int) -> tuple[Reason, int]:
        """The first floor that the level ordered is below, in the rise that begins or else later, and its interval."""
        first = self._index(self._startup)
        if drain > max(self._ordered, *self._hold[first:].tolist()):
            return Reason.BACKLOG, first
        for intervals in (self._rise(), range(first, len(self._needs))):
            for reason, floors in self._floors.items():
                index = max(intervals, key=floors.__getitem__)
                if floors[index] > self._ordered:
                    return reason, index
        return (Reason.BACKLOG if drain > self._ordered else Reason.MINIMUM), first

    def _envelope(self, levels: FloatArray) -> int:
        """The level to order now, so that every later level can still be reached in the steps after this one."""
        effective = self._fluid.time + self._startup
        ahead = self._starts + self._fluid.interval > effective + 1e-6
        gap = max(self._cool_up, self._tick)
        spare = self._starts - effective - max(gap, self._fluid.interval)
        steps = np.where(spare >= -_ROUNDING, 1.0 + np.floor(spare / gap + 1e-9), 0.0)
        reachable = levels - self._config.max_step_size * steps
        return int(reachable[ahead].max()) if ahead.any() else 0

    def _rise(self) -> range:
        """The intervals up to the crest of the rise that a worker ordered now meets: one climb, not many steps."""
        first = self._index(self._startup)
        falls = np.flatnonzero(np.diff(self._target[first:]) < 0)
        return range(first, first + int(falls[0]) + 1 if len(falls) else len(self._needs))

    def _soon(self) -> int:
        """The largest target of the intervals that begin before a step made after the next cooldown could serve."""
        horizon = self._fluid.time + self._startup + max(self._cool_down, self._fluid.interval)
        near = (self._starts < horizon - 1e-6) & (self._starts + self._fluid.interval > self._fluid.time + 1e-6)
        return int(self._target[near].max())

    def _drain(self) -> int:
        """Workers that serve the load and work off the backlog expected when a worker ordered now serves."""
        fluid = self._fluid
        if self._startup:
            fluid = fluid.copy()
            fluid.advance(fluid.time + self._startup)
        if fluid.backlog < 1:
            return 0
        need = self._needs[self._index(self._startup)]
        left = fluid.tolerance.drain - fluid.time
        span = left if 0 < left < math.inf else max(fluid.interval, self._cool_up) + self._startup
        return workers(need.load + fluid.backlog / (self._service_rate() * span), self._config)

    def _service_rate(self) -> float:
        return self._fluid.service_rate / self._config.worker_concurrency

    def _index(self, ahead: float) -> int:
        """The interval ``ahead`` seconds from now."""
        return min(int((self._fluid.time + ahead) / self._fluid.interval + 1e-9), len(self._needs) - 1)

    def _idle(self) -> bool:
        servers = self._ordered * self._config.worker_concurrency
        return self._needs[self._index(0.0)].load < self._config.scale_down_threshold * servers

    def _clamp(self, level: int) -> int:
        return min(max(level, self._config.min_workers), self._config.max_workers)

    def _free_at(self, cooldown: float) -> bool:
        return self._fluid.time >= self._last + self._gap(cooldown) - _ROUNDING

    def _gap(self, cooldown: float) -> float:
        """Least time after the last change; between the plan's own steps no less than a tick."""
        return max(cooldown, self._tick) if self.changes else cooldown

    def _change(self, after: int, wanted: int, reason: Reason, index: int) -> None:
        now = self._fluid.time
        change = Change(at=now, before=self._ordered, after=after, wanted=wanted, reason=reason, index=index)
        self.changes.append(change)
        self._fluid.order(after, now + (self._startup if after > self._ordered else 0.0))
        self._ordered, self._last = after, now

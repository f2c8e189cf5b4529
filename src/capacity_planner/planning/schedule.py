"""The cheapest sequence of scaling steps within the limits, from a dynamic programme over slots and levels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from capacity_planner.planning._prices import prices
from capacity_planner.planning._programme import Programme
from capacity_planner.planning._rules import rules
from capacity_planner.planning._slots import divide

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from capacity_planner.domain.config import PlannerConfig
    from capacity_planner.domain.congestion import FloatArray
    from capacity_planner.planning._rules import Rules
    from capacity_planner.planning._slots import Slots
    from capacity_planner.planning.fluid import Fluid
    from capacity_planner.planning.need import Need

    Violation: TypeAlias = Callable[[int, FloatArray], FloatArray]


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


def follow(
    needs: Sequence[Need],
    fluid: Fluid,
    *,
    last_change: float,
    config: PlannerConfig,
    violation: Violation | None = None,
) -> Path:
    """The cheapest steps, carried out on the queue.

    Of all sequences of steps within the rules it is the one with the least shortfall: the sum over time of the workers
    that serve too few of what an interval must hold. Of these it is the cheapest in workers and violations; of these
    the one with the fewest steps, then with the latest, then to the smallest levels. The rules:

    * levels stay within min_workers and max_workers, steps within max_step_size; an addition comes no sooner than
      scale_up_cooldown after the last step, a removal no sooner than cooldown_period, and neither sooner than a minute
      after another step of the plan. A pool above max_workers comes down to it as fast as that;
    * workers are added only where fewer are ordered than some later interval must hold, and then at least to the target
      of the first interval in which they serve; if one step does not reach it, further ones follow as soon as they may.
      None goes beyond the largest target or, where violations cost, the level from which on a worker costs more than it
      can save;
    * workers are removed only where their utilisation is below scale_down_threshold and no jobs wait, only more than a
      tenth of them (the tolerance of the Kubernetes HPA: noise should not move a pool) or a whole max_step_size where
      more than a tenth can go, and not below the target of the intervals up to startup_delay later.

    What the last interval asks for is taken to go on after the window.

    Args:
        needs: what each interval asks for.
        fluid: the queue at time 0.
        last_change: time of the last change before the plan [s], at most 0.
        config: settings.
        violation: P(interval ``i`` breaks the SLO) at ``levels`` of workers that serve in it, which falls with the
            level; ``None`` leaves it out of the cost.
    """
    growing = fluid.ordered < min(max(need.hold for need in needs), config.max_workers)
    slots = divide(len(needs), config, last_change=last_change, growing=growing)
    allowed = rules(needs, fluid, slots, config)
    steps = tuple(_steps(fluid.ordered, allowed, slots, config, violation))
    changes = tuple(_Story(needs, slots, steps, config).changes(fluid.ordered))
    for change in changes:
        fluid.advance(change.at)
        fluid.order(change.after, change.at + (slots.startup if change.after > change.before else 0.0))
    fluid.advance(fluid.end)
    return Path(changes=changes, fluid=fluid)


def _steps(
    level: int, allowed: Rules, slots: Slots, config: PlannerConfig, violation: Violation | None
) -> Iterator[tuple[int, int]]:
    """Slots and levels after the step."""
    climbing = False
    for slot, after in _forced(level, allowed, slots, config):
        yield slot, after
        slots = replace(slots, first_up=int(slots.up[slot]), first_down=int(slots.down[slot]))
        level, climbing = after, after < allowed.aim[slot]
    if level <= config.max_workers and not _settled(level, allowed, slots, climbing=climbing):
        programme = Programme(prices(level, allowed, slots, config, violation), allowed, slots, config.max_step_size)
        yield from programme.steps(level, climbing=climbing)


def _forced(level: int, allowed: Rules, slots: Slots, config: PlannerConfig) -> Iterator[tuple[int, int]]:
    """The first steps where they leave no choice: down to max_workers, or up where even a whole step is too little."""
    up, down, size = slots.first_up, slots.first_down, config.max_step_size
    while True:
        if level > config.max_workers and down < slots.count:
            slot, level = down, max(config.max_workers, level - size)
        elif up < slots.count and level + size <= allowed.hold[up]:
            slot, level = up, level + size
        else:
            return
        yield slot, level
        up, down = int(slots.up[slot]), int(slots.down[slot])


def _settled(level: int, allowed: Rules, slots: Slots, *, climbing: bool) -> bool:
    """Whether the rules leave no step to be made."""
    up, down = slots.first_up, slots.first_down
    if up < slots.count and level < max(allowed.grow[up], allowed.aim[up] if climbing else 0):
        return False
    return not ((level > allowed.idle[down:]) & (10 * allowed.least[down:] < 9 * level)).any()


class _Story:
    """What each step is for."""

    def __init__(
        self, needs: Sequence[Need], slots: Slots, steps: Sequence[tuple[int, int]], config: PlannerConfig
    ) -> None:
        self._slots, self._steps, self._config = slots, steps, config
        self._now, self._serving = slots.intervals_at(0.0).tolist(), slots.intervals_at(slots.startup).tolist()
        self._targets = [min(need.target, config.max_workers) for need in needs]
        self._floors = {
            Reason.SLO: [need.slo for need in needs],
            Reason.BACKLOG: [need.drain for need in needs],
            Reason.UTILIZATION: [need.unhurried for need in needs],
            Reason.MARGIN: [need.margin for need in needs],
        }

    def changes(self, before: int) -> Iterator[Change]:
        """The steps from ``before`` with their reasons."""
        levels = [before, *(after for _, after in self._steps)]
        wanted = self._wanted(levels)
        for number, (slot, after) in enumerate(self._steps):
            before = levels[number]
            reason, index = self._shrink(before, slot) if after < before else self._grow(before, number)
            at = float(self._slots.times[slot])
            yield Change(at=at, before=before, after=after, wanted=wanted[number], reason=reason, index=index)

    def _wanted(self, levels: Sequence[int]) -> list[int]:
        """Where each step would lead if it could be larger: as far as those that follow in its direction."""
        wanted = list(levels[1:])
        for number in reversed(range(len(self._steps))):
            delta = levels[number + 1] - levels[number]
            if abs(delta) < self._config.max_step_size:
                continue
            if delta > 0:
                wanted[number] = max(wanted[number], self._targets[self._serving[self._steps[number][0]]])
            if number + 1 < len(self._steps) and (levels[number + 2] - levels[number + 1]) * delta > 0:
                wanted[number] = wanted[number + 1] if delta < 0 else max(wanted[number], wanted[number + 1])
        return wanted

    def _shrink(self, before: int, slot: int) -> tuple[Reason, int]:
        return (Reason.MAXIMUM if before > self._config.max_workers else Reason.SHRINK), self._now[slot]

    def _grow(self, before: int, number: int) -> tuple[Reason, int]:
        """The floor that ``before`` is below until the next step serves, or else later, and its interval."""
        first = self._serving[self._steps[number][0]]
        following = [self._serving[slot] for slot, _ in self._steps[number + 1 : number + 2]]
        end = len(self._targets)
        for intervals in (range(first, max(*following, first + 1) if following else end), range(first, end)):
            peaks = {reason: max(intervals, key=floors.__getitem__) for reason, floors in self._floors.items()}
            heights = {reason: self._floors[reason][index] for reason, index in peaks.items()}
            waits = heights[Reason.BACKLOG] > heights[Reason.SLO]
            for reason in (Reason.BACKLOG if waits else Reason.SLO, Reason.UTILIZATION, Reason.MARGIN):
                if heights[reason] > before:
                    return reason, peaks[reason]
        return Reason.MINIMUM, first

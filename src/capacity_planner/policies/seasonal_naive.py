"""The load of last week, with headroom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from capacity_planner.policies._seasons import SeasonalLoad
from capacity_planner.registry import policies

if TYPE_CHECKING:
    from capacity_planner.contracts import Decide
    from capacity_planner.domain.policy import PolicyTask, Seen


@policies.register("seasonal_naive")
class SeasonalNaive:
    """The load at the same time of last week, seen a start-up delay ahead, times headroom: what a schedule would do.

    Where there is no week it is that of yesterday, where there is no day that of the last five minutes. Nothing that
    happens now changes it.
    """

    name = "seasonal_naive"
    title = "Last week's load with headroom"
    knob = "workers per load of last week"
    grid = (0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.5, 1.75, 2.0, 2.5, 3.0, 4.0, 6.0)
    default = 1.2
    period = 60.0

    def start(self, task: PolicyTask, knob: float) -> Decide:
        """One that scales a queue from time 0 on."""
        return _Decide(task.startup_delay, knob, SeasonalLoad(task))


@dataclass
class _Decide:
    ahead: float
    headroom: float
    load: SeasonalLoad

    def __call__(self, seen: Seen) -> float:
        load = self.load.at(seen, self.ahead)
        return float(seen.ordered) if load is None else self.headroom * load

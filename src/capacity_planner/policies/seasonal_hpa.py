"""The load of last week, and the HPA for what differs from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from capacity_planner.policies._hpa import SYNC, Limits, by_utilization
from capacity_planner.policies._seasons import SeasonalLoad
from capacity_planner.registry import policies

if TYPE_CHECKING:
    from capacity_planner.contracts import Decide
    from capacity_planner.domain.policy import PolicyTask, Seen


@policies.register("seasonal_hpa")
class SeasonalHPA:
    """The larger of two that aim at one utilization: last week's load over it, and the HPA on it.

    One knob does for both, as a headroom of h is a utilization of 1/h.
    """

    name = "seasonal_hpa"
    title = "Last week's load, or the HPA where it wants more"
    knob = "target utilization"
    grid = (0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1)
    default = 0.8
    period = SYNC

    def start(self, task: PolicyTask, knob: float) -> Decide:
        """One that scales a queue from time 0 on."""
        return _Decide(task.startup_delay, knob, SeasonalLoad(task), Limits(task))


@dataclass
class _Decide:
    ahead: float
    target: float
    load: SeasonalLoad
    limits: Limits

    def __call__(self, seen: Seen) -> float:
        reactive = self.limits.keep(seen.now, seen.ordered, by_utilization(seen, self.target))
        load = self.load.at(seen, self.ahead)
        return reactive if load is None else max(reactive, load / self.target)

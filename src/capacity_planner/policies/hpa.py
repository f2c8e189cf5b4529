"""Kubernetes Horizontal Pod Autoscaler on utilization."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from capacity_planner.policies._hpa import SYNC, Limits, by_utilization
from capacity_planner.registry import policies

if TYPE_CHECKING:
    from capacity_planner.contracts import Decide
    from capacity_planner.domain.policy import PolicyTask, Seen


@policies.register("hpa")
class HPA:
    """Busy share of the serving workers, kept at a target: what a cluster does by default.

    Every 15 s, unless the ratio of utilization to target is within 0.1 of 1: serving workers times the ratio, rounded
    up. A target of 0.91 or more is never exceeded by more than the tolerance, so that nothing would scale up.

    References:
        Kubernetes documentation, Horizontal Pod Autoscaling (autoscaling/v2).
    """

    name = "hpa"
    title = "Kubernetes HPA on utilization"
    knob = "target utilization"
    grid = (0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1)
    default = 0.8
    period = SYNC

    def start(self, task: PolicyTask, knob: float) -> Decide:
        """One that scales a queue from time 0 on."""
        return _Decide(knob, Limits(task))


@dataclass
class _Decide:
    target: float
    limits: Limits

    def __call__(self, seen: Seen) -> float:
        return self.limits.keep(seen.now, seen.ordered, by_utilization(seen, self.target))

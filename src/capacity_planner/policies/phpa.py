"""Predictive Horizontal Pod Autoscaler with its linear model."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from capacity_planner.policies._hpa import SYNC, Limits, by_utilization, up
from capacity_planner.registry import policies

if TYPE_CHECKING:
    from capacity_planner.contracts import Decide
    from capacity_planner.domain.policy import PolicyTask, Seen

_HISTORY = 6
_AHEAD = 10.0


@policies.register("phpa")
class PHPA:
    """The HPA on utilization, or a line through its last six results where that is higher, ten seconds ahead.

    References:
        jthomperoo/predictive-horizontal-pod-autoscaler, user guide, "Models" (linear; ``historySize`` 6) and
        reference, "Configuration" (``decisionType`` maximum).
    """

    name = "phpa"
    title = "Predictive HPA, linear, on utilization"
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
    results: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=_HISTORY))

    def __call__(self, seen: Seen) -> float:
        result = by_utilization(seen, self.target)
        self.results.append((seen.now, result))
        return self.limits.keep(seen.now, seen.ordered, max(result, self._predicted(seen.now + _AHEAD)))

    def _predicted(self, at: float) -> int:
        """The least-squares line through the results, at a time [s]."""
        n = len(self.results)
        time = sum(when for when, _ in self.results) / n
        level = sum(result for _, result in self.results) / n
        spread = sum((when - time) ** 2 for when, _ in self.results)
        if spread <= 0.0:
            return 0
        slope = sum((when - time) * (result - level) for when, result in self.results) / spread
        return up(max(level + slope * (at - time), 0.0))

"""What the Kubernetes Horizontal Pod Autoscaler does whatever it measures: tolerance, stabilisation, caps.

References:
    Kubernetes documentation, Horizontal Pod Autoscaling, "Algorithm details" and "Configurable scaling behavior";
    kubernetes/kubernetes, ``pkg/controller/podautoscaler``: ``replica_calculator.go`` and ``horizontal.go``.
"""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from capacity_planner.domain.policy import PolicyTask, Seen

SYNC = 15.0
_TOLERANCE = 0.1
_WINDOW = 300.0
_PODS, _TIMES = 4, 2
_ROUNDING = 1e-9


class Limits:
    """How a wish becomes a number of replicas, sync by sync.

    Down to the highest wish of the last 300 s; up at once, in a sync to 4 more or to twice as many.

    Args:
        task: tells the fewest replicas; it is at least one, below which this autoscaler does not go.
    """

    def __init__(self, task: PolicyTask) -> None:
        self._least = max(task.min_workers, 1)
        self._wishes: deque[tuple[float, int]] = deque()

    def keep(self, now: float, current: int, wish: int) -> int:
        """The replicas from now on.

        Args:
            now: ascending from call to call [s].
            current: replicas ordered at present.
            wish: replicas wanted by the measured metric.
        """
        highest = self._highest(now, current, wish)
        if wish > current:
            return max(min(wish, max(current + _PODS, current * _TIMES)), self._least)
        return max(min(current, highest), self._least)

    def _highest(self, now: float, current: int, wish: int) -> int:
        wishes = self._wishes
        if not wishes:  # what it finds when it begins is its first wish
            wishes.append((now, current))
        # Lower wishes before this one never matter again, so that the first that is left is the highest.
        while wishes and wishes[-1][1] <= wish:
            wishes.pop()
        wishes.append((now, wish))
        while wishes[0][0] <= now - _WINDOW:
            wishes.popleft()
        return wishes[0][1]


def by_utilization(seen: Seen, target: float) -> int:
    """Replicas wanted for a mean utilization of the ready ones.

    Replicas that start are unknown to the metric. Where it asks for more they are taken to be idle, and where that
    makes more unnecessary nothing is done.
    """
    current = seen.ordered
    ready = min(seen.serving, current)
    if not ready:
        return current
    ratio = seen.utilization / target
    counted = ready
    if ratio > 1.0 and current > ready:
        ratio, counted = ratio * ready / current, current
        if ratio <= 1.0 + _TOLERANCE:
            return current
    if abs(1.0 - ratio) <= _TOLERANCE + _ROUNDING:
        return current
    return up(ratio * counted)


def by_total(current: int, total: float, target: float) -> int:
    """Replicas wanted for a total that is to be ``target`` per replica, such as jobs."""
    if current and abs(1.0 - total / (target * current)) <= _TOLERANCE + _ROUNDING:
        return current
    return up(total / target)


def up(number: float) -> int:
    """The next whole number; one that a rounding error has lifted above a whole one stays."""
    return math.ceil(number - _ROUNDING * max(number, 1.0))

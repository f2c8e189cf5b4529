"""AWS target tracking: two alarms on utilization, and a number of workers in proportion to it.

References:
    Amazon EC2 Auto Scaling and Application Auto Scaling user guides, "Target tracking scaling policies".
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from capacity_planner.policies._hpa import up

if TYPE_CHECKING:
    from capacity_planner.domain.policy import Seen

MINUTE = 60.0
_HIGH, _LOW = 3, 15
_LOW_SHARE = 0.9


class Tracking:
    """Scales out after 3 minutes of 3 above the target, and in after 15 of 15 below 0.9 of it.

    What starts is no part of the metric, and is ordered already: a further alarm adds only what is wanted beyond it.
    In, it goes less far: to what the highest of the 15 minutes needs.

    Args:
        target: utilization.
    """

    def __init__(self, target: float) -> None:
        self._target = target
        self._points: deque[float] = deque(maxlen=_LOW)
        self._above = self._below = 0

    def workers(self, seen: Seen) -> int:
        """The workers wanted, once a minute."""
        point = seen.utilization
        self._points.append(point)
        self._above = self._above + 1 if point > self._target else 0
        self._below = self._below + 1 if point < _LOW_SHARE * self._target else 0
        if self._above >= _HIGH:
            return max(up(seen.serving * point / self._target), seen.ordered, 1)
        if self._below >= _LOW:
            return max(min(up(seen.serving * max(self._points) / self._target), seen.ordered), 1)
        return max(seen.ordered, 1)

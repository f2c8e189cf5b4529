"""Judoscale's rule: a step up when jobs wait too long, a worker less after a while of short waits.

References:
    Judoscale documentation, "Tuning your application" and "Refining your autoscaling behavior".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from capacity_planner.policies._hpa import up

if TYPE_CHECKING:
    from capacity_planner.domain.policy import PolicyTask, Seen

GRID = (300.0, 120.0, 60.0, 30.0, 15.0, 8.0, 4.0, 2.0, 1.0, 0.5, 0.1)
PERIOD = 15.0
_LOWER = 0.1


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How quickly workers come and go.

    Args:
        frequency: least time between two steps up [s].
        delay: time below the range before a worker goes, and again before the next does [s].
        jump: step up, as a share of the workers; one worker at least.
    """

    frequency: float
    delay: float
    jump: float = 0.0


@dataclass
class QueueTime:
    """A started autoscaler; the lower end of its range is a tenth of the upper one.

    Queue time is what the last in line will wait: jobs that wait times E[S], over serving servers.

    Args:
        task: the queue.
        upper: end of the range [s].
        pace: how quickly workers come and go.
    """

    task: PolicyTask
    upper: float
    pace: Pace

    def __post_init__(self) -> None:
        self._per_job = self.task.service_time / self.task.concurrency
        self._stepped = -1e18
        self._high: float | None = None

    def __call__(self, seen: Seen) -> float:
        """The workers wanted from now on."""
        queue_time = seen.waiting * self._per_job / max(seen.serving, 1)
        if self._high is None or queue_time > _LOWER * self.upper:
            self._high = seen.now
        if queue_time > self.upper and seen.now - self._stepped >= self.pace.frequency:
            self._stepped = seen.now
            return seen.ordered + max(up(self.pace.jump * seen.ordered), 1)
        if seen.now - self._high >= self.pace.delay:
            self._high = seen.now
            return max(seen.ordered - 1, 0)
        return seen.ordered

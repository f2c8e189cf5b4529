"""KEDA: a number of jobs per replica, kept by the HPA; between none and one replica it decides itself.

References:
    KEDA documentation, "Scaling Deployments" and "ScaledObject specification"; kedacore/keda,
    ``pkg/scaling/executor/scale_scaledobjects.go``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from capacity_planner.policies._hpa import Limits, by_total

if TYPE_CHECKING:
    from collections.abc import Callable

    from capacity_planner.domain.policy import PolicyTask, Seen

_POLL = 30.0
_COOLDOWN = 300.0


@dataclass
class Keda:
    """A started scaler.

    Args:
        task: the queue.
        target: jobs per worker.
        jobs: how many jobs it measures.
    """

    task: PolicyTask
    target: float
    jobs: Callable[[Seen], int]

    def __post_init__(self) -> None:
        self._limits = Limits(self.task)
        self._polled = self._active = -1e18
        self._jobs = 0

    def __call__(self, seen: Seen) -> float:
        """The workers wanted from now on."""
        self._poll(seen)
        if seen.ordered == 0:
            return 1 if self._jobs else 0
        if self.task.min_workers == 0 and seen.now - self._active >= _COOLDOWN:
            return 0
        return self._limits.keep(seen.now, seen.ordered, by_total(seen.ordered, self._jobs, self.target))

    def _poll(self, seen: Seen) -> None:
        if seen.now - self._polled < _POLL:
            return
        self._jobs = self.jobs(seen)
        if self._jobs or self._polled < 0:  # when it begins, the cooldown begins
            self._active = seen.now
        self._polled = seen.now

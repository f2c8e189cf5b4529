"""A fixed number of workers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from capacity_planner.registry import policies

if TYPE_CHECKING:
    from capacity_planner.contracts import Decide
    from capacity_planner.domain.policy import PolicyTask, Seen

_WINDOW = 300.0


@policies.register("static")
class Static:
    """As many workers all the time as the busiest five minutes of the past had work for, times the knob.

    Without a past it is the mean load so far that it multiplies, until which it keeps the workers that are there.
    """

    name = "static"
    title = "A fixed number"
    knob = "workers per load of the past's busiest five minutes"
    grid = (0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.25, 1.5, 2.0, 3.0)
    default = 1.0
    period = 60.0

    def start(self, task: PolicyTask, knob: float) -> Decide:
        """One that scales a queue from time 0 on."""
        per_count = task.service_time / task.concurrency / task.interval
        if len(task.past):
            return _Fixed(knob * per_count * _busiest(task))
        return _Mean(knob * per_count)


def _busiest(task: PolicyTask) -> float:
    """Highest mean count of bins that make up five minutes; of all there are, where they are fewer."""
    bins = min(max(round(_WINDOW / task.interval), 1), len(task.past))
    ends = np.cumsum(np.concatenate([[0.0], task.past]))
    return max(float(np.max(ends[bins:] - ends[:-bins])) / bins, 0.0)


@dataclass
class _Fixed:
    workers: float

    def __call__(self, seen: Seen) -> float:  # noqa: ARG002 - the promise of `Decide`
        return self.workers


@dataclass
class _Mean:
    factor: float
    total: float = 0.0
    known: int = 0

    def __call__(self, seen: Seen) -> float:
        new = seen.counts[self.known :]
        if len(new):
            self.total += float(new.sum())
            self.known += len(new)
        return self.factor * self.total / self.known if self.known else float(seen.ordered)

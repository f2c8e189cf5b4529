"""Judoscale, as it is shipped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from capacity_planner.policies._judoscale import GRID, PERIOD, Pace, QueueTime
from capacity_planner.registry import policies

if TYPE_CHECKING:
    from capacity_planner.contracts import Decide
    from capacity_planner.domain.policy import PolicyTask


@policies.register("judoscale")
class Judoscale:
    """Time that jobs wait, kept in a range: a worker more every 3 minutes above it, one less every 10 below.

    References:
        Judoscale documentation, "Refining your autoscaling behavior".
    """

    name = "judoscale"
    title = "Judoscale on queue time"
    knob = "longest queue time in seconds"
    grid = GRID
    default = 30.0
    period = PERIOD

    def start(self, task: PolicyTask, knob: float) -> Decide:
        """One that scales a queue from time 0 on."""
        return QueueTime(task, knob, Pace(frequency=180.0, delay=600.0))

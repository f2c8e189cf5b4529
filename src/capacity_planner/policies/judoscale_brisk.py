"""Judoscale, tuned for load that moves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from capacity_planner.policies._judoscale import GRID, PERIOD, Pace, QueueTime
from capacity_planner.registry import policies

if TYPE_CHECKING:
    from capacity_planner.contracts import Decide
    from capacity_planner.domain.policy import PolicyTask


@policies.register("judoscale_brisk")
class JudoscaleBrisk:
    """Judoscale with jumps of a tenth of the workers, every minute or start-up delay, and one less every 5 minutes.

    Its documentation advises a frequency no shorter than a worker takes to start. One worker in 3 minutes is out of
    reach of the ramps of a pool of a hundred.

    References:
        Judoscale documentation, "Tuning your application" (upscale jumps, upscale frequency, downscale delay).
    """

    name = "judoscale_brisk"
    title = "Judoscale on queue time, in large steps"
    knob = "longest queue time in seconds"
    grid = GRID
    default = 30.0
    period = PERIOD

    def start(self, task: PolicyTask, knob: float) -> Decide:
        """One that scales a queue from time 0 on."""
        return QueueTime(task, knob, Pace(frequency=max(60.0, task.startup_delay), delay=300.0, jump=0.1))

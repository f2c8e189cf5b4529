"""AWS target tracking on utilization."""

from __future__ import annotations

from typing import TYPE_CHECKING

from capacity_planner.policies._tracking import MINUTE, Tracking
from capacity_planner.registry import policies

if TYPE_CHECKING:
    from capacity_planner.contracts import Decide
    from capacity_planner.domain.policy import PolicyTask


@policies.register("aws_tracking")
class AwsTracking:
    """Busy share of the serving workers, kept at a target by two alarms on one-minute means.

    References:
        Amazon EC2 Auto Scaling user guide, "Target tracking scaling policies".
    """

    name = "aws_tracking"
    title = "AWS target tracking on utilization"
    knob = "target utilization"
    grid = (0.95, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.15, 0.1)
    default = 0.5
    period = MINUTE

    def start(self, task: PolicyTask, knob: float) -> Decide:  # noqa: ARG002 - the promise of `Policy`
        """One that scales a queue from time 0 on."""
        return Tracking(knob).workers

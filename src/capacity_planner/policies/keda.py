"""KEDA on jobs in the system."""

from __future__ import annotations

from typing import TYPE_CHECKING

from capacity_planner.policies._hpa import SYNC
from capacity_planner.policies._keda import Keda
from capacity_planner.registry import policies

if TYPE_CHECKING:
    from capacity_planner.contracts import Decide
    from capacity_planner.domain.policy import PolicyTask, Seen


@policies.register("keda")
class KedaInSystem:
    """Jobs that wait or are in service, per server: KEDA where the scaler counts jobs in flight, and is tuned.

    Polled every 30 s; the HPA follows within its tolerance, stabilisation and caps. Some scalers count jobs in flight,
    such as that of Amazon SQS. The target is per server, so that 1 means a server for each job whatever the
    concurrency.

    References:
        KEDA documentation, "Scaling Deployments"; Kubernetes documentation, Horizontal Pod Autoscaling (external
        metric with an average value).
    """

    name = "keda"
    title = "KEDA on jobs that wait or are in service"
    knob = "jobs per server"
    grid = (4.0, 3.0, 2.0, 1.5, 1.25, 1.1, 1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.35, 0.25, 0.15, 0.1)
    default = 1.0
    period = SYNC

    def start(self, task: PolicyTask, knob: float) -> Decide:
        """One that scales a queue from time 0 on."""
        return Keda(task, knob * task.concurrency, _in_system)


def _in_system(seen: Seen) -> int:
    return seen.waiting + seen.busy

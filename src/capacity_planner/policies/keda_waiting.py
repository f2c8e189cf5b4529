"""KEDA on jobs that wait, as it is shipped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from capacity_planner.policies._hpa import SYNC
from capacity_planner.policies._keda import Keda
from capacity_planner.registry import policies

if TYPE_CHECKING:
    from capacity_planner.contracts import Decide
    from capacity_planner.domain.policy import PolicyTask, Seen


@policies.register("keda_waiting")
class KedaWaiting:
    """Jobs that wait, per worker: a Redis list of KEDA's, with its 5 jobs per replica.

    Jobs in service are out of the list, so that where nobody waits it wants no worker.

    References:
        KEDA documentation, "Redis Lists" (``listLength``, 5 by default) and "Scaling Deployments".
    """

    name = "keda_waiting"
    title = "KEDA on jobs that wait"
    knob = "waiting jobs per worker"
    grid = (50.0, 20.0, 10.0, 5.0, 3.0, 2.0, 1.0, 0.5, 0.2, 0.1)
    default = 5.0
    period = SYNC

    def start(self, task: PolicyTask, knob: float) -> Decide:
        """One that scales a queue from time 0 on."""
        return Keda(task, knob, _waiting)


def _waiting(seen: Seen) -> int:
    return seen.waiting

"""Plans that a person has applied by an annotation: ``capacity-planner.io/apply: <plan id>``."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from capacity_planner.domain.queues import Mode
from capacity_planner.domain.scaling import Decision
from capacity_planner.errors import ConflictError, NotFoundError
from capacity_planner.surfaces.kube.names import APPLY
from capacity_planner.surfaces.kube.telling import Event

if TYPE_CHECKING:
    from capacity_planner.service.desk import Desk
    from capacity_planner.surfaces.kube.objects import Object
    from capacity_planner.surfaces.kube.settling import Verdict

_LOG = logging.getLogger("capacity_planner.kube")
_LONGEST = 200  # of a name that is no plan's, an annotation may hold more than a status takes


class Applying:
    """Has plans carried out that resources ask for, each once.

    Args:
        desk: knows the plans.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._seen: dict[str, str] = {}

    def apply(self, verdict: Verdict) -> Event | None:
        """Have the plan carried out that a resource names; what to tell of it.

        Raises:
            UnavailableError: the store does not answer; the resource is looked at again.
        """
        found = verdict.found
        plan_id = str((found.metadata.get("annotations") or {}).get(APPLY, ""))[:_LONGEST]
        if verdict.queue is None or not plan_id or self.last(found) == plan_id:
            return None
        told = self._carry_out(plan_id, verdict.queue.queue_name, verdict)
        self._seen[found.uid] = plan_id
        return told

    def last(self, found: Object) -> str:
        """The plan that a resource named last and that was seen to, also by an earlier leader; empty where none was."""
        return self._seen.get(found.uid) or str(found.status.get("lastApply") or "")

    def keep(self, uids: set[str]) -> None:
        """Forget all others."""
        self._seen = {uid: plan_id for uid, plan_id in self._seen.items() if uid in uids}

    def _carry_out(self, plan_id: str, queue_name: str, verdict: Verdict) -> Event | None:
        try:
            record = self._desk.record(plan_id)
            if record.response.plan.queue_name != queue_name:
                return Event("NotApplied", f"The plan {plan_id} is of another queue.", warning=True)
            if record.applied_at is not None or record.decision is Decision.APPLIED:
                return None
            if verdict.rival:
                return Event("NotApplied", f"{verdict.rival}, and two would fight.", warning=True)
            if verdict.queue is not None and verdict.queue.mode is Mode.ADVISORY:
                return Event(
                    "NotApplied", "The mode is advisory, which scales nothing. Set it to manual.", warning=True
                )
            self._desk.apply(plan_id, by="kubernetes")
        except (ConflictError, NotFoundError) as error:
            return Event("NotApplied", error.message, warning=True)
        _LOG.info("a plan was applied", extra={"queue": queue_name, "plan": plan_id, "of": verdict.found.shown})
        return Event("Applied", f"The plan {plan_id} is carried out, as the annotation asks.")

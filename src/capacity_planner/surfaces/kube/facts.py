"""What the service knows of one queue, gathered for a status."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from capacity_planner.domain.scaling import Decision
from capacity_planner.errors import NotFoundError
from capacity_planner.service.deciding import stale_after

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from capacity_planner.domain.queues import QueueSettings
    from capacity_planner.domain.scaling import Order, PlanRecord, QueueStatus, ScalingRecord
    from capacity_planner.service.service import Service

_LOOK_BACK = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a queue.

    Attributes:
        now: the time by the store's clock.
        stale_after: an older sample is not acted upon.
        status: how the queue is doing; ``None`` where nothing is known.
        record: its newest plan.
        orders: what was ordered for that plan.
        scaling: the newest scaling.
    """

    now: datetime
    stale_after: timedelta
    status: QueueStatus | None = None
    record: PlanRecord | None = None
    orders: tuple[Order, ...] = ()
    scaling: ScalingRecord | None = None


class Gathering:
    """Asks the service once a pass, and for a queue's plan only when it has another one.

    Args:
        service: what plans.

    Attributes:
        now: when it was asked last, by the store's clock.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self.now = service.store.now()
        self._statuses: Mapping[str, QueueStatus] = {}
        self._records: dict[str, tuple[tuple[object, ...], PlanRecord]] = {}

    def refresh(self) -> None:
        """Ask what is so now.

        Raises:
            UnavailableError: the store does not answer.
        """
        self.now = self._service.store.now()
        self._statuses = {status.queue_name: status for status in self._service.desk.statuses()}

    def facts(self, queue: QueueSettings) -> Facts:
        """What is known of a queue.

        Raises:
            UnavailableError: the store does not answer.
        """
        name, desk = queue.queue_name, self._service.desk
        status = self._statuses.get(name)
        limit = stale_after(queue, desk.planner_config(name))
        facts = Facts(now=self.now, stale_after=limit, status=status)
        if status is None or not status.last_plan_id:
            return facts
        scalings = self._service.store.scalings(name, since=self.now - _LOOK_BACK, limit=1)
        scaling = scalings[-1] if scalings else None
        orders = tuple(desk.orders(status.last_plan_id))
        done = bool(orders) or (scaling is not None and scaling.plan_id == status.last_plan_id)
        return replace(facts, record=self._record(status, done=done), orders=orders, scaling=scaling)

    def _record(self, status: QueueStatus, *, done: bool) -> PlanRecord | None:
        """The newest plan; read again where a person has applied it meanwhile."""
        key = (status.last_plan_id, status.last_decision, status.last_reason)
        known = self._records.get(status.queue_name)
        applied = (
            known is not None and known[1].decision is Decision.RECOMMENDED and known[1].applied_at is None and done
        )
        if known is None or known[0] != key or applied:
            try:
                known = key, self._service.desk.record(status.last_plan_id)
            except NotFoundError:
                return None
            self._records[status.queue_name] = known
        return known[1]

"""Plans, and what was decided about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import literal, select, tuple_, update

from capacity_planner import codec
from capacity_planner.domain.request import PlanResponse
from capacity_planner.domain.scaling import Decision, PlanRecord, Reason
from capacity_planner.errors import ConflictError, NotFoundError
from capacity_planner.store import _orders, _queues, _scalings
from capacity_planner.store._room import Room
from capacity_planner.store._tables import plans, queues
from capacity_planner.store._values import instant, maybe_instant, maybe_micros, micros
from capacity_planner.units import format_instant

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from sqlalchemy import Connection, Row

    from capacity_planner.domain.scaling import Order, ScalingRecord
    from capacity_planner.store._orders import Supersede

_DECIDED = ("decision", "reason", "explanation", "made_by", "recorded_at")


class Plans(Room):
    """The plans of all queues."""

    def add_plan(self, record: PlanRecord) -> None:
        """Keep a plan; one that is kept already stays as it is.

        Raises:
            UnavailableError: the store does not answer.
        """
        plan_id, queue_name = record.response.plan.id, record.response.plan.queue_name
        with self._db.read() as connection:
            if connection.execute(select(plans.c.id).where(plans.c.id == plan_id)).one_or_none():
                return
        with self._db.write() as connection:
            _queues.ensure(self._db, connection, {queue_name})
            connection.execute(self._db.dialect.insert(plans).on_conflict_do_nothing(), row_of(record))

    def plan(self, plan_id: str) -> PlanRecord | None:
        """A plan by its id.

        Raises:
            UnavailableError: the store does not answer.
        """
        with self._db.read() as connection:
            row = connection.execute(select(plans).where(plans.c.id == plan_id)).one_or_none()
        return None if row is None else record_of(row)

    def plans(
        self, queue_name: str | None = None, *, before: datetime | None = None, before_id: str = "", limit: int = 50
    ) -> list[PlanRecord]:
        """Plans, the newest first; of those that were recorded at the same moment, by falling id.

        Args:
            queue_name: of one queue; ``None`` takes all.
            before: only those recorded earlier.
            before_id: and of those recorded just then, only those with a lower id; empty takes none.
            limit: at most so many.

        Raises:
            UnavailableError: the store does not answer.
        """
        statement = select(plans).order_by(plans.c.recorded_at.desc(), plans.c.id.desc()).limit(limit)
        if queue_name is not None:
            statement = statement.where(plans.c.queue_id == _queues.number(queue_name))
        if before is not None:
            place = tuple_(literal(micros(before), plans.c.recorded_at.type), literal(before_id, plans.c.id.type))
            statement = statement.where(tuple_(plans.c.recorded_at, plans.c.id) < place)
        with self._db.read() as connection:
            rows = connection.execute(statement).all()
        return [record_of(row) for row in rows]

    def conclude(
        self,
        queue_name: str,
        *,
        slot: datetime,
        interval: timedelta,
        replica: str,
        record: PlanRecord | None,
        orders: Sequence[Order],
        supersede: Supersede,
        gap: str,
        version: int | None = None,
    ) -> bool:
        """Write down what was made of an interval, once, and by the replica that holds the queue's lease.

        Args:
            queue_name: the queue.
            slot: begin of the interval.
            interval: its length; a slot that is further back than that is one after the clock was set back.
            replica: who planned.
            record: the plan, with what was decided.
            orders: what is to be carried out.
            supersede: which of the queue's pending orders are not to be carried out any more: ``all``, those that
                would remove workers (``down``), or ``none``.
            gap: why nothing was measured; empty where all is well.
            version: of the configuration that was planned by; ``None`` takes any.

        Returns:
            Whether it was written. If not, the interval was planned for before, the lease is lost, or the configuration
            is another one by now.

        Raises:
            UnavailableError: the store does not answer.
        """
        with self._db.write() as connection:
            queue = _queues.held(self._db, connection, queue_name, replica)
            if queue is None or not _is_due(queue.planned_slot, slot, interval):
                return False
            if not _queues.is_version(connection, version):
                return False
            values: dict[str, Any] = {"planned_slot": micros(slot), "gap": gap}
            if record is not None:
                values |= _newest(record)
                self._decide(connection, record)
            connection.execute(update(queues).where(queues.c.id == queue.id).values(values))
            new = {item.id for item in orders}
            _orders.supersede(connection, queue.id, new, self._db.now(connection), which=supersede)
            _orders.insert(self._db, connection, orders)
        return True

    def apply(self, plan_id: str, *, by: str, orders: Sequence[Order], scaling: ScalingRecord | None) -> PlanRecord:
        """Have a plan carried out; all pending orders of its queue are superseded.

        What was decided about it stays on record; ``applied_by`` and ``applied_at`` tell that it was applied.

        Args:
            plan_id: the plan.
            by: who applies it.
            orders: what is to be carried out.
            scaling: what was scaled already, where that is only told.

        Raises:
            NotFoundError: there is no such plan.
            ConflictError: it was applied before.
            UnavailableError: the store does not answer.
        """
        with self._db.write() as connection:
            of_plan = select(plans.c.queue_id).where(plans.c.id == plan_id).scalar_subquery()
            queue = select(queues.c.id).where(queues.c.id == of_plan).with_for_update(key_share=True)
            queue_id = connection.execute(queue).scalar_one_or_none()
            row = connection.execute(select(plans).where(plans.c.id == plan_id).with_for_update()).one_or_none()
            if queue_id is None or row is None:
                raise NotFoundError(f"There is no plan {plan_id!r}.")
            _refuse_again(row)
            now = self._db.now(connection)
            applied = {"applied_by": by, "applied_at": now}
            connection.execute(update(plans).where(plans.c.id == plan_id).values(applied))
            _orders.supersede(connection, queue_id, {item.id for item in orders}, now)
            _orders.insert(self._db, connection, orders)
            _scalings.insert(self._db, connection, [] if scaling is None else [scaling])
            row = connection.execute(select(plans).where(plans.c.id == plan_id)).one()
        return record_of(row)

    def _decide(self, connection: Connection, record: PlanRecord) -> None:
        """Keep a plan with its decision, also where the same plan was made on request before."""
        insert = self._db.dialect.insert(plans)
        decided = {name: insert.excluded[name] for name in _DECIDED}
        anew = insert.on_conflict_do_update(index_elements=["id"], set_=decided, where=plans.c.applied_at.is_(None))
        connection.execute(anew, row_of(record))


def row_of(record: PlanRecord) -> dict[str, Any]:
    """A plan as the table has it."""
    plan = record.response.plan
    return {
        "id": plan.id,
        "queue_id": _queues.number(plan.queue_name),
        "recorded_at": micros(record.recorded_at),
        "window_end": micros(plan.generated_at + plan.forecast_window),
        "judged": False,
        "decision": record.decision.value,
        "reason": record.reason.value,
        "explanation": record.explanation,
        "made_by": record.made_by,
        "applied_by": record.applied_by,
        "applied_at": maybe_micros(record.applied_at),
        "response": codec.dumps(record.response),
    }


def record_of(row: Row[Any]) -> PlanRecord:
    """The plan of a row."""
    return PlanRecord(
        response=codec.decode(PlanResponse, row.response),
        decision=Decision(row.decision),
        reason=Reason(row.reason),
        explanation=row.explanation,
        made_by=row.made_by,
        recorded_at=instant(row.recorded_at),
        applied_by=row.applied_by,
        applied_at=maybe_instant(row.applied_at),
    )


def _is_due(planned: int | None, slot: datetime, interval: timedelta) -> bool:
    return planned is None or planned < micros(slot) or planned > micros(slot + interval)


def _newest(record: PlanRecord) -> dict[str, Any]:
    return {
        "last_plan_id": record.response.plan.id,
        "last_decision": record.decision.value,
        "last_reason": record.reason.value,
    }


def _refuse_again(row: Row[Any]) -> None:
    if row.applied_at is not None:
        when = format_instant(instant(row.applied_at))
        raise ConflictError(f"Plan {row.id!r} was applied before, by {row.applied_by!r} at {when}.")
    if row.decision == Decision.APPLIED:
        when = format_instant(instant(row.recorded_at))
        raise ConflictError(f"Plan {row.id!r} was applied before, by {row.made_by!r} at {when}.")

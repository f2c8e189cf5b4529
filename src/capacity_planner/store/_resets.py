"""A queue that begins anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select, update

from capacity_planner.domain.scaling import OrderStatus
from capacity_planner.store import _queues
from capacity_planner.store._orders import OPEN
from capacity_planner.store._room import Room
from capacity_planner.store._tables import orders, plans, queues

if TYPE_CHECKING:
    from sqlalchemy.sql import ColumnElement


class Resets(Room):
    """What makes queues begin anew."""

    def reset(self, queue_name: str | None) -> None:
        """Read no sample any more that was stored before, and carry out no order; nothing is deleted at once.

        Args:
            queue_name: the queue; ``None`` takes all.

        Raises:
            UnavailableError: the store does not answer.
        """
        with self._db.write() as connection:
            chosen = select(queues.c.id).order_by(queues.c.id).with_for_update(key_share=True)
            if queue_name is not None:
                chosen = chosen.where(queues.c.id == _queues.number(queue_name))
            connection.execute(chosen).all()
            fresh = {"epoch": queues.c.epoch + 1, "planned_slot": None}
            connection.execute(update(queues).where(_of(queues.c.id, queue_name)).values(fresh))
            taken_back = {"status": OrderStatus.SUPERSEDED.value, "settled_at": self._db.now(connection)}
            connection.execute(update(orders).where(_of(orders.c.queue_id, queue_name), OPEN).values(taken_back))
            unknown = update(plans).where(_of(plans.c.queue_id, queue_name), plans.c.judged.is_(False))
            connection.execute(unknown.values(judged=True))


def _of(column: ColumnElement[int], queue_name: str | None) -> ColumnElement[bool]:
    return column.is_not(None) if queue_name is None else column == _queues.number(queue_name)

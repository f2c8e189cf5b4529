"""What was scaled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from capacity_planner.domain.scaling import ScalingRecord
from capacity_planner.store import _queues
from capacity_planner.store._room import Room
from capacity_planner.store._tables import scalings
from capacity_planner.store._values import instant, micros

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from capacity_planner.store._database import Database


class Scalings(Room):
    """The scalings of all queues."""

    def add_scaling(self, record: ScalingRecord) -> None:
        """Keep what was scaled; an order has one scaling, from where it began to where it is.

        Raises:
            UnavailableError: the store does not answer.
        """
        with self._db.write() as connection:
            _queues.ensure(self._db, connection, {record.queue_name})
            insert(self._db, connection, [record])

    def scalings(self, queue_name: str, *, since: datetime, limit: int = 1000) -> list[ScalingRecord]:
        """What was scaled of a queue, oldest first.

        Args:
            queue_name: the queue.
            since: nothing earlier.
            limit: at most so many, the newest.

        Raises:
            UnavailableError: the store does not answer.
        """
        queue_id = _queues.number(queue_name)
        statement = select(scalings).where(scalings.c.queue_id == queue_id, scalings.c.at >= micros(since))
        with self._db.read() as connection:
            rows = connection.execute(statement.order_by(scalings.c.at.desc(), scalings.c.id.desc()).limit(limit)).all()
        return [
            ScalingRecord(
                queue_name=queue_name,
                at=instant(row.at),
                from_workers=row.from_workers,
                to_workers=row.to_workers,
                plan_id=row.plan_id,
                order_id=row.order_id or "",
                scaler=row.scaler,
                by=row.by,
            )
            for row in reversed(rows)
        ]


def insert(database: Database, connection: Connection, records: Sequence[ScalingRecord]) -> None:
    """Keep scalings; an order that has scaled a part of the way has one, which goes on from where it began."""
    if records:
        insert = database.dialect.insert(scalings)
        further = {name: insert.excluded[name] for name in ("at", "to_workers")}
        rows = [_row_of(record) for record in records]
        connection.execute(insert.on_conflict_do_update(index_elements=["order_id"], set_=further), rows)


def _row_of(record: ScalingRecord) -> dict[str, Any]:
    return {
        "queue_id": _queues.number(record.queue_name),
        "at": micros(record.at),
        "from_workers": record.from_workers,
        "to_workers": record.to_workers,
        "plan_id": record.plan_id,
        "order_id": record.order_id or None,
        "scaler": record.scaler,
        "by": record.by,
    }

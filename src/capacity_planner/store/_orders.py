"""Orders on their way into the world: each is carried out once, by the replica that holds its queue's lease."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from sqlalchemy import and_, or_, select, update

from capacity_planner.domain.scaling import Order, OrderStatus
from capacity_planner.store import _queues
from capacity_planner.store._room import Room
from capacity_planner.store._tables import orders, queues
from capacity_planner.store._values import chunks, instant, maybe_instant, maybe_micros, micros

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row, Select
    from sqlalchemy.sql import ColumnElement

    from capacity_planner.store._database import Database

Supersede: TypeAlias = Literal["all", "down", "none"]
PENDING, RUNNING = OrderStatus.PENDING.value, OrderStatus.RUNNING.value
OPEN = orders.c.status.in_([PENDING, RUNNING])
_ORDER = (queues.c.name, orders.c.due, orders.c.sequence, orders.c.id)
_PLANNED = ("id", "plan_id", "sequence", "from_workers", "to_workers", "attempts", "observed_workers", "note")


class Orders(Room):
    """The orders of all queues."""

    def due_orders(self, queue_names: Collection[str], at: datetime) -> list[Order]:
        """What is to be carried out now.

        Those that run count too: a replica left them that died, or lost its lease, for the caller holds it now.

        Args:
            queue_names: queues whose leases the caller holds.
            at: now.

        Returns:
            The orders by queue, and of each queue in the order in which they are due.

        Raises:
            UnavailableError: the store does not answer.
        """
        now = micros(at)
        ready = and_(orders.c.due <= now, or_(orders.c.retry_at.is_(None), orders.c.retry_at <= now))
        due = selected().where(OPEN, or_(orders.c.status == RUNNING, ready))
        found: list[Order] = []
        for part in chunks(sorted(set(queue_names))):
            found += self._read(due.where(orders.c.queue_id.in_([_queues.number(name) for name in part])))
        return found

    def open_orders(self, queue_name: str) -> list[Order]:
        """The orders of a queue that are pending or running.

        Raises:
            UnavailableError: the store does not answer.
        """
        return self._read(selected().where(orders.c.queue_id == _queues.number(queue_name), OPEN))

    def orders(self, plan_id: str) -> list[Order]:
        """The orders of a plan.

        Raises:
            UnavailableError: the store does not answer.
        """
        return self._read(selected().where(orders.c.plan_id == plan_id))

    def supersede(self, queue_names: Collection[str], note: str) -> None:
        """Take back the pending orders of queues, whoever holds their leases.

        Args:
            queue_names: the queues.
            note: why.

        Raises:
            UnavailableError: the store does not answer.
        """
        with self._db.write() as connection:
            for name in sorted(queue_names, key=_queues.number):  # the order in which all lock queues
                _queues.locked(connection, name)
                of_queue = orders.c.queue_id == _queues.number(name)
                take_back(connection, of_queue, self._db.now(connection), note)

    def _read(self, statement: Select[Any]) -> list[Order]:
        with self._db.read() as connection:
            rows = connection.execute(statement.order_by(*_ORDER)).all()
        return [order_of(row) for row in rows]


def insert(database: Database, connection: Connection, given: Sequence[Order]) -> None:
    """Keep orders; those that are known stay as they are, so that none is carried out twice.

    But one that was taken back before it was done is open again: the same plan was made anew.
    """
    if not given:
        return
    insert = database.dialect.insert(orders)
    taken_back = orders.c.status == OrderStatus.SUPERSEDED.value
    again = {"status": PENDING, "settled_at": None, "note": "", "outdated": False}
    anew = insert.on_conflict_do_update(index_elements=["id"], set_=again, where=taken_back)
    connection.execute(anew, [_row_of(order) for order in given])


def supersede(
    connection: Connection, queue_id: int, but: Collection[str], at: int, *, which: Supersede = "all"
) -> None:
    """Take back the pending orders of a queue, except some; running ones are not tried again."""
    if which == "none":
        return
    old = and_(orders.c.queue_id == queue_id, orders.c.id.not_in(sorted(but)))
    down = and_(old, orders.c.to_workers < orders.c.from_workers)
    take_back(connection, old if which == "all" else down, at, "A newer plan came.")


def take_back(connection: Connection, chosen: ColumnElement[bool], at: int, note: str) -> None:
    settled = {"status": OrderStatus.SUPERSEDED.value, "settled_at": at, "note": note}
    connection.execute(update(orders).where(chosen, orders.c.status == PENDING).values(settled))
    connection.execute(update(orders).where(chosen, orders.c.status == RUNNING).values(outdated=True))


def selected() -> Select[Any]:
    return select(orders, queues.c.name.label("queue_name")).join(queues, queues.c.id == orders.c.queue_id)


def _row_of(order: Order) -> dict[str, Any]:
    return {name: getattr(order, name) for name in _PLANNED} | {
        "queue_id": _queues.number(order.queue_name),
        "status": order.status.value,
        "due": micros(order.due),
        "expires": micros(order.expires),
        "retry_at": maybe_micros(order.retry_at),
        "settled_at": maybe_micros(order.settled_at),
        "outdated": False,
    }


def order_of(row: Row[Any]) -> Order:
    return Order(
        **{name: getattr(row, name) for name in _PLANNED},
        queue_name=row.queue_name,
        status=OrderStatus(row.status),
        due=instant(row.due),
        expires=instant(row.expires),
        retry_at=maybe_instant(row.retry_at),
        settled_at=maybe_instant(row.settled_at),
    )

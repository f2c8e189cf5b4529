"""Carrying orders out: each once, by the replica that holds its queue's lease, and what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, or_, update

from capacity_planner.domain.scaling import OrderStatus
from capacity_planner.store import _queues, _scalings
from capacity_planner.store._orders import OPEN, PENDING, RUNNING, order_of, selected, take_back
from capacity_planner.store._room import Room
from capacity_planner.store._tables import orders
from capacity_planner.store._values import instant, micros

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection, Row

    from capacity_planner.domain.scaling import Order
    from capacity_planner.store.attempt import Attempt


class Attempts(Room):
    """The orders of all queues on their way into the world."""

    def begin(self, order_id: str, *, replica: str, at: datetime, version: int | None = None) -> Order | None:
        """Take an order up, just before the scaler is asked.

        Args:
            order_id: the order.
            replica: who takes it up.
            at: now.
            version: of the configuration by which it is carried out; ``None`` takes any.

        Returns:
            The order as it is now; ``None`` where it must not be carried out: the lease is lost, it is settled, or a
            newer plan came while another replica had it.

        Raises:
            UnavailableError: the store does not answer.
        """
        with self._db.write() as connection:
            order = self._open(connection, order_id, replica)
            if order is None or not _queues.is_version(connection, version):
                return None
            if order.outdated:
                _settle(connection, order_id, OrderStatus.SUPERSEDED, at)
                return None
            begun = {"status": RUNNING, "attempts": orders.c.attempts + 1, "retry_at": None}
            connection.execute(update(orders).where(orders.c.id == order_id).values(begun))
            row = connection.execute(selected().where(orders.c.id == order_id)).one()
        return order_of(row)

    def done(self, order: Order, *, replica: str, at: datetime, attempt: Attempt) -> bool:
        """Write down that an order was carried out.

        An order that a reset superseded while it ran was carried out all the same.

        Returns:
            Whether it was written; if not, the lease is lost, and its new holder asks the scaler again.

        Raises:
            UnavailableError: the store does not answer.
        """
        with self._db.write() as connection:
            if _queues.held(self._db, connection, order.queue_name, replica) is None:
                return False
            begun = and_(orders.c.status == OrderStatus.SUPERSEDED.value, orders.c.attempts > 0)
            running = and_(orders.c.id == order.id, or_(orders.c.status == RUNNING, begun))
            settled = {"status": OrderStatus.DONE.value, "settled_at": micros(at), "note": attempt.note}
            if not connection.execute(update(orders).where(running).values(settled)).rowcount:
                return False
            self._write(connection, order, attempt)
        return True

    def retry(self, order: Order, *, replica: str, retry_at: datetime, attempt: Attempt) -> bool:
        """Give a running order back, to be tried again; where a newer plan came meanwhile, it is superseded.

        Returns:
            Whether it will be tried again.

        Raises:
            UnavailableError: the store does not answer.
        """
        with self._db.write() as connection:
            row = self._open(connection, order.id, replica)
            if row is None or row.status != RUNNING:
                return False
            self._write(connection, order, attempt)
            if row.outdated:
                _settle(connection, order.id, OrderStatus.SUPERSEDED, instant(self._db.now(connection)), attempt.note)
                return False
            again = {"status": PENDING, "retry_at": micros(retry_at), "note": attempt.note}
            connection.execute(update(orders).where(orders.c.id == order.id).values(again))
        return True

    def give_up(self, order: Order, *, replica: str, at: datetime, attempt: Attempt) -> bool:
        """Settle an open order as failed, and the later ones of its plan with it: they rested on it.

        Returns:
            Whether it was; if not, the lease is lost, or it is settled.

        Raises:
            UnavailableError: the store does not answer.
        """
        with self._db.write() as connection:
            if self._open(connection, order.id, replica) is None:
                return False
            self._write(connection, order, attempt)
            _settle(connection, order.id, OrderStatus.FAILED, at, attempt.note)
            later = and_(orders.c.plan_id == order.plan_id, orders.c.sequence > order.sequence)
            take_back(connection, later, micros(at), "An earlier step of the plan failed.")
        return True

    def skip(self, order: Order, *, replica: str, at: datetime, note: str) -> bool:
        """Settle an open order as superseded, by itself.

        Returns:
            Whether it was; if not, the lease is lost, or it is settled.

        Raises:
            UnavailableError: the store does not answer.
        """
        with self._db.write() as connection:
            if self._open(connection, order.id, replica) is None:
                return False
            _settle(connection, order.id, OrderStatus.SUPERSEDED, at, note)
        return True

    def _write(self, connection: Connection, order: Order, attempt: Attempt) -> None:
        """What runs after the scaler was asked, and what that changed."""
        if attempt.observed is not None:
            seen = {"observed_workers": attempt.observed}
            connection.execute(update(orders).where(orders.c.id == order.id).values(seen))
        if attempt.scaling is not None:
            _scalings.insert(self._db, connection, [attempt.scaling])

    def _open(self, connection: Connection, order_id: str, replica: str) -> Row[Any] | None:
        """An order that is open, while the replica holds its queue's lease."""
        statement = selected().where(orders.c.id == order_id)
        row = connection.execute(statement).one_or_none()
        if row is None or _queues.held(self._db, connection, row.queue_name, replica) is None:
            return None
        return connection.execute(statement.where(OPEN)).one_or_none()


def _settle(connection: Connection, order_id: str, status: OrderStatus, at: datetime, note: str = "") -> None:
    values = {"status": status.value, "settled_at": micros(at), "retry_at": None, "note": note}
    connection.execute(update(orders).where(orders.c.id == order_id).values(values))

"""Orders on their way into the world: each is carried out once, by the replica that holds its queue's lease."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from sqlalchemy import and_, or_, select, update

from capacity_planner.domain.scaling import Order, OrderStatus
from capacity_planner.store import _queues, _scalings
from capacity_planner.store._room import Room
from capacity_planner.store._tables import orders, queues
from capacity_planner.store._values import chunks, instant, maybe_instant, maybe_micros, micros

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Row, Select
    from sqlalchemy.sql import ColumnElement

    from capacity_planner.domain.scaling import ScalingRecord
    from capacity_planner.store._database import Database

Supersede: TypeAlias = Literal["all", "down", "none"]
_PENDING, _RUNNING = OrderStatus.PENDING.value, OrderStatus.RUNNING.value
OPEN = orders.c.status.in_([_PENDING, _RUNNING])
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
        due = _select().where(OPEN, or_(orders.c.status == _RUNNING, ready))
        found: list[Order] = []
        for part in chunks(sorted(set(queue_names))):
            found += self._read(due.where(orders.c.queue_id.in_([_queues.number(name) for name in part])))
        return found

    def open_orders(self, queue_name: str) -> list[Order]:
        """The orders of a queue that are pending or running.

        Raises:
            UnavailableError: the store does not answer.
        """
        return self._read(_select().where(orders.c.queue_id == _queues.number(queue_name), OPEN))

    def orders(self, plan_id: str) -> list[Order]:
        """The orders of a plan.

        Raises:
            UnavailableError: the store does not answer.
        """
        return self._read(_select().where(orders.c.plan_id == plan_id))

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
            begun = {"status": _RUNNING, "attempts": orders.c.attempts + 1, "retry_at": None}
            connection.execute(update(orders).where(orders.c.id == order_id).values(begun))
            row = connection.execute(_select().where(orders.c.id == order_id)).one()
        return _order_of(row)

    def done(self, order: Order, *, replica: str, at: datetime, observed: int | None, scaling: ScalingRecord) -> bool:
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
            running = and_(orders.c.id == order.id, or_(orders.c.status == _RUNNING, begun))
            settled = {"status": OrderStatus.DONE.value, "settled_at": micros(at), "observed_workers": observed}
            if not connection.execute(update(orders).where(running).values(settled)).rowcount:
                return False
            _scalings.insert(self._db, connection, [scaling])
        return True

    def retry(self, order: Order, *, replica: str, retry_at: datetime, note: str) -> bool:
        """Give a running order back, to be tried again; where a newer plan came meanwhile, it is superseded.

        Returns:
            Whether it will be tried again.

        Raises:
            UnavailableError: the store does not answer.
        """
        with self._db.write() as connection:
            row = self._open(connection, order.id, replica)
            if row is None or row.status != _RUNNING:
                return False
            if row.outdated:
                _settle(connection, order.id, OrderStatus.SUPERSEDED, instant(self._db.now(connection)), note)
                return False
            again = {"status": _PENDING, "retry_at": micros(retry_at), "note": note}
            connection.execute(update(orders).where(orders.c.id == order.id).values(again))
        return True

    def give_up(self, order: Order, *, replica: str, at: datetime, note: str) -> bool:
        """Settle an open order as failed, and the later ones of its plan with it: they rested on it.

        Returns:
            Whether it was; if not, the lease is lost, or it is settled.

        Raises:
            UnavailableError: the store does not answer.
        """
        with self._db.write() as connection:
            if self._open(connection, order.id, replica) is None:
                return False
            _settle(connection, order.id, OrderStatus.FAILED, at, note)
            later = and_(orders.c.plan_id == order.plan_id, orders.c.sequence > order.sequence)
            _take_back(connection, later, micros(at), "An earlier step of the plan failed.")
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
                _take_back(connection, of_queue, self._db.now(connection), note)

    def _read(self, statement: Select[Any]) -> list[Order]:
        with self._db.read() as connection:
            rows = connection.execute(statement.order_by(*_ORDER)).all()
        return [_order_of(row) for row in rows]

    def _open(self, connection: Connection, order_id: str, replica: str) -> Row[Any] | None:
        """An order that is open, while the replica holds its queue's lease."""
        statement = _select().where(orders.c.id == order_id)
        row = connection.execute(statement).one_or_none()
        if row is None or _queues.held(self._db, connection, row.queue_name, replica) is None:
            return None
        return connection.execute(statement.where(OPEN)).one_or_none()


def insert(database: Database, connection: Connection, given: Sequence[Order]) -> None:
    """Keep orders; those that are known stay as they are, so that none is carried out twice.

    But one that was taken back before it was done is open again: the same plan was made anew.
    """
    if not given:
        return
    insert = database.dialect.insert(orders)
    taken_back = orders.c.status == OrderStatus.SUPERSEDED.value
    again = {"status": _PENDING, "settled_at": None, "note": "", "outdated": False}
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
    _take_back(connection, old if which == "all" else down, at, "A newer plan came.")


def _take_back(connection: Connection, chosen: ColumnElement[bool], at: int, note: str) -> None:
    settled = {"status": OrderStatus.SUPERSEDED.value, "settled_at": at, "note": note}
    connection.execute(update(orders).where(chosen, orders.c.status == _PENDING).values(settled))
    connection.execute(update(orders).where(chosen, orders.c.status == _RUNNING).values(outdated=True))


def _select() -> Select[Any]:
    return select(orders, queues.c.name.label("queue_name")).join(queues, queues.c.id == orders.c.queue_id)


def _settle(connection: Connection, order_id: str, status: OrderStatus, at: datetime, note: str = "") -> None:
    values = {"status": status.value, "settled_at": micros(at), "retry_at": None, "note": note}
    connection.execute(update(orders).where(orders.c.id == order_id).values(values))


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


def _order_of(row: Row[Any]) -> Order:
    return Order(
        **{name: getattr(row, name) for name in _PLANNED},
        queue_name=row.queue_name,
        status=OrderStatus(row.status),
        due=instant(row.due),
        expires=instant(row.expires),
        retry_at=maybe_instant(row.retry_at),
        settled_at=maybe_instant(row.settled_at),
    )

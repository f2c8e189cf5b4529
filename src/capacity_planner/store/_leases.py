"""Which replica plans for which queue: leases that end by themselves, in fair shares."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, func, or_, select, update

from capacity_planner.store import _queues
from capacity_planner.store._room import Room
from capacity_planner.store._tables import queues, replicas, turns
from capacity_planner.store._values import chunks, length

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import timedelta

    from sqlalchemy import Connection
    from sqlalchemy.sql import ColumnElement

_FREE = {"owner": "", "owned_until": None}


class Leases(Room):
    """The leases of all queues."""

    def enroll(self, replica: str, lease: timedelta) -> int:
        """Tell that a replica is alive.

        Args:
            replica: its name.
            lease: it counts as alive for so long.

        Returns:
            How many replicas are alive, with this one.

        Raises:
            UnavailableError: the store does not answer.
        """
        with self._db.write() as connection:
            now = self._db.now(connection)
            insert = self._db.dialect.insert(replicas).values(name=replica, alive_until=now + length(lease))
            later = {"alive_until": insert.excluded.alive_until}
            connection.execute(insert.on_conflict_do_update(index_elements=["name"], set_=later))
            connection.execute(delete(replicas).where(replicas.c.alive_until <= now))
            return int(connection.execute(select(func.count()).select_from(replicas)).scalar_one())

    def claim(self, replica: str, queue_names: Collection[str], lease: timedelta) -> set[str]:
        """Renew the leases that a replica holds, and take free ones, up to its share of the queues.

        It gives back what is beyond its share, or no longer among the queues; otherwise it keeps what it has.

        Args:
            replica: who asks.
            queue_names: all queues that are planned for.
            lease: another replica may take a queue over when it was not renewed for so long.

        Returns:
            The queues whose leases it holds now.

        Raises:
            UnavailableError: the store does not answer.
        """
        names = {_queues.number(name): name for name in queue_names}
        with self._db.write() as connection:
            _queues.ensure(self._db, connection, queue_names)
            now = self._db.now(connection)
            share = -(-len(names) // (1 + _others(connection, replica, now)))
            mine = _mine(connection, replica)
            kept = sorted(mine & names.keys())[:share]
            _release(connection, mine.difference(kept), replica)
            free = sorted(_ids(connection, _is_free(now)) & names.keys())
            _take(connection, free, share - len(kept), replica, now)
            until = {"owned_until": now + length(lease)}
            connection.execute(update(queues).where(queues.c.owner == replica).values(until))
            return {names[queue_id] for queue_id in _ids(connection, queues.c.owner == replica)}

    def withdraw(self, replica: str) -> None:
        """Give all leases back, and sign off.

        Raises:
            UnavailableError: the store does not answer.
        """
        with self._db.write() as connection:
            _release(connection, _mine(connection, replica), replica)
            connection.execute(delete(replicas).where(replicas.c.name == replica))

    def take_turn(self, task: str, replica: str, every: timedelta) -> bool:
        """Whether it is this replica that does a task now; one does, once in so long.

        Raises:
            UnavailableError: the store does not answer.
        """
        with self._db.write() as connection:
            now = self._db.now(connection)
            insert = self._db.dialect.insert(turns).values(task=task, replica=replica, taken_at=now)
            again = or_(turns.c.taken_at <= now - length(every), turns.c.taken_at > now)  # the clock was set back
            new = {"replica": replica, "taken_at": now}
            turn = insert.on_conflict_do_update(index_elements=["task"], set_=new, where=again)
            return connection.execute(turn, execution_options={"preserve_rowcount": True}).rowcount > 0


def _is_free(now: int) -> ColumnElement[bool]:
    return or_(queues.c.owner == "", queues.c.owned_until <= now)


def _others(connection: Connection, replica: str, now: int) -> int:
    alive = select(func.count()).where(replicas.c.alive_until > now, replicas.c.name != replica)
    return int(connection.execute(alive).scalar_one())


def _ids(connection: Connection, chosen: ColumnElement[bool]) -> set[int]:
    return set(connection.execute(select(queues.c.id).where(chosen)).scalars())


def _mine(connection: Connection, replica: str) -> set[int]:
    """What a replica holds, locked in the order in which all lock queues."""
    statement = select(queues.c.id).where(queues.c.owner == replica).order_by(queues.c.id)
    return set(connection.execute(statement.with_for_update(key_share=True)).scalars())


def _release(connection: Connection, surplus: Iterable[int], replica: str) -> None:
    for part in chunks(sorted(surplus)):
        mine = update(queues).where(queues.c.id.in_(part), queues.c.owner == replica)
        connection.execute(mine.values(_FREE))


def _take(connection: Connection, free: list[int], most: int, replica: str, now: int) -> None:
    """Take free leases that no other replica is about to take."""
    for part in chunks(free):
        if most <= 0:
            return
        open_ones = select(queues.c.id).where(queues.c.id.in_(part), _is_free(now)).order_by(queues.c.id)
        locked = open_ones.limit(most).with_for_update(skip_locked=True, key_share=True)
        taken = list(connection.execute(locked).scalars())
        connection.execute(update(queues).where(queues.c.id.in_(taken)).values(owner=replica))
        most -= len(taken)

"""Samples: stored, read, and read on."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, bindparam, func, select

from capacity_planner.domain.metrics import Metrics
from capacity_planner.store import _queues
from capacity_planner.store._gather import Gather
from capacity_planner.store._room import Room
from capacity_planner.store._tables import bins, queues, samples
from capacity_planner.store._values import EPOCH, instant, length, micros
from capacity_planner.store.cursor import Cursor

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Row, Select, Table

    from capacity_planner.store._database import Database

KEY = ("queue_id", "epoch", "at")
MEASURED = (
    *("arrival_rate", "service_time", "service_time_p95", "service_time_std"),
    *("current_workers", "utilization", "backlog", "active_jobs"),
)
READ = ("at", *MEASURED)


class Samples(Room):
    """The samples of all queues; a queue's history begins anew where it was reset."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        queue_id = bindparam("queue_id", type_=BigInteger)
        newest = select(func.max(samples.c.stamp)).where(samples.c.queue_id == queue_id).scalar_subquery()
        place = select(queues.c.epoch, *database.dialect.horizon(), newest)
        self._place = place.where(queues.c.id == queue_id)
        self._gather = Gather(self._add)

    def add_samples(self, metrics: Sequence[Metrics]) -> None:
        """Keep samples, all or none; one with the queue and the timestamp of an earlier one replaces it.

        Args:
            metrics: of any queues, in any order.

        Raises:
            UnavailableError: the store does not answer.
        """
        if metrics:
            self._gather(metrics)

    def samples(
        self, queue_name: str, *, since: datetime, until: datetime | None = None, limit: int | None = None
    ) -> list[Metrics]:
        """The samples of a queue in [since, until], oldest first; those of the distant past are means over bins.

        Args:
            queue_name: the queue.
            since: none that was measured before.
            until: none that was measured after.
            limit: at most so many, the newest.

        Raises:
            UnavailableError: the store does not answer.
        """
        with self._db.read() as connection:
            rows, older = (
                connection.execute(_between(table, queue_name, since, until, limit)).all() for table in (samples, bins)
            )
        whole = _merged(queue_name, rows, older)
        return whole if limit is None else whole[-limit:]

    def newest_sample(self, queue_name: str, until: datetime | None = None) -> Metrics | None:
        """The newest sample of a queue.

        Args:
            queue_name: the queue.
            until: none that was measured after, as where a clock was ahead.

        Raises:
            UnavailableError: the store does not answer.
        """
        found = self.samples(queue_name, since=EPOCH, until=until, limit=1)
        return found[0] if found else None

    def changed_samples(self, queue_name: str, cursor: Cursor | None, since: datetime) -> tuple[list[Metrics], Cursor]:
        """What was stored since the cursor was given, by whichever replica; some of it may come twice.

        Args:
            queue_name: the queue.
            cursor: what the last call returned; ``None``, or one from before a reset, asks for all.
            since: none that was measured before.

        Returns:
            The samples, oldest first, and where to read on.

        Raises:
            UnavailableError: the store does not answer.
        """
        with self._db.read() as connection:
            found = connection.execute(self._place, {"queue_id": _queues.number(queue_name)}).one_or_none()
            if found is None:
                return [], Cursor(resets=0, stamp=0)
            epoch, settled, beyond, newest = found
            # A cursor from beyond the end is from before the database was replaced by a backup of itself.
            known = cursor is not None and cursor.resets == epoch and cursor.stamp <= beyond
            if cursor and known and (newest is None or newest < cursor.stamp):
                return [], Cursor(resets=epoch, stamp=settled)
            statement = _between(samples, queue_name, since)
            older: Sequence[Row[Any]] = ()
            if cursor and known:
                statement = statement.where(samples.c.stamp >= cursor.stamp, samples.c.stamp < beyond)
            else:
                older = connection.execute(_between(bins, queue_name, since)).all()
            rows = connection.execute(statement).all()
        return _merged(queue_name, rows, older), Cursor(resets=epoch, stamp=settled)

    def _add(self, metrics: Sequence[Metrics]) -> None:
        with self._db.write() as connection:
            epochs = _queues.ensure(self._db, connection, {item.queue_name for item in metrics})
            rows = [_row_of(item, epochs[item.queue_name]) for item in metrics]
            rows.sort(key=lambda row: (row["queue_id"], row["at"]))  # all lock rows in one order: no deadlocks
            insert = self._db.dialect.insert(samples).values(stamp=self._db.dialect.stamp(connection))
            new = {name: insert.excluded[name] for name in ("stamp", *MEASURED)}
            connection.execute(insert.on_conflict_do_update(index_elements=KEY, set_=new), rows)


def metrics_of(queue_name: str, values: Sequence[Any]) -> Metrics:
    """The sample of a row's columns, in the order of `READ`; it was validated before it was stored."""
    at, rate, mean, p95, std, workers, utilization, backlog, active = values
    return Metrics(
        timestamp=instant(at),
        arrival_rate=rate,
        service_time=timedelta(microseconds=mean),
        service_time_p95=None if p95 is None else timedelta(microseconds=p95),
        service_time_std=None if std is None else timedelta(microseconds=std),
        current_workers=workers,
        utilization=utilization,
        backlog=backlog,
        active_jobs=active,
        queue_name=queue_name,
    )


def _row_of(item: Metrics, epoch: int) -> dict[str, Any]:
    """A sample as the table has it, but for the stamp."""
    p95, std = item.service_time_p95, item.service_time_std
    return {
        "queue_id": _queues.number(item.queue_name),
        "epoch": epoch,
        "at": micros(item.timestamp),
        "arrival_rate": item.arrival_rate,
        "service_time": length(item.service_time),
        "service_time_p95": None if p95 is None else length(p95),
        "service_time_std": None if std is None else length(std),
        "current_workers": item.current_workers,
        "utilization": item.utilization,
        "backlog": item.backlog,
        "active_jobs": item.active_jobs,
    }


def _between(
    table: Table, queue_name: str, since: datetime, until: datetime | None = None, limit: int | None = None
) -> Select[Any]:
    """What a queue has in a table, the newest first."""
    queue_id = _queues.number(queue_name)
    epoch = select(queues.c.epoch).where(queues.c.id == queue_id).scalar_subquery()
    of_queue = select(*(table.c[name] for name in READ)).where(table.c.queue_id == queue_id, table.c.epoch == epoch)
    late = of_queue.where(table.c.at >= micros(since)).order_by(table.c.at.desc()).limit(limit)
    return late if until is None else late.where(table.c.at <= micros(until))


def _merged(queue_name: str, rows: Sequence[Row[Any]], older: Sequence[Row[Any]]) -> list[Metrics]:
    """Samples in time order; a bin stands before a sample that came too late for it and has its timestamp."""
    unique = {row[0]: row for row in (*rows, *older)}
    return [metrics_of(queue_name, unique[at]) for at in sorted(unique)]

"""Which queues there are, and how each is doing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, func, or_, select

from capacity_planner.domain.scaling import Decision, QueueStatus, Reason
from capacity_planner.store import _queues
from capacity_planner.store._samples import READ, metrics_of
from capacity_planner.store._settings import Settings
from capacity_planner.store._tables import plans, queues, samples
from capacity_planner.store._values import maybe_instant

if TYPE_CHECKING:
    from sqlalchemy import Row, Select


class Statuses(Settings):
    """All queues, by what is kept of them and by the configuration."""

    def queue_names(self) -> list[str]:
        """The queues that have samples or plans, or are in the configuration, in the order of their names.

        Raises:
            UnavailableError: the store does not answer.
        """
        sampled = select(samples.c.at).where(samples.c.queue_id == queues.c.id, samples.c.epoch == queues.c.epoch)
        planned = select(plans.c.id).where(plans.c.queue_id == queues.c.id)
        known = select(queues.c.name).where(or_(sampled.exists(), planned.exists()))
        with self._db.read() as connection:
            names = set(connection.execute(known).scalars())
        return sorted(names | self._configured())

    def statuses(self, queue_name: str | None = None) -> list[QueueStatus]:
        """How queues are doing, in the order of their names.

        A sample from the future, as where a clock is ahead, is not their newest one before its time has come.

        Args:
            queue_name: one queue, none where it is not known; ``None`` takes all.

        Raises:
            UnavailableError: the store does not answer.
        """
        names = self.queue_names() if queue_name is None else [queue_name]
        with self._db.read() as connection:
            now = self._db.now(connection)
            statement = _with_newest_sample(now)
            if queue_name is not None:
                statement = statement.where(queues.c.id == _queues.number(queue_name))
            found = {row.name: _status_of(row, now) for row in connection.execute(statement)}
        configured = self._configured() - found.keys()
        blank = {name: QueueStatus(queue_name=name) for name in configured}
        return [status for name in names if (status := (found | blank).get(name))]

    def _configured(self) -> set[str]:
        version = self.config()
        return {item.queue_name for item in version.config.queues} if version else set()


def _with_newest_sample(now: int) -> Select[Any]:
    of_queue = and_(samples.c.queue_id == queues.c.id, samples.c.epoch == queues.c.epoch)
    inner = samples.alias()
    newest = (
        select(func.max(inner.c.at))
        .where(inner.c.queue_id == queues.c.id, inner.c.epoch == queues.c.epoch, inner.c.at <= now)
        .correlate(queues)
        .scalar_subquery()
    )
    joined = queues.outerjoin(samples, and_(of_queue, samples.c.at == newest))
    return select(queues, *(samples.c[name] for name in READ)).select_from(joined)


def _status_of(row: Row[Any], now: int) -> QueueStatus:
    owned = row.owned_until is not None and row.owned_until > now
    return QueueStatus(
        queue_name=row.name,
        owner=row.owner if owned else "",
        owned_until=maybe_instant(row.owned_until) if owned else None,
        planned_slot=maybe_instant(row.planned_slot),
        newest_sample=None if row.at is None else metrics_of(row.name, row[-len(READ) :]),
        gap=row.gap,
        last_decision=Decision(row.last_decision) if row.last_decision else None,
        last_reason=Reason(row.last_reason),
        last_plan_id=row.last_plan_id,
    )

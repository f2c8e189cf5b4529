"""What nobody will look at again, however young it is: plans that were asked for in masses, configurations, queues."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, delete, false, func, not_, or_, select

from capacity_planner.store._outcomes import CARRIED_OUT
from capacity_planner.store._settings import Settings
from capacity_planner.store._tables import bins, configs, orders, outcomes, plans, queues, samples, scalings
from capacity_planner.store._values import chunks

if TYPE_CHECKING:
    from sqlalchemy.sql import ColumnElement

_MOST_CONFIGS, _MOST_ASKED = 100, 2_000


class Pruning(Settings):
    """What bounds the numbers of things."""

    def _surplus(self, queue_id: int) -> ColumnElement[bool]:
        """The plans of a queue that were only asked for, but the newest 2 000."""
        asked = and_(plans.c.queue_id == queue_id, not_(CARRIED_OUT))
        newest = select(plans.c.recorded_at).where(asked).order_by(plans.c.recorded_at.desc())
        with self._db.read() as connection:
            edge = connection.execute(newest.offset(_MOST_ASKED - 1).limit(1)).scalar_one_or_none()
        return false() if edge is None else and_(asked, plans.c.recorded_at < edge)

    def _prune_configs(self) -> int:
        """Delete all but the newest versions, and the one that tells which file was read last."""
        newest, read = select(func.max(configs.c.version)), configs.alias()
        from_file = select(func.max(read.c.version)).where(read.c.digest != "")
        with self._db.write() as connection:
            last, kept = connection.execute(newest).scalar_one() or 0, connection.execute(from_file).scalar_one() or 0
            old = delete(configs).where(configs.c.version <= last - _MOST_CONFIGS, configs.c.version != kept)
            return int(connection.execute(old).rowcount)

    def _drop_queues(self) -> int:
        """Forget the names of queues of which nothing is kept, and that are not planned for."""
        version, count = self.config(), 0
        configured = {item.queue_name for item in version.config.queues} if version else set()
        with self._db.read() as connection:
            empty = connection.execute(select(queues.c.id, queues.c.name).where(_is_empty(self._db.now(connection))))
            chosen = [queue_id for queue_id, name in empty if name not in configured]
        for part in chunks(sorted(chosen)):
            with self._db.write() as connection:
                still = select(queues.c.id).where(queues.c.id.in_(part), _is_empty(self._db.now(connection)))
                gone = list(connection.execute(still.with_for_update(skip_locked=True)).scalars())
                count += connection.execute(delete(queues).where(queues.c.id.in_(gone))).rowcount
        return count


def _is_empty(now: int) -> ColumnElement[bool]:
    """Whether nothing is kept of a queue, of whatever epoch, and nobody holds its lease."""
    free = or_(queues.c.owner == "", queues.c.owned_until <= now)
    kept = (samples, bins, plans, orders, outcomes, scalings)
    return and_(
        free, *(not_(select(table.c.queue_id).where(table.c.queue_id == queues.c.id).exists()) for table in kept)
    )

"""What is too old: samples become means over bins, and then all of it goes, a little at a time."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, delete, func, or_, select

from capacity_planner.store._binning import Binning
from capacity_planner.store._orders import OPEN
from capacity_planner.store._pruning import Pruning
from capacity_planner.store._tables import bins, orders, outcomes, plans, queues, samples, scalings
from capacity_planner.store._values import length

if TYPE_CHECKING:
    from sqlalchemy import Column, Row, Select, Table
    from sqlalchemy.sql import ColumnElement

_FIVE_MINUTES = timedelta(minutes=5)
_SAMPLES = 5_000
_ROWS = 500
_NEVER = 2**62


class Retention(Binning, Pruning):
    """What keeps the store from growing without end."""

    def maintain(
        self,
        *,
        keep_samples: timedelta,
        keep_bins: timedelta,
        keep_plans: timedelta,
        bin_length: timedelta = _FIVE_MINUTES,
    ) -> dict[str, int]:
        """Replace old samples by their means, and delete what is older still.

        It goes in small transactions, so that nobody waits for long, and may be interrupted anywhere. The newest
        samples of a queue stay as they came, however old they are, until bins of their age are deleted.

        Of plans that were only asked for, the newest 2 000 of a queue stay, of versions of the configuration the newest
        100. A queue of which nothing is left, and that is not planned for, is forgotten.

        Args:
            keep_samples: samples stay as they came for so long, and then become one for each bin.
            keep_bins: these stay for so long.
            keep_plans: plans, their orders and outcomes, and scalings stay for so long; plans with open orders longer.
            bin_length: length of a bin.

        Returns:
            How many of what were replaced or deleted.

        Raises:
            UnavailableError: the store does not answer.
        """
        with self._db.read() as connection:
            now = self._db.now(connection)
            known = connection.execute(_ends()).all()
        recent, kept, old = (now - length(keep) for keep in (keep_samples, keep_bins, keep_plans))
        done = Counter(binned=0, samples=0, bins=0, plans=0, orders=0)
        for queue in known:
            done.update(self._thin(queue, recent, kept, length(bin_length)))
            done.update(self._sweep_plans(self._surplus(queue.id)))
        done.update(self._sweep_plans(plans.c.recorded_at <= old))
        done["outcomes"] = self._sweep(outcomes, outcomes.c.plan_id, outcomes.c.generated_at <= old)
        done["scalings"] = self._sweep(scalings, scalings.c.id, scalings.c.at <= old)
        done["configs"], done["queues"] = self._prune_configs(), self._drop_queues()
        return dict(done)

    def _thin(self, queue: Row[Any], recent: int, kept: int, bin_length: int) -> dict[str, int]:
        """Replace and delete the samples of a queue."""
        old = queue.oldest_sample <= recent
        done = {"binned": self._bin_samples(queue.id, queue.epoch, recent, bin_length) if old else 0}
        for table in (samples, bins):
            of_queue, done[table.name] = table.c.queue_id == queue.id, 0
            if min(queue.oldest_sample, queue.oldest_bin) <= kept:
                too_old = and_(of_queue, table.c.epoch == queue.epoch, table.c.at <= kept)
                done[table.name] += self._trim(table, too_old)
            if queue.hides:  # what a reset hid is of no use but for second thoughts
                hidden = and_(of_queue, table.c.epoch < queue.epoch, table.c.at <= recent)
                done[table.name] += self._trim(table, hidden)
        return done

    def _trim(self, table: Table, old: ColumnElement[bool]) -> int:
        """Delete samples or bins."""
        count = 0
        edge: int | None = 0
        while edge is not None:
            with self._db.write() as connection:
                following = select(table.c.at).where(old).order_by(table.c.at).offset(_SAMPLES - 1).limit(1)
                edge = connection.execute(following).scalar_one_or_none()
                some = old if edge is None else and_(old, table.c.at <= edge)
                count += connection.execute(delete(table).where(some)).rowcount
        return count

    def _sweep(self, table: Table, key: Column[Any], old: ColumnElement[bool]) -> int:
        """Delete rows of any other table."""
        count = 0
        gone = _ROWS
        while gone == _ROWS:
            with self._db.write() as connection:
                some = select(key).where(old).limit(_ROWS)
                gone = connection.execute(delete(table).where(key.in_(some))).rowcount
            count += gone
        return count

    def _sweep_plans(self, old: ColumnElement[bool]) -> dict[str, int]:
        """Delete plans with their orders, but none that has open ones."""
        busy = select(orders.c.id).where(orders.c.plan_id == plans.c.id, OPEN).exists()
        some = select(plans.c.id).where(old, ~busy).order_by(plans.c.recorded_at).limit(_ROWS)
        done = {"plans": 0, "orders": 0}
        chosen: list[str] = [""] * _ROWS
        while len(chosen) == _ROWS:
            with self._db.write() as connection:
                chosen = list(connection.execute(some.with_for_update()).scalars())
                gone = connection.execute(delete(orders).where(orders.c.plan_id.in_(chosen))).rowcount
                connection.execute(delete(plans).where(plans.c.id.in_(chosen)))
            done = {"plans": done["plans"] + len(chosen), "orders": done["orders"] + gone}
        return done


def _ends() -> Select[Any]:
    """Of every queue how far back it goes, and whether there is more that a reset hides."""
    oldest, hides = {}, []
    for table in (samples, bins):
        of_queue = table.c.queue_id == queues.c.id
        first = select(func.min(table.c.at)).where(of_queue, table.c.epoch == queues.c.epoch)
        oldest[table] = func.coalesce(first.scalar_subquery(), _NEVER)
        hides.append(select(table.c.at).where(of_queue, table.c.epoch < queues.c.epoch).exists())
    samples_from, bins_from = oldest[samples].label("oldest_sample"), oldest[bins].label("oldest_bin")
    return select(queues.c.id, queues.c.epoch, samples_from, bins_from, or_(*hides).label("hides"))

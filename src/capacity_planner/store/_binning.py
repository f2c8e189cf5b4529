"""Old samples become means over bins: of each bin at once, so that a crash loses nothing and repeats nothing."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, delete, func, select

from capacity_planner.store._bins import end_of, mean_sample
from capacity_planner.store._resets import Resets
from capacity_planner.store._samples import KEY, MEASURED
from capacity_planner.store._tables import bins, samples

if TYPE_CHECKING:
    from sqlalchemy import Connection, Table
    from sqlalchemy.sql import ColumnElement

_SAMPLES, _BINS = 5_000, 2_000


class Binning(Resets):
    """What makes bins of samples."""

    def _bin_samples(self, queue_id: int, epoch: int, until: int, bin_length: int) -> int:
        """Replace the samples of a queue up to an instant, and tell how many; those of its newest bin stay."""
        count = 0
        while True:
            with self._db.rewrite() as connection:
                of_queue = and_(samples.c.queue_id == queue_id, samples.c.epoch == epoch)
                ends = select(func.min(samples.c.at), func.max(samples.c.at)).where(of_queue)
                oldest, newest = connection.execute(ends).one()
                last = None if newest is None else min(until // bin_length, -(-newest // bin_length) - 1) * bin_length
                if last is None or oldest > last:
                    return count
                count += self._bin_some(connection, queue_id, epoch, (oldest, last), bin_length)

    def _bin_some(
        self, connection: Connection, queue_id: int, epoch: int, between: tuple[int, int], bin_length: int
    ) -> int:
        """Replace the samples of some bins, as many as are well handled at once."""
        first = end_of(between[0], bin_length)
        last = min(between[1], first + _BINS * bin_length)
        raw = _inside(samples, queue_id, epoch, first - bin_length, last)
        rows = _rows(connection, samples, raw, _SAMPLES)
        if len(rows) == _SAMPLES:  # no more, but for the rest of the last one's bin
            last = end_of(rows[-1]["at"], bin_length)
            raw = _inside(samples, queue_id, epoch, first - bin_length, last)
            rows = _rows(connection, samples, raw, None)
        earlier = _rows(connection, bins, _inside(bins, queue_id, epoch, first - bin_length, last), None)
        self._put(connection, _means(rows, earlier, bin_length))
        connection.execute(delete(samples).where(raw))
        return len(rows)

    def _put(self, connection: Connection, means: list[dict[str, Any]]) -> None:
        insert = self._db.dialect.insert(bins)
        new = {name: insert.excluded[name] for name in ("span", *MEASURED)}
        connection.execute(insert.on_conflict_do_update(index_elements=KEY, set_=new), means)


def _inside(table: Table, queue_id: int, epoch: int, start: int, end: int) -> ColumnElement[bool]:
    return and_(table.c.queue_id == queue_id, table.c.epoch == epoch, table.c.at > start, table.c.at <= end)


def _rows(connection: Connection, table: Table, which: ColumnElement[bool], limit: int | None) -> list[dict[str, Any]]:
    statement = select(table).where(which).order_by(table.c.at).limit(limit)
    return [dict(row) for row in connection.execute(statement).mappings()]


def _means(rows: list[dict[str, Any]], earlier: list[dict[str, Any]], bin_length: int) -> list[dict[str, Any]]:
    """The bins of samples; one that is there already takes part in its mean, for samples that came too late."""
    whole = sorted([*rows, *earlier], key=lambda row: row["at"])
    parts = [list(part) for _, part in groupby(whole, key=lambda row: end_of(row["at"], bin_length))]
    return [
        {"queue_id": part[0]["queue_id"], "epoch": part[0]["epoch"], **mean_sample(part, bin_length)}
        for part in parts
        if any("stamp" in row for row in part)
    ]

"""A history in a table: CSV (plain or gzipped) or Parquet → `Metrics`, and what was taken for what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from statistics import median_low
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from capacity_planner.domain.metrics import Metrics
from capacity_planner.errors import PlannerError
from capacity_planner.sources._cells import Table, read_cells, refuse
from capacity_planner.sources._columns import Columns, listed
from capacity_planner.sources._values import Clock, TimeUnit, field, is_blank, number, zone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

Unit: TypeAlias = Literal["auto", "rate", "count"]
Stamp: TypeAlias = Literal["start", "end"]

_LONGEST_BIN = timedelta(days=366)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A history and how it was read.

    Attributes:
        metrics: the samples in time order, one per instant.
        time_column: the column taken as time.
        value_column: the column taken as arrivals.
        fields: the further fields of `Metrics` that the table has.
        unit: ``rate`` [jobs/s], or ``count``: jobs per bin, divided by the interval.
        interval: the median spacing of the samples; zero for a single rate.
        duplicates: rows replaced by a later row of the same instant.
        out_of_order: rows earlier than the row before them.
        blank: rows without a value: gaps.
        refused: rows left out because they could not be read; zero unless that was asked for.
    """

    metrics: tuple[Metrics, ...]
    time_column: str
    value_column: str
    fields: tuple[str, ...]
    unit: Literal["rate", "count"]
    interval: timedelta
    duplicates: int
    out_of_order: int
    blank: int
    refused: int


def read_table(
    path: str | Path,
    *,
    unit: Unit = "auto",
    stamp: Stamp = "start",
    interval: timedelta | None = None,
    time_column: str | None = None,
    value_column: str | None = None,
    timezone: str | None = None,
    time_unit: TimeUnit | None = None,
    queue_name: str | None = None,
    skip_refused: bool = False,
    growing: bool = False,
) -> Reading:
    """The history in a file.

    A sample is stamped when it was measured, so a count moves to the end of its bin unless it stands there already.

    Args:
        path: a CSV (``.gz`` too) or Parquet file.
        unit: ``rate`` [jobs/s] or ``count`` (jobs per bin); ``auto`` takes columns named arrival_rate or rate as rates
            and any other as counts.
        stamp: whether a count is stamped at the start or the end of its bin.
        interval: length of a bin; ``None`` takes the median spacing.
        time_column: ``None`` takes timestamp, time, ts, date or datetime, or else the first.
        value_column: ``None`` takes the first of arrival_rate, rate, count, value, requests, jobs, arrivals.
        timezone: IANA name for times without an offset; ``None`` refuses them.
        time_unit: ``s`` or ``ms`` since 1970 for bare numbers as time; ``None`` refuses them.
        queue_name: the queue whose rows to take, where the table has a queue_name column.
        skip_refused: leave out and count the rows that cannot be read, instead of refusing the file.
        growing: leave out the last line of a CSV where it has no line end yet: something may be writing it just now.

    Raises:
        PlannerError: ``INVALID_METRICS`` naming file, row, column, value and remedy; ``CONFIG_INVALID`` for an option.
    """
    source = Path(path)
    table = read_cells(source, growing=growing)
    columns = Columns.find(source, table, time_column, value_column)
    clock = Clock(None if timezone is None else zone(timezone), time_unit)
    rows = _Rows(source, columns, clock, queue_name, skip_refused=skip_refused)
    samples = rows.read(table)
    taken: Literal["rate", "count"] = unit if unit != "auto" else columns.unit
    ordered = sorted(samples)
    spacing = interval or _spacing(ordered)
    if taken == "count":
        _check_bin(source, spacing)
    return Reading(
        metrics=tuple(_metrics(samples, ordered, spacing if taken == "count" else None, stamp)),
        time_column=columns.time,
        value_column=columns.value,
        fields=tuple(columns.others),
        unit=taken,
        interval=spacing,
        duplicates=rows.duplicates,
        out_of_order=rows.out_of_order,
        blank=rows.blank,
        refused=rows.refused,
    )


def _check_bin(path: Path, length: timedelta) -> None:
    if not length:
        raise refuse(path, "has a single count, whose bin length is not known. Give it: --bin 5m, or --unit rate.")
    if length > _LONGEST_BIN:
        raise refuse(path, f"has samples {length.days} days apart. Check its times, or give the bin length: --bin 5m.")


def _metrics(
    samples: dict[datetime, dict[str, Any]], ordered: Sequence[datetime], bin_length: timedelta | None, stamp: Stamp
) -> Iterator[Metrics]:
    scale = 1.0 if bin_length is None else bin_length.total_seconds()
    shift = bin_length if bin_length is not None and stamp == "start" else timedelta(0)
    for instant in ordered:
        values = samples[instant]
        rate = values.pop("value") / scale
        yield Metrics(timestamp=instant + shift, arrival_rate=rate, **values)


def _spacing(ordered: Sequence[datetime]) -> timedelta:
    gaps = [(late - early).total_seconds() for early, late in pairwise(ordered)]
    return timedelta(seconds=median_low(gaps)) if gaps else timedelta(0)


class _Rows:
    """Reads rows and counts what is irregular."""

    def __init__(self, path: Path, columns: Columns, clock: Clock, queue: str | None, *, skip_refused: bool) -> None:
        self._path, self._columns, self._clock, self._queue = path, columns, clock, queue
        self._skip_refused = skip_refused
        self._queues: set[str] = set()
        self.duplicates = self.out_of_order = self.blank = self.refused = 0

    def read(self, table: Table) -> dict[datetime, dict[str, Any]]:
        samples: dict[datetime, dict[str, Any]] = {}
        last: datetime | None = None
        for row, cells in table.rows:
            sample = self._sample(row, cells)
            if sample is None:
                continue
            instant = sample.pop("timestamp")
            self.out_of_order += last is not None and instant < last
            self.duplicates += instant in samples
            samples[instant], last = sample, instant
        self._check(samples)
        return samples

    def _check(self, samples: dict[datetime, dict[str, Any]]) -> None:
        if len(self._queues) > 1 and self._queue is None:
            names = listed(sorted(self._queues))
            raise refuse(self._path, f"has several queues: {names}. Say which: --queue-name NAME.")
        if not samples:
            of_queue = f" of the queue {self._queue!r}" if self._queue else ""
            raise refuse(self._path, f"has no samples{of_queue} ({self.blank} blank, {self.refused} refused).")

    def _sample(self, row: int, cells: list[Any]) -> dict[str, Any] | None:
        try:
            return self._parsed(row, cells)
        except PlannerError:
            if not self._skip_refused:
                raise
            self.refused += 1
            return None

    def _parsed(self, row: int, cells: list[Any]) -> dict[str, Any] | None:
        if len(cells) > len(self._columns.header):
            raise refuse(self._path, f"row {row} has more cells than the header has columns.", row=row)
        by_name = dict(zip(self._columns.header, cells, strict=False))
        columns = self._columns
        if not self._wanted(by_name.get("queue_name") if "queue_name" in columns.others else None):
            return None
        if is_blank(by_name.get(columns.value)):
            self.blank += 1
            return None
        sample = {"timestamp": self._cell(row, columns.time, by_name, self._clock.read)}
        sample["value"] = self._cell(row, columns.value, by_name, number)
        for name in columns.others:
            if not is_blank(by_name.get(name)):
                sample[name] = self._cell(row, name, by_name, partial(field, name))
        return sample

    def _wanted(self, queue: Any) -> bool:
        if is_blank(queue):
            return True
        self._queues.add(str(queue).strip())
        return self._queue is None or str(queue).strip() == self._queue

    def _cell(self, row: int, column: str, cells: dict[str, Any], read: Callable[[Any], Any]) -> Any:
        cell = cells.get(column)
        try:
            return read(cell)
        except ValueError as error:
            shown = "blank" if is_blank(cell) else repr(cell)[:80]
            details = {"row": row, "column": column, "value": shown}
            sentence = f"row {row}, column {column}: {shown} {error}"
            raise refuse(self._path, sentence, **details) from None

"""The source that reads a table: a CSV or Parquet file that something else writes, and goes on writing."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from time import time
from typing import TYPE_CHECKING, Any

from capacity_planner.domain.scaling import Gap
from capacity_planner.errors import PlannerError, WorldError
from capacity_planner.registry import sources
from capacity_planner.sources._options import seconds, text, whole, wrong
from capacity_planner.sources._values import zone
from capacity_planner.sources.table import read_table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from capacity_planner.domain.metrics import Metrics

_SHORTEST_BIN = 0.001
_QUIET = 5.0  # after so many seconds without a change nobody is in the middle of a line


@sources.register("file")
class File:
    """Samples from a file, as ``capacity-planner plan FILE`` reads it; it is read again when it has changed.

    A last line of a CSV file that has no line end yet counts once the file has been left alone for 5 s. The newest
    sample that is known is read again each time, as it may have been corrected.

    Args:
        path: the file.
        service_time: mean service time, where the file has no such column.
        service_time_std: its standard deviation.
        service_time_p95: its 95th percentile.
        workers: workers that run, where the file has no current_workers.
        unit: ``auto``, ``rate`` or ``count``.
        stamp: whether a count is stamped at the ``start`` or the ``end`` of its bin.
        bin: length of a bin of counts.
        time_column: the column with the time.
        value_column: the column with the arrivals.
        timezone: IANA name for times without an offset.
        time_unit: ``s`` or ``ms`` since 1970 for bare numbers as time.
        shift: added to every time: a trace of the past is replayed as if it happened now.
    """

    name: str

    def __init__(
        self,
        *,
        path: str,
        service_time: str = "",
        service_time_std: str = "",
        service_time_p95: str = "",
        workers: int = 0,
        unit: str = "auto",
        stamp: str = "start",
        bin: str = "",  # noqa: A002 - as the option of the command line
        time_column: str = "",
        value_column: str = "",
        timezone: str = "",
        time_unit: str = "",
        shift: str = "0s",
    ) -> None:
        if text("timezone", timezone, empty=True):
            zone(timezone)
        self._path = Path(text("path", path))
        durations = {
            "service_time": service_time,
            "service_time_std": service_time_std,
            "service_time_p95": service_time_p95,
        }
        self._facts: dict[str, Any] = {
            name: _duration(name, value, least=0.0) for name, value in durations.items() if value
        }
        if workers:
            self._facts["current_workers"] = whole("workers", workers)
        self._reading: dict[str, Any] = {
            "unit": _one_of("unit", unit, ("auto", "rate", "count")),
            "stamp": _one_of("stamp", stamp, ("start", "end")),
            "interval": _duration("bin", bin, least=_SHORTEST_BIN) if bin else None,
            "time_column": text("time_column", time_column, empty=True) or None,
            "value_column": text("value_column", value_column, empty=True) or None,
            "timezone": timezone or None,
            "time_unit": _one_of("time_unit", time_unit, ("", "s", "ms")) or None,
        }
        self._shift = _duration("shift", shift)
        self._read: dict[str, tuple[tuple[int, int, bool], tuple[Metrics, ...]]] = {}

    def collect(self, queue_name: str, since: datetime | None, until: datetime) -> Sequence[Metrics] | Gap:
        """The rows of the queue from the one to the other; a file with a queue_name column has rows of several."""
        found = [
            item
            for item in self._samples(queue_name)
            if (since is None or since <= item.timestamp) and item.timestamp <= until
        ]
        if not found and since is None:
            return Gap(reason=f"{self._path} has no sample up to now. Check its times, or shift them.")
        return found

    def _samples(self, queue_name: str) -> tuple[Metrics, ...]:
        try:
            status = self._path.stat()
            growing = abs(time() - status.st_mtime) < _QUIET
            stamp = status.st_mtime_ns, status.st_size, growing
            if queue_name not in self._read or self._read[queue_name][0] != stamp:
                self._read[queue_name] = stamp, self._whole(queue_name, growing=growing)
        except OSError as error:
            raise WorldError(f"{self._path} cannot be read: {error.strerror}.") from error
        except PlannerError as error:
            raise WorldError(error.message) from error
        return self._read[queue_name][1]

    def _whole(self, queue_name: str, *, growing: bool) -> tuple[Metrics, ...]:
        reading = read_table(self._path, queue_name=queue_name, growing=growing, **self._reading)
        facts = {name: value for name, value in self._facts.items() if name not in reading.fields}
        return tuple(replace(item, timestamp=item.timestamp + self._shift, **facts) for item in reading.metrics)


def _duration(name: str, value: object, *, least: float = -math.inf) -> timedelta:
    return timedelta(seconds=seconds(name, value, least=least))


def _one_of(name: str, value: str, known: tuple[str, ...]) -> str:
    if value not in known:
        raise wrong(name, value, f"is none of {', '.join(filter(None, known))}.")
    return value

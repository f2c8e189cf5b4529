"""Values of queries, by field and instant → samples of a queue."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING

from capacity_planner.domain.metrics import Metrics
from capacity_planner.sources._promql_range import instant
from capacity_planner.units import from_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from capacity_planner.sources._promql_range import Grid

# A sample has no way to say that it does not know these: what the query does not say would be told as zero.
_NEEDED = ("arrival_rate", "backlog", "active_jobs", "workers")
_TIMES = ("service_time", "service_time_p95", "service_time_std")
FIELDS = (*_NEEDED, *_TIMES, "utilization")
_LARGEST = 1e9


class Columns:
    """What queries found.

    Args:
        queue_name: the queue.
        found: the values by instant [ms since 1970], by the field that the query is for.
        constants: fields that an option gives for all samples.
        concurrency: jobs that one worker serves at once.
    """

    def __init__(
        self,
        queue_name: str,
        found: Mapping[str, Mapping[int, float]],
        constants: Mapping[str, float],
        concurrency: int,
    ) -> None:
        self._queue_name = queue_name
        self._found = found
        self._constants = constants
        self._concurrency = concurrency
        self._needed = {name: found[name] for name in _NEEDED if name in found}

    def samples(self, grid: Grid) -> list[Metrics]:
        """A sample for every instant at which all is known that must be.

        A rate beside a hole may be of a part of its step alone, and too low; it is left out.
        """
        rates = self._found["arrival_rate"]
        whole = [
            at
            for at in grid.instants
            if _is_known(rates, at - grid.step) and (at == grid.last or _is_known(rates, at + grid.step))
        ]
        return [self._sample(at) for at in whole if all(_is_known(column, at) for column in self._needed.values())]

    def missing(self, grid: Grid) -> str:
        """The field that is known least often."""
        counts = {name: sum(_is_known(column, at) for at in grid.instants) for name, column in self._needed.items()}
        return min(counts, key=lambda name: counts[name])

    def _sample(self, at: int) -> Metrics:
        known = {name: column[at] for name, column in self._found.items() if _is_known(column, at)}
        values = {**known, **self._constants}
        times = {name: from_seconds(values[name]) for name in _TIMES if name in values}
        return Metrics(
            timestamp=instant(at),
            arrival_rate=values["arrival_rate"],
            service_time=times.get("service_time", timedelta(0)),
            service_time_p95=times.get("service_time_p95"),
            service_time_std=times.get("service_time_std"),
            current_workers=round(values.get("workers", 0)),
            utilization=values.get("utilization", self._busy_share(values)),
            backlog=round(values.get("backlog", 0)),
            active_jobs=round(values.get("active_jobs", 0)),
            queue_name=self._queue_name,
        )

    def _busy_share(self, values: Mapping[str, float]) -> float:
        slots = values.get("workers", 0) * self._concurrency
        return values.get("active_jobs", 0.0) / slots if slots else 0.0


def _is_known(column: Mapping[int, float], at: int) -> bool:
    return 0 <= column.get(at, math.nan) <= _LARGEST

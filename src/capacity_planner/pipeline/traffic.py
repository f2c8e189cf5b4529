"""The traffic pattern of a queue's own history, to begin a what-if with."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.history.memory import merge
from capacity_planner.history.resample import to_series
from capacity_planner.pipeline.validation import checked_metrics, no_stranger
from capacity_planner.simulation.extraction import extract

if TYPE_CHECKING:
    from collections.abc import Iterable

    from capacity_planner.domain.metrics import Metrics
    from capacity_planner.domain.traffic import TrafficPattern

_ALL = timedelta(days=366_000)


def extract_pattern(history: Iterable[Metrics], interval: timedelta = timedelta(minutes=5)) -> TrafficPattern:
    """The traffic pattern that could have made a history: level, growth, daily or weekly shape, spikes and noise.

    Spikes stand where they were in the past: for a scenario at another time leave them out
    (``dataclasses.replace(pattern, spikes=())``) or give them other times.

    Args:
        history: samples of one queue in any order; the last given of two with one timestamp counts.
        interval: the grid on which rates are looked at; coarser where the samples are.

    Raises:
        PlannerError: ``INVALID_METRICS``; ``INSUFFICIENT_HISTORY`` for no sample.
    """
    valid = [checked_metrics(item, at="history") for item in history]
    if not valid:
        raise PlannerError(
            ErrorCode.INSUFFICIENT_HISTORY,
            "history has no samples, and a pattern needs at least one. Give history.",
            details={"field": "history", "value": 0, "minimum": 1},
        )
    newest = max(valid, key=lambda item: item.timestamp)
    no_stranger(valid, newest.queue_name)
    return extract(to_series(merge(valid, until=newest.timestamp, window=_ALL), interval.total_seconds()))

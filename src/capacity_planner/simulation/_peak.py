"""The most jobs that waited at one time, exactly, by looking at a block of jobs as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.units import from_seconds, words

if TYPE_CHECKING:
    from capacity_planner.domain.congestion import FloatArray
    from capacity_planner.simulation._flow import Segments


MOST_WAITING = 50_000_000  # 0.8 GB of departures


class Peaks:
    """The longest queue of each interval.

    The queue is longest just after an arrival. It then has more than m jobs if, and only if, the job that arrived m
    places earlier has not left it: one comparison for a whole block tells whether the longest queue so far was
    exceeded, and only if so it is searched for how far. Departures later than the newest arrival are kept, so that
    memory is that of the jobs that wait.

    Args:
        intervals: how many.
    """

    def __init__(self, intervals: int) -> None:
        self.most = np.zeros(intervals, dtype=np.int64)
        self._kept = np.empty(0)
        self._first = self._end = 0

    def add(self, arrivals: FloatArray, departures: FloatArray, where: Segments) -> None:
        """Count a block.

        Args:
            arrivals: arrival times, ascending [s].
            departures: when the same jobs leave the queue, ascending [s].
            where: the intervals that arrivals fall into.

        Raises:
            PlannerError: ``CONFIG_INVALID`` when more jobs wait than can be held.
        """
        self._first += int(np.searchsorted(self._kept[self._first : self._end], arrivals[0], side="right"))
        earlier = self._end - self._first
        self._keep(departures)
        if earlier > MOST_WAITING:
            raise _too_many(float(arrivals[0]))
        known = self._kept[self._first : self._end]
        for interval, first, end in where:
            most = int(self.most[interval])
            self.most[interval] = _longest(known[: earlier + end], arrivals[first:end], most)

    def _keep(self, departures: FloatArray) -> None:
        """Append; what lies before the first that is needed gives room."""
        if self._end + len(departures) > len(self._kept):
            live = self._kept[self._first : self._end]
            room = np.empty(2 * (len(live) + len(departures)))
            room[: len(live)] = live
            self._kept, self._first, self._end = room, 0, len(live)
        self._kept[self._end : self._end + len(departures)] = departures
        self._end += len(departures)


def _too_many(instant: float) -> PlannerError:
    return PlannerError(
        ErrorCode.CONFIG_INVALID,
        f"scenario.plan leaves more than {MOST_WAITING:,} jobs waiting at once, {words(from_seconds(instant))} after "
        "the start, which is more than can be held. Plan more workers, or simulate a shorter time.",
        details={"field": "scenario.plan", "value": f"{MOST_WAITING:,} waiting"},
    )


def _longest(departures: FloatArray, arrivals: FloatArray, most: int) -> int:
    """The longest queue after any of the newest arrivals, or ``most`` if that is longer.

    Args:
        departures: of the same jobs and of earlier ones.
        arrivals: of the newest jobs.
        most: the longest queue so far.
    """

    def exceeds(length: int) -> bool:
        earlier = departures[max(0, len(departures) - len(arrivals) - length) : max(0, len(departures) - length)]
        return bool((earlier > arrivals[len(arrivals) - len(earlier) :]).any())

    if not exceeds(most):
        return most
    step = 1
    while exceeds(most + step):
        most, step = most + step, 2 * step
    while step > 1:
        step //= 2
        if exceeds(most + step):
            most += step
    return most + 1

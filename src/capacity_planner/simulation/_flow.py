"""How much of what happens falls into each interval."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from capacity_planner.domain.congestion import FloatArray

Segments = list[tuple[int, int, int]]


def segments(times: FloatArray, edges: FloatArray) -> Segments:
    """The intervals that ascending times fall into: index, first time, and the one after the last.

    What is beyond the last edge has the index after the last interval's.

    >>> segments(np.array([1.0, 2.0, 11.0, 31.0]), np.array([0.0, 10.0, 20.0, 30.0]))
    [(0, 0, 2), (1, 2, 3), (3, 3, 4)]
    """
    low, high = (np.searchsorted(edges, times[[0, -1]], side="right") - 1).tolist()
    if low == high:
        return [(low, 0, len(times))]
    cuts = [0, *np.searchsorted(times, edges[low + 1 : high + 1]).tolist(), len(times)]
    return [(low + i, cuts[i], cuts[i + 1]) for i in range(high - low + 1) if cuts[i] < cuts[i + 1]]


class Flow:
    """Events, such as arrivals, counted by interval, so that what is there between two flows can be integrated.

    Args:
        edges: of the intervals [s].
    """

    def __init__(self, edges: FloatArray) -> None:
        self._edges = edges
        self.counts = np.zeros(len(edges), dtype=np.int64)
        self._since = np.zeros(len(edges))

    def add(self, times: FloatArray) -> Segments:
        """Count ascending times [s], and tell which fell where."""
        found = segments(times, self._edges)
        for interval, first, end in found:
            self.counts[interval] += end - first
            if interval < len(self._edges) - 1:
                self._since[interval] += times[first:end].sum() - (end - first) * self._edges[interval]
        return found

    @property
    def before(self) -> np.ndarray:
        """Events before each edge."""
        return np.concatenate(([0], np.cumsum(self.counts[:-1])))

    @property
    def integrals(self) -> FloatArray:
        """The integral over each interval of the number of events so far."""
        return np.asarray(self.before[1:] * np.diff(self._edges) - self._since[:-1])


class Occupancy:
    """How long servers are busy in each interval.

    Args:
        edges: of the intervals [s].
    """

    def __init__(self, edges: FloatArray) -> None:
        self._edges = edges
        self._within = np.zeros(len(edges))
        self._change = np.zeros(len(edges))

    def add(self, begins: FloatArray, lengths: FloatArray) -> None:
        """Count services, in the order of their begin [s]."""
        last = len(self._edges) - 1
        ends = begins + lengths
        for interval, first, end in segments(begins, self._edges):
            if interval == last:
                break
            self._within[interval] += lengths[first:end].sum()
            limit, some = self._edges[interval + 1], ends[first:end]
            if some.max() > limit:
                late = some[some > limit]
                self._within[interval] -= (late - limit).sum()
                self._change[interval + 1] += len(late)
                self._finish(late)

    def _finish(self, ends: FloatArray) -> None:
        """Services that go on from an edge end here."""
        interval = np.searchsorted(self._edges, ends, side="right") - 1
        np.subtract.at(self._change, interval, 1.0)
        np.add.at(self._within, interval, ends - self._edges[interval])

    @property
    def integrals(self) -> FloatArray:
        """Busy server time in each interval [s]."""
        through = np.cumsum(self._change)[:-1]
        return np.asarray(self._within[:-1] + through * np.diff(self._edges))

"""What came: the samples of a queue → jobs in any stretch of time, and how much of it was measured."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from capacity_planner.units import format_instant

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from capacity_planner.domain.congestion import FloatArray
    from capacity_planner.domain.metrics import Metrics

_LATE, _HALF = 1.5, 0.5
_MOST_UNKNOWN = 0.25


@dataclass(frozen=True, eq=False)
class Came:
    """The arrivals of one queue; a sample is the rate over the time up to it.

    It stands for the time since the sample before where that is about the usual spacing, else for the usual spacing.
    Between is a gap, where the rate is taken to be the mean of those around it.

    Args:
        samples: at least one, oldest first, no two at one instant.
    """

    samples: Sequence[Metrics]

    @cached_property
    def _ends(self) -> FloatArray:
        """When the samples were taken [s after the first]."""
        first = self.samples[0].timestamp
        return np.array([(item.timestamp - first).total_seconds() for item in self.samples])

    @cached_property
    def spacing(self) -> float:
        """The usual distance of neighbours, the lower median [s]; 0 of a single sample."""
        gaps = np.sort(np.diff(self._ends))
        return float(gaps[(len(gaps) - 1) // 2]) if len(gaps) else 0.0

    def missing(self, start: datetime, length: timedelta) -> tuple[float, str]:
        """Share of a stretch of time that was not measured, and why that is too much; empty where it is not."""
        begin, end = self._seconds(start, np.array([0.0, length.total_seconds()])).tolist()
        unknown = 1.0 - float(self.known(start, np.array([0.0, length.total_seconds()]))[0])
        unknown = min(max(round(unknown, 9), 0.0), 1.0)
        if end > self._ends[-1] + _HALF * self.spacing:
            last = format_instant(self.samples[-1].timestamp)
            return unknown, f"The history ends at {last}, before its window is over."
        if begin < -(1.0 + _HALF) * self.spacing:
            first = format_instant(self.samples[0].timestamp - timedelta(seconds=self.spacing))
            return unknown, f"The history begins at {first}, after its window does."
        if unknown > _MOST_UNKNOWN:
            return unknown, "More than a quarter of its window is missing from the history."
        return unknown, ""

    def jobs(self, start: datetime, edges: FloatArray) -> FloatArray:
        """Jobs that came between edges, not whole ones, shape (n - 1,).

        Args:
            start: what the edges count from.
            edges: ascending [s].
        """
        return np.asarray(np.diff(np.interp(self._seconds(start, edges), *self._total)))

    def known(self, start: datetime, edges: FloatArray) -> FloatArray:
        """Share of the time between edges that was measured, shape (n - 1,)."""
        at = self._seconds(start, edges)
        return np.asarray(np.diff(np.interp(at, *self._known)) / np.diff(at))

    def between(self, start: datetime, length: timedelta) -> list[Metrics]:
        """The samples that were taken after an instant, up to the end of a stretch of time."""
        first, last = np.searchsorted(
            self._ends, self._seconds(start, np.array([0.0, length.total_seconds()])), side="right"
        )
        return list(self.samples[first:last])

    def _seconds(self, start: datetime, edges: FloatArray) -> FloatArray:
        return edges + (start - self.samples[0].timestamp).total_seconds()

    @cached_property
    def _knots(self) -> FloatArray:
        """Begin and end of the time of each sample in turn, and as much again before and after all [s]."""
        ends, usual = self._ends, self.spacing
        before = np.append(-np.inf, ends[:-1])
        begins = np.where(ends - before <= _LATE * usual, before, ends - usual)
        knots = np.column_stack([begins, ends]).ravel()
        return np.concatenate([[knots[0] - usual], knots, [knots[-1] + usual]])

    @cached_property
    def _total(self) -> tuple[FloatArray, FloatArray]:
        """The jobs up to each knot."""
        rates = np.array([item.arrival_rate for item in self.samples])
        around = np.concatenate([[rates[0]], (rates[1:] + rates[:-1]) / 2.0, [rates[-1]]])
        return self._summed(around, rates)

    @cached_property
    def _known(self) -> tuple[FloatArray, FloatArray]:
        """The measured time up to each knot [s]."""
        return self._summed(np.zeros(len(self.samples) + 1), np.ones(len(self.samples)))

    def _summed(self, gaps: FloatArray, measured: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Rates over the gaps and the samples between them → their integral at each knot."""
        rates = np.empty(len(gaps) + len(measured))
        rates[::2], rates[1::2] = gaps, measured
        return self._knots, np.append(0.0, np.cumsum(rates * np.diff(self._knots)))

"""Whether intervals kept the SLO, in how many futures, and how far off they were."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from capacity_planner.domain.congestion import FloatArray
    from capacity_planner.domain.slo import SLO
    from capacity_planner.simulation._tally import Outcome

_NEAR = 0.8
_LEVEL, _ROUNDING = 0.95, 1e-9


@dataclass(frozen=True, eq=False)
class Verdict:
    """An SLO against simulated futures; arrays have shape (replications, intervals).

    A ratio is the measured value over its target, 0 where there is no target; above 1 the target is broken. A backlog
    is gone within ``drain_time`` if no job that arrives waits longer, since service is in the order of arrival.

    Args:
        slo: the targets.
        outcomes: of the replications.
    """

    slo: SLO
    outcomes: Sequence[Outcome]

    @cached_property
    def latency(self) -> FloatArray:
        """Ratio of the 95th percentile of the response time; on which side of 1 it is, is counted and not estimated."""
        target = self.slo.p95_latency.total_seconds()
        found = self._ratio([item.p95 for item in self.outcomes], target)
        if not target:
            return found
        arrived = np.array([item.arrived for item in self.outcomes])
        late = np.array([item.late for item in self.outcomes])
        broken = late > arrived - np.ceil(_LEVEL * arrived - _ROUNDING)
        return np.where(broken, np.maximum(found, np.nextafter(1.0, 2.0)), np.minimum(found, 1.0))

    @cached_property
    def length(self) -> FloatArray:
        """Ratio of the most jobs that waited."""
        return self._ratio([item.peak for item in self.outcomes], self.slo.max_backlog)

    @cached_property
    def drain(self) -> FloatArray:
        """Ratio of the time in which a backlog was gone."""
        return self._ratio([item.longest for item in self.outcomes], self.slo.drain_time.total_seconds())

    @property
    def backlog(self) -> FloatArray:
        """The worse of both ratios of the backlog."""
        return np.maximum(self.length, self.drain)

    @cached_property
    def broken(self) -> np.ndarray:
        """Whether any target was broken."""
        return (self.latency > 1.0) | (self.backlog > 1.0)

    @property
    def time_broken(self) -> float:
        """Share of the time in which a target was broken."""
        lengths = np.diff(self.outcomes[0].edges)
        return float((self.broken @ lengths).mean() / lengths.sum())

    @property
    def risk(self) -> float:
        """How near the targets the intervals came: 0 up to 80 % of the target, 1 from the target on, on average."""
        nearest = np.maximum(self.latency, self.backlog)
        return float(np.clip((nearest - _NEAR) / (1.0 - _NEAR), 0.0, 1.0).mean())

    def _ratio(self, values: Sequence[np.ndarray], target: float) -> FloatArray:
        found = np.array(values, dtype=float)
        return found / target if target else np.zeros_like(found)

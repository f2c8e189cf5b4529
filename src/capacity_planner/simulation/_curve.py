"""An arrival rate over time as steps: what every traffic pattern becomes before jobs are drawn from it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from capacity_planner.domain.congestion import FloatArray


@dataclass(frozen=True, eq=False)
class RateCurve:
    """A rate that is constant between edges.

    Args:
        edges: instants [s after the start], ascending, the first 0, shape (n + 1,).
        rates: λ between them [jobs/s], shape (n,).

    >>> curve = RateCurve(np.array([0.0, 10.0, 30.0]), np.array([2.0, 1.0]))
    >>> curve.total, curve.cumulated.tolist()
    (40.0, [0.0, 20.0, 40.0])
    """

    edges: FloatArray
    rates: FloatArray

    @cached_property
    def cumulated(self) -> FloatArray:
        """Jobs expected up to each edge, shape (n + 1,)."""
        return np.concatenate(([0.0], np.cumsum(self.rates * np.diff(self.edges))))

    @property
    def total(self) -> float:
        """Jobs expected in all."""
        return float(self.cumulated[-1])

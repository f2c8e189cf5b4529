"""Arrival rates on an even grid."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from capacity_planner.domain.congestion import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Series:
    """Mean arrival rates of neighbouring intervals, the newest last.

    Attributes:
        end: end of the newest interval.
        interval: length of an interval [s].
        rates: λ per interval [jobs/s], shape (n,); NaN where nothing was measured: a gap is absent, never zero.
    """

    end: datetime
    interval: float
    rates: FloatArray

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


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastTask:
    """What a forecast model is asked to follow: so many series of one grid, forecast so many steps ahead.

    Attributes:
        ahead: horizons, in intervals, ascending; forecast after every rate that is read.
        interval: length of an interval [s].
        periods: lengths of the seasons, in intervals, ascending; none where no season is known.
        series: how many series are followed together.
    """

    ahead: tuple[int, ...]
    interval: float
    periods: tuple[int, ...] = ()
    series: int = 1

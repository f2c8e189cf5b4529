"""A history on bins of five minutes or more, and its place in the day and in the week."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from capacity_planner.domain.congestion import FloatArray
    from capacity_planner.domain.series import Series

HOUR, DAY, WEEK = 3600.0, 86_400.0, 604_800.0
LEAST, MOST = 1e-12, 1e15

_MONDAY = datetime(1970, 1, 5, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LEAST = 300.0
_LONGEST_SEARCH = 12
_KNOWN = 0.5
_FAR = 5.0
_ROUNDING = 1e-9


class Bins(NamedTuple):
    """Mean rates of neighbouring bins.

    Attributes:
        start: begin of the first bin.
        length: of a bin [s].
        rates: λ per bin [jobs/s], shape (n,), never below zero; NaN where too little is known.
    """

    start: datetime
    length: float
    rates: FloatArray

    @property
    def times(self) -> FloatArray:
        """Middles [s since a Monday's midnight], shape (n,)."""
        # Whole microseconds, and only the week's: exact in any year.
        phase = (self.start - _MONDAY) // _MICROSECOND % round(WEEK * 1e6) / 1e6
        return phase + (np.arange(len(self.rates), dtype=float) + 0.5) * self.length

    @property
    def ages(self) -> FloatArray:
        """How long before the end the middles lie [s], shape (n,)."""
        return (np.arange(len(self.rates), dtype=float)[::-1] + 0.5) * self.length

    def slots(self, period: float, count: int) -> NDArray[np.intp]:
        """Which slot of a cycle of ``period`` seconds the middles lie in, shape (n,)."""
        if count == 1:
            return np.zeros(len(self.rates), np.intp)
        return np.floor(self.times % period * (count / period) + _ROUNDING).astype(np.intp) % count

    def cells(self, values: FloatArray, width: float) -> tuple[int, FloatArray]:
        """Means over wider bins that lie on the clock, NaN where less than half is known, and the first one's number.

        Args:
            values: per bin, NaN where not known, shape (n,).
            width: of a cell [s].
        """
        number = np.floor(self.times / width + _ROUNDING).astype(np.intp)
        known = np.isfinite(values)
        place = number - number[0]
        seen = np.bincount(place, known)
        sums = np.bincount(place, np.where(known, values, 0.0))
        enough = seen >= _KNOWN * max(width / self.length, 1.0)
        return int(number[0]), np.where(enough, sums / np.maximum(seen, 1.0), np.nan)

    def usual(self, values: FloatArray, width: float, slots: int) -> FloatArray:
        """The lower median over the cycles of each of so many cells, NaN where nothing is known, shape (slots,).

        Args:
            values: per bin, NaN where not known, shape (n,).
            width: of a cell [s].
            slots: cells in a cycle.
        """
        first, cells = self.cells(values, width)
        lead = first % slots
        padded = np.full(-(-(lead + len(cells)) // slots) * slots, np.nan)
        padded[lead : lead + len(cells)] = cells
        return lower_medians(padded.reshape(-1, slots))


def divides(length: float, whole: float) -> bool:
    """Whether so many lengths make the whole, at least one.

    >>> divides(420.0, 86_400.0), divides(450.0, 86_400.0)
    (False, True)
    """
    return length <= whole and math.isclose(round(whole / length) * length, whole, rel_tol=1e-9)


def binned(series: Series) -> Bins:
    """The history on bins that are as long as its intervals, or a multiple of them of five minutes or more.

    A multiple is taken that divides the day where there is one within an hour; its edges lie on the clock.

    Args:
        series: rates, of which those that are no number or out of all measure are gaps.
    """
    rates = np.where(series.rates <= MOST, np.where(series.rates > LEAST, series.rates, 0.0), np.nan)
    multiple = _multiple(series.interval)
    length = multiple * series.interval
    start = series.end - timedelta(seconds=len(rates) * series.interval)
    lead = round((start - _MONDAY) // _MICROSECOND % round(length * 1e6) / 1e6 / series.interval) % multiple
    padded = np.full(-(-(lead + len(rates)) // multiple) * multiple, np.nan)
    padded[lead : lead + len(rates)] = rates
    parts = padded.reshape(-1, multiple)
    known = np.isfinite(parts).sum(axis=1)
    means = np.nansum(parts, axis=1) / np.maximum(known, 1)
    enough = known >= min(_KNOWN * multiple, len(rates))
    return Bins(
        start - timedelta(seconds=lead * series.interval), length, np.where(enough & (known > 0), means, np.nan)
    )


def _multiple(interval: float) -> int:
    least = max(1, math.ceil(_LEAST / interval - 1e-9))
    fitting = (k for k in range(least, _LONGEST_SEARCH * least + 1) if divides(k * interval, DAY))
    return next(fitting, least) if interval < _LEAST else 1


def lower_medians(rows: FloatArray) -> FloatArray:
    """The lower median of each column of what is known, NaN where nothing is, shape (k,).

    Of two values it is the lesser: the one that is no spike.

    >>> lower_medians(np.array([[1.0, np.nan], [9.0, 2.0]])).tolist()
    [1.0, 2.0]
    """
    ordered = np.sort(rows, axis=0)
    known = np.isfinite(ordered).sum(axis=0)
    found: FloatArray = np.take_along_axis(ordered, np.maximum(known - 1, 0)[None] // 2, axis=0)[0]
    return found


def near(values: FloatArray) -> FloatArray:
    """The values, those far out drawn in to five mean deviations from the median."""
    known = values[np.isfinite(values)]
    middle = float(np.median(known)) if len(known) else 0.0
    reach = _FAR * float(np.abs(known - middle).mean()) if len(known) else 0.0
    return np.clip(values, middle - reach, middle + reach)


def group_means(values: FloatArray, groups: NDArray[np.intp], size: int) -> FloatArray:
    """The mean of what is known of each group, NaN where nothing is, shape (size,)."""
    known = np.isfinite(values)
    seen = np.bincount(groups[known], minlength=size)
    return np.where(seen > 0, np.bincount(groups[known], values[known], size) / np.maximum(seen, 1), np.nan)

"""Level, growth and season of a history."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from capacity_planner.simulation._bins import DAY, HOUR, LEAST, WEEK, Bins, divides, group_means, near

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from capacity_planner.domain.congestion import FloatArray

_WIDTHS = (300.0, 600.0, 900.0, 1800.0, HOUR, 2 * HOUR, 3 * HOUR, 4 * HOUR, 6 * HOUR)
_JOBS_PER_SLOT = 20.0
_LEAST_SLOTS = 4
_CYCLES = 2
_PARTS = 8
_SURE = 4.0
_SHARE = 0.2
_LEAST_BLOCKS = 4
_MOST_BLOCKS = 366
_WEEKDAYS = 7
_SURE_OF_SLOPE = (3.0, 12.0)
_LONGEST_MEMORY = 0.9
_NOTHING = 1e-9


class Fit(NamedTuple):
    """What a history is expected to be.

    Attributes:
        slope: growth [jobs/s per s].
        period: of the season [s]; 0 is none.
        profile: λ per slot of the season as at the end of the history [jobs/s], shape (slots,).
    """

    slope: float
    period: float
    profile: FloatArray

    def slots(self, bins: Bins) -> NDArray[np.intp]:
        """The slot of each bin, shape (n,)."""
        return bins.slots(self.period, len(self.profile))

    def at(self, bins: Bins) -> FloatArray:
        """The rate expected in each bin [jobs/s], shape (n,)."""
        rates = self.profile[self.slots(bins)] - self.slope * bins.ages
        return np.where(rates > LEAST, rates, 0.0)


def fitted(bins: Bins, rates: FloatArray, *, robust: bool) -> Fit:
    """Level, growth and season of rates.

    Args:
        bins: where the rates belong.
        rates: λ per bin [jobs/s], NaN where not known, shape (n,).
        robust: take the lower median of a slot instead of its mean, while spikes are not yet known.
    """
    slope = slope_of(bins, rates)
    flat = rates + slope * bins.ages
    mean = float(np.nanmean(rates))
    period = season_of(bins, flat, mean)
    width = _width(bins, period, mean)
    slots = round(period / width) or 1
    profile = bins.usual(flat, width, slots) if robust else group_means(flat, bins.slots(period, slots), slots)
    return Fit(slope, period, _filled(np.maximum(profile, 0.0)))


def season_of(bins: Bins, flat: FloatArray, mean: float) -> float:
    """The day, the week or 0 [s].

    Args:
        bins: where the rates belong.
        flat: λ per bin without growth [jobs/s], shape (n,).
        mean: of the rates [jobs/s].
    """
    width = max(HOUR, bins.length)
    first, cells = bins.cells(flat, width)
    cells, number, found = near(cells), first + np.arange(len(cells)), 0.0
    usual = np.zeros(len(cells), np.intp)
    for period in (DAY, WEEK):
        slots = round(period / width)
        enough = len(flat) * bins.length >= _CYCLES * period * (1.0 - _NOTHING)
        if enough and slots >= _LEAST_SLOTS and divides(width, period):
            finer = number % slots
            if _explains(cells, usual, finer, mean / width):
                found, usual = period, finer
    return found


def slope_of(bins: Bins, rates: FloatArray) -> float:
    """Growth where it is significant, else 0 [jobs/s per s]: the median slope between days (Theil, Sen).

    With two weeks at hand, only like weekdays are compared.
    """
    levels, block = _levels(bins, rates)
    if np.isfinite(levels).sum() < _LEAST_BLOCKS:
        return 0.0
    number = np.arange(len(levels))
    cycle = _WEEKDAYS if block == DAY and len(levels) >= _CYCLES * _WEEKDAYS else 1
    lags = np.subtract.outer(number, number)
    slopes = (
        np.subtract.outer(levels, levels)[(lags > 0) & (lags % cycle == 0)] / lags[(lags > 0) & (lags % cycle == 0)]
    )
    slope = float(np.nanmedian(slopes)) if np.isfinite(slopes).any() else 0.0
    return slope / block if abs(slope) > _doubt(levels, number, slope, cycle) else 0.0


def _doubt(levels: FloatArray, number: NDArray[np.intp], slope: float, cycle: int) -> float:
    """How steep a slope chance makes, rarer than 3 in 1000; days that hang together count for fewer."""
    known = np.isfinite(levels)
    left, groups = levels - slope * number, number % cycle
    left = left - group_means(left, groups, cycle)[groups]
    away = (number - group_means(np.where(known, number, np.nan), groups, cycle)[groups])[known]
    freedom = int(known.sum()) - len(np.unique(groups[known])) - 1
    if freedom < 1:
        return math.inf
    memory = _memory(left)
    spread = max(float(np.nansum(left**2)) / freedom, (_NOTHING * float(np.nanmax(np.abs(levels)))) ** 2)
    error = math.sqrt(spread / float(away @ away) * (1.0 + memory) / (1.0 - memory))
    return (_SURE_OF_SLOPE[0] + _SURE_OF_SLOPE[1] / freedom) * error


def _levels(bins: Bins, rates: FloatArray) -> tuple[FloatArray, float]:
    """How far each day is above the usual day [jobs/s], the newest last, and how long such a day is [s]."""
    width = max(HOUR, bins.length)
    if divides(width, DAY):
        slots = round(DAY / width)
        usual = bins.usual(rates, width, slots)[bins.slots(DAY, slots)]
    else:
        usual = np.full(len(rates), np.nanmedian(rates))
    block = max(DAY, bins.length)
    age = (bins.ages / block).astype(np.intp)
    off, seen = near(rates - usual), np.bincount(age, np.isfinite(rates - usual))
    levels = np.where(seen * bins.length >= block / 2.0, group_means(off, age, len(seen)), np.nan)
    return levels[:_MOST_BLOCKS][::-1], block


def _explains(values: FloatArray, coarse: NDArray[np.intp], fine: NDArray[np.intp], poisson: float) -> bool:
    """Whether finer groups explain a good share of what varies beyond counting, and more than chance does.

    Chance is judged on what is new in each value: two walks look alike, and their steps do not.
    """
    before, after, d1, d2 = _variances(values, coarse, fine)
    if before - after <= _SHARE * max(before - poisson, before - after) or d1 < 1 or d2 < 1:
        return False
    memory = _memory(values - group_means(values, fine, int(fine.max()) + 1)[fine])
    new_before, new_after, d1, d2 = _variances(values[1:] - memory * values[:-1], coarse[1:], fine[1:])
    if d1 < 1 or d2 < 1:
        return False
    explained = (new_before * (d1 + d2) - new_after * d2) / d1
    least = (_NOTHING * float(np.nanmax(np.abs(values)))) ** 2
    return explained > (1.0 + _SURE * math.sqrt(2.0 / d1 + 2.0 / d2)) * max(new_after, least)


def _variances(values: FloatArray, coarse: NDArray[np.intp], fine: NDArray[np.intp]) -> tuple[float, float, int, int]:
    """Variance about the means of coarse and of fine groups, and the degrees of freedom between and within."""
    known = np.isfinite(values)
    squares, sizes = [], []
    for groups in (coarse, fine):
        means = group_means(values, groups, int(groups.max()) + 1)
        squares.append(float(np.nansum((values - means[groups]) ** 2)))
        sizes.append(len(np.unique(groups[known])))
    before, after = int(known.sum()) - sizes[0], int(known.sum()) - sizes[1]
    return squares[0] / max(before, 1), squares[1] / max(after, 1), sizes[1] - sizes[0], after


def _memory(values: FloatArray) -> float:
    """How much of a value lasts to the next, from 0 to 0.9."""
    both = np.isfinite(values[1:] + values[:-1])
    now, then = values[1:][both], values[:-1][both]
    power = float(now @ now + then @ then) / 2.0
    return min(max(float(now @ then) / power, 0.0), _LONGEST_MEMORY) if power > 0.0 else 0.0


def _width(bins: Bins, period: float, mean: float) -> float:
    """How wide a slot is [s]: no finer than twenty jobs on average."""
    if not period:
        wanted = math.ceil(_JOBS_PER_SLOT / (mean * bins.length)) if mean > 0.0 else 1
        return bins.length * max(1, min(wanted, len(bins.rates) // _PARTS))
    least = max(bins.length, HOUR if period == WEEK or not divides(bins.length, DAY) else 0.0)
    widths = [least, *(width for width in _WIDTHS if width > least)]
    fitting = [width for width in widths if divides(width, period)]
    return next((width for width in fitting if mean * width >= _JOBS_PER_SLOT), fitting[-1])


def _filled(profile: FloatArray) -> FloatArray:
    """The profile, slots that were never seen on the line between their neighbours."""
    known = np.flatnonzero(np.isfinite(profile))
    if not len(known):
        return np.zeros_like(profile)
    return np.interp(np.arange(len(profile)), known, profile[known], period=len(profile))

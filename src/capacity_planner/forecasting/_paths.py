"""Futures whose rates hang together over the horizons as past errors did, at this time of the day."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from capacity_planner.forecasting._scale import along
from capacity_planner.forecasting._stride import DAY, per_day

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from capacity_planner.domain.congestion import FloatArray

COUNT = 100
_ENOUGH = 30
_KERNEL = 3600.0
_HALF_LIFE = 14 * DAY


def units(points: FloatArray, interval: float) -> FloatArray:
    """What errors are measured in: the square root of the rate, as the noise of counts is.

    Args:
        points: forecasts [jobs/s].
        interval: in which jobs are counted [s].
    """
    rates: FloatArray = np.sqrt(np.maximum(points, 0.0) + 1.0 / interval)
    return rates


def drawn(
    errors: FloatArray,
    weights: FloatArray,
    known: Sequence[int],
    medians: FloatArray,
    ahead: Sequence[int],
    interval: float,
) -> FloatArray:
    """Futures around the medians [jobs/s], shape (rows, horizons): `COUNT`, or one for each error where they are few.

    A row has the errors of one origin, in the units of today's rates. Their own median is taken off: the forecast's has
    it already.

    Args:
        errors: of one origin a row, in `units`, shape (origins, known horizons).
        weights: how much each origin counts, shape (origins,).
        known: the horizons of these errors, ascending.
        medians: forecasts [jobs/s], shape (horizons,).
        ahead: their horizons.
        interval: in which jobs are counted [s].

    References:
        Clark et al. (2004), J. Hydrometeorology 5:243-262: errors of one origin stay together.
    """
    if not len(errors):
        return np.empty((0, len(ahead)))
    rows = errors[systematic(weights, COUNT)] if len(errors) >= _ENOUGH else errors
    rows = rows - np.median(rows, axis=0)
    # Between two horizons that hang together loosely the mean of both spreads too little: its ranks alone are used.
    ranks = along(rows, known, ahead).argsort(axis=0, kind="stable").argsort(axis=0)
    spread = np.take_along_axis(along(np.sort(rows, axis=0), known, ahead), ranks, axis=0)
    rates: FloatArray = np.maximum(medians + spread * units(medians, interval), 0.0)
    return rates


def nearness(origins: NDArray[np.intp], now: int, interval: float) -> FloatArray:
    """How much each origin counts: by its time of the day, Gaussian, and by its age, shape (origins,).

    The kernel is an hour wide, or as much wider as it takes to make about 30 origins count.

    Args:
        origins: their numbers, ascending.
        now: the number of the newest interval.
        interval: length of an interval [s].
    """
    day, age = per_day(interval), now - origins
    away = np.minimum(age % day, -age % day) * interval
    recent = 0.5 ** (age * interval / _HALF_LIFE)
    width = _KERNEL
    while True:
        weights: FloatArray = np.asarray(recent * np.exp(-0.5 * (away / width) ** 2), dtype=float)
        if width > DAY or effective(weights) >= _ENOUGH:
            return weights
        width *= 2.0


def effective(weights: FloatArray) -> float:
    """How many values alike would say as much as these weighted ones (Kish 1965).

    >>> effective(np.array([1.0, 1.0, 0.0])), effective(np.array([]))
    (2.0, 0.0)
    """
    total = float(weights.sum())
    return total * total / float((weights**2).sum()) if total > 0.0 else 0.0


def systematic(weights: FloatArray, count: int) -> NDArray[np.intp]:
    """Places drawn in proportion to their weights, at even steps of the cumulated weight, so that no dice are needed.

    Args:
        weights: not all zero, shape (n,).
        count: how many.

    References:
        Madow & Madow (1944), Annals of Mathematical Statistics 15:1-24.

    >>> systematic(np.array([1.0, 2.0, 1.0]), 4).tolist()
    [0, 1, 1, 2]
    """
    cumulated = np.cumsum(weights)
    marks = (np.arange(count) + 0.5) / count * cumulated[-1]
    places: NDArray[np.intp] = np.minimum(np.searchsorted(cumulated, marks), len(weights) - 1)
    return places

"""Quantiles around a point forecast, from how wrong the model's own hindcasts were: the same for every model."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from capacity_planner.domain.congestion import FloatArray

LEVELS = (0.05, 0.1, 0.2, 0.25, 0.5, 0.75, 0.8, 0.85, 0.9, 0.95, 0.975, 0.99)
_ENOUGH = 30
_DRIFT_PER_ROOT_HOUR = 0.25
_NORMAL = NormalDist()


def spread(points: FloatArray, hindcast: FloatArray, rates: FloatArray, interval: float) -> FloatArray:
    """Quantiles of the rate at `LEVELS`, shape (steps, levels): ordered, never negative.

    A residual is scaled by the square root of its forecast, since counts vary so (see `cold`); the quantiles are the
    residuals' own, corrected for their number as split-conformal prediction has it. Horizons with fewer than 30
    residuals get `cold`'s.

    Args:
        points: point forecasts [jobs/s], shape (steps,).
        hindcast: what was forecast at each origin, shape (n, steps).
        rates: what came [jobs/s], shape (n,), NaN where there is a gap.
        interval: length of an interval [s].

    References:
        Vovk, Gammerman & Shafer (2005), Algorithmic Learning in a Random World; Lei et al. (2018), JASA 113:1094-1111.
    """
    floor = 1.0 / interval
    rows = []
    for step, point in enumerate(points, start=1):
        made, came = hindcast[:-step, step - 1], rates[step:]
        scaled = (came - made) / np.sqrt(made + floor)
        scaled = scaled[np.isfinite(scaled)]
        if len(scaled) < _ENOUGH:
            rows.append(cold(point, step * interval, interval))
        else:
            rows.append(point + np.quantile(scaled, _corrected(len(scaled))) * math.sqrt(point + floor))
    return np.maximum.accumulate(np.maximum(np.array(rows), 0.0), axis=1)


def paths(
    points: FloatArray, hindcast: FloatArray, rates: FloatArray, interval: float, ahead: Sequence[int]
) -> FloatArray:
    """Futures as they deviated in the past: one row for every origin whose outcome is known at all horizons.

    A row keeps the residuals of one origin together, so that the rates of a row hang together over the horizons as they
    do in life.

    Args:
        points: point forecasts [jobs/s], shape (steps,).
        hindcast: what was forecast at each origin, shape (n, steps).
        rates: what came [jobs/s], shape (n,), NaN where there is a gap.
        interval: length of an interval [s].
        ahead: the horizons wanted, in steps.
    """
    floor, last = 1.0 / interval, max(len(rates) - ahead[-1], 0)
    columns = []
    for step in ahead:
        made, came = hindcast[:last, step - 1], rates[step : step + last]
        scaled = (came - made) / np.sqrt(made + floor)
        columns.append(np.maximum(points[step - 1] + scaled * math.sqrt(points[step - 1] + floor), 0.0))
    rows: FloatArray = np.column_stack(columns)
    return rows[np.isfinite(rows).all(axis=1)]


def cold(point: float, ahead: float, interval: float) -> FloatArray:
    """Quantiles at `LEVELS` while there is no record: Poisson counts on a level that drifts, as a lognormal law.

    The drift is 25 % of the level per root hour. A level of zero gets the exponential posterior of a rate after an
    interval without arrivals, above its median.

    >>> float(cold(10.0, 300.0, 300.0)[LEVELS.index(0.95)].round(2))
    11.3
    """
    if point * interval < 1e-9:  # noqa: PLR2004 - no arrival to speak of
        return np.array([max(0.0, -math.log(2.0 * (1.0 - level)) / interval) for level in LEVELS])
    relative = 1.0 / (point * interval) + _DRIFT_PER_ROOT_HOUR**2 * ahead / 3600.0
    sigma = math.sqrt(math.log1p(relative))
    return np.array([point * math.exp(min(sigma * _NORMAL.inv_cdf(level), 700.0)) for level in LEVELS])


def _corrected(count: int) -> FloatArray:
    """Levels moved outwards by the one future value that the residuals do not hold."""
    levels = np.array(LEVELS)
    outer = np.abs(levels - 0.5) * (count + 1) / count
    return np.clip(0.5 + np.sign(levels - 0.5) * outer, 0.0, 1.0)

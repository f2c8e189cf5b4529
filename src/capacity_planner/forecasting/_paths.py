"""Futures whose rates hang together over the horizons as past errors did."""

from __future__ import annotations

from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from capacity_planner.forecasting._residuals import LEVELS
from capacity_planner.forecasting._scale import along

if TYPE_CHECKING:
    from collections.abc import Sequence

    from capacity_planner.domain.congestion import FloatArray

_PROBITS = np.array([NormalDist().inv_cdf(level) for level in LEVELS])


def shuffled(errors: FloatArray, known: Sequence[int], quantiles: FloatArray, ahead: Sequence[int]) -> FloatArray:
    """One future for every origin of which all errors are known [jobs/s], shape (rows, horizons).

    A row is the errors of one origin, each as its rank among those of its horizon; the rates are the quantiles at
    these ranks (Schaake shuffle).

    Args:
        errors: of one origin a row, shape (origins, known horizons); NaN where nothing was measured.
        known: the horizons of these errors, ascending.
        quantiles: at `LEVELS`, shape (horizons, levels).
        ahead: their horizons.

    References:
        Clark et al. (2004), J. Hydrometeorology 5:243-262.
    """
    rows = errors[np.isfinite(errors).all(axis=1)]
    if not len(rows):
        return np.empty((0, len(ahead)))
    # Between two horizons that hang together loosely the mean of both spreads too little: it is ranked again.
    probits = _ranked(along(_ranked(rows), known, ahead))
    columns = [_at_probit(probits[:, at], quantiles[at]) for at in range(len(ahead))]
    return np.stack(columns, axis=-1)


def _ranked(values: FloatArray) -> FloatArray:
    """The probit of each value's rank in its column."""
    normal, count = NormalDist(), len(values)
    probits = np.array([normal.inv_cdf((rank + 0.5) / count) for rank in range(count)])
    ranked: FloatArray = probits[values.argsort(axis=0, kind="stable").argsort(axis=0)]
    return ranked


def _at_probit(probits: FloatArray, quantiles: FloatArray) -> FloatArray:
    """Rates at probits, by straight lines that go on beyond the outermost levels."""
    inside = np.interp(probits, _PROBITS, quantiles)
    rise = (quantiles[-1] - quantiles[-2]) / (_PROBITS[-1] - _PROBITS[-2])
    fall = (quantiles[1] - quantiles[0]) / (_PROBITS[1] - _PROBITS[0])
    above = np.maximum(probits - _PROBITS[-1], 0.0) * rise
    below = np.minimum(probits - _PROBITS[0], 0.0) * fall
    rates: FloatArray = np.maximum(inside + above + below, 0.0)
    return rates

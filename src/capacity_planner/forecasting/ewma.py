"""Exponentially weighted moving average: the recent level goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from capacity_planner.registry import forecast_models

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from capacity_planner.domain.congestion import FloatArray

_ALPHAS = np.array([0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0])
_USUAL = 3
_ENOUGH = 12


@forecast_models.register("ewma")
class Ewma:
    """A level that forgets exponentially; its smoothing is the one that forecast this series best.

    References:
        Brown (1956), Exponential smoothing for predicting demand; Gardner (1985), J. Forecasting 4:1-28.

    >>> import numpy as np
    >>> Ewma().predict(np.array([4.0, 4.0, 4.0]), 2)
    array([4., 4.])
    """

    name: str
    minimum_samples = 1

    def predict(self, rates: FloatArray, steps: int) -> FloatArray:
        """The newest level, for every step."""
        newest: FloatArray = self.hindcast(rates, steps)[-1]
        return newest

    def hindcast(self, rates: FloatArray, steps: int) -> FloatArray:
        """The level at every origin, for every step, smoothed as would have forecast best up to that origin."""
        levels = _levels(rates)
        best = levels[np.arange(len(rates)), _best(levels, rates, steps)]
        return np.broadcast_to(best[:, None], (len(rates), steps))


def _levels(rates: FloatArray) -> FloatArray:
    """Level after each sample under each smoothing, shape (n, alphas); a gap leaves the level as it is."""
    levels = np.empty((len(rates), len(_ALPHAS)))
    level = np.full(len(_ALPHAS), np.nan)
    for row, rate in enumerate(rates):
        if rate == rate:  # noqa: PLR0124 - NaN is the one value that differs from itself
            level = np.where(np.isnan(level), rate, level + _ALPHAS * (rate - level))
        levels[row] = level
    return levels


def _best(levels: FloatArray, rates: FloatArray, steps: int) -> NDArray[np.intp]:
    """At each origin the smoothing with the least absolute error so far, over the first, middle and last step."""
    errors = np.zeros_like(levels)
    known = np.zeros(len(rates))
    for step in {1, (steps + 1) // 2, steps}:
        if 0 < step < len(rates):
            missed = np.abs(rates[step:, None] - levels[:-step])
            there = np.isfinite(missed[:, 0])
            errors[step:] += np.where(there[:, None], missed, 0.0)
            known[step:] += there
    return np.where(np.cumsum(known) >= _ENOUGH, np.argmin(np.cumsum(errors, axis=0), axis=1), _USUAL)

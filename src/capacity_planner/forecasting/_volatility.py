"""How much a rate lately changes from one interval to the next beyond its level."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from capacity_planner.forecasting._levels import Levels

if TYPE_CHECKING:
    from capacity_planner.domain.congestion import FloatArray

_SMOOTHING = 0.3
_ALPHA = 0.05
_PRIOR_ERRORS = 6.0
_DRIFT = 0.12
_MEAN_TO_SD = 1.25
_FLOOR = 0.5


class Volatility:
    """A recent mean of absolute errors of the level of late, in standard deviations of a normal law [jobs/s].

    It starts from the Poisson noise of the counts and a drift of 12 % of the rate, which weigh like six errors, and is
    never below half the Poisson noise: a quiet hour of a sparse queue says little about the next one.
    """

    def __init__(self, series: int, interval: float) -> None:
        self._interval = interval
        self._level = Levels((series,), (_SMOOTHING,))
        self._errors = Levels((series,), (_ALPHA,))
        self._known = np.zeros((series, 1))

    def read(self, rates: FloatArray) -> FloatArray:
        """The volatility after each rate, shape (series, n).

        Args:
            rates: what came [jobs/s], shape (series, n), NaN where there is a gap.
        """
        before = self._level.now
        level = self._level.read(rates)[..., 0]
        errors = _MEAN_TO_SD * np.abs(rates - np.concatenate([before, level[:, :-1]], axis=1))
        recent = self._errors.read(errors)[..., 0]
        known = self._known + np.isfinite(errors).cumsum(axis=1)
        self._known = known[:, -1:].copy()
        noise = np.sqrt((level + 1.0 / self._interval) / self._interval)
        usual = np.hypot(noise, _DRIFT * level)
        share = np.where(np.isfinite(recent), known / (known + _PRIOR_ERRORS), 0.0)
        mixed = share * np.where(np.isfinite(recent), recent, 0.0) + (1.0 - share) * usual
        floored: FloatArray = np.maximum(mixed, _FLOOR * noise)
        return floored

"""Exponentially weighted moving average: the recent level goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from capacity_planner.forecasting._choice import Choice
from capacity_planner.forecasting._levels import Levels
from capacity_planner.registry import forecast_models

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from capacity_planner.domain.congestion import FloatArray
    from capacity_planner.domain.series import ForecastTask

_ALPHAS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.45, 0.7, 1.0)
_USUAL = 4


@forecast_models.register("ewma")
class Ewma:
    """A level that forgets exponentially; its smoothing is the one that lately forecast this series best.

    References:
        Brown (1956), Exponential smoothing for predicting demand; Gardner (1985), J. Forecasting 4:1-28.
    """

    name: str
    minimum_samples = 1
    seasonal = False

    def start(self, task: ForecastTask) -> _Following:
        """Nothing read yet."""
        return _Following(task)


class _Following(Choice):
    def __init__(self, task: ForecastTask) -> None:
        super().__init__(task, len(_ALPHAS), _USUAL)
        self._levels = Levels((task.series,), _ALPHAS)

    def _said(self, rates: FloatArray, weights: FloatArray, origins: NDArray[np.intp]) -> FloatArray:
        del weights
        levels = self._levels.read(rates)[:, origins, None]
        return np.broadcast_to(levels, (len(rates), len(origins), len(self._task.ahead), len(_ALPHAS)))

    def _says(self, ahead: Sequence[int]) -> FloatArray:
        return np.repeat(self._levels.now[:, None], len(ahead), axis=1)

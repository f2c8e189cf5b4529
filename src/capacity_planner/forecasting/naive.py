"""The newest rate goes on: what every other model must beat."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from capacity_planner.forecasting._discount import filled
from capacity_planner.registry import forecast_models

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from capacity_planner.domain.congestion import FloatArray
    from capacity_planner.domain.series import ForecastTask


@forecast_models.register("naive")
class Naive:
    """The newest rate, for every horizon: the yardstick, and the best there is on rates that change by steps."""

    name: str
    minimum_samples = 1
    seasonal = False

    def start(self, task: ForecastTask) -> _Newest:
        """Nothing read yet."""
        return _Newest(task)


class _Newest:
    def __init__(self, task: ForecastTask) -> None:
        self._task = task
        self._newest = np.full(task.series, np.nan)

    def read(self, rates: FloatArray, weights: FloatArray, origins: NDArray[np.intp] | None = None) -> FloatArray:
        """The rate itself, or the newest before it."""
        del weights
        known = filled(rates, self._newest)
        self._newest = known[:, -1].copy()
        wanted = known if origins is None else known[:, origins]
        return np.broadcast_to(wanted[..., None], (*wanted.shape, len(self._task.ahead)))

    def predict(self, ahead: Sequence[int]) -> FloatArray:
        """The newest rate, for each of ``ahead``."""
        return np.repeat(self._newest[:, None], len(ahead), axis=1)

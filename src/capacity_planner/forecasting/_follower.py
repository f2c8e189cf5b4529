"""A model, what it is wrong by, and what is off: everything that follows some series."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from capacity_planner.domain.series import ForecastTask
from capacity_planner.forecasting._anomaly import Watch
from capacity_planner.forecasting._conformal import Conformal
from capacity_planner.registry import forecast_models

if TYPE_CHECKING:
    from collections.abc import Sequence

    from capacity_planner.contracts import ForecastModel
    from capacity_planner.domain.congestion import FloatArray
    from capacity_planner.forecasting._anomaly import Anomaly

_EXPLAINS = "seasonal"


class Follower:
    """Reads the rates of some series as they come, and forecasts them with quantiles at any time.

    Args:
        model: the forecast model.
        task: what is followed; its first horizon is 1.
        threshold: robust standard deviations off that make an anomaly.
        spike: multiple of the recent level that makes one.
    """

    def __init__(self, model: ForecastModel, task: ForecastTask, *, threshold: float, spike: float) -> None:
        self.task = task
        self._state = model.start(task)
        self._explains = forecast_models.get(_EXPLAINS).start(
            ForecastTask(ahead=(1,), interval=task.interval, periods=task.periods, series=task.series)
        )
        self._expected = np.full((task.series, 1), np.nan)
        self._watch = Watch(task.series, task.interval, threshold=threshold, spike=spike)
        self._conformal = Conformal(task)
        self.outcomes = np.zeros(task.series, dtype=np.int64)

    def read(self, rates: FloatArray) -> None:
        """Read on.

        Args:
            rates: λ of the next intervals [jobs/s], shape (series, n), NaN where nothing was measured.
        """
        coming = self._explains.read(rates, np.ones_like(rates))[..., 0]
        expected = np.concatenate([self._expected, coming[:, :-1]], axis=1)
        self._expected = coming[:, -1:].copy()
        self.outcomes += (np.isfinite(expected) & np.isfinite(rates)).sum(axis=1)
        weights = self._watch.read(expected, rates)
        self._conformal.read(self._state.read(rates, weights, self._conformal.looks(rates.shape[1])), rates)

    def quantiles(self, ahead: Sequence[int]) -> FloatArray:
        """Quantiles at `LEVELS` from now [jobs/s], shape (series, horizons, levels): ordered, never negative."""
        points = self._state.predict([*self.task.ahead, *ahead])
        learned = len(self.task.ahead)
        return self._conformal.quantiles(points[:, learned:], ahead, points[:, :learned])

    def paths(self, quantiles: FloatArray, ahead: Sequence[int], series: int = 0) -> FloatArray:
        """Futures of a series that hang together over the horizons [jobs/s], shape (rows, horizons)."""
        return self._conformal.paths(quantiles, ahead, series)

    def anomalies(self) -> list[Anomaly | None]:
        """What is off now, per series."""
        return self._watch.states()

    def shares(self, ahead: Sequence[int], series: int = 0) -> list[list[tuple[str, float, float]]]:
        """Per horizon the models that a mixture is made of, each with its share and its recent mean absolute error."""
        explain = getattr(self._state, "shares", None)
        return [] if explain is None else explain(ahead, series)

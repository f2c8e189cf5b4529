"""Whichever models lately forecast this queue best, horizon by horizon."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from capacity_planner.forecasting._choice import Choice
from capacity_planner.forecasting._scale import nearest
from capacity_planner.registry import forecast_models

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from capacity_planner.domain.congestion import FloatArray
    from capacity_planner.domain.series import ForecastTask

MEMBERS = ("naive", "ewma", "linear", "seasonal", "holt_winters", "ridge")
_HALF_LIFE = 86_400.0
_SHARPNESS = 20.0
_USUAL = MEMBERS.index("ewma")


@forecast_models.register("auto")
class Auto:
    """A mixture of all models, weighted per horizon by their errors of about the last day.

    The weight of a model falls exponentially with how much worse than the best it lately was, so that on every kind of
    traffic the mixture is about as good as the model that suits it, without a choice by hand.

    References:
        Vovk (1990), Aggregating strategies; Bates & Granger (1969), Operational Research Quarterly 20:451-468.
    """

    name: str
    minimum_samples = 1
    seasonal = False

    def start(self, task: ForecastTask) -> _Following:
        """Nothing read yet."""
        return _Following(task)


class _Following(Choice):
    def __init__(self, task: ForecastTask) -> None:
        super().__init__(task, len(MEMBERS), _USUAL, half_life=_HALF_LIFE, sharpness=_SHARPNESS)
        self._members = [forecast_models.get(name).start(task) for name in MEMBERS]

    def _said(self, rates: FloatArray, weights: FloatArray, origins: NDArray[np.intp]) -> FloatArray:
        return np.stack([member.read(rates, weights, origins) for member in self._members], axis=-1)

    def _says(self, ahead: Sequence[int]) -> FloatArray:
        return np.stack([member.predict(ahead) for member in self._members], axis=-1)

    def shares(self, ahead: Sequence[int], series: int) -> list[list[tuple[str, float, float]]]:
        """Per horizon every model's name, its share and its recent mean absolute error [jobs/s]."""
        weights, errors = (
            nearest(part, self._task.ahead, ahead)[series].tolist()
            for part in (self._hedge.weights, self._hedge.errors)
        )
        return [list(zip(MEMBERS, *pair, strict=True)) for pair in zip(weights, errors, strict=True)]

"""A model with several settings: the one is used that lately forecast best."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import numpy as np

from capacity_planner.forecasting._hedge import Hedge, mixed
from capacity_planner.forecasting._scale import nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from capacity_planner.domain.congestion import FloatArray
    from capacity_planner.domain.series import ForecastTask

_HALF_LIFE = 3 * 86_400.0


class Choice(ABC):
    """Follows some series with all settings at once, and takes per horizon the best of about the last three days.

    A model says what each setting forecasts, at any origin of the rates that it has just read and from now.

    Args:
        task: what is followed.
        settings: how many there are.
        usual: index of the setting that is used while no error is known.
        half_life: of the errors [s], as in `Hedge`.
        sharpness: as in `Hedge`; infinite takes the best alone.
    """

    def __init__(
        self,
        task: ForecastTask,
        settings: int,
        usual: int | None,
        *,
        half_life: float = _HALF_LIFE,
        sharpness: float = math.inf,
    ) -> None:
        self._task = task
        self._hedge = Hedge(task, settings, half_life=half_life, sharpness=sharpness, prior=usual)

    def read(self, rates: FloatArray, weights: FloatArray, origins: NDArray[np.intp] | None = None) -> FloatArray:
        """What the setting that was best at each origin said."""
        wanted = np.arange(rates.shape[1]) if origins is None else origins
        looks = self._hedge.looks(rates.shape[1])
        places = np.union1d(looks, wanted)
        made = self._said(rates, weights, places)
        shares = self._hedge.read(made[:, np.searchsorted(places, looks)], rates, wanted)
        return mixed(shares, made[:, np.searchsorted(places, wanted)])

    def predict(self, ahead: Sequence[int]) -> FloatArray:
        """What the setting that is best now says for each of ``ahead``."""
        return mixed(nearest(self._hedge.weights, self._task.ahead, ahead), self._says(ahead))

    @abstractmethod
    def _said(self, rates: FloatArray, weights: FloatArray, origins: NDArray[np.intp]) -> FloatArray:
        """Read the rates; what each setting said at each origin, shape (series, origins, horizons, settings)."""

    @abstractmethod
    def _says(self, ahead: Sequence[int]) -> FloatArray:
        """What each setting says now, shape (series, horizons, settings)."""

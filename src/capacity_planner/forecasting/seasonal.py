"""Seasonal profile: the median of the same time on earlier days, at the level of late."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from capacity_planner.forecasting._choice import Choice
from capacity_planner.forecasting._levels import Levels
from capacity_planner.forecasting._profile import Profile
from capacity_planner.forecasting._scale import logged, unlogged
from capacity_planner.registry import forecast_models

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from capacity_planner.domain.congestion import FloatArray
    from capacity_planner.domain.series import ForecastTask

_CYCLES = (7, 4)
_ALPHAS = (0.03, 0.15, 0.5)
_FADES = (math.inf, 3 * 3600.0)
_USUAL = 1


@forecast_models.register("seasonal")
class Seasonal:
    """The median of the same slot in earlier cycles, times a level ratio that fades with the horizon.

    The profile is the median of the last seven days' same slot and, with two weeks at hand, of the last four weeks'
    same slot, so that one odd day is not repeated; before two cycles there is no profile. How fast the level ratio
    learns, how much of it lasts and which profile it goes with, or none, are those that lately forecast this series
    best.

    References:
        Hyndman & Athanasopoulos (2021), Forecasting: principles and practice, 3rd ed., section 5.2 (seasonal naive).
    """

    name: str
    minimum_samples = 1
    seasonal = True

    def start(self, task: ForecastTask) -> _Following:
        """Nothing read yet."""
        return _Following(task)


class _Following(Choice):
    def __init__(self, task: ForecastTask) -> None:
        self._profiles = [Profile(task, period, cycles) for period, cycles in zip(task.periods, _CYCLES, strict=False)]
        settings = (1 + len(self._profiles) * len(_FADES)) * len(_ALPHAS)
        super().__init__(task, settings, len(_ALPHAS) * bool(self._profiles) + _USUAL)
        self._level = Levels((task.series,), _ALPHAS)
        self._ratios = [Levels((task.series,), _ALPHAS) for _ in self._profiles]

    def _said(self, rates: FloatArray, weights: FloatArray, origins: NDArray[np.intp]) -> FloatArray:
        del weights
        values = logged(rates, self._task.interval)
        read = [profile.read(values, origins) for profile in self._profiles]
        usual = zip(self._ratios, read, strict=True)
        ratios = [ratio.read(values - known)[:, origins] for ratio, (known, _) in usual]
        return self._settings(
            self._level.read(values)[:, origins], [coming for _, coming in read], ratios, self._task.ahead
        )

    def _says(self, ahead: Sequence[int]) -> FloatArray:
        coming = [profile.coming(ahead)[:, None] for profile in self._profiles]
        ratios = [ratio.now[:, None] for ratio in self._ratios]
        return self._settings(self._level.now[:, None], coming, ratios, ahead)[:, 0]

    def _settings(
        self, level: FloatArray, coming: list[FloatArray], ratios: list[FloatArray], ahead: Sequence[int]
    ) -> FloatArray:
        """The level itself, and each profile with what is left of its ratio; where there is no profile the level."""
        level = level[:, :, None]
        said = [np.broadcast_to(level, (*level.shape[:2], len(ahead), len(_ALPHAS)))]
        for usual, ratio in zip(coming, ratios, strict=True):
            known = np.isfinite(usual)[..., None]
            off = np.where(np.isfinite(ratio), ratio, 0.0)[:, :, None]
            for half in _FADES:
                fade = 0.5 ** (np.asarray(ahead) * self._task.interval / half)
                said.append(np.where(known, usual[..., None] + off * fade[:, None], level))
        return unlogged(np.concatenate(said, axis=-1), self._task.interval)

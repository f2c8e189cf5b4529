"""A straight line through the recent rates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from capacity_planner.forecasting._choice import Choice
from capacity_planner.forecasting._discount import filled
from capacity_planner.forecasting._median import medians
from capacity_planner.registry import forecast_models

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from capacity_planner.domain.congestion import FloatArray
    from capacity_planner.domain.series import ForecastTask

_WINDOWS = (6, 12, 24)
_USUAL = 1
_FARTHEST = 1.0


@forecast_models.register("linear")
class Linear:
    """A robust line through the last 6, 12 or 24 rates, whichever lately forecast best; it rises for so long at most.

    The slope is the median of the slopes between each rate and the one half a window later, the height the median of
    what the slope leaves. Beyond one window's length the line is level: a trend does not go on for ever.

    References:
        Theil (1950), Proc. KNAW 53:386-392 (the incomplete method); Sen (1968), JASA 63:1379-1389.
    """

    name: str
    minimum_samples = 2
    seasonal = False

    def start(self, task: ForecastTask) -> _Following:
        """Nothing read yet."""
        return _Following(task)


class _Following(Choice):
    def __init__(self, task: ForecastTask) -> None:
        super().__init__(task, len(_WINDOWS), _USUAL)
        self._recent = np.full((task.series, _WINDOWS[-1]), np.nan)
        self._newest = np.full(task.series, np.nan)

    def _said(self, rates: FloatArray, weights: FloatArray, origins: NDArray[np.intp]) -> FloatArray:
        del weights
        recent = np.concatenate([self._recent[:, 1:], rates], axis=1)
        newest = filled(rates, self._newest)
        self._recent = np.concatenate([self._recent, rates], axis=1)[:, -_WINDOWS[-1] :].copy()
        self._newest = newest[:, -1].copy()
        return _drawn(recent, newest[:, origins], origins, self._task.ahead)

    def _says(self, ahead: Sequence[int]) -> FloatArray:
        return _drawn(self._recent, self._newest[:, None], np.zeros(1, dtype=np.intp), ahead)[:, 0]


def _drawn(recent: FloatArray, newest: FloatArray, origins: NDArray[np.intp], ahead: Sequence[int]) -> FloatArray:
    """Lines through the windows up to each origin, shape (series, origins, horizons, windows).

    Args:
        recent: rates, shape (series, longest window - 1 + n).
        newest: the newest known rate at each origin, which counts where a window is all gap.
        origins: places among the last n rates.
        ahead: horizons.
    """
    rivals = []
    for window in _WINDOWS:
        places = origins[:, None] + _WINDOWS[-1] - 1 + np.arange(1 - window, 1)
        height, slope = _line(recent[:, places], window)
        height = np.where(np.isfinite(height), height, newest)
        rise = np.minimum(ahead, _FARTHEST * window)
        rivals.append(np.maximum(height[..., None] + slope[..., None] * rise, 0.0))
    return np.stack(rivals, axis=-1)


def _line(views: FloatArray, window: int) -> tuple[FloatArray, FloatArray]:
    """Height at the end of each window and slope per interval, each of the shape of the windows without their last."""
    half = window // 2
    slope = medians((views[..., half:] - views[..., :half]) / half)
    slope = np.where(np.isfinite(slope), slope, 0.0)
    height = medians(views - slope[..., None] * np.arange(1.0 - window, 1.0))
    return height, slope

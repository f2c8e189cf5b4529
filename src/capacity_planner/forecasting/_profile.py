"""What is usual at this time of the day or the week."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from capacity_planner.forecasting._discount import held
from capacity_planner.forecasting._median import medians

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from capacity_planner.domain.congestion import FloatArray
    from capacity_planner.domain.series import ForecastTask


_HELD = 3600.0


class Profile:
    """Medians of the same slot in earlier cycles, kept ahead of the rates that they are for.

    In a gap of up to an hour the value before it stands for those that are missing, or a few cycles with gaps would
    leave many slots without a median.

    Args:
        task: what is followed.
        period: length of a cycle, in intervals.
        cycles: how many cycles back the median reaches.
    """

    def __init__(self, task: ForecastTask, period: int, cycles: int) -> None:
        self._period, self._cycles = period, cycles
        self._reach = min(max(task.ahead), period)
        self._places = (np.array(task.ahead) - 1) % period + 1
        self._past = np.full((task.series, period * cycles), np.nan)
        self._next = np.full((task.series, self._reach), np.nan)
        self._newest = np.full((task.series, int(_HELD / task.interval)), np.nan)

    def read(self, values: FloatArray, origins: NDArray[np.intp]) -> tuple[FloatArray, FloatArray]:
        """The profile at each value, (series, n), and at each horizon after origins, (series, origins, horizons)."""
        length, width = values.shape[1], self._past.shape[1]
        past = np.concatenate([self._past, held(values, self._newest)], axis=1)
        newest = np.concatenate([self._newest, values], axis=1)
        self._newest = newest[:, length:].copy()
        new = self._medians(past, width + self._reach + np.arange(length))
        profile = np.concatenate([self._next, new], axis=1)
        self._past, self._next = past[:, -width:].copy(), profile[:, length:].copy()
        return profile[:, :length], profile[:, origins[:, None] + self._places]

    def coming(self, ahead: Sequence[int]) -> FloatArray:
        """The profile at horizons from now, shape (series, horizons)."""
        places = (np.asarray(ahead) - 1) % self._period
        return self._medians(self._past, self._past.shape[1] + places)

    def _medians(self, past: FloatArray, targets: NDArray[np.intp]) -> FloatArray:
        """Medians of the slot of each place, counted from the start of ``past``; NaN where fewer than two are known."""
        back = self._period * np.arange(1, self._cycles + 1)
        places = targets[:, None] - back
        return medians(past[:, places], at_least=2)

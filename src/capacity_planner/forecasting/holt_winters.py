"""Holt-Winters: level, damped trend and an additive season, on the logarithm of the counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from capacity_planner.forecasting._choice import Choice
from capacity_planner.forecasting._scale import logged, unlogged
from capacity_planner.registry import forecast_models

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from capacity_planner.domain.congestion import FloatArray
    from capacity_planner.domain.series import ForecastTask

_USUAL = 2
_ALPHA, _BETA, _GAMMA, _PHI = np.array(
    [
        (0.03, 0.00, 0.10, 0.0),
        (0.10, 0.00, 0.10, 0.0),
        (0.30, 0.00, 0.10, 0.0),
        (0.60, 0.00, 0.10, 0.0),
        (0.10, 0.00, 0.30, 0.0),
        (0.30, 0.00, 0.30, 0.0),
        (0.10, 0.10, 0.10, 0.95),
        (0.30, 0.10, 0.10, 0.95),
    ]
).T


@forecast_models.register("holt_winters")
class HoltWinters:
    """Level, damped trend and additive season in error-correction form; the parameters that lately forecast best.

    With e = x - (l + φb + s): l' = l + φb + αe, b' = φb + αβe, s' = s + γe, where x is the logarithm of one plus the
    count, so that the season multiplies the rate; h steps ahead l + (φ + … + φ^h)b + s. The season starts from the
    means of the first two cycles; before them there is none. A gap changes nothing.

    References:
        Holt (1957), ONR Memorandum 52; Winters (1960), Management Science 6:324-342; Gardner & McKenzie (1985),
        Management Science 31:1237-1246 (damped trend); Hyndman, Koehler, Ord & Snyder (2008), Forecasting with
        Exponential Smoothing, table 2.3.
    """

    name: str
    minimum_samples = 1
    seasonal = True

    def start(self, task: ForecastTask) -> _Following:
        """Nothing read yet."""
        return _Following(task)


class _Following(Choice):
    def __init__(self, task: ForecastTask) -> None:
        super().__init__(task, len(_ALPHA), _USUAL)
        self._filter = Smoothing(_ALPHA, _BETA, _GAMMA, _PHI, series=task.series, period=(*task.periods, 1)[0])
        self._first = np.empty((task.series, 0))

    def _said(self, rates: FloatArray, weights: FloatArray, origins: NDArray[np.intp]) -> FloatArray:
        values = logged(rates, self._task.interval)
        said = []
        for begin, end in self._parts(rates.shape[1]):
            inside = origins[(origins >= begin) & (origins < end)] - begin
            said.append(self._filter.read(values[:, begin:end], weights[:, begin:end], self._task.ahead, inside))
            self._start_season(values[:, begin:end])
        return unlogged(np.concatenate(said, axis=1), self._task.interval)

    def _says(self, ahead: Sequence[int]) -> FloatArray:
        return unlogged(self._filter.predict(ahead), self._task.interval)

    def _parts(self, length: int) -> list[tuple[int, int]]:
        """The rates up to the end of the first two cycles, and those after it."""
        left = max(0, 2 * self._filter.period - self._first.shape[1]) if self._task.periods else 0
        cut = min(left, length)
        return [(begin, end) for begin, end in ((0, cut), (cut, length)) if begin < end]

    def _start_season(self, values: FloatArray) -> None:
        if self._task.periods and self._first.shape[1] < 2 * self._filter.period:
            self._first = np.concatenate([self._first, values], axis=1)
            if self._first.shape[1] == 2 * self._filter.period:
                self._filter.begin(self._first)


class Smoothing:
    """The recursion, for several series and sets of parameters at once.

    Args:
        alpha: smoothing of the level, shape (sets,).
        beta: smoothing of the trend, as a share of alpha.
        gamma: smoothing of the season.
        phi: damping of the trend.
        series: how many series.
        period: length of the season; 1 is no season while `begin` is not called.
    """

    def __init__(
        self, alpha: FloatArray, beta: FloatArray, gamma: FloatArray, phi: FloatArray, *, series: int, period: int
    ) -> None:
        self.period = period
        self._alpha, self._slope, self._gamma, self._phi = alpha, alpha * beta, gamma, phi
        self._season = False
        self._level = np.full((series, len(alpha)), np.nan)
        self._trend = np.zeros((series, len(alpha)))
        self._seasons = np.zeros((period, series, len(alpha)))

    def begin(self, values: FloatArray) -> None:
        """Start the season from the values of the first two cycles, shape (series, 2 x period)."""
        cycles = values.reshape(len(values), 2, self.period)
        known = np.isfinite(cycles)
        count = known.sum(axis=2, keepdims=True)
        means = np.where(known, cycles, 0.0).sum(axis=2, keepdims=True) / np.maximum(count, 1)
        off = _joined(np.where(known, cycles - means, 0.0).sum(axis=1), known.sum(axis=1))
        self._season = True
        self._seasons = np.repeat(off.T[:, :, None], len(self._alpha), axis=2)
        self._level = np.where(count[:, 1] > 0, means[:, 1], self._level)

    def read(
        self, values: FloatArray, weights: FloatArray, ahead: Sequence[int], origins: NDArray[np.intp]
    ) -> FloatArray:
        """Forecasts after some of the values, shape (series, origins, horizons, sets); NaN before the first value.

        Args:
            values: shape (series, n), NaN where there is a gap.
            weights: how much the season learns from each value, shape (series, n).
            ahead: horizons.
            origins: places of the values after which to forecast.
        """
        length, period = values.shape[1], self.period
        levels, trends = (np.empty((length, *self._level.shape)) for _ in range(2))
        seasons = np.concatenate([self._seasons, np.empty_like(levels)])
        gains = (weights.T[:, :, None] * self._gamma) if self._season else np.zeros((length, 1, 1))
        columns, gaps = np.ascontiguousarray(values.T)[:, :, None], np.asarray(np.isnan(values).any(axis=0))
        trend, error, step = self._trend.copy(), np.empty_like(self._level), np.empty_like(self._level)
        level = self._level + self._phi * trend
        for row in range(length):
            if np.isnan(level).any():
                level = np.where(np.isnan(level), columns[row] - seasons[row], level)
            np.subtract(columns[row], level, out=error)
            error -= seasons[row]
            if gaps[row]:
                error[np.isnan(error)] = 0.0
            np.multiply(self._alpha, error, out=step)
            np.add(level, step, out=levels[row])
            np.multiply(self._slope, error, out=step)
            trend *= self._phi
            trend += step
            trends[row] = trend
            np.multiply(self._phi, trend, out=step)
            level = levels[row] + step
            np.multiply(gains[row], error, out=step)
            np.add(seasons[row], step, out=seasons[row + period])
        self._level, self._trend, self._seasons = levels[-1], trend, seasons[length:].copy()
        made = np.empty((len(origins), len(ahead), *self._level.shape))
        for at, horizon in enumerate(ahead):
            coming = seasons[origins + (horizon - 1) % period + 1]
            made[:, at] = levels[origins] + trends[origins] * self._damped(horizon) + coming
        return made.transpose(2, 0, 1, 3)

    def predict(self, ahead: Sequence[int]) -> FloatArray:
        """Forecasts from now, shape (series, horizons, sets)."""
        places = [(step - 1) % self.period for step in ahead]
        trend = np.stack([self._trend * self._damped(step) for step in ahead])
        return (self._level + trend + self._seasons[places]).transpose(1, 0, 2)

    def _damped(self, step: int) -> FloatArray:
        """φ + φ² + … + φ^step."""
        return self._phi * (1.0 - self._phi**step) / (1.0 - self._phi)


def _joined(sums: FloatArray, counts: np.ndarray) -> FloatArray:
    """Means per slot of a cycle, shape (series, period); a slot that is not known lies between those around it."""
    means: FloatArray = sums / np.maximum(counts, 1)
    slots = np.arange(means.shape[1])
    for row, known in zip(means, counts > 0, strict=True):
        if known.any():
            row[~known] = np.interp(slots[~known], slots[known], row[known], period=len(slots))
    return means

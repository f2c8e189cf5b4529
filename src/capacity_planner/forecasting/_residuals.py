"""The quantiles of past residuals that a forecast's bounds are made of."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from capacity_planner.forecasting._stride import DAY, coprime, per_day, stride
from capacity_planner.forecasting._weighted import weighted_quantiles

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from capacity_planner.domain.congestion import FloatArray
    from capacity_planner.domain.series import ForecastTask

LEVELS = (0.05, 0.1, 0.2, 0.25, 0.5, 0.75, 0.8, 0.85, 0.9, 0.95, 0.975, 0.99)
VARIANTS = 4
_LEVELS = np.array(LEVELS)
_KEPT = 28 * DAY
_MOST_KEPT = 2000
_LOOK = 1800.0
_SLIDING = 7 * DAY
_KERNEL = 7200.0
_HALF_LIFE = 14 * DAY
_USUAL = np.array([-1.9, -1.4, -0.7, -0.5, 0.0, 0.5, 0.75, 1.15, 1.65, 2.3, 3.0, 3.8])
_GROWTH = 0.35
_MEDIAN = LEVELS.index(0.5)
_APART = 100.0
_BEYOND = 1.0 / np.minimum(_LEVELS, 1.0 - _LEVELS)


@dataclass
class Residuals:
    """The residuals of the last four weeks, thinned to about a thousand, per series and horizon.

    A residual is kept raw [jobs/s] and in units of the volatility at its origin. Of each kind there are two variants of
    weights: the last seven days alike, and four weeks by nearness in the time of day, with a half-life of 14 days.

    Attributes:
        task: what is followed.
        every: every how manieth interval is kept; no divisor in common with the day, so that no phase of the hour is
            left out.
        most: how many are kept.
    """

    task: ForecastTask

    def __post_init__(self) -> None:
        interval, self._day = self.task.interval, per_day(self.task.interval)
        looks = stride(interval, _LOOK)
        self.every = looks * coprime(math.ceil(_KEPT / interval / looks / _MOST_KEPT), interval, 1)
        self.most = math.ceil(_KEPT / interval / self.every)
        hours = np.array(self.task.ahead) * interval / 3600.0
        self._usual = _USUAL * (1.0 + hours[:, None]) ** _GROWTH
        self._scores = [np.empty((self.task.series, 2, 0)) for _ in self.task.ahead]
        self._at = [np.empty(0, dtype=np.intp) for _ in self.task.ahead]
        away = np.minimum(np.arange(self._day), self._day - np.arange(self._day)) * interval / _KERNEL
        self._kernel = np.exp(-0.5 * away**2)

    def add(self, step: int, at: NDArray[np.intp], residuals: FloatArray, volatility: FloatArray) -> None:
        """Keep residuals of one horizon.

        Args:
            step: the horizon's place in the task.
            at: numbers of the intervals that they are of, ascending, shape (n,).
            residuals: came minus forecast [jobs/s], shape (series, n).
            volatility: at their origins [jobs/s], of the same shape.
        """
        scores = np.stack([residuals, residuals / volatility], axis=1)
        self._scores[step] = np.concatenate([self._scores[step], scores], axis=-1)
        self._at[step] = np.concatenate([self._at[step], at])

    def quantiles(self, ends: NDArray[np.intp], volatility: FloatArray, after: int) -> FloatArray:
        """Quantiles at `LEVELS` of each variant, shape (series, instants, horizons, variants, levels).

        Variants of raw residuals come first. Until a residual is to be expected beyond a level, those of the last week
        are mixed with what is usual in units of the volatility, and those by time of day with those of the last week.
        The median moves off the point forecast in full only once a hundred horizons lie side by side in the record.

        Args:
            ends: instants, as the number of intervals read by then, shape (instants,).
            volatility: at these instants [jobs/s], shape (series, instants).
            after: how many intervals after its instant a forecast is made, on average.
        """
        found = np.empty((self.task.series, len(ends), len(self.task.ahead), VARIANTS, len(LEVELS)))
        for at, step in enumerate(self.task.ahead):
            places = self._at[at]
            near = self._kernel[(ends[:, None] - 1 + step + after - places) % self._day]
            weights = np.concatenate(self._weights(ends, places, near))
            for kind, unit in enumerate((volatility[..., None], np.ones((1, 1, 1)))):
                own, numbers = weighted_quantiles(self._scores[at][:, kind], weights, _LEVELS)
                alike, near_in_time = np.split(own, 2, axis=1)
                few, fewer = np.split(np.minimum(numbers[..., None] / _BEYOND, 1.0), 2, axis=1)
                apart = numbers[:, : len(ends)] * self.every / step
                few[..., _MEDIAN] *= np.minimum(apart / _APART, 1.0)
                fewer[..., _MEDIAN] *= np.minimum(apart / _APART, 1.0)
                found[:, :, at, 2 * kind] = _shrunk(alike, few, self._usual[at] * unit)
                found[:, :, at, 2 * kind + 1] = _shrunk(near_in_time, fewer, found[:, :, at, 2 * kind])
        return found

    def forget(self, before: int) -> None:
        """Drop what is more than four weeks older than interval ``before``."""
        for step, places in enumerate(self._at):
            kept = np.searchsorted(places, before - _KEPT / self.task.interval)
            self._at[step], self._scores[step] = places[kept:], self._scores[step][..., kept:]

    def _weights(
        self, ends: NDArray[np.intp], places: NDArray[np.intp], near: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Of the last seven days alike, and by nearness in the time of day; none of what is not known yet."""
        age = ends[:, None] - 1 - places
        known = ((age >= 0) & (age < _KEPT / self.task.interval)).astype(float)
        recency = 0.5 ** ((ends[-1] - places) * self.task.interval / _HALF_LIFE)
        return known * (age < _SLIDING / self.task.interval), known * near * recency


def _shrunk(own: FloatArray, share: FloatArray, towards: FloatArray) -> FloatArray:
    """Quantiles in their share, and what they are drawn towards in the rest."""
    mixed: FloatArray = share * np.where(np.isfinite(own), own, 0.0) + (1.0 - share) * towards
    return mixed

"""Quantiles around point forecasts, from how wrong they were: the same for every model."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from capacity_planner.forecasting._discount import discounted
from capacity_planner.forecasting._paths import drawn, nearness, units
from capacity_planner.forecasting._residuals import LEVELS, VARIANTS, Residuals
from capacity_planner.forecasting._scale import along
from capacity_planner.forecasting._stride import DAY, every
from capacity_planner.forecasting._volatility import Volatility

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from capacity_planner.domain.congestion import FloatArray
    from capacity_planner.domain.series import ForecastTask

__all__ = ["LEVELS", "Conformal"]

_LEVELS = np.array(LEVELS)
_MEDIAN = LEVELS.index(0.5)
_REFRESH = 7200.0
_LOSS_HALF_LIFE = 7 * DAY
_SHARPNESS = 20.0
_STEP = 0.02
_AT_ONCE = 84


class Conformal:
    """Follows how wrong a model's forecasts are, and says quantiles.

    Four sets of past residuals compete (see `Residuals`). Per horizon and level their quantiles are mixed by recent
    pinball loss, and a small integrator moves what is left of a coverage error, but not the median. The quantiles are
    taken anew every two hours; between, the volatility moves them.

    Args:
        task: what is followed.

    References:
        Vovk, Gammerman & Shafer (2005), Algorithmic Learning in a Random World; Barber, Candès, Ramdas & Tibshirani
        (2023), Annals of Statistics 51:816-845 (weights); Angelopoulos, Candès & Tibshirani (2023), Conformal PID
        control for time series prediction, NeurIPS 36 (the integrator); Gneiting & Raftery (2007), JASA 102:359-378.
    """

    def __init__(self, task: ForecastTask) -> None:
        self._task = task
        self._every = max(1, round(_REFRESH / task.interval))
        self._count = self._settled = 0
        self._residuals = Residuals(task)
        self._volatility = Volatility(task.series, task.interval)
        self._forget = 0.5 ** (self._residuals.every * task.interval / _LOSS_HALF_LIFE)
        steps = (task.series, len(task.ahead))
        self._rates, self._spread = np.empty((task.series, 0)), np.empty((task.series, 0))
        self._origins = np.empty(0, dtype=np.intp)
        self._points, self._errors = np.empty((task.series, 0, steps[1])), np.empty((task.series, 0, steps[1]))
        self._units = np.empty((task.series, 0))
        self._lost = np.zeros((*steps, VARIANTS, len(LEVELS)))
        kept = math.ceil(max(task.ahead) / self._every) + 1
        first = self._residuals.quantiles(np.zeros(1, dtype=np.intp), np.ones((task.series, 1)), 0)
        self._variants = np.full((task.series, kept, *first.shape[2:]), np.nan)
        self._tables = np.repeat(_mixed(first, np.eye(VARIANTS)[-1][:, None]), kept, axis=1)
        self._shifts = np.zeros((task.series, kept, steps[1], len(LEVELS)))
        self._newest = (self._tables[:, -1:], self._shifts[:, -1:])
        self._rows, self._of = np.empty((task.series, 0, steps[1])), np.empty(0, dtype=np.intp)
        self._now = np.full((task.series, 1), np.nan)

    def looks(self, length: int) -> NDArray[np.intp]:
        """The origins among the next ``length`` rates whose forecasts are judged."""
        return every(self._count, length, self._residuals.every)

    def read(self, points: FloatArray, rates: FloatArray) -> None:
        """Learn from what came.

        Args:
            points: what was forecast at each of `looks` [jobs/s], shape (series, looks, horizons).
            rates: the rates [jobs/s], shape (series, n), NaN where there is a gap.
        """
        looks, spread = self.looks(rates.shape[1]), self._volatility.read(rates)
        self._origins = np.concatenate([self._origins, self._count + looks])
        self._points = np.concatenate([self._points, points], axis=1)
        self._errors = np.concatenate([self._errors, np.full_like(points, np.nan)], axis=1)
        self._units = np.concatenate([self._units, spread[:, looks]], axis=1)
        self._spread = np.concatenate([self._spread, spread], axis=1)
        self._rates = np.concatenate([self._rates, rates], axis=1)
        self._now = spread[:, -1:]
        self._count += rates.shape[1]
        settled = []
        while due := min(self._rates.shape[1] // self._every, _AT_ONCE):
            settled.append(self._settle(due))
        if settled:
            tables, shifts = zip(*settled, strict=True)
            self._newest = (np.concatenate(tables, axis=1), np.concatenate(shifts, axis=1))

    def quantiles(self, points: FloatArray, ahead: Sequence[int], learned: FloatArray | None = None) -> FloatArray:
        """Quantiles at `LEVELS` from now [jobs/s], shape (series, horizons, levels): ordered, never negative.

        Between two horizons that were learned lies another time of the day: the distances from the point forecast are
        joined, and grow or shrink as the noise of counts would, with the square root of the rate.

        Args:
            points: point forecasts from now [jobs/s], shape (series, horizons).
            ahead: their horizons.
            learned: point forecasts from now at the task's horizons, where ``ahead`` is not these.
        """
        now = self._now[..., None]
        off, width = _offsets(self._tables[:, -1], now)
        off = along(off + self._shifts[:, -1] * width, self._task.ahead, ahead)
        if learned is not None:
            one = 1.0 / self._task.interval
            joined = along(learned, self._task.ahead, ahead)
            off = off * np.sqrt((points + one) / (joined + one))[..., None]
        return _ordered(points[..., None] + off)

    def hindcast(self, points: FloatArray, rates: FloatArray, origins: NDArray[np.intp]) -> FloatArray:
        """Quantiles as they were said along the way, by one that has read nothing yet.

        Args:
            points: what was forecast after each rate [jobs/s], shape (series, n, horizons).
            rates: as in `read`.
            origins: numbers of the rates after which quantiles are wanted.

        Returns:
            Shape (series, origins, horizons, levels).
        """
        spread = Volatility(self._task.series, self._task.interval).read(rates)
        first = self._newest
        self.read(points[:, self.looks(rates.shape[1])], rates)
        tables, shifts = (np.concatenate(parts, axis=1) for parts in zip(first, self._newest, strict=True))
        said = np.minimum((origins + 1) // self._every, tables.shape[1] - 1)
        off, width = _offsets(tables[:, said], spread[:, origins, None, None])
        return _ordered(points[:, origins, :, None] + off + shifts[:, said] * width)

    def paths(self, quantiles: FloatArray, ahead: Sequence[int], series: int = 0) -> FloatArray:
        """Futures that hang together over the horizons as past errors did [jobs/s], shape (rows, horizons).

        Of each origin whose errors are all known, those of this time of the day most.

        Args:
            quantiles: as said by `quantiles` for the series, shape (horizons, levels).
            ahead: their horizons.
            series: which series.
        """
        whole = np.isfinite(self._rows[series]).all(axis=1)
        weights = nearness(self._of[whole], self._count - 1, self._task.interval)
        errors, medians = self._rows[series, whole], quantiles[:, _MEDIAN]
        return drawn(errors, weights, self._task.ahead, medians, ahead, self._task.interval)

    def _settle(self, due: int) -> tuple[FloatArray, FloatArray]:
        """Take the quantiles anew for every two hours that are over, and judge what was said for them."""
        length, kept = due * self._every, self._tables.shape[1]
        ends = self._settled + self._every * np.arange(1, due + 1)
        places, steps, times = self._due(length)
        residuals = self._rates[:, times - self._settled] - self._points[:, places, steps]
        volatility = self._units[:, places]
        counted = units(self._points[:, places, steps], self._task.interval)
        self._errors[:, places, steps] = residuals / counted
        for step in range(len(self._task.ahead)):
            mine = steps == step
            self._residuals.add(step, times[mine], residuals[:, mine], volatility[:, mine])
        variants = self._residuals.quantiles(ends, self._spread[:, ends - 1 - self._settled], self._every // 2)
        self._residuals.forget(int(ends[-1]))
        self._variants = np.concatenate([self._variants, variants], axis=1)
        said = np.maximum((self._origins[places] + 1 - self._settled) // self._every + kept - 1, 0)
        loss = _pinball(residuals, volatility, self._variants[:, said, steps])
        tables = _mixed(variants, self._shares(loss, steps, times, ends))
        self._tables = np.concatenate([self._tables, tables], axis=1)
        off, width = _offsets(self._tables[:, said, steps], volatility[..., None])
        base = self._points[:, places, steps, None] + off
        came = self._rates[:, times - self._settled, None]
        shifts = self._integrated(came, base, width, (said, steps), np.searchsorted(times, ends))
        self._variants, self._tables = self._variants[:, -kept:].copy(), self._tables[:, -kept:].copy()
        self._settled += length
        self._rates, self._spread = self._rates[:, length:].copy(), self._spread[:, length:].copy()
        self._close()
        return tables, shifts

    def _due(self, length: int) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
        """Forecasts whose time comes in the next intervals: their rows, horizons and times, in order of time."""
        times = self._origins[:, None] + np.array(self._task.ahead)
        rows, steps = np.nonzero((times >= self._settled) & (times < self._settled + length))
        order = np.argsort(times[rows, steps], kind="stable")
        return rows[order], steps[order], times[rows, steps][order]

    def _close(self) -> None:
        """Put the errors of an origin away, together, once all are known."""
        still = self._origins + max(self._task.ahead) >= self._settled
        done = self._errors[:, ~still]
        self._rows = np.concatenate([self._rows, done], axis=1)[:, -self._residuals.most :].copy()
        self._of = np.concatenate([self._of, self._origins[~still]])[-self._residuals.most :]
        self._origins = self._origins[still]
        self._points, self._errors = self._points[:, still].copy(), self._errors[:, still].copy()
        self._units = self._units[:, still].copy()

    def _shares(
        self, loss: FloatArray, steps: NDArray[np.intp], times: NDArray[np.intp], ends: NDArray[np.intp]
    ) -> FloatArray:
        """Shares of the variants after each two hours, by their pinball losses until then."""
        lost = np.empty((len(loss), len(ends), *self._lost.shape[1:]))
        for step in range(len(self._task.ahead)):
            mine = steps == step
            before = self._lost[:, step].copy()
            sums = before[..., None]
            if mine.any():
                after = discounted(np.moveaxis(loss[:, mine], 1, -1), self._forget, before)
                sums = np.concatenate([sums, after], axis=-1)
            lost[:, :, step] = np.moveaxis(sums[..., np.searchsorted(times[mine], ends)], -1, 1)
            self._lost[:, step] = sums[..., -1]
        best = lost.min(axis=-2, keepdims=True)
        worse = np.divide(lost, best, out=np.ones_like(lost), where=best > 0) - 1.0
        weights = np.exp(-_SHARPNESS * worse)
        shares: FloatArray = weights / weights.sum(axis=-2, keepdims=True)
        return shares

    def _integrated(
        self,
        came: FloatArray,
        base: FloatArray,
        width: FloatArray,
        said: tuple[NDArray[np.intp], NDArray[np.intp]],
        until: NDArray[np.intp],
    ) -> FloatArray:
        """Move each level a little by how often it was exceeded, two hours after two hours.

        One that says zero, which is not exceeded, stays: it can say no less.
        """
        kept, steps = self._shifts.shape[1], self._shifts.shape[2]
        new = np.empty((len(self._shifts), len(until), *self._shifts.shape[2:]))
        shifts, begin = np.concatenate([self._shifts, new], axis=1), 0
        known, mine = np.isfinite(came - base), np.eye(steps)[said[1]]
        for at, end in enumerate(until):
            part = slice(begin, end)
            level = base[:, part] + shifts[:, said[0][part], said[1][part]] * width[:, part]
            exceeded = came[:, part] > np.maximum(level, 0.0)
            error = np.where(known[:, part] & (exceeded | (level > 0.0)), exceeded - (1.0 - _LEVELS), 0.0)
            number = np.einsum("mrl,rk->mkl", known[:, part].astype(float), mine[part])
            mean = np.einsum("mrl,rk->mkl", error, mine[part]) / np.maximum(number, 1.0)
            mean[..., _MEDIAN] = 0.0
            shifts[:, kept + at] = shifts[:, kept + at - 1] + _STEP * mean
            begin = end
        self._shifts = shifts[:, -kept:].copy()
        return shifts[:, kept:]


def _pinball(residuals: FloatArray, units: FloatArray, said: FloatArray) -> FloatArray:
    """Losses of each variant's quantiles, shape (series, n, variants, levels); 0 where nothing is known."""
    scale = np.stack([np.ones_like(units)] * 2 + [units] * 2, axis=-1)[..., None]
    missed = residuals[..., None, None] - said * scale
    loss = np.maximum(_LEVELS * missed, (_LEVELS - 1.0) * missed)
    return np.where(np.isfinite(loss), loss, 0.0)


def _mixed(variants: FloatArray, shares: FloatArray) -> FloatArray:
    """Variants in their shares: the raw part and the part in units of the volatility, shape (..., 2, levels)."""
    parts = variants * shares
    half = VARIANTS // 2
    return np.stack([parts[..., :half, :].sum(axis=-2), parts[..., half:, :].sum(axis=-2)], axis=-2)


def _offsets(tables: FloatArray, spread: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Distances of the levels from the point forecast, and the width of the side that a level is on."""
    off = tables[..., 0, :] + tables[..., 1, :] * spread
    outer = np.where(LEVELS[_MEDIAN] < _LEVELS, off[..., -1:], off[..., :1])
    return off, np.abs(outer - off[..., _MEDIAN : _MEDIAN + 1])


def _ordered(quantiles: FloatArray) -> FloatArray:
    """Never negative, and none below a lower one: rearranged around the median outwards."""
    quantiles = np.maximum(quantiles, 0.0)
    upper = np.maximum.accumulate(quantiles[..., _MEDIAN:], axis=-1)
    lower = np.minimum.accumulate(quantiles[..., _MEDIAN::-1], axis=-1)[..., ::-1]
    ordered: FloatArray = np.concatenate([lower[..., :-1], upper], axis=-1)
    return ordered

"""Which of several forecasts to trust, by how wrong each was lately: for the settings of a model, and for models."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from capacity_planner.forecasting._discount import discounted
from capacity_planner.forecasting._stride import every, stride

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from capacity_planner.domain.congestion import FloatArray
    from capacity_planner.domain.series import ForecastTask

_LEAST = 1e-12
_PER_HORIZON = 6.0
_LOOK = 3600.0


class Hedge:
    """Weights over rival forecasts per series and horizon, from their recent mean absolute errors.

    The weight of a rival is exp(-sharpness x (its error / the least error - 1)), where the error of a neighbouring
    horizon counts half; an infinite sharpness takes the best alone. About one origin an hour is judged, and errors are
    forgotten with a half-life that grows with the horizon, since far errors hang together.

    Args:
        task: what is followed.
        rivals: how many forecasts compete.
        half_life: after so long, plus six times the horizon, an error counts half [s].
        sharpness: how much less a worse rival weighs.
        prior: index of the rival that is taken while no error is known; ``None`` weighs all alike.

    References:
        Vovk (1990), Aggregating strategies; Herbster & Warmuth (1998), Machine Learning 32:151-178.
    """

    def __init__(
        self, task: ForecastTask, rivals: int, *, half_life: float, sharpness: float, prior: int | None = None
    ) -> None:
        self._task, self._sharpness = task, sharpness
        self._stride = stride(task.interval, _LOOK)
        lives = [half_life + _PER_HORIZON * step * task.interval for step in task.ahead]
        self._forget = [0.5 ** (self._stride * task.interval / life) for life in lives]
        self._count = 0
        self._origins = np.empty(0, dtype=np.intp)
        self._open = np.empty((task.series, 0, len(task.ahead), rivals))
        self._lost = np.zeros((task.series, len(task.ahead), rivals))
        self._known = np.zeros((task.series, len(task.ahead), 1))
        self._start = np.full(rivals, 1.0 / rivals) if prior is None else np.eye(rivals)[prior]
        self.weights = self._weighed(self._lost, self._known)

    @property
    def errors(self) -> FloatArray:
        """Recent mean absolute error per series, horizon and rival [jobs/s]; NaN before any is known."""
        return np.where(self._known > 0, self._lost / np.maximum(self._known, _LEAST), np.nan)

    def looks(self, length: int) -> NDArray[np.intp]:
        """The origins among the next ``length`` rates at which rivals are judged."""
        return every(self._count, length, self._stride)

    def read(self, rivals: FloatArray, rates: FloatArray, origins: NDArray[np.intp]) -> FloatArray:
        """Judge what can be judged now.

        Args:
            rivals: what each rival forecast at each of `looks` [jobs/s], shape (series, looks, horizons, rivals).
            rates: what came [jobs/s], shape (series, n), NaN where nothing was measured.
            origins: places among these rates for which the weights are wanted.

        Returns:
            The weights as they were at each origin, shape (series, origins, horizons, rivals).
        """
        before, length = self._count, rates.shape[1]
        self._origins = np.concatenate([self._origins, before + self.looks(length)])
        self._open = np.concatenate([self._open, rivals], axis=1)
        self._count += length
        parts = [self._judged(at, rates, before, origins) for at in range(len(self._task.ahead))]
        lost, known = (np.stack(part, axis=2) for part in zip(*parts, strict=True))
        open_still = self._origins + max(self._task.ahead) >= self._count
        self._origins, self._open = self._origins[open_still], self._open[:, open_still]
        self.weights = self._weighed(self._lost, self._known)
        return self._weighed(lost, known)

    def _judged(
        self, at: int, rates: FloatArray, before: int, origins: NDArray[np.intp]
    ) -> tuple[FloatArray, FloatArray]:
        """Sums of errors and their number for one horizon as they were at each origin, shape (series, origins, ...)."""
        times = self._origins + self._task.ahead[at]
        due = (times >= before) & (times < self._count)
        missed = np.abs(rates[:, times[due] - before, None] - self._open[:, due, at])
        known = np.isfinite(missed).all(axis=-1, keepdims=True)
        parts = []
        for values, sums in ((np.where(known, missed, 0.0), self._lost), (known.astype(float), self._known)):
            start = sums[:, at].copy()
            after = discounted(np.moveaxis(values, 1, -1), self._forget[at], start) if due.any() else start[..., None]
            sums[:, at] = after[..., -1]
            table = np.concatenate([start[:, None], np.moveaxis(after, -1, 1)], axis=1)
            parts.append(table[:, np.searchsorted(times[due], before + origins, side="right")])
        return parts[0], parts[1]

    def _weighed(self, lost: FloatArray, known: FloatArray) -> FloatArray:
        around = np.concatenate([lost[..., :1, :], lost, lost[..., -1:, :]], axis=-2)
        lost = lost / 2.0 + (around[..., 2:, :] + around[..., :-2, :]) / 4.0
        if math.isinf(self._sharpness):
            weights = np.zeros_like(lost)
            np.put_along_axis(weights, lost.argmin(axis=-1)[..., None], 1.0, axis=-1)
        else:
            least = np.maximum(lost.min(axis=-1, keepdims=True), _LEAST * lost.max(axis=-1, keepdims=True))
            worse = np.divide(lost, least, out=np.ones_like(lost), where=least > 0) - 1.0
            weights = np.exp(-self._sharpness * np.maximum(worse, 0.0))
            weights /= weights.sum(axis=-1, keepdims=True)
        return np.where(known > 0, weights, self._start)


def mixed(weights: FloatArray, rivals: FloatArray) -> FloatArray:
    """The rivals in the mixture of the weights, along the last axis."""
    whole: FloatArray = np.einsum("...a,...a->...", weights, rivals)
    return whole

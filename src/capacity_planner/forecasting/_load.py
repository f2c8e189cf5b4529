"""The demand for servers as it will be: forecast, and the quantiles of how wrong that was."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from capacity_planner.forecasting._stride import per_day

if TYPE_CHECKING:
    from capacity_planner.contracts import ForecastModel
    from capacity_planner.domain.congestion import FloatArray
    from capacity_planner.domain.series import ForecastTask

LEVELS = (
    *(0.0005, 0.002, 0.007),
    *(0.02, 0.1, 0.2, 0.35, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97),
    *(0.98, 0.99, 0.995, 0.998, 0.999, 0.9995),
)
BEYOND = (1.15, 1.3, 1.5, 1.8, 2.2, 2.8)
_LEVELS, _BEYOND = np.array(LEVELS), np.array(BEYOND)
# Residuals of counts are not normal: what is taken while none are known is half as wide again.
_USUAL = 1.5 * np.array([NormalDist().inv_cdf(level) for level in LEVELS])
_WEEK, _KEPT = 7, 21  # days
_NEAR = 5_400.0
_CYCLES = 4
_REFRESH = 1_800.0
_ENOUGH = 2_000
_ONE_HALF = 0.5
_LEAST_TOP = 0.5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Loads:
    """The load of some bins, and what was said of the bins after each of them; all in servers.

    Attributes:
        loads: mean servers busy in each bin if every job began at once, shape (n,).
        ahead: forecasts after each bin, shape (n, horizons).
        scores: quantiles at `LEVELS`, and beyond, of the residuals at the last horizon, in units of the root of
            forecast + 1/2, as known after each bin, shape (n, levels).
    """

    loads: FloatArray
    ahead: FloatArray
    scores: FloatArray


class LoadFollower:
    """Follows the load that the counts of jobs put on the servers if every job began at once.

    Args:
        model: forecasts the load.
        task: horizons, in bins; one series.
        shares: the load of one job in the bin of its arrival and in each later one [servers], shape (m,).

    References:
        Eick, Massey & Whitt (1993), Management Science 39:241-252, eq. 1 (the load of past arrivals).
    """

    def __init__(self, model: ForecastModel, task: ForecastTask, shares: FloatArray) -> None:
        self._task, self._shares = task, shares
        self._state = model.start(task)
        self._tail = np.zeros(len(shares) - 1)
        self._every, self._day = max(1, round(_REFRESH / task.interval)), per_day(task.interval)
        self._count = 0
        self._said = np.full(task.ahead[-1], np.nan)
        self._scores = np.empty(0)
        self._table = table(self._scores)

    def read(self, counts: FloatArray) -> Loads:
        """Read on; how the counts are cut into calls makes no difference.

        Args:
            counts: jobs per bin, shape (n,).
        """
        whole = np.concatenate([self._tail, counts])
        first = len(self._tail)
        loads = np.convolve(whole, self._shares)[first : len(whole)]
        self._tail = whole[len(whole) - first :]
        made = self._state.read(loads[None], np.ones((1, len(loads))))[0]
        ahead = np.where(np.isfinite(made), made, loads[:, None])
        return Loads(loads=loads, ahead=ahead, scores=self._tables(loads, ahead[:, -1]))

    def _tables(self, loads: FloatArray, said: FloatArray) -> FloatArray:
        """The quantiles of residuals, taken anew every half hour, after each bin."""
        whole = np.concatenate([self._said, said])
        due = whole[: len(loads)]
        past = np.concatenate([self._scores, (loads - due) / np.sqrt(np.maximum(due, 0.0) + _ONE_HALF)])
        before = len(self._scores)
        rows = np.empty((len(loads), len(self._table)))
        first = -self._count % self._every
        edges = [0, *range(first, len(loads), self._every), len(loads)]
        for begin, end in itertools.pairwise(edges):
            if (self._count + begin) % self._every == 0 and end > begin:
                self._table = self._taken(past[: before + begin + 1])
            rows[begin:end] = self._table
        self._count += len(loads)
        self._said, self._scores = whole[len(loads) :], past[-_KEPT * self._day :].copy()
        return rows

    def _taken(self, scores: FloatArray) -> FloatArray:
        """Quantiles of the last week, mixed with those of the same time on earlier days, as one would meet them next.

        Args:
            scores: up to now, the newest last.
        """
        scores = scores[-_KEPT * self._day :]
        lately = table(scores[-_WEEK * self._day :])
        width = round(_NEAR / self._task.interval)
        middle = len(scores) - 1 + self._task.ahead[-1] + self._every // 2
        begins = [middle - cycle * self._day - width for cycle in range(1, _KEPT + 1)]
        near = [scores[max(begin, 0) : begin + 2 * width] for begin in begins if begin + 2 * width > 0]
        if len(near) <= _CYCLES or not width:
            return lately
        return 0.5 * (lately + table(np.concatenate(near), 1))


def table(scores: FloatArray, enough: int = _ENOUGH) -> FloatArray:
    """Quantiles at `LEVELS`, and the last one times each of `BEYOND`; in part what is usual while few are known.

    Args:
        scores: NaN where nothing was forecast.
        enough: so many are taken as they are.
    """
    known = scores[np.isfinite(scores)]
    share = min(1.0, len(known) / enough)
    own = np.quantile(known, _LEVELS) if len(known) else _USUAL
    rows = share * own + (1.0 - share) * np.where(_LEVELS > _ONE_HALF, np.maximum(own, _USUAL), own)
    return np.concatenate([rows, max(rows[-1], _LEAST_TOP) * _BEYOND])


def horizons(interval: float, delay: float, lag: int) -> tuple[int, ...]:
    """Bins from the newest known one to the present, to the next, and to the one when a worker ordered now serves.

    >>> horizons(60.0, 120.0, 2)
    (2, 3, 4)
    """
    return tuple(sorted({lag, lag + 1, lag + math.ceil(delay / interval - 1e-9)}))

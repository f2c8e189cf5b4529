"""Ridge regression: for every horizon one line from recent levels and earlier cycles to what comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from capacity_planner.forecasting._levels import Levels
from capacity_planner.forecasting._profile import Profile
from capacity_planner.forecasting._scale import along, logged, unlogged
from capacity_planner.forecasting._stride import DAY, every, per_day, stride
from capacity_planner.registry import forecast_models

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from capacity_planner.domain.congestion import FloatArray
    from capacity_planner.domain.series import ForecastTask

_LAGS = (0, 1, 2, 3, 5, 8, 12)
_ALPHAS = (0.05, 0.15, 0.45)
_PERSISTS = 1 + len(_LAGS) + _ALPHAS.index(0.15)
_CYCLES = 7
_PROFILES = (7, 4)
_CONSTANT = 0.3
_PENALTY = 0.003
_PRIOR_ROWS = 20.0
_HALF_LIFE = 14 * DAY
_BEYOND = 0.7
_LEARNS = 1800.0


@forecast_models.register("ridge")
class Ridge:
    """A line per horizon, refitted twice a day, on the logarithm of the counts.

    What is forecast is how far the count will be off the median of its slot in earlier cycles. It is explained by how
    far the newest counts are off theirs (seven lags and three levels), by the same slot and its neighbours in the last
    seven cycles, by the slots of the week now and then, and by the level of late. Without a season the slot's median
    is the level of about the last day. The line is drawn towards "as far off as lately", which is what it says before
    it has learned.

    References:
        Hoerl & Kennard (1970), Technometrics 12:55-67; Marcellino, Stock & Watson (2006), J. Econometrics 135:499-526
        (direct forecasts).
    """

    name: str
    minimum_samples = 1
    seasonal = True

    def start(self, task: ForecastTask) -> _Following:
        """Nothing read yet."""
        return _Following(task)


class _Following:
    def __init__(self, task: ForecastTask) -> None:
        self._task = task
        day = per_day(task.interval)
        self._every, self._thin = max(6, day // 2), stride(task.interval, _LEARNS)
        self._count = 0
        self._most = np.full((task.series, 1), -np.inf)
        self._facts = _Facts(task, day)
        self._fit = _Fit(task, self._facts.size, forget=0.5 ** (self._every * task.interval / _HALF_LIFE))

    def read(self, rates: FloatArray, weights: FloatArray, origins: NDArray[np.intp] | None = None) -> FloatArray:
        """What the lines say at each origin."""
        values = logged(rates, self._task.interval)
        wanted = np.arange(rates.shape[1]) if origins is None else origins
        made, at = [], 0
        while at < rates.shape[1]:
            end = min(rates.shape[1], at + self._every - self._count % self._every)
            here, learned = wanted[(wanted >= at) & (wanted < end)] - at, every(self._count, end - at, self._thin)
            usual = np.where(weights[:, at:end] < 1.0, np.nan, values[:, at:end])
            facts, base = self._facts.read(values[:, at:end], usual, np.concatenate([here, learned]))
            made.append(self._fit.said(facts[:, : len(here)], base[:, : len(here)]))
            self._fit.read(facts[:, len(here) :], base[:, len(here) :], learned, values[:, at:end], weights[:, at:end])
            self._count += end - at
            at = end
            if self._count % self._every == 0:
                self._fit.solve()
        seen = np.concatenate([self._most, np.where(np.isfinite(values), values, -np.inf)], axis=1)
        most = np.maximum.accumulate(seen, axis=1)[:, 1:]
        self._most = most[:, -1:]
        return self._said(np.concatenate(made, axis=1), most[:, wanted, None])

    def predict(self, ahead: Sequence[int]) -> FloatArray:
        """What the lines say now; between the horizons that were fitted their coefficients are joined."""
        facts, base = self._facts.now(ahead)
        lines = along(self._fit.lines, self._task.ahead, ahead)
        return self._said(base + np.einsum("mkp,mkp->mk", facts, lines), self._most)

    def _said(self, values: FloatArray, most: FloatArray) -> FloatArray:
        """A line that was drawn through few rows may leave the page: at most twice what was seen so far."""
        return unlogged(np.minimum(values, most + _BEYOND), self._task.interval)


class _Facts:
    """What a line looks at, and the base that it starts from."""

    def __init__(self, task: ForecastTask, day: int) -> None:
        self._task = task
        self._slow = Levels((task.series,), (1.0 / day,))
        self._levels = Levels((task.series,), _ALPHAS)
        self._profiles = [
            Profile(task, period, cycles) for period, cycles in zip(task.periods, _PROFILES, strict=False)
        ]
        self._period = task.periods[0] if task.periods else 0
        self._past = np.full((task.series, (_CYCLES + 1) * self._period + 2), np.nan)
        self._off = np.full((task.series, _LAGS[-1]), np.nan)
        self._common = np.empty((task.series, 1, 0))
        self._anchors = np.empty((task.series, 1, 2))
        seasonal = _CYCLES + 3 + 2 * len(self._profiles[1:]) if self._period else 0
        self.size = 1 + len(_LAGS) + len(_ALPHAS) + seasonal

    def read(self, values: FloatArray, calm: FloatArray, origins: NDArray[np.intp]) -> tuple[FloatArray, FloatArray]:
        """Facts (series, origins, horizons, facts) and base (series, origins, horizons).

        Args:
            values: what came, on the scale of the model, shape (series, n).
            calm: the same without what was flagged, which later days are not to be told of.
            origins: places among them.
        """
        length, width = values.shape[1], self._past.shape[1]
        slow = self._slow.read(calm)[..., 0]
        read = [profile.read(calm, origins) for profile in self._profiles]
        usual = _known(read[0][0], slow) if read else slow
        off = np.concatenate([self._off, values - usual], axis=1)
        levels = self._levels.read(off[:, _LAGS[-1] :])
        weekly = [_known(week, usual) - usual for week, _ in read[1:]]
        common = self._commonly(off, levels, weekly, origins)
        past = np.concatenate([self._past, calm], axis=1)
        self._past, self._off = past[:, length:].copy(), off[:, length:].copy()
        anchors = np.stack([usual, slow], axis=-1)
        self._common, self._anchors = self._commonly(off, levels, weekly, np.array([length - 1])), anchors[:, -1:]
        coming = [profile for _, profile in read]
        return self._joined(past, width + origins, self._task.ahead, common, anchors[:, origins], coming)

    @staticmethod
    def _commonly(
        off: FloatArray, levels: FloatArray, weekly: list[FloatArray], origins: NDArray[np.intp]
    ) -> FloatArray:
        """The facts that are the same for all horizons, shape (series, origins, facts)."""
        lagged = off[:, origins[:, None] + _LAGS[-1] - np.array(_LAGS)]
        constant = np.full((*lagged.shape[:2], 1), _CONSTANT)
        weeks = [week[:, origins, None] for week in weekly]
        return np.concatenate([constant, lagged, levels[:, origins], *weeks], axis=-1)

    def now(self, ahead: Sequence[int]) -> tuple[FloatArray, FloatArray]:
        """The same for horizons from now: (series, horizons, facts) and (series, horizons)."""
        coming = [profile.coming(ahead)[:, None] for profile in self._profiles]
        newest = np.array([self._past.shape[1] - 1])
        facts, base = self._joined(self._past, newest, ahead, self._common, self._anchors, coming)
        return facts[:, 0], base[:, 0]

    def _joined(
        self,
        past: FloatArray,
        origins: NDArray[np.intp],
        ahead: Sequence[int],
        common: FloatArray,
        anchors: FloatArray,
        coming: list[FloatArray],
    ) -> tuple[FloatArray, FloatArray]:
        shape = (len(past), len(origins), len(ahead))
        slow = np.broadcast_to(anchors[..., 1:], shape)
        base = _known(coming[0], slow) if coming else slow
        facts = np.empty((*shape, self.size))
        facts[..., : common.shape[-1]] = common[:, :, None]
        at = common.shape[-1]
        if self._period:
            slot = origins[:, None] + (np.asarray(ahead) - 1) % self._period + 1
            for cycle in range(1, _CYCLES + 1):
                facts[..., at] = past[:, slot - cycle * self._period] - base
                at += 1
            after = np.minimum(slot - self._period + 1, origins[:, None])
            around = past[:, slot - self._period - 1] + past[:, after]
            for fact in (around / 2.0, anchors[..., :1], slow, *coming[1:]):
                facts[..., at] = fact - base
                at += 1
        return np.where(np.isfinite(facts), facts, 0.0), base


class _Fit:
    """Normal equations that forget, one line per series and horizon."""

    def __init__(self, task: ForecastTask, size: int, *, forget: float) -> None:
        self._task, self._size, self._forget = task, size, forget
        lines = (task.series, len(task.ahead))
        self._count = 0
        self._squares, self._products = np.zeros((*lines, size, size)), np.zeros((*lines, size))
        self._rows = np.zeros(lines)
        self._origins = np.empty(0, dtype=np.intp)
        self._facts, self._base = (
            np.empty((task.series, 0, len(task.ahead), size)),
            np.empty((task.series, 0, lines[1])),
        )
        self._prior = np.eye(size)[_PERSISTS]
        self.lines = np.broadcast_to(self._prior, (*lines, size)).copy()

    def said(self, facts: FloatArray, base: FloatArray) -> FloatArray:
        """Forecasts from facts and base."""
        values: FloatArray = base + np.einsum("mnkp,mkp->mnk", facts, self.lines)
        return values

    def read(
        self,
        facts: FloatArray,
        base: FloatArray,
        origins: NDArray[np.intp],
        values: FloatArray,
        weights: FloatArray,
    ) -> None:
        """Keep facts until what they were to say has come, and learn from those whose time it is."""
        before, length = self._count, values.shape[1]
        self._count += length
        self._origins = np.concatenate([self._origins, before + origins])
        self._facts = np.concatenate([self._facts, facts], axis=1)
        self._base = np.concatenate([self._base, base], axis=1)
        for at, step in enumerate(self._task.ahead):
            times = self._origins + step - before
            due = (times >= 0) & (times < length)
            came = values[:, times[due]] - self._base[:, due, at]
            share = np.where(np.isfinite(came), weights[:, times[due]], 0.0)
            rows = self._facts[:, due, at]
            weighed = (rows * share[..., None]).transpose(0, 2, 1)
            self._squares[:, at] += weighed @ rows
            self._products[:, at] += (weighed @ np.where(share > 0, came, 0.0)[..., None])[..., 0]
            self._rows[:, at] += share.sum(axis=1)
        still = self._origins + max(self._task.ahead) >= self._count
        self._origins, self._facts, self._base = self._origins[still], self._facts[:, still], self._base[:, still]

    def solve(self) -> None:
        """Draw the lines anew, and forget some of what they rest on."""
        size = np.maximum(np.trace(self._squares, axis1=-2, axis2=-1) / self._size, 1e-9)
        penalty = (_PENALTY + _PRIOR_ROWS / np.maximum(self._rows, 1.0)) * size
        squares = self._squares + penalty[..., None, None] * np.eye(self._size)
        products = self._products + penalty[..., None] * self._prior
        self.lines = np.linalg.solve(squares, products[..., None])[..., 0]
        self._squares *= self._forget
        self._products *= self._forget
        self._rows *= self._forget


def _known(values: FloatArray, otherwise: FloatArray) -> FloatArray:
    return np.where(np.isfinite(values), values, otherwise)

"""Which forecast model suits a history: all of them on the same past, each knowing no more than was known then."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from capacity_planner.domain.series import ForecastTask
from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.forecasting._conformal import LEVELS, Conformal
from capacity_planner.forecasting._ladder import ladder
from capacity_planner.frozen import FrozenMap
from capacity_planner.pipeline.following import seasons_of
from capacity_planner.registry import forecast_models
from capacity_planner.units import words

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from capacity_planner.domain.config import PlannerConfig
    from capacity_planner.domain.congestion import FloatArray
    from capacity_planner.domain.series import Series

YARDSTICK = "naive"
RANKED_BY = (0.5, 0.9, 0.95, 0.99)
_LEVELS = np.array(LEVELS)
_MEDIAN = LEVELS.index(0.5)
_HOUR, _DAY = 3600.0, 86_400.0
_MOST_ORIGINS = 500
_LEAST_ORIGINS = 10
_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How good one model's forecasts of a history would have been, over all origins and horizons alike.

    Attributes:
        model: its name.
        score: mean over the levels `RANKED_BY` of its pinball loss relative to that of ``naive``; less is better.
        outcomes: how many forecasts are judged; what was never measured judges none.
        mae: mean absolute error of the median [jobs/s].
        relative: mae relative to that of ``naive``.
        wape: sum of absolute errors over the sum of what came.
        mase: mae over the mean absolute difference to the rate one day earlier, or to the rate before in a history of
            a day or less.
        bias: mean of median - what came [jobs/s].
        pinball: level → mean pinball loss [jobs/s].
        coverage: level → share of outcomes at most the quantile.
        seconds: processor time of the model itself [s].
    """

    model: str
    score: float
    outcomes: int
    mae: float
    relative: float
    wape: float
    mase: float
    bias: float
    pinball: FrozenMap
    coverage: FrozenMap
    seconds: float


def comparable() -> tuple[str, ...]:
    """The models that are compared when none is named: all, but those that another library fits anew each time."""
    return tuple(name for name in forecast_models.names() if not name.startswith("statsforecast"))


def compare(
    series: Series,
    models: Sequence[str],
    longest: int,
    *,
    config: PlannerConfig,
    progress: Callable[[str, float], None] | None = None,
) -> tuple[Comparison, ...]:
    """Rank models by what their quantiles would have lost, from many origins in a history, best first.

    Workers are staffed for upper quantiles, hence the ranking looks at the median and at three of those, each relative
    to ``naive``, which is always among the models. Origins are an hour apart, and further in a long history; they begin
    after a third of it or after two days. Each model reads the history once, in order, and forecasts along the way;
    only which seasons there are is taken from all of it.

    Args:
        series: the history.
        models: names.
        longest: farthest horizon, in intervals.
        config: settings; ``seasonal_period`` counts here.
        progress: called with a model's name and the share of its work that is done, from 0 to 1.

    Raises:
        PlannerError: ``MODEL_NOT_SUPPORTED``; ``INSUFFICIENT_HISTORY`` when fewer than ten origins have outcomes;
            ``FORECAST_FAILED`` naming a model that failed.
    """
    names = tuple(dict.fromkeys((YARDSTICK, *models)))
    for name in names:
        forecast_models.get(name)
    day = max(1, round(_DAY / series.interval))
    task = ForecastTask(
        ahead=ladder(max(1, longest), day), interval=series.interval, periods=seasons_of(series, config), series=1
    )
    origins = origins_of(len(series.rates), series.interval)
    came = _outcomes(series.rates, origins, task)
    if np.isfinite(came).any(axis=1).sum() < _LEAST_ORIGINS:
        raise _too_short(series)
    told = progress or (lambda _name, _share: None)
    record = _Record(came, _scale(series.rates, day))
    rows = [record.judged(name, *_forecast(name, task, series.rates, origins, told)) for name in names]
    return tuple(sorted(rows, key=lambda row: (row.score, row.seconds)))


def origins_of(count: int, interval: float) -> NDArray[np.intp]:
    """Numbers of the intervals after which forecasts are judged.

    >>> origins_of(12 * 24, 300.0)[:3].tolist(), len(origins_of(20_000, 300.0))
    ([96, 108, 120], 474)
    """
    first = min(count // 3, round(2 * _DAY / interval))
    step = max(1, round(_HOUR / interval))
    if (count - first) / step > _MOST_ORIGINS:
        # No common divisor with the day, so that no time of the day is left out.
        day = max(1, round(_DAY / interval))
        least = math.ceil((count - first) / _MOST_ORIGINS)
        step = next(number for number in range(least, least + day + 1) if math.gcd(number, day) == 1)
    return np.arange(first, count - 1, step)


def _outcomes(rates: FloatArray, origins: NDArray[np.intp], task: ForecastTask) -> FloatArray:
    """What came, shape (origins, horizons); NaN where it is not known."""
    padded = np.append(rates, np.full(max(task.ahead), np.nan))
    came: FloatArray = padded[origins[:, None] + np.array(task.ahead)]
    return came


def _forecast(
    name: str, task: ForecastTask, rates: FloatArray, origins: NDArray[np.intp], told: Callable[[str, float], None]
) -> tuple[FloatArray, float]:
    """Quantiles from each origin, shape (origins, horizons, levels), and the processor time of the model."""
    told(name, 0.0)
    try:
        points, seconds = _followed(name, task, rates)
    except PlannerError:
        raise
    except Exception as error:
        message = f"The model {name} failed with {type(error).__name__}: {error}. Name the others to compare them."
        details = {"field": "forecast_model", "value": name}
        raise PlannerError(ErrorCode.FORECAST_FAILED, message, details=details) from error
    bounds, said, begin = Conformal(task), [], 0
    for end in (origins + 1).tolist():
        # Read on and ask, as in use; reading all at once holds every residual against every instant.
        part = points[:, begin:end]
        bounds.read(part[:, bounds.looks(end - begin)], rates[None, begin:end])
        said.append(bounds.quantiles(part[:, -1], task.ahead)[0])
        told(name, end / len(rates))
        begin = end
    told(name, 1.0)
    return np.stack(said), seconds


def _followed(name: str, task: ForecastTask, rates: FloatArray) -> tuple[FloatArray, float]:
    """What a model forecast after each rate, shape (1, n, horizons), and the processor time that it took."""
    begun = time.process_time()
    state, parts = forecast_models.get(name).start(task), []
    for at in range(0, len(rates), _AT_ONCE):
        some = rates[None, at : at + _AT_ONCE]
        parts.append(state.read(some, np.ones_like(some)))
    return np.concatenate(parts, axis=1), time.process_time() - begun


class _Record:
    """What came, and what each model is judged by."""

    def __init__(self, came: FloatArray, scale: float) -> None:
        self._came, self._scale = came, scale
        self._yardstick: tuple[float, FloatArray] | None = None

    def judged(self, model: str, said: FloatArray, seconds: float) -> Comparison:
        """A model's row; the first one judged is what the others are held against."""
        known = np.isfinite(self._came) & np.isfinite(said).all(axis=-1)
        came, quantiles = self._came[known], said[known]
        off = quantiles[:, _MEDIAN] - came
        beyond = came[:, None] - quantiles
        lost = np.maximum(_LEVELS * beyond, (_LEVELS - 1.0) * beyond).mean(axis=0)
        mae, total = float(np.abs(off).mean()), float(came.sum())
        usual, usually_lost = self._yardstick = self._yardstick or (mae, lost)
        ranked = [LEVELS.index(level) for level in RANKED_BY]
        return Comparison(
            model=model,
            score=float(np.mean([_ratio(lost[at], usually_lost[at]) for at in ranked])),
            outcomes=int(known.sum()),
            mae=mae,
            relative=_ratio(mae, usual),
            wape=float(np.abs(off).sum()) / total if total > 0 else 0.0,
            mase=_ratio(mae, self._scale),
            bias=float(off.mean()),
            pinball=FrozenMap(dict(zip(LEVELS, lost.tolist(), strict=True))),
            coverage=FrozenMap(dict(zip(LEVELS, (beyond <= 0.0).mean(axis=0).tolist(), strict=True))),
            seconds=seconds,
        )


def _ratio(value: float, scale: float) -> float:
    """A share; of nothing it is 1 where nothing was lost either, and infinite else."""
    if scale > 0.0:
        return float(value / scale)
    return math.inf if value > 0.0 else 1.0


def _scale(rates: FloatArray, day: int) -> float:
    """Mean absolute difference to the rate one day earlier [jobs/s]; to the one before in a short history."""
    for lag in (day, 1):
        steps = np.abs(rates[lag:] - rates[:-lag])
        if np.isfinite(steps).any():
            return float(np.nanmean(steps))
    return 0.0


def _too_short(series: Series) -> PlannerError:
    covered = f"{len(series.rates)} intervals of {words(timedelta(seconds=series.interval))}"
    message = (
        f"history covers {covered}, too few to compare models on: at least {_LEAST_ORIGINS} forecasts an hour apart "
        "must have come true. Give more history."
    )
    details = {"field": "history", "value": len(series.rates)}
    return PlannerError(ErrorCode.INSUFFICIENT_HISTORY, message, details=details)

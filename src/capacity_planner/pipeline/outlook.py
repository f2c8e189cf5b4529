"""Samples to what comes: a forecast per interval of the plan, and what stands behind it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from capacity_planner.domain.forecast import Forecast
from capacity_planner.forecasting._residuals import LEVELS
from capacity_planner.frozen import FrozenMap
from capacity_planner.history.resample import to_series

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from capacity_planner.domain.config import PlannerConfig
    from capacity_planner.domain.congestion import FloatArray
    from capacity_planner.domain.metrics import Metrics
    from capacity_planner.domain.request import PlanWarning
    from capacity_planner.domain.series import Series
    from capacity_planner.forecasting._anomaly import Anomaly
    from capacity_planner.history.quality import Quality
    from capacity_planner.pipeline.deadline import Deadline
    from capacity_planner.pipeline.following import Following

ENOUGH_OUTCOMES = 30
_LOWER, _UPPER = 0.05, 0.95
_WORTH_NAMING = 0.05


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """A forecast and what stands behind it.

    Args:
        model: the model that made it; not the one that was asked for where that failed.
        forecasts: one per interval of the plan.
        series: the rates that it was made from.
        anomaly: how the newest rates are off, if they are.
        outcomes: past forecasts whose outcome the bounds rest on.
        paths: futures of the intervals as they deviated in the past [jobs/s], shape (rows, intervals); too few to be of
            use below 30 rows.
        shares: per interval the models that a mixture is made of, each with its share and its recent mean absolute
            error [jobs/s]; empty where one model made the forecast.
        warnings: what a person should know about it.
        quality: what was odd about the samples as they were given, where they were counted.
    """

    model: str
    forecasts: tuple[Forecast, ...]
    series: Series
    anomaly: Anomaly | None
    outcomes: int
    paths: FloatArray
    shares: tuple[tuple[tuple[str, float, float], ...], ...]
    warnings: tuple[PlanWarning, ...]
    quality: Quality | None = None


def outlook(samples: Sequence[Metrics], config: PlannerConfig, deadline: Deadline, following: Following) -> Outlook:
    """Forecast every interval of the plan, and judge the newest samples.

    Args:
        samples: at least one, oldest first.
        config: settings.
        deadline: the call's time limit.
        following: what is remembered of the queue.

    Raises:
        PlannerError: ``INSUFFICIENT_HISTORY``, ``FORECAST_FAILED`` or ``MODEL_NOT_SUPPORTED``.
    """
    interval = config.plan_interval.total_seconds()
    series = to_series(samples, interval)
    question = (config, series.end, series.interval, series.rates.tobytes())
    known: Outlook | None = following.recall(question)
    if known is not None:
        return known
    count = math.floor(config.forecast_window / config.plan_interval + 1e-9)
    ahead = [max(1, math.ceil(step * interval / series.interval - 1e-9)) for step in range(1, count + 1)]
    deadline.check()
    follower, model, warnings = following.follow(series, config, ahead, deadline)
    deadline.check()
    quantiles = follower.quantiles(ahead)[0]
    shares = follower.shares(ahead)
    names = [_named(model, parts) for parts in shares] or [model] * count
    times = (series.end + step * config.plan_interval for step in range(1, count + 1))
    answer = Outlook(
        model=model,
        forecasts=tuple(map(_forecast, times, quantiles.tolist(), names)),
        series=series,
        anomaly=follower.anomalies()[0],
        outcomes=int(follower.outcomes[0]),
        paths=follower.paths(quantiles, ahead),
        shares=tuple(map(tuple, shares)),
        warnings=warnings,
    )
    following.remember(question, answer)
    return answer


def _named(model: str, parts: Sequence[tuple[str, float, float]]) -> str:
    """The mixture with what it is made of, such as ``auto (ridge 62 %, seasonal 38 %)``."""
    large = sorted((part for part in parts if part[1] >= _WORTH_NAMING), key=lambda part: -part[1])
    return f"{model} ({', '.join(f'{name} {share:.0%}'.replace('%', ' %') for name, share, _ in large)})"


def _forecast(at: datetime, rates: list[float], model: str) -> Forecast:
    quantiles = FrozenMap(dict(zip(LEVELS, rates, strict=True)))
    return Forecast(
        timestamp=at,
        arrival_rate=quantiles[0.5],
        lower=quantiles[_LOWER],
        upper=quantiles[_UPPER],
        confidence=round(_UPPER - _LOWER, 12),
        model=model,
        quantiles=quantiles,
    )

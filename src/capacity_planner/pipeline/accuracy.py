"""Forecasts that were made, and how right they were once their time had come: never in-sample."""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING

import numpy as np

from capacity_planner.domain.forecast import Forecast, ForecastAccuracy
from capacity_planner.frozen import FrozenMap

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime, timedelta

    from capacity_planner.domain.congestion import FloatArray
    from capacity_planner.domain.series import Series

_MOST_OPEN = 20_000
_MOST_JUDGED = 2_000
_ROUNDING = 0.25
_DAY = 86_400.0


class Ledger:
    """The forecasts of one queue: open until the time that they are for is measured, then judged."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, datetime, datetime], Forecast] = {}
        self._judged: dict[tuple[str, timedelta], deque[tuple[float, Forecast]]] = {}
        self._scale = 0.0

    def write(self, model: str, made: datetime, forecasts: Iterable[Forecast]) -> None:
        """Note forecasts that were made now; the same made twice is one.

        Args:
            model: the model that was asked for.
            made: end of the newest interval that it knew.
            forecasts: what it said.
        """
        self._open.update(((model, made, item.timestamp), item) for item in forecasts)
        for key in list(self._open)[: len(self._open) - _MOST_OPEN]:
            del self._open[key]

    def settle(self, series: Series) -> None:
        """Judge the forecasts whose interval is now known; one that is a gap is never judged.

        Nor is one that an interval would judge which had begun before the forecast was made.
        """
        for model, made, at in [key for key in self._open if key[2] <= series.end]:
            forecast = self._open.pop((model, made, at))
            came = _judge(series, made, at)
            if math.isfinite(came):
                self._judged.setdefault((model, at - made), deque(maxlen=_MOST_JUDGED)).append((came, forecast))
        self._scale = _naive_error(series)

    def rows(self) -> tuple[ForecastAccuracy, ...]:
        """One row per model and horizon, in their order."""
        return tuple(_judged(*key, self._judged[key], self._scale) for key in sorted(self._judged))

    def knows(self, model: str) -> bool:
        """Whether any forecast of a model was judged."""
        return any(key[0] == model for key in self._judged)

    def accuracy(self, model: str) -> float:
        """1 - WAPE over all of a model's horizons, from 0 to 1; 0 before any forecast's time has come."""
        pairs = [
            (abs(made.arrival_rate - came), came)
            for key, rows in self._judged.items()
            if key[0] == model
            for came, made in rows
        ]
        if not pairs:
            return 0.0
        error, came = (math.fsum(part) for part in zip(*pairs, strict=True))
        return max(0.0, 1.0 - error / came) if came > 0 else float(error == 0)


def _judged(model: str, horizon: timedelta, rows: Iterable[tuple[float, Forecast]], scale: float) -> ForecastAccuracy:
    came = np.array([rate for rate, _ in rows])
    missed = np.array([made.arrival_rate for _, made in rows]) - came
    mae = float(np.abs(missed).mean())
    total = float(came.sum())
    levels = sorted({level for _, made in rows for level in made.quantiles})
    pinball, coverage = {}, {}
    for level in levels:
        said = np.array([made.quantiles.get(level, math.nan) for _, made in rows])
        beyond = came - said
        pinball[level] = float(np.nanmean(np.maximum(level * beyond, (level - 1.0) * beyond)))
        coverage[level] = float(np.mean(beyond[np.isfinite(beyond)] <= 0.0))
    return ForecastAccuracy(
        model=model,
        horizon=horizon,
        outcomes=len(came),
        mae=mae,
        wape=float(np.abs(missed).sum()) / total if total > 0 else 0.0,
        mase=mae / scale if scale > 0 else 0.0,
        bias=float(missed.mean()),
        pinball=FrozenMap(pinball),
        coverage=FrozenMap(coverage),
    )


def _judge(series: Series, made: datetime, at: datetime) -> float:
    """The rate of the interval that ends at an instant, or else has it inside, and began after the forecast was made.

    NaN where there is none, or where it is a gap. An end counts as met when it is off by up to a quarter.
    """
    back = (series.end - at).total_seconds() / series.interval
    known = (series.end - made).total_seconds() / series.interval
    for place in (math.floor(back + _ROUNDING), math.floor(back)):
        if place < len(series.rates) and place + 1 <= known + _ROUNDING:
            return float(series.rates[len(series.rates) - 1 - place])
    return math.nan


def _naive_error(series: Series) -> float:
    """Mean absolute difference to the rate a day earlier, or to the one before [jobs/s]."""
    day = round(_DAY / series.interval)
    for lag in (day, 1):
        if 0 < lag < len(series.rates) and (error := _known_mean(np.abs(series.rates[lag:] - series.rates[:-lag]))):
            return error
    return 0.0


def _known_mean(values: FloatArray) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else 0.0

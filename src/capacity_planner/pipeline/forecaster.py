"""Forecasts at the API: history to the arrival rate of the next intervals."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from capacity_planner import codec
from capacity_planner.domain.config import PlannerConfig
from capacity_planner.domain.forecast import Forecast
from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.forecasting import _anomaly, _quantiles
from capacity_planner.frozen import FrozenMap
from capacity_planner.history.memory import merge
from capacity_planner.history.resample import to_series
from capacity_planner.pipeline.deadline import Deadline
from capacity_planner.pipeline.validation import checked_config, checked_metrics
from capacity_planner.registry import forecast_models
from capacity_planner.units import parse_duration, words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from capacity_planner.domain.congestion import FloatArray
    from capacity_planner.domain.metrics import Metrics
    from capacity_planner.domain.series import Series

ENOUGH_OUTCOMES = 30
_LOWER, _UPPER = 0.05, 0.95
_REMEMBERED = 2_000


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """A forecast and what stands behind it.

    Args:
        forecasts: one per interval of the plan.
        anomaly: how the newest sample is off, if it is.
        outcomes: past forecasts whose outcome the bounds rest on.
        paths: futures of the intervals as they deviated in the past [jobs/s], shape (rows, intervals); too few to be of
            use below 30 rows.
    """

    forecasts: tuple[Forecast, ...]
    anomaly: _anomaly.Anomaly | None
    outcomes: int
    paths: FloatArray


def outlook(samples: Sequence[Metrics], config: PlannerConfig, deadline: Deadline) -> Outlook:
    """Forecast every interval of the plan, and judge the newest sample.

    Args:
        samples: at least one, oldest first.
        config: settings.
        deadline: the call's time limit.
    """
    interval = config.plan_interval.total_seconds()
    series = to_series(samples, interval)
    model = forecast_models.get(config.forecast_model)
    _enough(model.name, len(series.rates), model.minimum_samples)
    steps = math.floor(config.forecast_window / config.plan_interval + 1e-9)
    ahead = [max(1, math.ceil(step * interval / series.interval - 1e-9)) for step in range(1, steps + 1)]
    deadline.check()
    hindcast = model.hindcast(series.rates, ahead[-1])
    deadline.check()
    points = model.predict(series.rates, ahead[-1])
    rows = _quantiles.spread(points, hindcast, series.rates, series.interval)
    deadline.check()
    forecasts = (
        _forecast(series.end + step * config.plan_interval, rows[horizon - 1].tolist(), model.name)
        for step, horizon in enumerate(ahead, start=1)
    )
    known = np.isfinite(hindcast[:-1, 0]) & np.isfinite(series.rates[1:])
    return Outlook(
        forecasts=tuple(forecasts),
        anomaly=_judge(series, hindcast, config),
        outcomes=int(known.sum()),
        paths=_quantiles.paths(points, hindcast, series.rates, series.interval, ahead),
    )


class Forecaster:
    """Forecasts of arrival rates by the forecast model of a configuration.

    Args:
        config: settings; ``forecast_model``, ``history_window`` and ``plan_interval`` count here.
    """

    def __init__(self, config: PlannerConfig | None = None) -> None:
        self._config = checked_config(PlannerConfig() if config is None else config)
        self._lock = Lock()
        self._open: dict[datetime, float] = {}
        self._errors: deque[tuple[float, float]] = deque(maxlen=_REMEMBERED)

    def predict(
        self, history: Iterable[Metrics], horizon: timedelta, *, timeout: timedelta | None = None
    ) -> list[Forecast]:
        """The arrival rate of every interval up to ``horizon`` after the newest sample.

        Args:
            history: samples in any order; the newest of two with one timestamp counts.
            horizon: how far ahead.
            timeout: stop after so long.

        Raises:
            PlannerError: ``INVALID_METRICS``, ``INSUFFICIENT_HISTORY`` for no sample or too few for the model,
                ``CONFIG_INVALID`` for the horizon, ``FORECAST_FAILED`` when the time is up.
        """
        deadline = Deadline(timeout)
        config = self._with_horizon(horizon)
        valid = [checked_metrics(item, at="history") for item in _iterated(history)]
        if not valid:
            _enough(config.forecast_model, 0, 1)
        newest = max(item.timestamp for item in valid)
        samples = merge(valid, until=newest, window=config.history_window)
        result = outlook(samples, config, deadline)
        with self._lock:
            self._settle(to_series(samples, config.plan_interval.total_seconds()))
            self._open.update({item.timestamp: item.arrival_rate for item in result.forecasts})
        return list(result.forecasts)

    def set_model(self, model: str) -> None:
        """Use another forecast model from now on; its accuracy starts anew.

        Raises:
            PlannerError: ``MODEL_NOT_SUPPORTED`` with the names there are.
        """
        config = checked_config({**_as_mapping(self._config), "forecast_model": model})
        with self._lock:
            self._config = config
            self._open.clear()
            self._errors.clear()

    def get_accuracy(self) -> float:
        """1 - WAPE of the forecasts whose time has come, from 0 to 1; 0 before any has.

        WAPE is the sum of absolute errors over the sum of what came: an idle hour does not count like a busy one.
        """
        with self._lock:
            error, came = (sum(part) for part in zip(*self._errors, strict=True)) if self._errors else (0.0, 0.0)
            if not self._errors:
                return 0.0
        return max(0.0, 1.0 - error / came) if came > 0 else float(error == 0)

    def _settle(self, series: Series) -> None:
        """Compare the forecasts whose interval is now known with what came."""
        for at in [at for at in self._open if at <= series.end]:
            index = len(series.rates) - 1 - round((series.end - at).total_seconds() / series.interval)
            made = self._open.pop(at)
            if index >= 0 and math.isfinite(came := float(series.rates[index])):
                self._errors.append((abs(made - came), came))

    def _with_horizon(self, horizon: timedelta) -> PlannerConfig:
        try:
            window = parse_duration(horizon, wire=False)
        except ValueError as error:
            raise _bad_horizon(codec.shown(horizon), str(error)) from None
        if window <= timedelta(0):
            raise _bad_horizon(words(window), "must be above zero.")
        mapping = _as_mapping(self._config)
        interval = min(self._config.plan_interval, window)
        return checked_config({**mapping, "forecast_window": window, "plan_interval": interval})


def _forecast(at: datetime, rates: list[float], model: str) -> Forecast:
    quantiles = FrozenMap(dict(zip(_quantiles.LEVELS, rates, strict=True)))
    return Forecast(
        timestamp=at,
        arrival_rate=quantiles[0.5],
        lower=quantiles[_LOWER],
        upper=quantiles[_UPPER],
        confidence=round(_UPPER - _LOWER, 12),
        model=model,
        quantiles=quantiles,
    )


def _judge(series: Series, hindcast: Any, config: PlannerConfig) -> _anomaly.Anomaly | None:
    if len(series.rates) < 2:  # noqa: PLR2004 - one rate has nothing to be off
        return None
    return _anomaly.detect(
        hindcast[:, 0],
        series.rates,
        series.interval,
        threshold=config.anomaly_threshold,
        spike=config.spike_threshold,
    )


def _enough(model: str, samples: int, minimum: int) -> None:
    if samples < minimum:
        raise PlannerError(
            ErrorCode.INSUFFICIENT_HISTORY,
            f"history has {samples} samples, and {model} needs {minimum}. Give more history, or use forecast_model "
            "ewma.",
            details={"field": "history", "value": samples, "minimum": minimum},
        )


def _iterated(history: Iterable[Metrics]) -> list[Metrics]:
    try:
        return list(history)
    except TypeError:
        raise PlannerError(
            ErrorCode.INVALID_METRICS,
            f"history is {type(history).__name__}, which is no list of Metrics.",
            details={"field": "history", "value": type(history).__name__},
        ) from None


def _as_mapping(config: PlannerConfig) -> dict[str, Any]:
    return {name: getattr(config, name) for name in PlannerConfig.__dataclass_fields__}


def _bad_horizon(value: object, problem: str) -> PlannerError:
    return PlannerError(
        ErrorCode.CONFIG_INVALID,
        f"horizon is {value}, which {problem}",
        details={"field": "horizon", "value": str(value)},
    )

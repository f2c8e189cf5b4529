"""Forecasts at the API: history to the arrival rate of the next intervals."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from threading import Lock, RLock
from typing import TYPE_CHECKING, Any

from capacity_planner import codec
from capacity_planner.domain.config import PlannerConfig
from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.history.memory import merge
from capacity_planner.history.quality import quality
from capacity_planner.pipeline.accuracy import Ledger
from capacity_planner.pipeline.deadline import Deadline
from capacity_planner.pipeline.following import Following
from capacity_planner.pipeline.outlook import outlook
from capacity_planner.pipeline.validation import checked_config, checked_metrics, no_stranger
from capacity_planner.units import parse_duration, words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from capacity_planner.domain.forecast import Forecast, ForecastAccuracy
    from capacity_planner.domain.metrics import Metrics
    from capacity_planner.domain.request import PlanWarning
    from capacity_planner.pipeline.outlook import Outlook


@dataclass(slots=True)
class _Queue:
    """What is remembered of one queue; ``lock`` guards all of it."""

    lock: RLock = field(default_factory=RLock)
    following: Following = field(default_factory=Following)
    ledger: Ledger = field(default_factory=Ledger)


class Forecaster:
    """Forecasts of arrival rates by the forecast model of a configuration; safe to share between threads.

    What was learned of a queue is kept, by the name in its samples: a history that goes on from the last one is read
    on, and only its new samples cost time.

    Args:
        config: settings; ``forecast_model``, ``history_window``, ``seasonal_period``, ``plan_interval`` and the
            thresholds of anomalies count here.

    Raises:
        PlannerError: ``CONFIG_INVALID`` or ``MODEL_NOT_SUPPORTED``.
    """

    def __init__(self, config: PlannerConfig | None = None) -> None:
        self._config = checked_config(PlannerConfig() if config is None else config)
        self._lock = Lock()
        self._queues: dict[str, _Queue] = {}
        self._warnings: tuple[PlanWarning, ...] = ()

    def predict(
        self, history: Iterable[Metrics], horizon: timedelta, *, timeout: timedelta | None = None
    ) -> list[Forecast]:
        """The arrival rate of every whole interval up to ``horizon`` after the newest sample.

        Args:
            history: samples of one queue in any order; the last given of two with one timestamp counts.
            horizon: how far ahead.
            timeout: stop after so long.

        Raises:
            PlannerError: ``INVALID_METRICS``, ``INSUFFICIENT_HISTORY`` for no sample or too few for the model,
                ``CONFIG_INVALID`` for the horizon, ``FORECAST_FAILED`` when the time is up or no model can forecast.
        """
        return list(self.outlook(history, horizon, timeout=timeout).forecasts)

    def outlook(self, history: Iterable[Metrics], horizon: timedelta, *, timeout: timedelta | None = None) -> Outlook:
        """The same as `predict`, with what stands behind it, such as anomaly, sample paths and shares of models."""
        deadline = Deadline(timeout)
        config = self._with_horizon(horizon)
        valid = [checked_metrics(item, at="history") for item in _iterated(history)]
        if not valid:
            raise _empty()
        newest = max(valid, key=lambda item: item.timestamp)
        no_stranger(valid, newest.queue_name)
        samples = merge(valid, until=newest.timestamp, window=config.history_window)
        with self._lock:
            queue = self._queues.setdefault(newest.queue_name, _Queue())
        while not queue.lock.acquire(timeout=deadline.remaining):
            deadline.check()
        try:
            result = outlook(samples, config, deadline, queue.following)
            queue.ledger.settle(result.series)
            queue.ledger.write(result.model, result.series.end, result.forecasts)
        finally:
            queue.lock.release()
        self._warnings = result.warnings
        return replace(result, quality=quality(valid, config.plan_interval.total_seconds()))

    def set_model(self, model: str) -> None:
        """Use another forecast model from now on.

        Raises:
            PlannerError: ``MODEL_NOT_SUPPORTED`` with the names there are.
        """
        self._config = checked_config({**_as_mapping(self._config), "forecast_model": model})

    def get_accuracy(self, queue_name: str | None = None) -> float:
        """1 - WAPE of this model's forecasts whose time has come, from 0 to 1; 0 before any has.

        WAPE is the sum of absolute errors over the sum of what came: an idle hour does not count like a busy one.

        Args:
            queue_name: the queue; ``None`` takes the mean over the queues of which forecasts could be judged.
        """
        model, found = self._config.forecast_model, []
        for queue in self._chosen(queue_name):
            with queue.lock:
                found += [queue.ledger.accuracy(model)] if queue.ledger.knows(model) else []
        return sum(found) / len(found) if found else 0.0

    def accuracy(self, queue_name: str | None = None) -> list[ForecastAccuracy]:
        """Errors and observed coverage per model and horizon, of the forecasts whose time has come.

        Args:
            queue_name: the queue; ``None`` takes the rows of all queues one after the other.
        """
        rows: list[ForecastAccuracy] = []
        for queue in self._chosen(queue_name):
            with queue.lock:
                rows += queue.ledger.rows()
        return rows

    @property
    def warnings(self) -> tuple[PlanWarning, ...]:
        """What is to be said of the newest forecast of any queue, as its `outlook` says it."""
        return self._warnings

    @property
    def cache_hits(self) -> int:
        """How many forecasts were answered from memory: same queue, model and samples as the last time."""
        with self._lock:
            return sum(queue.following.hits for queue in self._queues.values())

    def _chosen(self, queue_name: str | None) -> list[_Queue]:
        with self._lock:
            if queue_name is None:
                return [self._queues[name] for name in sorted(self._queues)]
            return [self._queues[queue_name]] if queue_name in self._queues else []

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


def _iterated(history: Iterable[Metrics]) -> list[Metrics]:
    try:
        return list(history)
    except TypeError:
        raise PlannerError(
            ErrorCode.INVALID_METRICS,
            f"history is {type(history).__name__}, which is no list of Metrics.",
            details={"field": "history", "value": type(history).__name__},
        ) from None


def _empty() -> PlannerError:
    return PlannerError(
        ErrorCode.INSUFFICIENT_HISTORY,
        "history has no samples, and a forecast needs at least one. Give history.",
        details={"field": "history", "value": 0, "minimum": 1},
    )


def _as_mapping(config: PlannerConfig) -> dict[str, Any]:
    return {name: getattr(config, name) for name in PlannerConfig.__dataclass_fields__}


def _bad_horizon(value: object, problem: str) -> PlannerError:
    return PlannerError(
        ErrorCode.CONFIG_INVALID,
        f"horizon is {value}, which {problem}",
        details={"field": "horizon", "value": str(value)},
    )

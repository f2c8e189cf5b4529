"""What is remembered of a queue's rates between forecasts, so that a new sample is read on instead of all of them."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from capacity_planner.domain.request import PlanWarning
from capacity_planner.domain.series import ForecastTask
from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.forecasting import _season
from capacity_planner.forecasting._follower import Follower
from capacity_planner.forecasting._ladder import ladder
from capacity_planner.forecasting._stride import DAY, per_day
from capacity_planner.pipeline.guard import FailedError, Held, limited
from capacity_planner.registry import forecast_models

if TYPE_CHECKING:
    from collections.abc import Sequence
    from threading import Event

    from capacity_planner.domain.config import PlannerConfig
    from capacity_planner.domain.congestion import FloatArray
    from capacity_planner.domain.series import Series
    from capacity_planner.pipeline.deadline import Deadline

_AT_ONCE = 2_016
_PATIENCE = 10.0
_REST = 12
_JITTER = 0.25
_EARLIER = 1.5
_FALLBACK = "ewma"
_MOST_TRACKS = 32
_PHASES = 16


@dataclass
class _Track:
    """A follower, and what it has read."""

    follower: Follower
    series: Series
    start: float
    unchecked: int = 0

    def news(self, series: Series) -> FloatArray | None:
        """The rates after those that were read, when the series goes on from them; else ``None``.

        A series that begins earlier than what was read does not; one interval earlier is a matter of rounding.
        """
        if self.start - _start(series) > _EARLIER * series.interval:
            return None
        ahead = (series.end - self.series.end).total_seconds() / series.interval
        count = round(ahead)
        if abs(ahead - count) > _JITTER or not 0 <= count < len(series.rates):
            return None
        same = min(len(series.rates) - count, len(self.series.rates))
        now = series.rates[: len(series.rates) - count]
        # The oldest interval may have lost samples to the window since.
        known = np.array_equal(self.series.rates[-same:][1:], now[-same:][1:], equal_nan=True)
        return series.rates[len(now) :] if known else None


@dataclass
class Following:
    """The followers of one queue, and which models lately failed it; its owner lets one call at a time use it.

    Attributes:
        hits: forecasts that were answered from memory.
    """

    hits: int = 0
    _tracks: OrderedDict[object, _Track] = field(default_factory=OrderedDict)
    _answer: tuple[object, Any] | None = None
    _resting: dict[str, tuple[int, str]] = field(default_factory=dict)

    def follow(
        self, series: Series, config: PlannerConfig, ahead: Sequence[int], deadline: Deadline
    ) -> tuple[Follower, str, tuple[PlanWarning, ...]]:
        """A follower that has read the series, the model that it follows with, and what is to be said about that.

        A model that takes longer than ten seconds, or half of what the call has left, or that fails, is replaced by
        ``ewma``. It is then not tried again for the next twelve forecasts, unless it was the call that had no time.

        Args:
            series: all rates at hand.
            config: settings.
            ahead: the horizons that will be asked for, ascending.
            deadline: the call's time limit.

        Raises:
            PlannerError: ``FORECAST_FAILED`` when ``ewma`` fails too or the call's time is up;
                ``INSUFFICIENT_HISTORY`` when the model needs more samples.
        """
        name = config.forecast_model
        model = forecast_models.get(name)
        if len(series.rates) < model.minimum_samples:
            raise _too_few(name, len(series.rates), model.minimum_samples)
        problem = self._rested(name)
        if not problem:
            share = 1.0 if name == _FALLBACK else 0.5
            limit = _PATIENCE if deadline.remaining < 0 else min(_PATIENCE, share * deadline.remaining)
            try:
                return self._within(series, config, ahead, name, limit), name, _unseasonal(name, series)
            except FailedError as failure:
                problem = str(failure)
                if limit == _PATIENCE or not failure.late:
                    self._resting[name] = (_REST, problem)
        deadline.check()
        if name == _FALLBACK:
            raise _failed(f"{name} {problem}")
        limit = _PATIENCE if deadline.remaining < 0 else deadline.remaining
        try:
            follower = self._within(series, config, ahead, _FALLBACK, limit)
        except FailedError as failure:
            deadline.check()
            raise _failed(f"{name} {problem}; {_FALLBACK} {failure}") from failure
        message = f"forecast_model {name} {problem}. {_FALLBACK} was used instead."
        return follower, _FALLBACK, (PlanWarning(code=ErrorCode.FORECAST_FAILED, message=message),)

    def recall(self, question: object) -> Any:
        """The answer to a question that was the last one asked."""
        if self._answer is None or self._answer[0] != question:
            return None
        self.hits += 1
        return self._answer[1]

    def remember(self, question: object, answer: Any) -> None:
        """Keep an answer, in case the same is asked again."""
        self._answer = (question, answer)

    def _rested(self, name: str) -> str:
        """Why a model is not tried now, if it is not."""
        left, problem = self._resting.pop(name, (0, ""))
        if not left or name == _FALLBACK:
            return ""
        if left > 1:
            self._resting[name] = (left - 1, problem)
        return problem

    def _within(self, series: Series, config: PlannerConfig, ahead: Sequence[int], name: str, limit: float) -> Follower:
        """Follow within a time limit; what is remembered is lost with a failure, never half-read."""
        seasons = (config.seasonal_period, config.anomaly_threshold, config.spike_threshold)
        key = (name, series.interval, _phase(series), ahead[-1], config.history_window, *seasons)
        track, new = self._tracked(self._tracks.pop(key, None), series, config, ahead[-1], name)

        def read(stop: Event) -> None:
            for at in range(0, len(new), _AT_ONCE):
                if stop.is_set():
                    return
                track.follower.read(new[None, at : at + _AT_ONCE])
            track.follower.quantiles(ahead)

        limited(read, limit)
        track.series = series
        self._tracks[key] = track
        if len(self._tracks) > _MOST_TRACKS:
            self._tracks.popitem(last=False)
        return track.follower

    def _tracked(
        self, track: _Track | None, series: Series, config: PlannerConfig, longest: int, name: str
    ) -> tuple[_Track, FloatArray]:
        """The follower so far and what is new to it, or a new one, to which all is; seasons are sought once a day."""
        new = None if track is None else track.news(series)
        if track is not None and new is not None:
            track.unchecked += len(new)
            if track.unchecked < per_day(series.interval):
                return track, new
            track.unchecked = 0
        periods = seasons_of(series, config)
        if track is not None and new is not None and periods == track.follower.task.periods:
            return track, new
        task = ForecastTask(ahead=ladder(longest, per_day(series.interval)), interval=series.interval, periods=periods)
        model = Held(forecast_models.get(name))
        follower = Follower(model, task, threshold=config.anomaly_threshold, spike=config.spike_threshold)
        return _Track(follower, series, _start(series)), series.rates


def _phase(series: Series) -> int:
    """Where in an interval of the clock a series ends: samples that come more often than intervals end have several."""
    return round(series.end.timestamp() % series.interval / series.interval * _PHASES) % _PHASES


def _start(series: Series) -> float:
    """The begin of a series, in seconds since 1970."""
    return (series.end - timedelta(seconds=len(series.rates) * series.interval)).timestamp()


def seasons_of(series: Series, config: PlannerConfig) -> tuple[int, ...]:
    """Lengths of the seasons that a series is forecast with, in intervals."""
    if config.seasonal_period:
        return _season.given(config.seasonal_period.total_seconds(), series.interval)
    return _season.periods(series.rates, series.interval)


def _unseasonal(name: str, series: Series) -> tuple[PlanWarning, ...]:
    """What to say of a seasonal model that has seen less than two days."""
    span = len(series.rates) * series.interval
    if span >= 2 * DAY or not forecast_models.get(name).seasonal:
        return ()
    hours = span / 3600.0
    message = (
        f"forecast_model {name} learns from the same time on earlier days, and history covers {hours:.3g} h: until it "
        "covers two days, it forecasts the recent level. Give more history, and set history_window to 336h or more."
    )
    return (PlanWarning(code=ErrorCode.INSUFFICIENT_HISTORY, message=message),)


def _too_few(model: str, samples: int, minimum: int) -> PlannerError:
    return PlannerError(
        ErrorCode.INSUFFICIENT_HISTORY,
        f"history has {samples} samples, and {model} needs {minimum}. Give more history, or use forecast_model ewma.",
        details={"field": "history", "value": samples, "minimum": minimum},
    )


def _failed(problem: str) -> PlannerError:
    return PlannerError(
        ErrorCode.FORECAST_FAILED,
        f"No forecast could be made: forecast_model {problem}. Check forecast_model and the history's rates.",
        details={"field": "config.forecast_model", "value": problem},
    )

"""A forecast command's options and a history → what is to be forecast, and the forecast."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from capacity_planner import units
from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.history.resample import to_series
from capacity_planner.registry import forecast_models
from capacity_planner.surfaces.cli._reading import instant, read, told, until
from capacity_planner.surfaces.cli._settings import loaded, originated

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from capacity_planner.domain.config import PlannerConfig
    from capacity_planner.domain.metrics import Metrics
    from capacity_planner.domain.series import Series
    from capacity_planner.pipeline.outlook import Outlook
    from capacity_planner.pipeline.settings import Settings

_NAMES = {"forecast_window": "--horizon", "plan_interval": "--interval"}
_RECOMMENDED = "auto"
_WINDOW, _COMPARED = timedelta(days=28), timedelta(days=84)
_MOST_INTERVALS = 2_016
_NOTICEABLE = 6_000


@dataclass(frozen=True, slots=True)
class Subject:
    """What is to be forecast.

    Attributes:
        queue: its name; may be empty.
        samples: what is known, oldest first.
        series: the same on an even grid.
        config: settings.
        notes: how the history was read.
    """

    queue: str
    samples: tuple[Metrics, ...]
    series: Series
    config: PlannerConfig
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Foreseen:
    """A forecast and its subject.

    Attributes:
        subject: what was forecast.
        outlook: the forecast and what stands behind it.
        seasons: the seasons that were found.
    """

    subject: Subject
    outlook: Outlook
    seasons: tuple[timedelta, ...]


def subject(options: Mapping[str, Any]) -> Subject:
    """What the options ask to forecast.

    Raises:
        PlannerError: ``INVALID_METRICS``, ``CONFIG_INVALID`` or ``MODEL_NOT_SUPPORTED``, with the remedy.
    """
    _check_horizon(options["forecast_window"])
    comparing = bool(options["compare"])
    settings = loaded({**options, "forecast_model": None} if comparing else options, _NAMES)
    config = _preferred(settings, comparing=comparing)
    if not comparing:
        _check_model(replace(settings, config=config))
    now = instant(options["at"])
    reading = read(options)
    samples = until(reading.metrics, now, config.history_window)
    config, series = _gridded(samples, settings, config)
    queue = options["queue_name"] or samples[-1].queue_name
    return Subject(queue, samples, series, config, (told(reading, str(options["history"])),))


def foreseen(asked: Subject) -> Foreseen:
    """The forecast.

    Raises:
        PlannerError: ``INSUFFICIENT_HISTORY`` or ``FORECAST_FAILED``.
    """
    from capacity_planner.pipeline.deadline import Deadline  # noqa: PLC0415 - what imports numpy comes last
    from capacity_planner.pipeline.following import Following, seasons_of  # noqa: PLC0415 - as above
    from capacity_planner.pipeline.outlook import outlook  # noqa: PLC0415 - as above

    with _busy(f"{asked.config.forecast_model} reads the history", asked.series):
        found = outlook(asked.samples, asked.config, Deadline(None), Following())
    lengths = seasons_of(found.series, asked.config)
    return Foreseen(asked, found, tuple(timedelta(seconds=count * found.series.interval) for count in lengths))


@contextmanager
def _busy(what: str, series: Series) -> Iterator[None]:
    """A sign of life on stderr while long work is done, for a person to see."""
    if len(series.rates) < _NOTICEABLE or not sys.stderr.isatty():
        yield
        return
    from rich.console import Console  # noqa: PLC0415 - most forecasts are there before it is imported

    with Console(stderr=True).status(f"{what} ({len(series.rates):,} intervals) ..."):
        yield


def _preferred(settings: Settings, *, comparing: bool) -> PlannerConfig:
    """The settings, with what suits a forecast where nothing is set."""
    config, origins = settings.config, settings.origins
    if origins["planner.forecast_model"] == "default":
        config = replace(config, forecast_model=_RECOMMENDED)
    if origins["planner.history_window"] == "default":
        config = replace(config, history_window=_COMPARED if comparing else _WINDOW)
    return config


def _gridded(samples: tuple[Metrics, ...], settings: Settings, config: PlannerConfig) -> tuple[PlannerConfig, Series]:
    """The samples on an even grid, and the settings with intervals that suit them."""
    horizon, interval = config.forecast_window, config.plan_interval
    series = to_series(samples, min(interval, horizon).total_seconds())
    if settings.origins["planner.plan_interval"] == "default":
        interval = max(interval, timedelta(seconds=series.interval))
    config = replace(config, plan_interval=min(interval, horizon))
    if horizon > _MOST_INTERVALS * config.plan_interval:
        limit = f"more than {_MOST_INTERVALS} intervals of {units.words(config.plan_interval)}"
        raise _refuse(f"--horizon is {units.words(horizon)}, which is {limit}. Make --interval longer.")
    return config, series


def _check_horizon(text: str | None) -> None:
    """Refuse a horizon of nothing, which a settings file may write for the default."""
    try:
        nothing = text is not None and not units.parse_duration(text, wire=False)
    except ValueError:
        return  # the settings tell it better
    if nothing:
        raise _refuse(f"--horizon is {text!r}, which must be above zero. Give a duration, such as 1h.")


def _check_model(settings: Settings) -> None:
    try:
        forecast_models.get(settings.config.forecast_model)
    except PlannerError as error:
        raise originated(error, settings) from None


def _refuse(message: str) -> PlannerError:
    return PlannerError(ErrorCode.CONFIG_INVALID, message, details={"field": "--horizon"})

"""The options of ``backtest`` → the scenario that they ask for."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from capacity_planner import units
from capacity_planner.domain.backtest import PLANNER, BacktestScenario
from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.surfaces.cli._backtest_options import FLAGS
from capacity_planner.surfaces.cli._reading import read, told
from capacity_planner.surfaces.cli._scenario_traffic import rounded
from capacity_planner.surfaces.cli._settings import settings_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from capacity_planner.domain.config import PlannerConfig
    from capacity_planner.pipeline.settings import Settings
    from capacity_planner.sources.table import Reading

_DAYS = re.compile(r"(\d+(?:\.\d+)?)d(.*)", re.ASCII)
_MOST_BINS = 5_000_000
_AS_FLAGS = ("service_family", "share", "late_bins", "startup_spread", "seed")
_SPANS = ("allowed_wait", "warmup", "service_time_std", "service_time_p95", "metric_lag")
_LIMITS = ("max_step_size", "cooldown_period", "scale_up_cooldown")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a user wants replayed.

    Attributes:
        scenario: the question.
        config: with the prices.
        timeout: ``None`` is for ever.
        notes: how the file was read, and what was assumed.
    """

    scenario: BacktestScenario
    config: PlannerConfig
    timeout: timedelta | None
    notes: tuple[str, ...]


def asked_of(options: Mapping[str, Any]) -> Asked:
    """The question that the options ask.

    Raises:
        PlannerError: ``CONFIG_INVALID`` or ``INVALID_METRICS``, naming the option.
    """
    settings = settings_of(options)
    reading = read(options)
    counts, start = _between(reading, options)
    service = span_of(options, "service_time") or _measured(reading)
    if not service:
        message = "--service-time is not given, and FILE has no column service_time. Give the mean, such as 2s."
        raise PlannerError(ErrorCode.CONFIG_INVALID, message, details={"field": "--service-time"})
    chosen = {name: options[name] for name in _AS_FLAGS if options[name] is not None}
    chosen |= {name: span for name in _SPANS if (span := span_of(options, name)) is not None}
    scenario = BacktestScenario(
        name=options["history"].name.partition(".")[0],
        counts=counts,
        interval=reading.interval,
        start=start,
        queue_name=options["queue_name"] or "",
        service_time=service,
        slo=settings.slo,
        startup_delay=settings.config.startup_delay,
        worker_concurrency=settings.config.worker_concurrency,
        policies=_policies(options["policies"]),
        sweep=options["sweep"],
        **_limited(settings, options),
        **chosen,
    )
    notes = [told(reading, options["history"].name)]
    if missing := counts.count(None):
        verb = "is" if missing == 1 else "are"
        notes.append(
            f"{missing:,} of {len(counts):,} intervals {verb} missing and filled by the same time of another day."
        )
    return Asked(scenario, settings.config, span_of(options, "timeout"), tuple(notes))


def span_of(options: Mapping[str, Any], name: str) -> timedelta | None:
    """The duration that an option says; days too, such as ``7d`` or ``1d12h``.

    Raises:
        PlannerError: ``CONFIG_INVALID``, naming the option.

    >>> span_of({"warmup": "1d12h"}, "warmup")
    datetime.timedelta(days=1, seconds=43200)
    """
    text = options[name]
    if text is None:
        return None
    days = _DAYS.fullmatch(text.strip())
    try:
        rest = units.parse_duration((days[2] or "0s") if days else text, wire=False)
        value = rest + timedelta(days=float(days[1]) if days else 0.0)
    except (OverflowError, ValueError) as error:
        raise _refuse(FLAGS.get(name, f"--{name}"), text, f"which {error}") from None
    if value < timedelta(0):
        raise _refuse(FLAGS.get(name, f"--{name}"), text, "which must not be negative.")
    return value


def as_flags(error: PlannerError) -> PlannerError:
    """The same error in the words of the command line."""
    message = error.message
    for field, flag in sorted(FLAGS.items(), key=lambda item: -len(item[0])):
        name = re.escape(field)
        named = rf"(?:scenario\.)?{name}" if {"_", "."} & set(field) else rf"scenario\.{name}"  # else a plain word
        message = re.sub(rf"(?<![\w.-]){named}(?![\w-]|\.\w)", flag, message)
    return PlannerError(error.code, message, cause=error.cause, details=error.details)


def counts_of(reading: Reading) -> tuple[int | None, ...]:
    """Jobs per interval, up to the newest sample; ``None`` where there is none.

    Raises:
        PlannerError: ``INVALID_METRICS``: there is no interval, or too many.
    """
    interval, end = reading.interval, reading.metrics[-1].timestamp
    if not interval:
        raise _refuse("FILE", "a single sample", "whose time is not known. Give --bin, or a longer history.")
    ages = np.array([(end - item.timestamp) / interval for item in reading.metrics])
    places = np.rint(ages).astype(np.int64)
    if places[0] >= _MOST_BINS:
        raise _refuse("FILE", f"{places[0]:,} intervals", "which is too long. Give a longer --bin, or --from.")
    size = int(places[0]) + 1
    jobs = np.array([item.arrival_rate for item in reading.metrics]) * interval.total_seconds()
    samples = np.bincount(places, minlength=size)
    sums = np.bincount(places, jobs, minlength=size)
    known = np.flatnonzero(samples[::-1])
    whole = rounded((sums / np.maximum(samples, 1))[::-1][known].tolist())
    found: list[int | None] = [None] * size
    for place, count in zip(known.tolist(), whole, strict=True):
        found[place] = count
    return tuple(found)


def _between(reading: Reading, options: Mapping[str, Any]) -> tuple[tuple[int | None, ...], datetime]:
    """The counts of the time that is asked for, and its begin."""
    counts, interval = counts_of(reading), reading.interval
    end = reading.metrics[-1].timestamp
    begin = end - len(counts) * interval
    first = max(math.ceil((instant - begin) / interval), 0) if (instant := _instant(options, "from_")) else 0
    last = math.floor((instant - begin) / interval) if (instant := _instant(options, "until")) else len(counts)
    last = min(last, len(counts))
    if first >= last:
        known = f"{units.format_instant(begin)} to {units.format_instant(end)}"
        raise _refuse("--from and --until", options["from_"] or options["until"], f"but FILE has {known}.")
    return counts[first:last], begin + first * interval


def _instant(options: Mapping[str, Any], name: str) -> datetime | None:
    text = options[name]
    try:
        return None if text is None else units.parse_instant(text)
    except ValueError as error:
        raise _refuse(f"--{name.rstrip('_')}", text, f"which {error}") from None


def _measured(reading: Reading) -> timedelta | None:
    """The mean service time of the file's jobs."""
    known = [item for item in reading.metrics if item.service_time and item.arrival_rate]
    jobs = sum(item.arrival_rate for item in known)
    if not jobs:
        return None
    seconds = sum(item.arrival_rate * item.service_time.total_seconds() for item in known) / jobs
    return units.from_seconds(seconds)


def _policies(names: list[str] | None) -> tuple[str, ...]:
    """This planner, and those that were named; none is all."""
    chosen = [part.strip() for name in names or () for part in name.split(",") if part.strip()]
    return tuple(dict.fromkeys([PLANNER, *chosen])) if chosen else ()


def _limited(settings: Settings, options: Mapping[str, Any]) -> dict[str, Any]:
    """Worker limits that were set anywhere; step size and cooldowns that were asked for; the model."""
    config = settings.config

    def given(name: str) -> bool:
        return settings.origins.get(f"planner.{name}", "default") != "default"

    found = {name: getattr(config, name) for name in ("min_workers", "max_workers") if given(name)}
    found |= {name: getattr(config, name) for name in _LIMITS if options["limits"] or options[name] is not None}
    if given("forecast_model"):
        found["forecast_model"] = config.forecast_model
    return found


def _refuse(option: str, value: object, sentence: str) -> PlannerError:
    message = f"{option} is {value}, {sentence}"
    return PlannerError(ErrorCode.CONFIG_INVALID, message, details={"field": option, "value": str(value)})

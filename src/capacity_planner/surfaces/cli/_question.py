"""A command's options and a history → the question to the planner, and notes on what was assumed."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from capacity_planner import codec
from capacity_planner.domain.metrics import Metrics
from capacity_planner.domain.request import PlanRequest
from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.surfaces.cli._reading import instant, read, told, until
from capacity_planner.surfaces.cli._settings import duration_of
from capacity_planner.surfaces.cli._words import number

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from capacity_planner.pipeline.settings import Settings

_DURATIONS = {
    "service_time": "--service-time",
    "service_time_std": "--service-time-std",
    "service_time_p95": "--service-time-p95",
}


@dataclass(slots=True)
class Question:
    """What to ask the planner.

    Attributes:
        request: the request.
        notes: how the history was read and what was assumed.
    """

    request: PlanRequest
    notes: list[str] = field(default_factory=list)


def question(options: Mapping[str, Any], settings: Settings) -> Question:
    """The request that the options and the history say.

    Raises:
        PlannerError: ``INVALID_METRICS`` or ``CONFIG_INVALID``, with the option or the file's row, and the remedy.
    """
    if not settings.slo.has_target:
        message = (
            "No target is set. Give --p95 5s, --max-backlog 500 or --drain-time 10m, or [slo] in the settings file."
        )
        raise PlannerError(ErrorCode.CONFIG_INVALID, message, details={"field": "slo"})
    now = instant(options.get("at"))
    reading = None if options.get("history") is None else read(options)
    notes = [] if reading is None else [told(reading, str(options["history"]))]
    known = () if reading is None else until(reading.metrics, now, settings.config.history_window)
    sample = _sample(options, known, now)
    if options.get("workers") is None and not (reading and "current_workers" in reading.fields):
        sample, note = _staffed(sample, settings)
        notes.append(note)
    request = PlanRequest(
        current_metrics=sample,
        slo=settings.slo,
        config=settings.config,
        history=known[:-1],
        force_regen=bool(options.get("force")),
        strict=bool(options.get("strict")),
    )
    return Question(request, notes)


def _sample(options: Mapping[str, Any], known: tuple[Metrics, ...], now: datetime | None) -> Metrics:
    given: dict[str, Any] = {name: duration_of(options, name, option) for name, option in _DURATIONS.items()}
    given |= {name: options.get(name) for name in ("arrival_rate", "backlog", "queue_name")}
    given["current_workers"] = options.get("workers")
    said = {name: value for name, value in given.items() if value is not None}
    if known:
        return _complete(replace(known[-1], **said), known)
    if "arrival_rate" not in said:
        message = "The arrival rate is not known. Give --arrival-rate 25.5, or a HISTORY file."
        raise PlannerError(ErrorCode.INVALID_METRICS, message, details={"field": "--arrival-rate"})
    return _complete(Metrics(timestamp=now or datetime.now(UTC), **said), ())


def _complete(sample: Metrics, known: tuple[Metrics, ...]) -> Metrics:
    if not sample.service_time and not any(item.service_time for item in known):
        message = "The service time is not known. Give --service-time 2s, or a column service_time in HISTORY."
        raise PlannerError(ErrorCode.INVALID_METRICS, message, details={"field": "--service-time"})
    return codec.validate(Metrics, sample)


def _staffed(sample: Metrics, settings: Settings) -> tuple[Metrics, str]:
    """The sample with the workers that its own load needs, for want of a better guess."""
    from capacity_planner.pipeline.validation import with_service_time  # noqa: PLC0415 - loads pydantic

    config = settings.config
    facts = with_service_time(sample, ())
    servers = _servers(facts, settings, settings.slo.p95_latency)
    needed = math.ceil(servers / config.worker_concurrency)
    workers = min(max(needed, config.min_workers), config.max_workers)
    limit = "" if workers == needed else f" (it needs {needed}; the limits say {workers})"
    load = f"{number(sample.arrival_rate)} jobs/s"
    note = f"--workers is not given: assuming {workers}, what the SLO needs at the present {load}{limit}."
    return replace(sample, current_workers=workers), note


def _servers(facts: Metrics, settings: Settings, target: timedelta) -> int:
    from capacity_planner.pipeline.calculator import QueueingCalculator  # noqa: PLC0415 - loads NumPy

    rate, mean = facts.arrival_rate, facts.service_time.total_seconds()
    if not target:
        return math.ceil(rate * mean / settings.config.scale_up_threshold)
    try:
        return QueueingCalculator(settings.config).calculate_capacity(rate, 1 / mean, target, metrics=facts)
    except PlannerError as error:
        if error.code is not ErrorCode.SLO_UNACHIEVABLE:
            raise
        return int(error.details["servers"])

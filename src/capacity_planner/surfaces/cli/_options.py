"""The options that commands share: name, unit, sentence and default of each, taken from the settings they set.

`SETTINGS` maps every field that an option sets to the option's name, so that an error can say what the user typed.
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

from capacity_planner.domain.config import PlannerConfig
from capacity_planner.pipeline.settings import sentences, toml_value

SETTINGS: dict[str, str] = {}

_NOW, _HISTORY, _OUTPUT = "What is measured", "How HISTORY is read", "Output"
_SLO, _LIMITS, _MODEL, _COST = "Targets (SLO)", "Limits and safety", "Models and horizon", "Cost"


class UnitName(StrEnum):
    """What the value column counts."""

    AUTO = "auto"
    RATE = "rate"
    COUNT = "count"


class BinEdge(StrEnum):
    """Where in its bin a count is stamped."""

    START = "start"
    END = "end"


class EpochUnit(StrEnum):
    """What an epoch number counts."""

    SECONDS = "s"
    MILLISECONDS = "ms"


class DurationForm(StrEnum):
    """How JSON writes durations."""

    TEXT = "text"
    NANOSECONDS = "ns"


def _setting(field: str, name: str, metavar: str, panel: str, text: str = "") -> Any:
    """An option that sets a field, explained by the field's own sentence."""
    table, _, plain = field.partition(".")
    SETTINGS[plain] = name
    default = getattr(PlannerConfig(), plain) if table == "planner" else None
    known = "" if default is None else f" Default {toml_value(default).strip(chr(34))}."
    text = (text or _sentence(field)) + known
    return typer.Option(name, metavar=metavar, help=text, rich_help_panel=panel, show_default=False)


def _sentence(field: str) -> str:
    sentence = sentences().get(field, field).split(" [")[0].replace("``", "").rstrip(".")
    return f"{sentence[:1].upper()}{sentence[1:]}."


def _measured(name: str, metavar: str, text: str) -> Any:
    return typer.Option(name, metavar=metavar, help=text, rich_help_panel=_NOW, show_default=False)


def _reading(name: str, text: str, **rest: Any) -> Any:
    return typer.Option(name, help=text, rich_help_panel=_HISTORY, **rest)


def _output(*names: str, text: str, **rest: Any) -> Any:
    return typer.Option(*names, help=text, rich_help_panel=_OUTPUT, **rest)


ArrivalRate: TypeAlias = Annotated[float | None, _measured("--arrival-rate", "JOBS/S", "Arrival rate λ now.")]
ServiceTime: TypeAlias = Annotated[
    str | None, _measured("--service-time", "DURATION", "Mean time one job takes, such as 2s or 350ms.")
]
ServiceStd: TypeAlias = Annotated[
    str | None, _measured("--service-time-std", "DURATION", "Its standard deviation; 0s is deterministic. With mgc.")
]
ServiceP95: TypeAlias = Annotated[
    str | None, _measured("--service-time-p95", "DURATION", "Its 95th percentile, where that is what you know.")
]
Workers: TypeAlias = Annotated[
    int | None, _measured("--workers", "N", "Workers that run now. Not given: assumed to be what the SLO needs now.")
]
Backlog: TypeAlias = Annotated[int | None, _measured("--backlog", "JOBS", "Jobs that wait now. Default 0.")]
Queue: TypeAlias = Annotated[
    str | None, _measured("--queue-name", "NAME", "The queue; takes its rows where HISTORY has a queue_name column.")
]

P95: TypeAlias = Annotated[str | None, _setting("slo.p95_latency", "--p95", "DURATION", _SLO)]
MaxBacklog: TypeAlias = Annotated[int | None, _setting("slo.max_backlog", "--max-backlog", "JOBS", _SLO)]
DrainTime: TypeAlias = Annotated[str | None, _setting("slo.drain_time", "--drain-time", "DURATION", _SLO)]
ErrorBudget: TypeAlias = Annotated[
    float | None,
    _setting(
        "slo.error_budget", "--error-budget", "SHARE", _SLO, "Share of intervals that may break the SLO (0.01 = 1 %)."
    ),
]
Availability: TypeAlias = Annotated[float | None, _setting("slo.availability", "--availability", "SHARE", _SLO)]

MinWorkers: TypeAlias = Annotated[int | None, _setting("planner.min_workers", "--min-workers", "N", _LIMITS)]
MaxWorkers: TypeAlias = Annotated[int | None, _setting("planner.max_workers", "--max-workers", "N", _LIMITS)]
MaxStep: TypeAlias = Annotated[int | None, _setting("planner.max_step_size", "--max-step-size", "N", _LIMITS)]
Cooldown: TypeAlias = Annotated[str | None, _setting("planner.cooldown_period", "--cooldown", "DURATION", _LIMITS)]
UpCooldown: TypeAlias = Annotated[
    str | None,
    _setting(
        "planner.scale_up_cooldown",
        "--scale-up-cooldown",
        "DURATION",
        _LIMITS,
        "The same before a step that adds workers. Default: as --cooldown.",
    ),
]
Margin: TypeAlias = Annotated[float | None, _setting("planner.safety_margin", "--safety-margin", "SHARE", _LIMITS)]
Confidence: TypeAlias = Annotated[
    float | None, _setting("planner.confidence_threshold", "--confidence", "SHARE", _LIMITS)
]
StartupDelay: TypeAlias = Annotated[
    str | None, _setting("planner.startup_delay", "--startup-delay", "DURATION", _LIMITS)
]
Concurrency: TypeAlias = Annotated[int | None, _setting("planner.worker_concurrency", "--concurrency", "N", _LIMITS)]

Model: TypeAlias = Annotated[
    str | None,
    _setting(
        "planner.forecast_model",
        "--model",
        "NAME",
        _MODEL,
        "Forecast model: auto mixes whichever of the others lately did best (recommended, with 14 days of history); "
        "ewma, holt_winters, linear, seasonal, ridge, naive.",
    ),
]
QueueingModel: TypeAlias = Annotated[
    str | None,
    _setting("planner.queueing_model", "--queueing-model", "NAME", _MODEL, "Queueing model: mm1, mmc or mgc."),
]
ServiceModel: TypeAlias = Annotated[
    str | None,
    _setting(
        "planner.service_time_model",
        "--service-time-model",
        "NAME",
        _MODEL,
        "Service times where unknown: exponential or general.",
    ),
]
Window: TypeAlias = Annotated[str | None, _setting("planner.forecast_window", "--forecast-window", "DURATION", _MODEL)]
Interval: TypeAlias = Annotated[str | None, _setting("planner.plan_interval", "--plan-interval", "DURATION", _MODEL)]
HistoryWindow: TypeAlias = Annotated[
    str | None, _setting("planner.history_window", "--history-window", "DURATION", _MODEL)
]
Season: TypeAlias = Annotated[str | None, _setting("planner.seasonal_period", "--seasonal-period", "DURATION", _MODEL)]

WorkerCost: TypeAlias = Annotated[float | None, _setting("planner.worker_cost_per_hour", "--worker-cost", "$/H", _COST)]
ViolationCost: TypeAlias = Annotated[
    float | None, _setting("planner.violation_cost_per_hour", "--violation-cost", "$/H", _COST)
]

At: TypeAlias = Annotated[
    str | None,
    _reading(
        "--at", "Plan as of this instant, such as 2014-04-20T12:00:00Z, from what was known then.", metavar="INSTANT"
    ),
]
Unit: TypeAlias = Annotated[
    UnitName,
    _reading("--unit", "rate: jobs/s. count: jobs per bin. auto: arrival_rate and rate are rates, all else counts."),
]
Stamp: TypeAlias = Annotated[BinEdge, _reading("--stamp", "Whether a count stands at the start or the end of its bin.")]
Bin: TypeAlias = Annotated[
    str | None,
    _reading("--bin", "Length of a bin of counts. Default: the samples' median spacing.", metavar="DURATION"),
]
TimeColumn: TypeAlias = Annotated[
    str | None,
    _reading("--time-column", "Default: timestamp, time, ts, date or datetime, else the first.", metavar="NAME"),
]
ValueColumn: TypeAlias = Annotated[
    str | None,
    _reading("--value-column", "Default: arrival_rate, rate, count, value, requests, jobs, arrivals.", metavar="NAME"),
]
Timezone: TypeAlias = Annotated[
    str | None,
    _reading("--timezone", "Zone of times without an offset, such as UTC. Default: refuse them.", metavar="ZONE"),
]
TimeUnit: TypeAlias = Annotated[
    EpochUnit | None, _reading("--time-unit", "Unit of epoch numbers as times. Default: refuse them.")
]
SkipBad: TypeAlias = Annotated[bool, _reading("--skip-bad-rows", "Leave out and count rows that cannot be read.")]

ConfigFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--config", help="Settings file. Default: ./capacity-planner.toml or .yaml, if there.", metavar="FILE"
    ),
]
Json: TypeAlias = Annotated[bool, _output("--json", text="Print JSON and nothing else on stdout.")]
Durations: TypeAlias = Annotated[
    DurationForm,
    _output("--durations", text='How JSON writes durations: "5s", or integer nanoseconds for Go.'),
]
Plot: TypeAlias = Annotated[
    Path | None, _output("--plot", text="Also draw a picture: .png, .svg or .pdf.", metavar="FILE")
]
Debug: TypeAlias = Annotated[bool, _output("--debug", text="Show the traceback of an unexpected error.")]

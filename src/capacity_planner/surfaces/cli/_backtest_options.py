"""The options of ``backtest`` that no other command has."""

from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

from capacity_planner.domain.scenario import ServiceFamily

_PROMISE, _QUEUE, _SPAN, _FIELD = "The promise", "The queue", "What is replayed", "Policies"

FLAGS: dict[str, str] = {
    "slo.p95_latency": "--p95",
    "startup_delay": "--startup-delay",
    "worker_concurrency": "--concurrency",
    "min_workers": "--min-workers",
    "max_workers": "--max-workers",
    "max_step_size": "--max-step-size",
    "cooldown_period": "--cooldown",
    "scale_up_cooldown": "--scale-up-cooldown",
    "forecast_model": "--model",
    "counts": "FILE",
}


def _option(panel: str, field: str, name: str, metavar: str | None, text: str) -> Any:
    """An option that sets a field of a backtest; `FLAGS` maps the field to the option's name, for messages."""
    if field:
        FLAGS[field] = name.partition("/")[0]
    return typer.Option(name, metavar=metavar, help=text, rich_help_panel=panel, show_default=False)


History: TypeAlias = Annotated[
    Path,
    typer.Argument(help="CSV (.gz too) or Parquet with a time column and arrivals.", metavar="FILE"),
]

Model: TypeAlias = Annotated[
    str | None,
    _option(
        _FIELD,
        "forecast_model",
        "--model",
        "NAME",
        "Forecast model of this planner. Default auto, whatever plans take: it is what we recommend.",
    ),
]
P95: TypeAlias = Annotated[
    str | None,
    _option(
        _PROMISE,
        "slo.p95_latency",
        "--p95",
        "DURATION",
        "A job is in time when its response (wait and service) is within this. Default: the settings'.",
    ),
]
Wait: TypeAlias = Annotated[
    str | None,
    _option(
        _PROMISE, "allowed_wait", "--wait", "DURATION", "Instead: a job is in time when its service begins so soon."
    ),
]
Share: TypeAlias = Annotated[
    float | None,
    _option(
        _PROMISE, "share", "--share", "SHARE", "Share of the jobs that must be in time. Default 0.95, with --wait 0.99."
    ),
]

ServiceTime: TypeAlias = Annotated[
    str | None,
    _option(
        _QUEUE,
        "service_time",
        "--service-time",
        "DURATION",
        "Mean time one job takes, such as 2s. Default: the column service_time of FILE, where it has one.",
    ),
]
ServiceStd: TypeAlias = Annotated[
    str | None,
    _option(_QUEUE, "service_time_std", "--service-time-std", "DURATION", "Its standard deviation; may be 0s."),
]
ServiceP95: TypeAlias = Annotated[
    str | None,
    _option(_QUEUE, "service_time_p95", "--service-time-p95", "DURATION", "Its 95th percentile, where known."),
]
Family: TypeAlias = Annotated[
    ServiceFamily | None,
    _option(
        _QUEUE,
        "service_family",
        "--service-family",
        "NAME",
        "auto (default: by what is known), exponential, deterministic, gamma, lognormal or hyperexponential.",
    ),
]
Lag: TypeAlias = Annotated[
    str | None,
    _option(_QUEUE, "metric_lag", "--metric-lag", "DURATION", "How old what policies see is. Default 30s."),
]
LateBins: TypeAlias = Annotated[
    int | None,
    _option(_QUEUE, "late_bins", "--late-bins", "N", "Newest minutes whose counts are not known yet. Default 1."),
]
Spread: TypeAlias = Annotated[
    float | None,
    _option(
        _QUEUE, "startup_spread", "--startup-spread", "SHARE", "How far start-up delays vary. Default 0.2 (±20 %)."
    ),
]

From: TypeAlias = Annotated[
    str | None,
    _option(_SPAN, "", "--from", "INSTANT", "Take FILE from here, such as 2014-04-14T00:00:00Z. Default: its begin."),
]
Until: TypeAlias = Annotated[str | None, _option(_SPAN, "", "--until", "INSTANT", "And until here. Default: its end.")]
Warmup: TypeAlias = Annotated[
    str | None,
    _option(
        _SPAN,
        "warmup",
        "--warmup",
        "DURATION",
        "Its first part, such as 7d, that policies learn from and that is not scored. Default: half, at most 14d.",
    ),
]
Seed: TypeAlias = Annotated[
    int | None, _option(_SPAN, "seed", "--seed", "N", "Seed of the random streams; same seed, same result.")
]
Timeout: TypeAlias = Annotated[
    str | None, _option(_SPAN, "", "--timeout", "DURATION", "Give up after so long. Default: never.")
]

Policies: TypeAlias = Annotated[
    list[str] | None,
    _option(
        _FIELD,
        "policies",
        "--policy",
        "NAME",
        "Compare with this one alone; this planner is always there. Repeat it, or separate by commas. Default: all.",
    ),
]
Sweep: TypeAlias = Annotated[
    bool,
    _option(
        _FIELD,
        "sweep",
        "--sweep/--no-sweep",
        None,
        "Also try every policy with many values of its knob, and compare what each costs tuned. Default: --sweep.",
    ),
]
Limits: TypeAlias = Annotated[
    bool,
    _option(
        _FIELD,
        "",
        "--limits",
        None,
        "Hold every policy to the settings' step size and cooldowns. Default: only to those given here as flags.",
    ),
]

Report: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--report",
        help="Also write a page with pictures, complete in one file: .html.",
        metavar="FILE",
        rich_help_panel="Output",
        show_default=False,
    ),
]

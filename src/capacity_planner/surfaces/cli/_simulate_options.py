"""The options of ``simulate`` that no other command has."""

from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

from capacity_planner.domain.scenario import ServiceFamily
from capacity_planner.domain.traffic import PatternType

_PLAN, _TRAFFIC, _SERVICE, _RUN = "The plan", "Traffic", "Service", "The simulation"
_SCENARIO = ".toml, .yaml or .json: the fields of one scenario, or several under scenarios."
_SHAPES = tuple(shape for shape in PatternType if shape is not PatternType.CUSTOM)

FLAGS: dict[str, str] = {}


def _option(panel: str, field: str, name: str, metavar: str, text: str, **rest: Any) -> Any:
    """An option that sets a field of a scenario; `FLAGS` maps the field to the option's name, for messages."""
    if field:
        FLAGS[field] = name
    return typer.Option(name, metavar=metavar, help=text, rich_help_panel=panel, show_default=False, **rest)


def _shape(text: str) -> PatternType:
    """A type of traffic that flags can describe.

    Raises:
        typer.BadParameter: another one; the message says the remedy.
    """
    if text == PatternType.CUSTOM:
        remedy = 'Write traffic_pattern = {type = "custom", rates = [...], period = "1h"} in a scenario file.'
        raise typer.BadParameter(f"custom needs rates, which a flag cannot give. {remedy}")
    if text not in _SHAPES:
        raise typer.BadParameter(f"{text!r} is unknown. There are: {', '.join(_SHAPES)}.")
    return PatternType(text)


def _shapes(incomplete: str) -> list[str]:
    """The types that begin so."""
    return [shape.value for shape in _SHAPES if shape.startswith(incomplete)]


Scenarios: TypeAlias = Annotated[
    list[Path] | None,
    typer.Argument(help=_SCENARIO, metavar="SCENARIO", show_default=False),
]

PlanFile: TypeAlias = Annotated[
    Path | None,
    _option(_PLAN, "plan_file", "--plan", "FILE", "A plan as `plan --json` prints it; - is standard input."),
]
Workers: TypeAlias = Annotated[
    int | None,
    _option(_PLAN, "plan.workers", "--workers", "N", "A plan by hand: so many workers, until the first --step."),
]
Step: TypeAlias = Annotated[
    list[str] | None,
    _option(
        _PLAN,
        "plan.steps",
        "--step",
        "AT=N",
        "From AT on N workers, such as 10m=20; AT counts from the start, or is an instant. Repeat it.",
    ),
]
AddWorkers: TypeAlias = Annotated[
    str | None,
    _option(_PLAN, "plan.add_workers", "--add-workers", "N|N%", "So many more at all times, such as 3, 20% or -10%."),
]
AlsoAdd: TypeAlias = Annotated[
    list[str] | None,
    _option(
        _PLAN, "", "--also-add-workers", "N|N%", "Try each scenario also with so many more, side by side. Repeat it."
    ),
]
StartupDelay: TypeAlias = Annotated[
    str | None,
    _option(_PLAN, "startup_delay", "--startup-delay", "DURATION", "How long after its order a worker serves."),
]
Concurrency: TypeAlias = Annotated[
    int | None, _option(_PLAN, "plan.worker_concurrency", "--concurrency", "N", "Jobs one worker serves at once.")
]
Queue: TypeAlias = Annotated[
    str | None,
    _option(_PLAN, "plan.queue_name", "--queue-name", "NAME", "The queue, and its rows where --history has several."),
]

Rate: TypeAlias = Annotated[
    float | None,
    _option(_TRAFFIC, "traffic_pattern.base_rate", "--arrival-rate", "JOBS/S", "Arrival rate that the pattern is on."),
]
Pattern: TypeAlias = Annotated[
    PatternType | None,
    _option(
        _TRAFFIC,
        "traffic_pattern.type",
        "--pattern",
        "TYPE",
        "constant (default), sinusoidal, linear, spiky, daily or weekly. Rates of your own stand in a file.",
        parser=_shape,
        autocompletion=_shapes,
    ),
]
Amplitude: TypeAlias = Annotated[
    float | None,
    _option(
        _TRAFFIC,
        "traffic_pattern.amplitude",
        "--amplitude",
        "JOBS/S",
        "Swing around it. Default: half of it for daily and weekly, else none.",
    ),
]
Period: TypeAlias = Annotated[
    str | None, _option(_TRAFFIC, "traffic_pattern.period", "--period", "DURATION", "Length of a cycle.")
]
Trend: TypeAlias = Annotated[
    float | None,
    _option(_TRAFFIC, "traffic_pattern.trend", "--trend", "JOBS/S/H", "Growth: so many jobs/s more every hour."),
]
Noise: TypeAlias = Annotated[
    float | None,
    _option(
        _TRAFFIC,
        "traffic_pattern.noise",
        "--noise",
        "SHARE",
        "Randomness of the rate itself: 0.1 is a tenth up or down.",
    ),
]
NoisePeriod: TypeAlias = Annotated[
    str | None,
    _option(
        _TRAFFIC, "traffic_pattern.noise_period", "--noise-period", "DURATION", "How long it stays so. Default 5m."
    ),
]
Spike: TypeAlias = Annotated[
    list[str] | None,
    _option(
        _TRAFFIC,
        "traffic_pattern.spikes",
        "--spike",
        "START+DURATION:xN[:SHAPE]",
        "N times the rate at its top: 30m+2h:x5:bell begins after 30m and lasts 2h. instant, linear, exp or bell. "
        "Repeat it.",
    ),
]
History: TypeAlias = Annotated[
    Path | None,
    _option(
        _TRAFFIC,
        "",
        "--history",
        "FILE",
        "Your own traffic, CSV (.gz too) or Parquet: its pattern is found and simulated.",
    ),
]
Replay: TypeAlias = Annotated[
    bool, typer.Option("--replay", help="Replay the counts of --history as they were.", rich_help_panel=_TRAFFIC)
]
Scale: TypeAlias = Annotated[
    float | None, _option(_TRAFFIC, "scale", "--scale", "FACTOR", "Multiply all traffic: 1.2 is a fifth more.")
]
BatchSize: TypeAlias = Annotated[
    int | None, _option(_TRAFFIC, "batch_size", "--batch-size", "N", "Jobs that arrive together. Default 1.")
]

ServiceTime: TypeAlias = Annotated[
    str | None,
    _option(_SERVICE, "service_time", "--service-time", "DURATION", "Mean time one job takes, such as 2s or 350ms."),
]
ServiceStd: TypeAlias = Annotated[
    str | None,
    _option(_SERVICE, "service_time_std", "--service-time-std", "DURATION", "Its standard deviation; may be 0s."),
]
ServiceP95: TypeAlias = Annotated[
    str | None,
    _option(_SERVICE, "service_time_p95", "--service-time-p95", "DURATION", "Its 95th percentile, where known."),
]
Family: TypeAlias = Annotated[
    ServiceFamily | None,
    _option(
        _SERVICE,
        "service_family",
        "--service-family",
        "NAME",
        "auto (default: by what is known), exponential, deterministic, gamma, lognormal or hyperexponential.",
    ),
]
Patience: TypeAlias = Annotated[
    str | None,
    _option(
        _SERVICE, "patience", "--patience", "DURATION", "Jobs give up after waiting so long; 0s is never. Default 0s."
    ),
]
Backlog: TypeAlias = Annotated[
    int | None, _option(_SERVICE, "initial_backlog", "--backlog", "JOBS", "Jobs that wait at the start. Default 0.")
]

Duration: TypeAlias = Annotated[
    str | None,
    _option(_RUN, "duration", "--duration", "DURATION", "Simulated time. Default: the window of --plan, else 24h."),
]
Granularity: TypeAlias = Annotated[
    str | None,
    _option(
        _RUN,
        "granularity",
        "--granularity",
        "DURATION",
        "Length of an interval of the result. Default 5m, or a multiple for months.",
    ),
]
Start: TypeAlias = Annotated[
    str | None,
    _option(
        _RUN,
        "start",
        "--start",
        "INSTANT",
        "Begin, such as 2026-01-31T00:00:00Z. Default: the plan's, else where --history ends (with --replay: begins), "
        "else today's midnight UTC.",
    ),
]
Replications: TypeAlias = Annotated[
    int | None,
    _option(_RUN, "replications", "--replications", "N", "Independent runs; from 2 on with 95 % confidence intervals."),
]
Seed: TypeAlias = Annotated[
    int | None, _option(_RUN, "seed", "--seed", "N", "Seed of the random streams; same seed, same result.")
]
Timeout: TypeAlias = Annotated[
    str | None, _option(_RUN, "", "--timeout", "DURATION", "Give up after so long. Default: never.")
]

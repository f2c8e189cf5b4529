"""``capacity-planner plan``: how many workers, when, at what cost, and how sure."""
# ruff: noqa: PLC0415 - what a command needs is imported when it runs.

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.surfaces.cli import _options as opt
from capacity_planner.surfaces.cli._exits import OK, UNACHIEVABLE, guarded, report

if TYPE_CHECKING:
    from capacity_planner.domain.request import PlanRequest, PlanResponse

EPILOG = """\b
Examples:
  capacity-planner plan --arrival-rate 25.5 --service-time 2s --workers 10 --backlog 150 --p95 8s
  capacity-planner plan requests.csv --timezone UTC --service-time 350ms --p95 1s --plot plan.png
  capacity-planner plan requests.csv --at 2014-04-20T12:00:00Z --config capacity-planner.toml --json | jq .plan.steps

Exit codes: 0 plan; 2 invalid input; 3 SLO not achievable or limits bind (the plan is printed all the same); \
4 blocked by cooldown or anomaly (the plan to review is printed); 1 anything unexpected."""

_LIMITS = {ErrorCode.SLO_UNACHIEVABLE, ErrorCode.CAPACITY_LIMIT_EXCEEDED}

History = Annotated[
    Path | None,
    typer.Argument(
        help="CSV (.gz too) or Parquet with a time column and arrivals.", metavar="HISTORY", show_default=False
    ),
]
Strict = Annotated[bool, typer.Option("--strict", help="Fail where the SLO or the limits cannot be kept.")]
Force = Annotated[bool, typer.Option("--force", help="Plan anew, whatever caches and cooldown say.")]


@guarded
def plan(
    history: History = None,
    *,
    arrival_rate: opt.ArrivalRate = None,
    service_time: opt.ServiceTime = None,
    service_time_std: opt.ServiceStd = None,
    service_time_p95: opt.ServiceP95 = None,
    workers: opt.Workers = None,
    backlog: opt.Backlog = None,
    queue_name: opt.Queue = None,
    p95_latency: opt.P95 = None,
    max_backlog: opt.MaxBacklog = None,
    drain_time: opt.DrainTime = None,
    error_budget: opt.ErrorBudget = None,
    availability: opt.Availability = None,
    min_workers: opt.MinWorkers = None,
    max_workers: opt.MaxWorkers = None,
    max_step_size: opt.MaxStep = None,
    cooldown_period: opt.Cooldown = None,
    scale_up_cooldown: opt.UpCooldown = None,
    startup_delay: opt.StartupDelay = None,
    worker_concurrency: opt.Concurrency = None,
    safety_margin: opt.Margin = None,
    confidence_threshold: opt.Confidence = None,
    forecast_model: opt.Model = None,
    queueing_model: opt.QueueingModel = None,
    service_time_model: opt.ServiceModel = None,
    forecast_window: opt.Window = None,
    plan_interval: opt.Interval = None,
    history_window: opt.HistoryWindow = None,
    seasonal_period: opt.Season = None,
    worker_cost_per_hour: opt.WorkerCost = None,
    violation_cost_per_hour: opt.ViolationCost = None,
    at: opt.At = None,
    unit: opt.Unit = opt.UnitName.AUTO,
    stamp: opt.Stamp = opt.BinEdge.START,
    bin_length: opt.Bin = None,
    time_column: opt.TimeColumn = None,
    value_column: opt.ValueColumn = None,
    timezone: opt.Timezone = None,
    time_unit: opt.TimeUnit = None,
    skip_bad_rows: opt.SkipBad = False,
    config: opt.ConfigFile = None,
    strict: Strict = False,
    force: Force = False,
    as_json: opt.Json = False,
    durations: opt.Durations = opt.DurationForm.TEXT,
    plot: opt.Plot = None,
    debug: opt.Debug = False,
) -> int:
    """Plan how many workers to run and when, from a HISTORY, from flags, or from both (flags override the last sample).

    Settings come from flags, then CAPACITY_PLANNER_... variables, then the settings file, then defaults.
    Durations carry their unit: 5s, 1m30s, 250ms.
    """
    return _run(locals())


def _run(options: dict[str, Any]) -> int:
    from capacity_planner.surfaces.cli._console import note
    from capacity_planner.surfaces.cli._picture import check_picture
    from capacity_planner.surfaces.cli._question import question
    from capacity_planner.surfaces.cli._settings import settings_of

    check_picture(options["plot"])
    asked = question(options, settings_of(options))
    note(asked.notes)
    try:
        response = _planned(asked.request)
    except PlannerError as error:
        code = report(error, as_json=options["as_json"])
        if error.response is not None:
            _show(error.response, asked.request, options)
        return code
    _show(response, asked.request, options)
    limited = any(item.code in _LIMITS for item in response.warnings)
    return UNACHIEVABLE if limited or not response.plan.slo_achievable else OK


def _planned(request: "PlanRequest") -> "PlanResponse":
    from capacity_planner.pipeline.planner import CapacityPlanner

    return CapacityPlanner(request.config).generate_plan(request)


def _show(response: "PlanResponse", request: "PlanRequest", options: dict[str, Any]) -> None:
    from capacity_planner import codec
    from capacity_planner.surfaces.cli._console import note, print_json, results
    from capacity_planner.surfaces.cli._plan_view import plan_view

    if options["plot"]:
        from capacity_planner.surfaces.cli._picture_plan import draw_plan

        draw_plan(options["plot"], response, request)
        note([f"picture written to {options['plot']}."])
    if options["as_json"]:
        print_json(codec.dumps(response, durations=options["durations"].value, indent=2))
        return
    console = results()
    console.print(plan_view(response, console.width))

"""``capacity-planner staff``: what latency a number of workers buys, and what it costs."""
# ruff: noqa: PLC0415 - what a command needs is imported when it runs.

from typing import TYPE_CHECKING, Annotated, Any

import typer

from capacity_planner.surfaces.cli import _options as opt
from capacity_planner.surfaces.cli._exits import OK, UNACHIEVABLE, guarded

if TYPE_CHECKING:
    from capacity_planner.surfaces.cli._staffing import Staffing

EPILOG = """\b
Examples:
  capacity-planner staff --arrival-rate 25.5 --service-time 2s --p95 8s
  capacity-planner staff --arrival-rate 40 --service-time 350ms --std 500ms --queueing-model mgc --p95 2s --plot a.png
  capacity-planner staff --arrival-rate 40 --service-time 350ms --workers 15 --workers 20 --json

Exit codes: 0 answered; 2 invalid input; 3 no number of workers keeps the target (the least achievable p95 is told)."""

_LOAD, _SHOWN, _RANGE = "The load", "What to show", {"min": 0, "max": 10_000_000}

Rate = Annotated[
    float, typer.Option("--arrival-rate", metavar="JOBS/S", help="Arrival rate λ.", min=0, rich_help_panel=_LOAD)
]
Mean = Annotated[
    str,
    typer.Option(
        "--service-time", metavar="DURATION", help="Mean time one job takes, such as 2s.", rich_help_panel=_LOAD
    ),
]
Std = Annotated[
    str | None,
    typer.Option(
        "--std",
        "--service-time-std",
        metavar="DURATION",
        help="Its standard deviation. With mgc.",
        rich_help_panel=_LOAD,
    ),
]
Percentile = Annotated[
    str | None,
    typer.Option(
        "--service-p95",
        "--service-time-p95",
        metavar="DURATION",
        help="Its 95th percentile, if known.",
        rich_help_panel=_LOAD,
    ),
]
Workers = Annotated[
    list[int] | None,
    typer.Option("--workers", metavar="N", help="Show these numbers; repeat it.", rich_help_panel=_SHOWN, **_RANGE),
]
Low = Annotated[
    int | None, typer.Option("--from", metavar="N", help="First row of the table.", rich_help_panel=_SHOWN, **_RANGE)
]
High = Annotated[
    int | None, typer.Option("--to", metavar="N", help="Last row of the table.", rich_help_panel=_SHOWN, **_RANGE)
]


@guarded
def staff(
    *,
    arrival_rate: Rate,
    service_time: Mean,
    service_time_std: Std = None,
    service_time_p95: Percentile = None,
    p95_latency: opt.P95 = None,
    workers: Workers = None,
    low: Low = None,
    high: High = None,
    queueing_model: opt.QueueingModel = None,
    service_time_model: opt.ServiceModel = None,
    worker_concurrency: opt.Concurrency = None,
    worker_cost_per_hour: opt.WorkerCost = None,
    config: opt.ConfigFile = None,
    as_json: opt.Json = False,
    durations: opt.Durations = opt.DurationForm.TEXT,
    plot: opt.Plot = None,
    debug: opt.Debug = False,
) -> int:
    """Show workers against latency and cost at one steady load, around the fewest workers that keep --p95."""
    return _run(locals())


def _run(options: dict[str, Any]) -> int:
    from capacity_planner.surfaces.cli._console import note, results
    from capacity_planner.surfaces.cli._picture import check_picture
    from capacity_planner.surfaces.cli._settings import settings_of
    from capacity_planner.surfaces.cli._staff_view import staff_view
    from capacity_planner.surfaces.cli._staffing import staffing

    check_picture(options["plot"])
    found = staffing(options, settings_of(options))
    if options["plot"]:
        from capacity_planner.surfaces.cli._picture_staff import draw_staffing

        draw_staffing(options["plot"], found, options["arrival_rate"])
        note([f"picture written to {options['plot']}."])
    if options["as_json"]:
        _print_json(found, options["durations"])
    else:
        console = results()
        console.print(staff_view(found, console.width))
    return OK if found.least_p95 is None else UNACHIEVABLE


def _print_json(found: "Staffing", durations: opt.DurationForm) -> None:
    import json

    from capacity_planner import codec, units
    from capacity_planner.surfaces.cli._console import print_json

    def written(value: Any) -> Any:
        if not value:
            return None
        return units.nanoseconds(value) if durations is opt.DurationForm.NANOSECONDS else units.format_duration(value)

    rows = [
        {
            "workers": row.workers,
            "cost_per_hour": row.cost_per_hour,
            "meets_target": row.meets_target,
            **codec.encode(row.state, durations=durations.value),
        }
        for row in found.table
    ]
    body = {"workers": found.answer, "target_p95": written(found.target), "least_p95": written(found.least_p95)}
    print_json(json.dumps({**body, "rows": rows}, indent=2, ensure_ascii=False, allow_nan=False))

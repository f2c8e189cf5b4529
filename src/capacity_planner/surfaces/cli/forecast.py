"""``capacity-planner forecast``: how much will arrive, and how sure that is; or which model to trust."""
# ruff: noqa: PLC0415 - what a command needs is imported when it runs.

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.surfaces.cli import _options as opt
from capacity_planner.surfaces.cli._exits import OK, guarded

if TYPE_CHECKING:
    from capacity_planner.surfaces.cli._forecasting import Subject

EPILOG = """\b
Examples:
  capacity-planner forecast requests.csv
  capacity-planner forecast requests.csv --horizon 24h --interval 15m --plot forecast.png
  capacity-planner forecast requests.csv --at 2014-04-20T12:00:00Z --json | jq '.forecast[-1].quantiles'
  capacity-planner forecast requests.csv --compare
  capacity-planner forecast requests.csv --compare --model auto,ridge,seasonal --horizon 6h

The forecast is a distribution: half of the outcomes are expected above the median, 5 % above the 95 % column. Staff \
for an upper quantile, as `plan` does. Bounds come from how wrong this model was on this history. A model that knows \
seasons needs two days of history to see the day, and two weeks to see the week.

--compare lets every model forecast the past, knowing only what was known then, and ranks them by how much their \
median, 90 %, 95 % and 99 % quantiles lost (pinball loss) relative to naive, which says that all stays as it is.

Exit codes: 0 done; 2 invalid input, or too little history; 1 anything unexpected."""

_WHAT = "What to forecast"

History = Annotated[
    Path,
    typer.Argument(help="CSV (.gz too) or Parquet with a time column and arrivals.", metavar="HISTORY"),
]
Model = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="NAME",
        help="auto mixes all of these by how right each lately was (recommended): ewma, holt_winters, linear, "
        "seasonal, ridge, naive. Where installed also such as statsforecast:AutoETS. Default: forecast_model of the "
        "settings, else auto. With --compare: several, separated by commas; default all.",
        rich_help_panel=_WHAT,
    ),
]
Horizon = Annotated[
    str | None,
    typer.Option(
        "--horizon",
        "--forecast-window",
        metavar="DURATION",
        help="How far ahead. Default: forecast_window of the settings, which is 1h.",
        rich_help_panel=_WHAT,
    ),
]
Interval = Annotated[
    str | None,
    typer.Option(
        "--interval",
        "--plan-interval",
        metavar="DURATION",
        help="Length of the intervals that are forecast. Default: plan_interval of the settings, which is 5m, or the "
        "samples' spacing where that is longer.",
        rich_help_panel=_WHAT,
    ),
]
Window = Annotated[
    str | None,
    typer.Option(
        "--history-window",
        metavar="DURATION",
        help="How much history to learn from. Default: history_window of the settings where it is set, else 672h, "
        "which shows days and weeks, or 2016h with --compare.",
        rich_help_panel=_WHAT,
    ),
]
Season = Annotated[
    str | None,
    typer.Option(
        "--seasonal-period",
        metavar="DURATION",
        help="Length of the season, such as 24h. Default: found in the history, day and week.",
        rich_help_panel=_WHAT,
    ),
]
At = Annotated[
    str | None,
    typer.Option(
        "--at",
        metavar="INSTANT",
        help="Forecast as of this instant, such as 2014-04-20T12:00:00Z, from what was known then.",
        rich_help_panel=_WHAT,
    ),
]
Compare = Annotated[
    bool,
    typer.Option("--compare", help="Rank the models on this history instead of forecasting.", rich_help_panel=_WHAT),
]


@guarded
def forecast(
    history: History,
    *,
    forecast_model: Model = None,
    forecast_window: Horizon = None,
    plan_interval: Interval = None,
    history_window: Window = None,
    seasonal_period: Season = None,
    at: At = None,
    compare: Compare = False,
    queue_name: opt.Queue = None,
    unit: opt.Unit = opt.UnitName.AUTO,
    stamp: opt.Stamp = opt.BinEdge.START,
    bin_length: opt.Bin = None,
    time_column: opt.TimeColumn = None,
    value_column: opt.ValueColumn = None,
    timezone: opt.Timezone = None,
    time_unit: opt.TimeUnit = None,
    skip_bad_rows: opt.SkipBad = False,
    config: opt.ConfigFile = None,
    as_json: opt.Json = False,
    durations: opt.Durations = opt.DurationForm.TEXT,
    plot: opt.Plot = None,
    debug: opt.Debug = False,
) -> int:
    """Forecast the arrival rate that follows a HISTORY, with quantiles, or --compare the models on it.

    Settings come from flags, then CAPACITY_PLANNER_... variables, then the settings file, then defaults.
    Durations carry their unit: 5m, 1h30m, 24h.
    """
    return _run(locals())


def _run(options: dict[str, Any]) -> int:
    from capacity_planner.surfaces.cli._console import note
    from capacity_planner.surfaces.cli._forecasting import subject
    from capacity_planner.surfaces.cli._picture import check_picture

    check_picture(options["plot"])
    if options["compare"] and options["plot"]:
        message = "--plot draws a forecast, and --compare makes none. Leave one of them out."
        raise PlannerError(ErrorCode.CONFIG_INVALID, message, details={"field": "--plot"})
    asked = subject(options)
    note(asked.notes)
    if options["compare"]:
        _compare(asked, options)
    else:
        _forecast(asked, options)
    return OK


def _forecast(asked: "Subject", options: dict[str, Any]) -> None:
    from capacity_planner.surfaces.cli._console import note, print_json, results
    from capacity_planner.surfaces.cli._forecasting import foreseen

    found = foreseen(asked)
    if options["plot"]:
        from capacity_planner.surfaces.cli._picture_forecast import draw_forecast

        draw_forecast(options["plot"], found)
        note([f"picture written to {options['plot']}."])
    if options["as_json"]:
        from capacity_planner.surfaces.cli._forecast_json import forecast_json

        print_json(forecast_json(found, options["durations"].value))
        return
    from capacity_planner.surfaces.cli._forecast_view import forecast_view

    console = results()
    console.print(forecast_view(found, console.width, console.encoding))


def _compare(asked: "Subject", options: dict[str, Any]) -> None:
    from capacity_planner.surfaces.cli._comparison import compared, comparison_json, comparison_view
    from capacity_planner.surfaces.cli._console import print_json, results

    rows = compared(asked, options["forecast_model"])
    if options["as_json"]:
        print_json(comparison_json(asked, rows, options["durations"].value))
        return
    results().print(comparison_view(asked, rows))

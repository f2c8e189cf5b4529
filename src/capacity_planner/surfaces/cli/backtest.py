"""``capacity-planner backtest``: your own history, replayed against every autoscaler and a clairvoyant optimum."""
# ruff: noqa: PLC0415 - what a command needs is imported when it runs.

from typing import TYPE_CHECKING, Any

import typer  # noqa: F401 - Typer reads the annotations

from capacity_planner.surfaces.cli import _backtest_options as own
from capacity_planner.surfaces.cli import _options as opt
from capacity_planner.surfaces.cli._exits import OK, UNACHIEVABLE, guarded

if TYPE_CHECKING:
    from capacity_planner.domain.backtest import Backtest

EPILOG = """\b
Examples:
  capacity-planner backtest requests.csv --service-time 20s --p95 90s --startup-delay 2m
  capacity-planner backtest requests.csv --service-time 20s --wait 1m --share 0.99 --report report.html
  capacity-planner backtest requests.csv --service-time 20s --wait 1m --policy keda --policy hpa --no-sweep
  capacity-planner backtest requests.csv --service-time 20s --wait 1m --from 2014-04-10T00:00:00Z --warmup 7d --limits
  capacity-planner backtest requests.csv --service-time 20s --wait 1m --json | jq '.outcomes[] | {policy, cost}'

Every policy meets the same jobs, one by one, sees only the past (30 s late), waits for its workers to start and pays \
for them from order to end. The first part of FILE, --warmup, is for learning and is not scored.

"As shipped" is each policy with its usual setting. "Tuned" is what it costs with its knob set so that it just keeps \
the asked share: only costs at the same share can be compared. The clairvoyant bound knows every job beforehand; \
nobody can keep the share for less.

Exit codes: 0 this planner keeps the asked share; 2 invalid input; 3 it does not (all is printed all the same); 130 \
interrupted; 1 anything unexpected, or --timeout has passed."""


@guarded
def backtest(
    history: own.History,
    *,
    p95_latency: own.P95 = None,
    allowed_wait: own.Wait = None,
    share: own.Share = None,
    service_time: own.ServiceTime = None,
    service_time_std: own.ServiceStd = None,
    service_time_p95: own.ServiceP95 = None,
    service_family: own.Family = None,
    startup_delay: opt.StartupDelay = None,
    startup_spread: own.Spread = None,
    worker_concurrency: opt.Concurrency = None,
    metric_lag: own.Lag = None,
    late_bins: own.LateBins = None,
    from_: own.From = None,
    until: own.Until = None,
    warmup: own.Warmup = None,
    seed: own.Seed = None,
    timeout: own.Timeout = None,
    policies: own.Policies = None,
    sweep: own.Sweep = True,
    forecast_model: own.Model = None,
    limits: own.Limits = False,
    min_workers: opt.MinWorkers = None,
    max_workers: opt.MaxWorkers = None,
    max_step_size: opt.MaxStep = None,
    cooldown_period: opt.Cooldown = None,
    scale_up_cooldown: opt.UpCooldown = None,
    worker_cost_per_hour: opt.WorkerCost = None,
    violation_cost_per_hour: opt.ViolationCost = None,
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
    report: own.Report = None,
    debug: opt.Debug = False,
) -> int:
    """Replay FILE against autoscalers and a clairvoyant optimum, job by job: who keeps the promise, and for how much.

    Prices and other settings come from flags, then CAPACITY_PLANNER_... variables, then the settings file, then
    defaults. Durations carry their unit: 5s, 1m30s, 7d.
    """
    return _run(locals())


def _run(options: dict[str, Any]) -> int:
    from capacity_planner.surfaces.cli._backtest_asked import asked_of
    from capacity_planner.surfaces.cli._backtest_page import check_report
    from capacity_planner.surfaces.cli._backtesting import replayed
    from capacity_planner.surfaces.cli._console import note
    from capacity_planner.surfaces.cli._picture import check_picture

    check_picture(options["plot"])
    check_report(options["report"])
    asked = asked_of(options)
    note(asked.notes)
    found = replayed(asked, visible=not options["as_json"])
    _show(found, options)
    return OK if found.kept else UNACHIEVABLE


def _show(found: "Backtest", options: dict[str, Any]) -> None:
    from capacity_planner import codec
    from capacity_planner.surfaces.cli._console import note, print_json, results

    if options["plot"]:
        from capacity_planner.surfaces.cli._picture_backtest import draw_backtest

        draw_backtest(options["plot"], found)
        note([f"picture written to {options['plot']}."])
    if options["report"]:
        from capacity_planner.surfaces.cli._backtest_page import write_report

        write_report(options["report"], found)
        note([f"report written to {options['report']}."])
    if options["as_json"]:
        print_json(codec.dumps(found, durations=options["durations"].value, indent=2))
        return
    from capacity_planner.surfaces.cli._backtest_view import backtest_view

    console = results()
    console.print(backtest_view(found, console.width))

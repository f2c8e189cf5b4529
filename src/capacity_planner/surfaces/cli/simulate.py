"""``capacity-planner simulate``: what would happen to every job if this plan met that traffic."""
# ruff: noqa: PLC0415 - what a command needs is imported when it runs.

from typing import TYPE_CHECKING, Any

import typer  # noqa: F401 - Typer reads the annotations

from capacity_planner.surfaces.cli import _options as opt
from capacity_planner.surfaces.cli import _simulate_options as sim
from capacity_planner.surfaces.cli._exits import OK, UNACHIEVABLE, guarded

if TYPE_CHECKING:
    from capacity_planner.domain.simulation import Simulation

EPILOG = """\b
Examples:
  capacity-planner simulate --workers 60 --arrival-rate 25.5 --service-time 2s --p95 8s --duration 6h
  capacity-planner simulate --workers 60 --step 25m=300 --step 3h=60 --arrival-rate 25.5 --spike 30m+2h:x5:bell \
--service-time 2s --p95 8s --startup-delay 2m --duration 6h
  capacity-planner simulate black_friday.toml --also-add-workers 20% --also-add-workers -20%
  capacity-planner simulate --plan plan.json --history requests.csv --scale 1.5 --replications 10 --plot what_if.png
  capacity-planner simulate what_if.toml --json | jq '[.] | flatten | .[].summary.slo_achievement'

\b
A scenario file, in TOML (YAML and JSON have the same names):
  duration = "6h"
  plan = {workers = 60, steps = [{at = "25m", workers = 300}], service_time = "2s", slo = {p95_latency = "8s"}}
  traffic_pattern = {type = "constant", base_rate = 25.5}

Several stand under [[scenarios]]; what stands above holds for all of them. Beside the fields of a scenario there are \
slo (targets, over the plan's), scale (a factor for all traffic) and plan_file (a plan as `plan --json` prints it). A \
plan by hand has workers, steps, add_workers, slo, service_time, service_time_std, service_time_p95, startup_delay, \
worker_concurrency and queue_name. Flags override every scenario. Scenarios with the same traffic and seed meet the \
very same jobs, so that a difference between them is not luck. --json prints one object for one scenario, and a list \
for several.

Exit codes: 0 every scenario keeps its SLO within its error budget; 2 invalid input; 3 some scenario does not (all are \
printed all the same); 130 interrupted; 1 anything unexpected, or --timeout has passed."""


@guarded
def simulate(
    scenarios: sim.Scenarios = None,
    *,
    plan_file: sim.PlanFile = None,
    workers: sim.Workers = None,
    step: sim.Step = None,
    add_workers: sim.AddWorkers = None,
    also_add_workers: sim.AlsoAdd = None,
    startup_delay: sim.StartupDelay = None,
    worker_concurrency: sim.Concurrency = None,
    arrival_rate: sim.Rate = None,
    pattern: sim.Pattern = None,
    amplitude: sim.Amplitude = None,
    period: sim.Period = None,
    trend: sim.Trend = None,
    noise: sim.Noise = None,
    noise_period: sim.NoisePeriod = None,
    spike: sim.Spike = None,
    history: sim.History = None,
    replay: sim.Replay = False,
    scale: sim.Scale = None,
    batch_size: sim.BatchSize = None,
    service_time: sim.ServiceTime = None,
    service_time_std: sim.ServiceStd = None,
    service_time_p95: sim.ServiceP95 = None,
    service_family: sim.Family = None,
    initial_backlog: sim.Backlog = None,
    patience: sim.Patience = None,
    p95_latency: opt.P95 = None,
    max_backlog: opt.MaxBacklog = None,
    drain_time: opt.DrainTime = None,
    error_budget: opt.ErrorBudget = None,
    availability: opt.Availability = None,
    duration: sim.Duration = None,
    granularity: sim.Granularity = None,
    start: sim.Start = None,
    replications: sim.Replications = None,
    seed: sim.Seed = None,
    timeout: sim.Timeout = None,
    worker_cost_per_hour: opt.WorkerCost = None,
    violation_cost_per_hour: opt.ViolationCost = None,
    queue_name: sim.Queue = None,
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
    """Try plans on simulated traffic, every job one by one: from SCENARIO files, from flags, or from both.

    Flags override every scenario. Prices and other settings come from flags, then CAPACITY_PLANNER_... variables, then
    the settings file, then defaults. Durations carry their unit: 5s, 1m30s, 250ms.
    """
    return _run(locals())


def _run(options: dict[str, Any]) -> int:
    from capacity_planner.surfaces.cli._console import note
    from capacity_planner.surfaces.cli._picture import check_picture
    from capacity_planner.surfaces.cli._scenarios import asked_of
    from capacity_planner.surfaces.cli._settings import settings_of
    from capacity_planner.surfaces.cli._simulating import simulated

    check_picture(options["plot"])
    asked = asked_of(options, settings_of(options))
    note(asked.notes)
    found = simulated(asked, visible=not options["as_json"])
    _show(found, options)
    return OK if all(item.slo_analysis.error_budget_used <= 1.0 for item in found) else UNACHIEVABLE


def _show(found: "list[Simulation]", options: dict[str, Any]) -> None:
    from capacity_planner.surfaces.cli._console import note, results

    if options["plot"]:
        from capacity_planner.surfaces.cli._picture_simulation import draw_simulations

        draw_simulations(options["plot"], found)
        note([f"picture written to {options['plot']}."])
    if options["as_json"]:
        _print_json(found, options["durations"].value)
        return
    from capacity_planner.surfaces.cli._simulation_view import simulation_view
    from capacity_planner.surfaces.cli._simulations_view import comparison_view

    console = results()
    view = simulation_view(found[0], console) if len(found) == 1 else comparison_view(found, console)
    console.print(view)


def _print_json(found: "list[Simulation]", durations: Any) -> None:
    import json

    from capacity_planner import codec
    from capacity_planner.surfaces.cli._console import print_json

    written = [codec.encode(item, durations=durations) for item in found]
    body = written[0] if len(written) == 1 else written
    print_json(json.dumps(body, indent=2, ensure_ascii=False, allow_nan=False))

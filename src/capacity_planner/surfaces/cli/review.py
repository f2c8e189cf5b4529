"""``capacity-planner review``: were the plans right? Past plans, held against what then happened."""
# ruff: noqa: PLC0415 - what a command needs is imported when it runs.

from typing import TYPE_CHECKING, Any

import typer  # noqa: F401 - Typer reads the annotations

from capacity_planner.surfaces.cli import _options as opt
from capacity_planner.surfaces.cli import _review_options as own
from capacity_planner.surfaces.cli._exits import OK, UNACHIEVABLE, guarded

if TYPE_CHECKING:
    from capacity_planner.domain.review import PlanReview

EPILOG = """\b
Examples:
  capacity-planner plan requests.csv --service-time 2s --p95 8s --json > plans/$(date -u +%Y%m%dT%H%M).json
  capacity-planner review plans --history requests.csv
  capacity-planner review plans/2026-01-*.json --history requests.csv --hindsight --plot reliability.png
  capacity-planner review plans.jsonl --history metrics.csv --queue-name mail
  capacity-planner review plans --history requests.csv --json | jq '.reliability[] | {stated, kept, plans}'

Keep every plan that you make: each plan says how sure it is, and only what became of many plans tells what that is \
worth. Every plan is carried out as it was made, job by job, on the arrivals of --history, several times over: the \
arrivals are the same, the service times are drawn anew. A plan kept its SLO when it held within its error budget in \
at least half of its runs. A plan is judged once its window is over, unless more than a quarter of it is missing.

The confidence is reliable when of the plans that say 90 %, 90 % keep their SLO. The Brier score is the mean of \
(said - kept) squared: 0 is perfect, and a score above that of always saying the average tells good plans from bad \
ones no better than chance. Fewer than 20 plans tell little, and plans whose windows overlap share their fate: each \
counts by what is new of its window.

Exit codes: 0 at least as many runs kept the SLO as the plans said, or so nearly as many that chance alone would bring \
so few in 5 % of cases or more (binomial distribution, independent plans); 2 invalid input; 3 fewer (all is printed \
all the same); 130 interrupted; 1 anything unexpected, or --timeout has passed."""


@guarded
def review(
    plans: own.Plans,
    *,
    history: own.History,
    replications: own.Replications = own.RUNS,
    hindsight: own.Hindsight = False,
    seed: own.Seed = None,
    timeout: own.Timeout = None,
    worker_cost_per_hour: opt.WorkerCost = None,
    queue_name: own.Queue = None,
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
    """Hold past PLANS against what then happened: forecast error, SLO kept or not, and whether their confidence held.

    Prices and other settings come from flags, then CAPACITY_PLANNER_... variables, then the settings file, then
    defaults. What the SLO is, how long a job takes and when workers start is taken from each plan.
    """
    return _run(locals())


def _run(options: dict[str, Any]) -> int:
    from capacity_planner.surfaces.cli._console import note
    from capacity_planner.surfaces.cli._picture import check_picture
    from capacity_planner.surfaces.cli._review_asked import asked_of
    from capacity_planner.surfaces.cli._reviewing import reviewed

    check_picture(options["plot"])
    asked = asked_of(options)
    note(asked.notes)
    found = reviewed(asked, visible=not options["as_json"])
    _show(found, options)
    return OK if found.as_stated else UNACHIEVABLE


def _show(found: "PlanReview", options: dict[str, Any]) -> None:
    from capacity_planner import codec
    from capacity_planner.surfaces.cli._console import note, print_json, results

    if options["plot"]:
        from capacity_planner.surfaces.cli._picture_review import draw_review

        draw_review(options["plot"], found)
        note([f"picture written to {options['plot']}."])
    if options["as_json"]:
        print_json(codec.dumps(found, durations=options["durations"].value, indent=2))
        return
    from capacity_planner.surfaces.cli._review_view import review_view

    console = results()
    console.print(review_view(found, console))

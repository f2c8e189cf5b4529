"""The command ``capacity-planner``: its subcommands and its version."""
# ruff: noqa: PLC0415, T201 - what a command needs is imported when it runs, and a command speaks.

from __future__ import annotations

from typing import Annotated

import typer

from capacity_planner.surfaces.cli import (
    backtest,
    config,
    demo,
    forecast,
    operate,
    plan,
    review,
    run,
    serve,
    simulate,
    staff,
    tokens,
)
from capacity_planner.surfaces.cli._help import CONTEXT, Command, Group

_EPILOG = """Exit codes: 0 done; 2 usage or invalid input; 3 the SLO is not achievable, limits bind, or a \
simulation or backtest breaks it, or past plans kept it less often than they said (all is printed all the same); \
4 blocked by cooldown or anomaly (the plan to review is printed); 1 anything unexpected.

\b
Start with:
  capacity-planner plan --arrival-rate 25.5 --service-time 2s --workers 10 --p95 8s
  capacity-planner forecast requests.csv --horizon 24h
  capacity-planner simulate --workers 60 --arrival-rate 25.5 --service-time 2s --p95 8s --duration 6h
  capacity-planner backtest requests.csv --service-time 2s --p95 8s --report report.html
  capacity-planner review plans --history requests.csv
  capacity-planner serve --config capacity-planner.toml"""

app = typer.Typer(
    name="capacity-planner",
    help="How many workers, when, at what cost, and how sure are we? Capacity planning for job queues.",
    epilog=_EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    cls=Group,
    rich_markup_mode=None,
    context_settings=CONTEXT,
)
app.command(
    "plan", cls=Command, short_help="How many workers to run, and when.", epilog=plan.EPILOG, no_args_is_help=True
)(plan.plan)
app.command(
    "forecast",
    cls=Command,
    short_help="How much will arrive, how sure that is, and which model to trust.",
    epilog=forecast.EPILOG,
    no_args_is_help=True,
)(forecast.forecast)
app.command(
    "staff",
    cls=Command,
    short_help="What latency a number of workers buys, and its cost.",
    epilog=staff.EPILOG,
    no_args_is_help=True,
)(staff.staff)
app.command(
    "simulate",
    cls=Command,
    short_help="Try a plan on simulated traffic, job by job.",
    epilog=simulate.EPILOG,
    no_args_is_help=True,
)(simulate.simulate)
app.command(
    "backtest",
    cls=Command,
    short_help="Replay your history against autoscalers and a clairvoyant optimum.",
    epilog=backtest.EPILOG,
    no_args_is_help=True,
)(backtest.backtest)
app.command(
    "review",
    cls=Command,
    short_help="Hold past plans against what then happened.",
    epilog=review.EPILOG,
    no_args_is_help=True,
)(review.review)
app.command(
    "serve", cls=Command, short_help="Serve the HTTP and gRPC APIs, and plan continuously.", epilog=serve.EPILOG
)(serve.serve)
app.command("run", cls=Command, short_help="Plan and scale continuously, without an API.", epilog=run.EPILOG)(run.run)
app.command("demo", cls=Command, short_help="Watch a real queue being scaled, for a minute.", epilog=demo.EPILOG)(
    demo.demo
)
app.command(
    "operator",
    cls=Command,
    short_help="Plan and scale for the custom resources of a Kubernetes cluster.",
    epilog=operate.EPILOG,
)(operate.operator)
app.add_typer(tokens.app, name="token")
app.add_typer(config.app, name="config")


def _version(value: bool) -> None:  # noqa: FBT001 - Typer calls it so
    if value:
        from capacity_planner import __version__

        print(f"capacity-planner {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    del version  # its callback has acted

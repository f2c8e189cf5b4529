"""``capacity-planner demo``: a queue, workers, a load, and the service that scales them, for a minute."""
# ruff: noqa: PLC0415 - what a command needs is imported when it runs.

from typing import Annotated

import typer

from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.surfaces.cli import _options as opt
from capacity_planner.surfaces.cli._exits import OK, guarded

EPILOG = """\b
Examples:
  capacity-planner demo
  capacity-planner demo --seconds 120 --speed 720
  capacity-planner demo --redis redis://127.0.0.1:6380/0 --json | jq .kept_share

Everything is real: a list in Redis, worker processes that are started and stopped, and a service that measures,
plans and scales. It needs Linux, the extras server and redis, and Redis 6.2 or newer; where none answers on
127.0.0.1:6379 it starts one, if redis-server is installed. Nothing is left behind, also after Ctrl-C.
Exit codes: 0 ended; 2 no Redis, or invalid options; 1 anything unexpected."""

Redis = Annotated[
    str | None,
    typer.Option("--redis", help="Use this one, such as redis://127.0.0.1:6379/0.", metavar="URL"),
]
Seconds = Annotated[float, typer.Option("--seconds", help="How long it goes on.", min=5.0, max=3600.0, metavar="N")]
Speed = Annotated[
    float,
    typer.Option(
        "--speed", help="How many times as fast as it was the trace is replayed.", min=360.0, max=7200.0, metavar="N"
    ),
]
NoView = Annotated[bool, typer.Option("--no-view", help="Print a line for each second, as where there is no terminal.")]


@guarded
def demo(
    *,
    redis: Redis = None,
    seconds: Seconds = 60.0,
    speed: Speed = 1440.0,
    no_view: NoView = False,
    as_json: opt.Json = False,
    debug: opt.Debug = False,
) -> int:
    """Watch a queue being scaled: New York's taxi rides of a day, replayed in a minute.

    Jobs come into a list in Redis, workers of this machine do them, and the service measures, plans and starts and
    stops workers so that 95 % of the jobs are done in time.
    """
    del debug
    try:
        from capacity_planner.surfaces.cli._demo_run import run
    except ModuleNotFoundError as error:
        raise _lacking(error) from None
    run(redis, seconds, speed, as_json=as_json, plain=no_view)
    return OK


def _lacking(error: ModuleNotFoundError) -> PlannerError:
    """The error that says what to install."""
    if (error.name or "").partition(".")[0] == "capacity_planner":
        raise error
    message = "the demo needs extras: pip install 'capacity-planner[server,redis]'"
    return PlannerError(ErrorCode.CONFIG_INVALID, message, details={"field": "demo", "missing": error.name})

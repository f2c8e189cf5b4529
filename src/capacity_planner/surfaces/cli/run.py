"""``capacity-planner run``: plan and scale continuously, without an API."""
# ruff: noqa: PLC0415 - what a command needs is imported when it runs.

import json
import signal
from queue import SimpleQueue
from typing import TYPE_CHECKING, Annotated

import typer

from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.surfaces.cli import _options as opt
from capacity_planner.surfaces.cli import _service_options as srv
from capacity_planner.surfaces.cli._exits import OK, guarded

if TYPE_CHECKING:
    from capacity_planner.service.service import Service

EPILOG = """\b
Examples:
  capacity-planner run --config capacity-planner.toml
  capacity-planner run --once --json | jq '.[].decision'

\b
A queue is a table of the settings file:
  [[queues]]
  queue_name = "emails"
  mode = "advisory"          # auto, manual or advisory
  slo = {p95_latency = "8s"}
  source = {name = "file", options = {path = "emails.csv", service_time = "2s", timezone = "UTC"}}

It ends on SIGTERM or Ctrl-C, after what is under way.
Exit codes: 0 ended; 2 invalid settings; 1 anything unexpected."""

Once = Annotated[bool, typer.Option("--once", help="Give every queue one turn, show what was decided, and end.")]
Metrics = Annotated[
    str | None,
    typer.Option("--metrics", help="Serve metrics for Prometheus there, such as 127.0.0.1:9108.", metavar="ADDRESS"),
]


@guarded
def run(
    *,
    once: Once = False,
    store: srv.Store = None,
    metrics: Metrics = None,
    insecure: srv.Insecure = False,
    log_format: srv.LogFormat = None,
    log_level: srv.LogLevel = None,
    config: opt.ConfigFile = None,
    as_json: opt.Json = False,
    debug: opt.Debug = False,
) -> int:
    """Plan for every queue of the settings file, every interval, and carry out what its mode allows.

    What was planned, why it was or was not applied, and what was scaled is kept in the store. Several of these, and of
    serve, on one PostgreSQL share the queues.
    """
    from capacity_planner.surfaces.cli._serving import service_settings, started

    settings, origin = service_settings(locals())
    if not settings.queues:
        message = "queues is empty: there is nothing to plan for. Write a [[queues]] table into the settings file."
        raise PlannerError(ErrorCode.CONFIG_INVALID, message, details={"field": "queues"})
    with started(settings, origin) as service:
        if once:
            _once(service, as_json=as_json)
        else:
            _until_told(service, metrics, insecure=insecure)
    return OK


def _once(service: "Service", *, as_json: bool) -> None:
    from capacity_planner.surfaces.cli._console import print_json, results
    from capacity_planner.surfaces.cli._run_view import rows_of, run_view

    service.loop.round()
    rows = rows_of(service)
    if as_json:
        print_json(json.dumps(rows, indent=2, ensure_ascii=False))
    else:
        console = results()
        console.print(run_view(rows))


def _until_told(service: "Service", metrics: str | None, *, insecure: bool) -> None:
    if metrics is not None:
        _expose(service, metrics, insecure=insecure)
    told: SimpleQueue[int] = SimpleQueue()  # a signal may come at any moment, also while a lock is held
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda came, _: told.put(came))
    service.loop.start()
    told.get()


def _expose(service: "Service", address: str, *, insecure: bool) -> None:
    from prometheus_client import start_http_server

    from capacity_planner.service.access import Access, guard
    from capacity_planner.service.address import parse_address

    guard(address, Access.open_to_all(), insecure=insecure)
    host, port = parse_address(address)
    try:
        start_http_server(port, host, registry=service.telemetry.registry)
    except OSError as error:
        message = f"--metrics is {address!r}, where nobody can listen: {error.strerror}. Take another port."
        raise PlannerError(ErrorCode.CONFIG_INVALID, message, details={"field": "--metrics"}) from None

"""``capacity-planner serve``: HTTP, gRPC and the loop in one process."""
# ruff: noqa: PLC0415 - what a command needs is imported when it runs.

from contextlib import ExitStack
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from capacity_planner.surfaces.cli import _options as opt
from capacity_planner.surfaces.cli import _service_options as srv
from capacity_planner.surfaces.cli._exits import OK, guarded

if TYPE_CHECKING:
    from capacity_planner.pipeline.settings import Settings

EPILOG = """\b
Examples:
  capacity-planner serve
  capacity-planner serve --config capacity-planner.toml --store postgresql://planner@db/planner
  capacity-planner token new grafana --role read --file tokens.toml
  capacity-planner serve --http 0.0.0.0:8080 --token-file tokens.toml --tls-cert cert.pem --tls-key key.pem

It ends on SIGTERM or Ctrl-C, after what is under way.
Exit codes: 0 ended; 2 invalid settings; 1 anything unexpected."""

_GRACE = timedelta(seconds=5)

NoLoop = Annotated[bool, typer.Option("--no-loop", help="Answer only; plan nothing by itself.")]


@guarded
def serve(
    *,
    http: srv.Http = None,
    grpc: srv.Grpc = None,
    store: srv.Store = None,
    token_file: srv.TokenFile = None,
    tls_cert: srv.TlsCert = None,
    tls_key: srv.TlsKey = None,
    insecure: srv.Insecure = False,
    no_loop: NoLoop = False,
    log_format: srv.LogFormat = None,
    log_level: srv.LogLevel = None,
    config: opt.ConfigFile = None,
    debug: opt.Debug = False,
) -> int:
    """Serve the HTTP and gRPC APIs, and plan by itself for every queue of the settings file.

    Without a settings file it answers what it is asked, on loopback, and keeps what it is told in capacity-planner.db.
    """
    from capacity_planner.surfaces.cli._serving import service_settings

    options = locals()
    settings, origin = service_settings(options)
    _serve(settings, origin, options)
    return OK


def _serve(settings: "Settings", origin: str, options: dict[str, Any]) -> None:
    from capacity_planner.surfaces.cli._serving import lacking, started

    server = settings.server
    try:
        from capacity_planner.service.access import Access, guard
        from capacity_planner.surfaces.grpc.server import serve_grpc
        from capacity_planner.surfaces.http.server import serve_http
        from capacity_planner.surfaces.keda.scaler import ExternalScaler
    except ModuleNotFoundError as error:
        raise lacking(error) from None
    access = Access.load(server.token_file) if server.token_file else Access.open_to_all()
    for address in filter(None, (server.http, server.grpc)):
        guard(address, access, insecure=options["insecure"], tls=bool(server.tls_cert))
    with ExitStack() as stack:
        service = stack.enter_context(started(settings, origin))
        if server.grpc:
            keda = ExternalScaler(service.desk, access.authorize)
            grpc = serve_grpc(service.desk, server, access.authorize, [keda], telemetry=service.telemetry)
            stack.callback(grpc.stop, _GRACE)
        if not options["no_loop"]:
            service.loop.start()
        serve_http(service, access)

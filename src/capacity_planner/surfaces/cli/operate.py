"""``capacity-planner operator``: plan and scale for the custom resources of a Kubernetes cluster."""
# ruff: noqa: PLC0415 - what a command needs is imported when it runs.

import signal
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from queue import SimpleQueue
from typing import TYPE_CHECKING, Annotated, Any

import typer

from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.surfaces.cli import _options as opt
from capacity_planner.surfaces.cli import _service_options as srv
from capacity_planner.surfaces.cli._exits import OK, guarded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from capacity_planner.pipeline.settings import Settings
    from capacity_planner.service.service import Service
    from capacity_planner.surfaces.kube.operating import Where
    from capacity_planner.surfaces.kube.term import Beside

EPILOG = """\b
Examples:
  kubectl apply -k deploy/kustomize/base
  capacity-planner operator --namespace jobs
  capacity-planner operator --context staging --probes 127.0.0.1:8081
  capacity-planner operator --http 0.0.0.0:8080 --token-file tokens.toml

In a pod it works by the pod's account, elsewhere by the kubeconfig. Of several replicas one works at a time.
It ends on SIGTERM or Ctrl-C, after what is under way.
Exit codes: 0 ended; 2 invalid settings; 1 anything unexpected."""

_CLUSTER, _LEADER = "Cluster", "Leader election"
_APIS = ("http", "grpc")
_TIMEOUT, _GRACE = 10.0, timedelta(seconds=5)

Namespaces = Annotated[
    list[str] | None,
    typer.Option(
        "--namespace",
        help="Look after the resources of this namespace only; may be given several times.",
        metavar="NAME",
        rich_help_panel=_CLUSTER,
    ),
]
Kubeconfig = Annotated[
    str, typer.Option("--kubeconfig", help="Instead of the user's file.", metavar="FILE", rich_help_panel=_CLUSTER)
]
Context = Annotated[str, typer.Option("--context", help="Of the kubeconfig.", metavar="NAME", rich_help_panel=_CLUSTER)]
LeaseNamespace = Annotated[
    str,
    typer.Option(
        "--lease-namespace",
        help="Where the Lease of the leader lies. Default the operator's own.",
        metavar="NAME",
        rich_help_panel=_LEADER,
    ),
]
LeaseName = Annotated[
    str,
    typer.Option(
        "--lease-name",
        help="Replicas with the same one work in turn.",
        metavar="NAME",
        rich_help_panel=_LEADER,
        show_default=True,
    ),
]
LeaseSeconds = Annotated[
    int,
    typer.Option(
        "--lease-seconds",
        help="Another replica takes over when the leader is not heard of for so long.",
        metavar="SECONDS",
        min=5,
        max=3600,
        rich_help_panel=_LEADER,
        show_default=True,
    ),
]
Probes = Annotated[
    str,
    typer.Option(
        "--probes", help="Answer /healthz, /readyz and /metrics there, such as 0.0.0.0:8081.", metavar="ADDRESS"
    ),
]


@guarded
def operator(
    *,
    namespace: Namespaces = None,
    kubeconfig: Kubeconfig = "",
    context: Context = "",
    lease_namespace: LeaseNamespace = "",
    lease_name: LeaseName = "capacity-planner",
    lease_seconds: LeaseSeconds = 15,
    probes: Probes = "",
    http: srv.HttpBeside = None,
    grpc: srv.GrpcBeside = None,
    store: srv.Store = None,
    token_file: srv.TokenFile = None,
    tls_cert: srv.TlsCert = None,
    tls_key: srv.TlsKey = None,
    insecure: srv.Insecure = False,
    log_format: srv.LogFormat = None,
    log_level: srv.LogLevel = None,
    config: opt.ConfigFile = None,
    debug: opt.Debug = False,
) -> int:
    """Plan and scale for the CapacityPolicies and WorkerPools of a Kubernetes cluster.

    What was planned for a resource, and why it was or was not applied, stands in its status and its events. Where
    an address of HTTP or gRPC is set, the API is served there, too, while this replica leads.
    """
    from capacity_planner.surfaces.cli._serving import service_settings

    options = locals()
    settings, origin = service_settings(options)
    _operate(settings, origin, options)
    return OK


def _operate(settings: "Settings", origin: str, options: dict[str, Any]) -> None:
    try:
        from capacity_planner.service import logs
        from capacity_planner.surfaces.kube.client import Cluster
        from capacity_planner.surfaces.kube.operating import Operator
        from capacity_planner.surfaces.kube.probes import Probes as Listener
    except ModuleNotFoundError as error:
        raise _lacking(error) from None
    logs.configure(settings.server.log_format, settings.server.log_level)
    limits = (_TIMEOUT, options["lease_seconds"] / 4)
    cluster, electing = (Cluster(options["kubeconfig"], options["context"], timeout=limit) for limit in limits)
    told: SimpleQueue[int] = SimpleQueue()  # a signal may come at any moment, also while a lock is held
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda came, _: told.put(came))
    beside, where = _api(settings, insecure=options["insecure"]), _where(options, cluster.namespace)
    made = Operator(cluster, electing, settings, where, origin=origin, beside=beside, ended=lambda: told.put(0))
    with ExitStack() as stack:
        stack.enter_context(made)
        if options["probes"]:
            stack.enter_context(Listener(options["probes"], made))
        told.get()
    if made.error is not None:
        raise made.error


def _where(options: dict[str, Any], own: str) -> "Where":
    from capacity_planner.surfaces.kube.operating import Where

    return Where(
        namespaces=tuple(options["namespace"] or ()),
        lease_namespace=options["lease_namespace"] or own,
        lease_name=options["lease_name"],
        lease_seconds=options["lease_seconds"],
    )


def _api(settings: "Settings", *, insecure: bool) -> "Beside | None":
    """What serves the APIs beside the service; ``None`` where no address was set for any."""
    server = settings.server
    http, grpc = (getattr(server, name) if settings.origins[f"server.{name}"] != "default" else "" for name in _APIS)
    if not http and not grpc:
        return None
    from capacity_planner.service.access import Access, guard
    from capacity_planner.surfaces.grpc.server import serve_grpc
    from capacity_planner.surfaces.http.app import create_app
    from capacity_planner.surfaces.http.server import HttpServer
    from capacity_planner.surfaces.keda.scaler import ExternalScaler

    access = Access.load(server.token_file) if server.token_file else Access.open_to_all()
    for address in filter(None, (http, grpc)):
        guard(address, access, insecure=insecure, tls=bool(server.tls_cert))

    @contextmanager
    def beside(service: "Service") -> "Iterator[None]":
        with ExitStack() as stack:
            if grpc:
                keda = ExternalScaler(service.desk, access.authorize)
                served = serve_grpc(service.desk, server, access.authorize, [keda], telemetry=service.telemetry)
                stack.callback(served.stop, _GRACE)
            if http:
                app = create_app(service.desk, service.heavy, access, service.telemetry, server)
                stack.enter_context(HttpServer(app, server))
            yield

    return beside


def _lacking(error: ModuleNotFoundError) -> PlannerError:
    """The error that says what to install."""
    if (error.name or "").partition(".")[0] == "capacity_planner":
        raise error
    message = "the operator needs extras: pip install 'capacity-planner[server,k8s]'"
    return PlannerError(ErrorCode.CONFIG_INVALID, message, details={"field": "operator", "missing": error.name})

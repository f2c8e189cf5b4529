"""The gRPC server: the service with health, reflection, tokens and TLS, on one port."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import grpc
from grpc_health.v1 import health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.service.address import parse_address
from capacity_planner.surfaces.grpc import health
from capacity_planner.surfaces.grpc.methods import SERVICE, Methods
from capacity_planner.surfaces.grpc.tokens import Tokens

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from capacity_planner.domain.server import ServerSettings
    from capacity_planner.service.desk import Desk
    from capacity_planner.service.telemetry import Telemetry
    from capacity_planner.surfaces.grpc.tokens import Authorize

_PLANS_AT_ONCE = 32
_MOST_SIMULATIONS = 1_000
_MOST_WAITING = 256


class Guest(Protocol):
    """Another service on the same port.

    Attributes:
        name: of the service, with its package.
    """

    name: str

    def handler(self) -> grpc.GenericRpcHandler:
        """The service, which asks for tokens by itself."""

    def end(self) -> None:
        """End the streams that are open."""


class GrpcServer:
    """A server that listens.

    Args:
        server: what was started.
        known: what tells that it serves.
        port: where it listens.
        guests: other services on the same port.
    """

    def __init__(self, server: grpc.Server, known: health.Health, port: int, guests: Sequence[Guest] = ()) -> None:
        self._server, self._health, self._guests = server, known, guests
        self.port = port

    def stop(self, grace: timedelta) -> None:
        """Say that nothing is served any more, take no new calls, and wait for those that run; then they are cut off.

        Args:
            grace: how long to wait for them.
        """
        self._health.end()
        for guest in self._guests:
            guest.end()
        self._server.stop(grace.total_seconds()).wait()
        self._health.close()


def serve_grpc(
    desk: Desk,
    settings: ServerSettings,
    authorize: Authorize,
    guests: Sequence[Guest] = (),
    *,
    telemetry: Telemetry,
) -> GrpcServer:
    """Start to listen at ``settings.grpc``; the calls run in threads.

    Args:
        desk: what answers.
        settings: the address, the TLS files and the limits.
        authorize: `Access.authorize`.
        guests: other services on the same port.
        telemetry: where calls that are refused are counted.

    Raises:
        PlannerError: ``CONFIG_INVALID``: the address or the TLS files cannot be used.
    """
    threads = min(settings.max_heavy + settings.max_waiting, _MOST_SIMULATIONS) + _PLANS_AT_ONCE
    server = grpc.server(
        ThreadPoolExecutor(threads, thread_name_prefix="capacity-planner-grpc"),
        handlers=[Methods(desk, settings, telemetry).handler(), *(guest.handler() for guest in guests)],
        interceptors=[Tokens(authorize, telemetry, [guest.name for guest in guests])],
        options=[("grpc.so_reuseport", 0), ("grpc.max_receive_message_length", settings.max_body)],
        maximum_concurrent_rpcs=threads + _MOST_WAITING,
    )
    known = health.Health(SERVICE)
    health_pb2_grpc.add_HealthServicer_to_server(known, server)
    names = (SERVICE, *(guest.name for guest in guests), health.NAME, reflection.SERVICE_NAME)
    reflection.enable_server_reflection(names, server)
    port = _listen(server, settings)
    server.start()
    return GrpcServer(server, known, port, guests)


def _listen(server: grpc.Server, settings: ServerSettings) -> int:
    host, port = parse_address(settings.grpc)
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        if settings.tls_cert or settings.tls_key:
            return server.add_secure_port(address, _credentials(settings))
        return server.add_insecure_port(address)
    except RuntimeError:
        problem = "where nothing can listen: it is taken, it is not this machine's, or the TLS files do not fit"
        raise _invalid("grpc", settings.grpc, f"{problem}. Choose another address.") from None


def _credentials(settings: ServerSettings) -> grpc.ServerCredentials:
    return grpc.ssl_server_credentials([(_file("tls_key", settings.tls_key), _file("tls_cert", settings.tls_cert))])


def _file(field: str, path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        problem = f"which cannot be read ({error.strerror}). TLS needs tls_cert and tls_key, both PEM files."
        raise _invalid(field, path, problem) from None


def _invalid(field: str, value: str, problem: str) -> PlannerError:
    details = {"field": field, "value": value}
    return PlannerError(ErrorCode.CONFIG_INVALID, f"{field} is {value!r}, {problem}", details=details)

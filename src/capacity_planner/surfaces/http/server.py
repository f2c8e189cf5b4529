"""The HTTP server: listens in a thread of its own, and ends after what is under way."""

from __future__ import annotations

import signal
import socket
import ssl
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any, Self

import uvicorn

from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.service.address import parse_address
from capacity_planner.surfaces.http._connection import Connection, allow_many_files
from capacity_planner.surfaces.http.app import create_app

if TYPE_CHECKING:
    from types import TracebackType

    from fastapi import FastAPI

    from capacity_planner.domain.server import ServerSettings
    from capacity_planner.service.access import Access
    from capacity_planner.service.service import Service

_BACKLOG, _KEEP_ALIVE, _MOST_CONNECTIONS = 2_048, 60, 1_000
_GRACE, _LAST = 10, 5.0


class HttpServer:
    """Listens from its making until `stop`.

    Args:
        app: what answers.
        settings: address and TLS files.

    Raises:
        PlannerError: ``CONFIG_INVALID``: nobody can listen there, or the TLS files cannot be used.
    """

    def __init__(self, app: FastAPI, settings: ServerSettings) -> None:
        self._app = app
        host, port = parse_address(settings.http)
        files = _tls(settings)
        self._socket = _listen(host, port, settings.http)
        self.port: int = self._socket.getsockname()[1]
        shown = f"[{host}]" if ":" in host else host
        self.url = f"http{'s' if files else ''}://{shown}:{self.port}"
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                lifespan="off",
                ws="none",
                http=Connection,
                limit_concurrency=_MOST_CONNECTIONS,
                timeout_keep_alive=_KEEP_ALIVE,
                timeout_graceful_shutdown=_GRACE,
                **files,
            )
        )
        self._thread = Thread(target=self._server.run, args=([self._socket],), name="http", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Take no new requests, let those that run come to their end for a while, and stop."""
        services = self._app.state.services
        services.closing.set()
        self._server.should_exit = True
        self._thread.join(_GRACE + _LAST)
        services.pools.close()
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def serve_http(service: Service, access: Access) -> None:
    """Serve until SIGTERM or SIGINT comes; to be called by the main thread.

    Args:
        service: what answers.
        access: who may.

    Raises:
        PlannerError: as `HttpServer`.
    """
    allow_many_files()
    app = create_app(service.desk, service.heavy, access, service.telemetry, service.server)
    told: SimpleQueue[int] = SimpleQueue()  # a signal may come at any moment, also while a lock is held
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda came, _: told.put(came))
    with HttpServer(app, service.server):
        told.get()


def _listen(host: str, port: int, shown: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no name of this machine"
        raise _invalid("http", shown, f"where nobody can listen: {reason}. Take another address or port.") from None
    # What it accepts inherits this; asyncio sees to it only for sockets made with the protocol's number.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def _tls(settings: ServerSettings) -> dict[str, Any]:
    """The files of TLS as uvicorn takes them, found good."""
    if not settings.tls_cert and not settings.tls_key:
        return {}
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(settings.tls_cert, settings.tls_key)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "they do not fit"
        problem = f"with tls_key {settings.tls_key!r}: {reason}. TLS needs both, as PEM files that belong together."
        raise _invalid("tls_cert", settings.tls_cert, problem) from None
    return {"ssl_certfile": settings.tls_cert, "ssl_keyfile": settings.tls_key}


def _invalid(field: str, value: str, problem: str) -> PlannerError:
    details = {"field": field, "value": value}
    return PlannerError(ErrorCode.CONFIG_INVALID, f"{field} is {value!r}, {problem}", details=details)

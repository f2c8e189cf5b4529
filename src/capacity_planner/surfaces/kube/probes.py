"""A small listener for those who run the operator: ``/healthz``, ``/readyz`` and ``/metrics``."""

from __future__ import annotations

import socket
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any, ClassVar

from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.service.address import parse_address

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from capacity_planner.surfaces.kube.operating import Operator

_TEXT = "text/plain; charset=utf-8"
_TIMEOUT = 5.0


class Probes:
    """Listens from its making until it is closed; whoever reaches it may ask.

    Args:
        address: where.
        operator: who is asked about.

    Raises:
        PlannerError: ``CONFIG_INVALID``: nobody can listen there.
    """

    def __init__(self, address: str, operator: Operator) -> None:
        host, port = parse_address(address)
        handler = type("Handler", (_Handler,), {"operator": operator})
        server = _Server6 if ":" in host else ThreadingHTTPServer
        try:
            self._server = server((host, port), handler)
        except OSError as error:
            message = f"--probes is {address!r}, where nobody can listen: {error.strerror}. Take another port."
            raise PlannerError(ErrorCode.CONFIG_INVALID, message, details={"field": "--probes"}) from None
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        self._thread = Thread(target=self._server.serve_forever, name="capacity-planner-probes", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server6(ThreadingHTTPServer):
    address_family = socket.AF_INET6


class _Handler(BaseHTTPRequestHandler):
    operator: ClassVar[Any]
    timeout = _TIMEOUT

    def do_GET(self) -> None:
        """Answer."""
        path = self.path.partition("?")[0]
        if path == "/healthz":
            ailing = self.operator.ailing()
            self._answer(HTTPStatus.SERVICE_UNAVAILABLE if ailing else HTTPStatus.OK, ailing or "ok")
        elif path == "/readyz":
            idle = self.operator.idle()
            well = "leads" if self.operator.leads else "waits for its turn"
            self._answer(HTTPStatus.SERVICE_UNAVAILABLE if idle else HTTPStatus.OK, idle or well)
        elif path == "/metrics":
            self._metrics()
        else:
            self._answer(HTTPStatus.NOT_FOUND, "There are /healthz, /readyz and /metrics.")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Say nothing: probes come every few seconds."""

    def _metrics(self) -> None:
        """What is counted; nothing where another replica leads."""
        term = self.operator.term
        if term is None:
            self._answer(HTTPStatus.OK, "")
            return
        content, media = term.service.telemetry.exposition(self.headers.get("Accept"))
        self._send(HTTPStatus.OK, content, media)

    def _answer(self, status: HTTPStatus, text: str) -> None:
        self._send(status, f"{text}\n".encode() if text else b"", _TEXT)

    def _send(self, status: HTTPStatus, content: bytes, media: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", media)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

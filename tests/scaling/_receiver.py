"""A receiver of orders: a real HTTP server that checks signatures, and whose answers are set by the test."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

SECRET = "correct-horse-battery"  # noqa: S105 - of the tests alone


@dataclass
class Receiver:
    """What came, and what is answered.

    Attributes:
        port: where it listens.
        workers: what it says runs; it follows orders.
        answers: statuses or (status, headers) that come first, instead of a success.
        delay: seconds until it answers.
        drip: seconds between two bytes of its answer.
        body: its answer to GET, where that is not the usual one.
        echo: whether it answers orders with what it was shown of secrets.
        orders: the orders that were new to it.
        requests: method, path and headers of all that came.
        forged: requests whose signature was wrong.
    """

    port: int = 0
    workers: int = 1
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    delay: float = 0.0
    drip: float = 0.0
    body: bytes | None = None
    echo: bool = False
    orders: dict[str, dict[str, Any]] = field(default_factory=dict)
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    forged: int = 0

    def take(self, key: str, body: bytes) -> None:
        """Carry an order out, once."""
        if key not in self.orders:
            self.orders[key] = json.loads(body)
            self.workers = self.orders[key]["to_workers"]


def genuine(secret: str, header: str, body: bytes) -> bool:
    """Whether a signature is one of the last five minutes under the secret."""
    parts = dict(part.split("=", 1) for part in header.split(","))
    expected = hmac.new(secret.encode(), f"{parts['t']}.".encode() + body, hashlib.sha256).hexdigest()
    return abs(time.time() - int(parts["t"])) < 300 and hmac.compare_digest(expected, parts["v1"])


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(b"", receiver.body or json.dumps({"workers": receiver.workers}).encode())

        def do_POST(self) -> None:
            shown = f"{self.headers['Authorization']} {self.headers['X-Capacity-Planner-Signature']}"
            answer = shown.encode() if receiver.echo else b'{"ok": true}'
            self._answer(self.rfile.read(int(self.headers["Content-Length"])), answer)

        def _answer(self, body: bytes, answer: bytes) -> None:
            receiver.requests.append((self.command, self.path, dict(self.headers)))
            receiver.forged += not genuine(SECRET, self.headers["X-Capacity-Planner-Signature"], body)
            time.sleep(receiver.delay)
            status, headers = receiver.answers.pop(0) if receiver.answers else (200, {})
            if status == 200 and body:
                receiver.take(self.headers["Idempotency-Key"], body)
            self._send(status, headers, answer)

        def _send(self, status: int, headers: dict[str, str], answer: bytes) -> None:
            self.send_response(status)
            for name, value in {"Content-Length": str(len(answer)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            for place in range(0, len(answer), 1 if receiver.drip else len(answer)):
                self.wfile.write(answer[place : place + (1 if receiver.drip else len(answer))])
                time.sleep(receiver.drip)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
            pass

    return Handler


class _Quiet(ThreadingHTTPServer):
    """A client that hangs up is no news."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass


@contextmanager
def receiving(context: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """A receiver that listens on 127.0.0.1."""
    receiver = Receiver()
    with _Quiet(("127.0.0.1", 0), _handler(receiver)) as server:
        if context:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        receiver.port = server.server_address[1]
        thread = Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()

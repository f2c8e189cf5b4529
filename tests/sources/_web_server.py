"""A small HTTP server in this process that answers as a test says, and writes down what it was asked."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator


@dataclass(frozen=True, slots=True)
class Asked:
    """One question.

    Attributes:
        path: without the query, as it was sent.
        query: the first value of each parameter.
        headers: with names in small letters.
    """

    path: str
    query: dict[str, str]
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer.

    Attributes:
        data: a document for JSON, or bytes as they are.
        status: of HTTP.
        headers: besides the usual.
        pause: before it begins [s].
        drip: between its bytes [s].
    """

    data: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    pause: float = 0.0
    drip: float = 0.0


@dataclass(slots=True)
class Server:
    """A server that runs.

    Attributes:
        url: its address.
        answer: what it says to a question; may be changed at any time.
        asked: the questions so far.
    """

    url: str
    answer: Callable[[Asked], Reply]
    asked: list[Asked] = field(default_factory=list)


@contextmanager
def serving(answer: Callable[[Asked], Reply], tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    """A server, with a certificate where ``tls`` has one."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            asked = Asked(parts.path, query, {name.lower(): value for name, value in self.headers.items()})
            made.asked.append(asked)
            self._reply(made.answer(asked))

        def _reply(self, reply: Reply) -> None:
            time.sleep(reply.pause)
            body = reply.data if isinstance(reply.data, bytes) else json.dumps(reply.data).encode()
            try:
                self.send_response(reply.status)
                for name, value in {"Content-Length": str(len(body)), **reply.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                for piece in [body] if not reply.drip else [body[at : at + 1] for at in range(len(body))]:
                    self.wfile.write(piece)
                    time.sleep(reply.drip)
            except OSError:
                pass  # whoever asked did not wait

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        server.daemon_threads = True
        made = Server(f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}", answer)
        thread = Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield made
        finally:
            server.shutdown()
            thread.join()

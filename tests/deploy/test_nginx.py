"""The site for nginx hands calls on, and events as they happen."""

from __future__ import annotations

import os
import re
import ssl
import subprocess
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import httpx
import pytest

from capacity_planner.domain.server import ServerSettings
from tests.deploy._tools import tool
from tests.services._servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

SITE = Path(__file__).resolve().parents[2] / "deploy" / "nginx" / "capacity-planner.conf"
TEXT = SITE.read_text(encoding="utf-8")
WHOLE = """
pid {home}/pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path {home}/body;
    proxy_temp_path {home}/proxy;
    fastcgi_temp_path {home}/fastcgi;
    uwsgi_temp_path {home}/uwsgi;
    scgi_temp_path {home}/scgi;
    {site}
}}
"""


class _Behind(BaseHTTPRequestHandler):
    """Tells what came, and then, half a second later, that it is over."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for part, pause in ((self.headers["X-Request-Id"], 0.5), (self.headers["Authorization"], 0.0), ("", 0.0)):
            self.wfile.write(f"{len(part):x}\r\n{part}\r\n".encode())
            self.wfile.flush()
            time.sleep(pause)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Nothing."""


@contextmanager
def _behind() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Behind) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@contextmanager
def _nginx(home: Path, behind: int) -> Iterator[int]:
    """The site as it is shipped, with addresses and files of its own."""
    port = free_port()
    key, cert = home / "key.pem", home / "cert.pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    making = [tool("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject]
    subprocess.run([*making, "-keyout", str(key), "-out", str(cert)], check=True, capture_output=True)
    site = TEXT.replace("listen 443 ssl", f"listen 127.0.0.1:{port} ssl").replace(
        "127.0.0.1:8080", f"127.0.0.1:{behind}"
    )
    site = re.sub(r"(ssl_certificate) \S+;", rf"\1 {cert};", site)
    site = re.sub(r"(ssl_certificate_key) \S+;", rf"\1 {key};", site)
    (home / "nginx.conf").write_text(WHOLE.format(home=home, site=site), encoding="utf-8")
    command = [tool("nginx"), "-p", str(home), "-c", str(home / "nginx.conf")]
    subprocess.run([*command, "-t"], check=True, capture_output=True)
    process = subprocess.Popen([*command, "-g", "daemon off;"])
    try:
        yield port
    finally:
        process.terminate()
        process.wait(20)


def test_calls_are_handed_on_with_an_id_and_events_as_they_happen(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        tmp_path.chmod(0o755)  # nginx's workers are another user
    with _behind() as behind, _nginx(tmp_path, behind) as port:
        trusted = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
        with httpx.Client(base_url=f"https://localhost:{port}", verify=trusted) as client:
            began = _answers(client)
            with client.stream("GET", "/v1/simulations/x/events", headers={"Authorization": "Bearer x"}) as answer:
                parts = [(part, time.monotonic() - began) for part in answer.iter_text()]
    (identity, first), (header, second) = parts
    assert re.fullmatch("[0-9a-f]{32}", identity)
    assert header == "Bearer x"
    assert second - first > 0.3


def _answers(client: httpx.Client) -> float:
    """Now, when nginx is up."""
    for _ in range(100):
        try:
            client.get("/", headers={"Authorization": "x"})
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return time.monotonic()
    raise AssertionError("nginx does not come up")


def test_its_limits_are_those_of_the_service() -> None:
    known = ServerSettings()
    assert f"client_max_body_size {known.max_body // 2**20}m;" in TEXT
    timeout = re.search(r"proxy_read_timeout (\d+)s;", TEXT)
    assert timeout
    assert int(timeout[1]) > known.max_time.total_seconds()


@pytest.mark.parametrize("directive", ["proxy_buffering off;", "proxy_http_version 1.1;"])
def test_what_events_need_is_there(directive: str) -> None:
    assert directive in TEXT

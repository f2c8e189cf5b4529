from __future__ import annotations

import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from capacity_planner.domain.server import ServerSettings
from capacity_planner.errors import PlannerError
from capacity_planner.service.desk import Desk
from capacity_planner.surfaces.http.server import HttpServer
from tests.services._servers import free_port
from tests.surfaces.http._served import long_simulation, served

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.surfaces.http._served import Served


class SlowDesk(Desk):
    """A desk that takes a second to list the queues."""

    def statuses(self) -> Any:
        time.sleep(1.0)
        return super().statuses()


def until(holds: Callable[[], object], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.02)


def certificate(folder: Path, name: str) -> tuple[str, str]:
    """The files of a certificate for this machine, and its key."""
    cert, key = folder / f"{name}.pem", folder / f"{name}.key"
    subject = ("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject]
    subprocess.run([*command, "-keyout", str(key), "-out", str(cert)], check=True, capture_output=True)
    return str(cert), str(key)


def test_it_tells_where_it_listens(shared: Served) -> None:
    assert shared.server.port > 0
    assert shared.server.url == f"http://127.0.0.1:{shared.server.port}"


def test_it_listens_on_version_six_of_the_protocol(tmp_path: Path) -> None:
    with served(tmp_path, http="[::1]:0") as own:
        assert own.server.url.startswith("http://[::1]:")
        assert own.client.get("/healthz").status_code == 200


@pytest.mark.parametrize(
    ("address", "problem"),
    [("192.0.2.7:0", "nobody can listen"), ("nonsense", "no address"), ("no-such-host.invalid:1", "nobody can listen")],
)
def test_where_nobody_can_listen_it_says_so(shared: Served, address: str, problem: str) -> None:
    with pytest.raises(PlannerError, match=problem) as caught:
        HttpServer(shared.app, replace(ServerSettings(), http=address))
    assert caught.value.code == "CONFIG_INVALID"


def test_a_port_that_is_taken_is_told(shared: Served) -> None:
    with pytest.raises(PlannerError, match=r"nobody can listen: Address already in use.*another address or port"):
        HttpServer(shared.app, replace(ServerSettings(), http=f"127.0.0.1:{shared.server.port}"))


def test_it_speaks_tls_and_nothing_else_with_a_certificate(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path, "a")
    with served(tmp_path, tls_cert=cert, tls_key=key) as own:
        assert own.server.url.startswith("https://")
        trusted = ssl.create_default_context(cafile=cert)
        with httpx.Client(base_url=own.server.url, verify=trusted) as client:
            assert client.get("/healthz").json() == {"status": "ok"}
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            own.client.get("/healthz")
        with pytest.raises(httpx.HTTPError):
            httpx.get(f"http://127.0.0.1:{own.server.port}/healthz")


def test_tls_files_that_do_not_fit_are_told(shared: Served, tmp_path: Path) -> None:
    (cert, key), (_, other) = certificate(tmp_path, "a"), certificate(tmp_path, "b")
    for files in ((cert, other), (cert, ""), ("", key), (cert, str(tmp_path / "none")), (key, key)):
        with pytest.raises(PlannerError, match=r"tls_cert is .*TLS needs both") as caught:
            HttpServer(shared.app, ServerSettings(http="127.0.0.1:0", tls_cert=files[0], tls_key=files[1]))
        assert caught.value.code == "CONFIG_INVALID"


def test_what_is_under_way_comes_to_its_end(tmp_path: Path) -> None:
    with served(tmp_path, kind=SlowDesk) as own:
        found: list[httpx.Response] = []
        asking = threading.Thread(target=lambda: found.append(own.client.get("/v1/queues")))
        asking.start()
        until(lambda: own.app.state.services.pools.usual._open == 1)  # noqa: SLF001 - that is the moment
        own.server.stop()
        asking.join()
        assert found[0].status_code == 200
        with pytest.raises(httpx.ConnectError), httpx.Client() as late:
            late.get(f"{own.server.url}/healthz")
        with socket.create_server(("127.0.0.1", own.server.port)):
            pass


def test_who_waits_for_a_simulation_is_told_that_the_service_ends(tmp_path: Path) -> None:
    with served(tmp_path) as own:
        found: list[httpx.Response] = []
        body = long_simulation()
        asking = threading.Thread(target=lambda: found.append(own.client.post("/v1/simulations?wait=30s", json=body)))
        asking.start()
        until(lambda: own.heavy._running)  # noqa: SLF001 - that is the moment
        began = time.monotonic()
        own.server.stop()
        asking.join()
        assert time.monotonic() - began < 5
        assert found[0].status_code == 503
        assert "shutting down" in found[0].json()["detail"]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_serves_until_it_is_told_to_end(tmp_path: Path, number: signal.Signals) -> None:
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "capacity_planner",
        "serve",
        "--http",
        f"127.0.0.1:{port}",
        "--grpc",
        "127.0.0.1:0",
    ]
    with subprocess.Popen([*command, "--store", f"sqlite:///{tmp_path / 'a.db'}"], cwd=tmp_path) as process:

        def answers() -> bool:
            assert process.poll() is None
            try:
                return httpx.get(f"http://127.0.0.1:{port}/readyz").status_code == 200
            except httpx.TransportError:
                return False

        try:
            until(answers, 30)
            process.send_signal(number)
            assert process.wait(20) == 0
        finally:
            process.kill()

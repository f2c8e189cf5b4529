"""The whole service in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx

from tests.services._servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass
class Serving:
    process: subprocess.Popen[bytes]
    client: httpx.Client
    log: Path


@contextmanager
def serving(folder: Path, store: str, *options: str) -> Iterator[Serving]:
    """A service that is ready, on free ports of loopback."""
    http, log = f"127.0.0.1:{free_port()}", folder / "log"
    command = [sys.executable, "-m", "capacity_planner", "serve", "--http", http, "--grpc", f"127.0.0.1:{free_port()}"]
    with log.open("ab") as stream:
        process = subprocess.Popen([*command, "--store", store, *options], stdout=stream, stderr=stream, cwd=folder)
        try:
            with httpx.Client(base_url=f"http://{http}", timeout=15.0) as client:
                _await_ready(client, process, log)
                yield Serving(process, client, log)
        finally:
            process.kill()
            process.wait()


def _await_ready(client: httpx.Client, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end and process.poll() is None:
        try:
            if client.get("/readyz").status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise AssertionError(log.read_text())

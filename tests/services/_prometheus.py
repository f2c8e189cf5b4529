"""A Prometheus server for tests: one of one's own that may be stopped and started again with what it knew."""

from __future__ import annotations

import shutil
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import yaml

from tests.services._servers import free_port, missing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_PATIENCE = 60.0


class Prometheus:
    """A Prometheus server of one's own that scrapes every second.

    Attributes:
        url: of the server.
    """

    def __init__(self, folder: Path, targets: Mapping[str, int]) -> None:
        self._program = shutil.which("prometheus") or missing("prometheus is not installed: apt-get install prometheus")
        self._folder, self._process = folder, None
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        jobs = [
            {"job_name": job, "static_configs": [{"targets": [f"127.0.0.1:{target}"]}]}
            for job, target in targets.items()
        ]
        every = {"scrape_interval": "1s", "scrape_timeout": "1s"}
        (folder / "prometheus.yml").write_text(yaml.safe_dump({"global": every, "scrape_configs": jobs}))
        self._arguments = [
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=warn",
        ]

    _process: subprocess.Popen[bytes] | None

    def start(self) -> None:
        """Start, and wait until it answers."""
        with (self._folder / "log").open("a") as log:
            self._process = subprocess.Popen([self._program, *self._arguments], stdout=log, stderr=log)
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end:
            assert self._process.poll() is None, self._said()
            try:
                if httpx.get(f"{self.url}/-/ready").is_success:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.1)
        pytest.fail(self._said())

    def stop(self) -> None:
        """Stop in good order."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(_PATIENCE)
            self._process = None

    def names(self) -> set[str]:
        """Names of the metrics that it knows."""
        answer: dict[str, Any] = httpx.get(f"{self.url}/api/v1/label/__name__/values").json()
        return set(answer["data"])

    def _said(self) -> str:
        return (self._folder / "log").read_text()


@contextmanager
def prometheus(folder: Path, targets: Mapping[str, int]) -> Iterator[Prometheus]:
    """A server that scrapes ports by the name of the job, and is stopped afterwards."""
    server = Prometheus(folder, targets)
    try:
        server.start()
        yield server
    finally:
        server.stop()

"""The whole process: it plans, KEDA follows over gRPC and over HTTP alike, and it ends well with KEDA connected."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.error import URLError
from urllib.request import urlopen

import grpc
import pytest

from tests.services._frameworks import wait_for
from tests.services._servers import free_port
from tests.surfaces.keda._keda import Keda

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SETTINGS = """
[planner]
max_workers = 100
plan_interval = "5s"
[slo]
p95_latency = "8s"
error_budget = 0.05
[[queues]]
queue_name = "emails"
mode = "auto"
best_effort = true
planner = {confidence_threshold = 0.5}
source = {name = "file", options = {path = "emails.csv", service_time = "2s", workers = 50}}
scaler = {name = "pull"}
"""


@contextmanager
def serving(folder: Path, http: int, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """``capacity-planner serve`` for a queue with twelve hours of samples."""
    now = datetime.now(UTC).replace(microsecond=0)
    rows = [
        f"{now - timedelta(minutes=minute):%Y-%m-%dT%H:%M:%SZ},{25 + minute * 7919 % 11 / 5}"
        for minute in range(720, -1, -1)
    ]
    (folder / "emails.csv").write_text("\n".join(["timestamp,arrival_rate", *rows]))
    (folder / "capacity-planner.toml").write_text(SETTINGS)
    addresses = ["--http", f"127.0.0.1:{http}", "--grpc", f"127.0.0.1:{port}"]
    command = [sys.executable, "-m", "capacity_planner", "serve", *addresses]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, env={**os.environ, "NO_COLOR": "1"})
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def workers(http: int) -> int | None:
    try:
        with urlopen(f"http://127.0.0.1:{http}/v1/queues/emails/workers", timeout=5) as answer:
            return int(json.load(answer)["workers"])
    except URLError:
        return None


@pytest.mark.slow
def test_keda_follows_a_service_that_plans_and_is_let_go_at_its_end(tmp_path: Path) -> None:
    http, port = free_port(), free_port()
    with serving(tmp_path, http, port) as process, Keda(port, {"queueName": "emails"}) as keda:
        wait_for("an order", lambda: (workers(http) or 0) > 50)
        value, active = keda.read()
        assert (value, active) == (float(workers(http) or 0), True)
        stream = keda.activity()
        assert next(stream).result is True
        process.send_signal(signal.SIGTERM)
        assert [item.result for item in stream] == []
        assert stream.code() is grpc.StatusCode.OK
        assert process.wait(20) == 0

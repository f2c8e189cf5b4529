"""A process that plans and scales is killed, again and again: no step is done twice, nothing that was done is lost."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from capacity_planner.domain.scaling import OrderStatus
from capacity_planner.store.store import Store
from tests.services._frameworks import wait_for
from tests.services._servers import database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROUNDS = int(os.environ.get("FAULT_ROUNDS", "10"))
QUEUES = [f"q{number}" for number in range(12)]
SETTINGS = """
[planner]
plan_interval = "1s"
forecast_window = "30s"
history_window = "10m"
cooldown_period = "0s"
max_step_size = 3
confidence_threshold = 0.001
scale_down_threshold = 0.1
worker_cost_per_hour = 100.0
violation_cost_per_hour = 0.0
anomaly_threshold = 1e9
spike_threshold = 1e9

[slo]
p95_latency = "20s"

[server]
store = "{store}"
lease = "1s"
log_level = "warning"
"""
QUEUE = """
[[queues]]
queue_name = "{name}"
mode = "auto"
best_effort = true
stale_after = "1h"
source = {{name = "file", options = {{path = "{path}", service_time = "1s"}}}}
scaler = {{name = "dry_run", options = {{journal = "{journal}"}}}}
"""


def write_trace(path: Path) -> None:
    """Rates that go up and down all the time, for ten minutes from now on."""
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=30)
    rows = [
        f"{(start + timedelta(seconds=second)).isoformat()},{5 + 40 * ((second // 3 + number) % 2)},{name}"
        for second in range(1200)
        for number, name in enumerate(QUEUES)
    ]
    path.write_text("timestamp,arrival_rate,queue_name\n" + "\n".join(rows) + "\n")


def write_settings(folder: Path, store: str) -> Path:
    trace, path = folder / "trace.csv", folder / "capacity-planner.toml"
    write_trace(trace)
    queues = [QUEUE.format(name=name, path=trace, journal=folder / f"{name}.jsonl") for name in QUEUES]
    path.write_text(SETTINGS.format(store=store) + "".join(queues))
    return path


@contextmanager
def running(settings: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "capacity_planner", "run", "--config", str(settings)]
    with (settings.parent / "log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=settings.parent)
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def orders_in(folder: Path, name: str) -> list[dict[str, object]]:
    path = folder / f"{name}.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    return [json.loads(line) for line in lines if line.endswith("}")]


def told(folder: Path) -> int:
    return sum(len(orders_in(folder, name)) for name in QUEUES)


def check(folder: Path, store: Store) -> int:
    """Every order in the world came once and is known; every order that is done is in the world."""
    count = 0
    for name in QUEUES:
        told = orders_in(folder, name)
        ids = [str(line["id"]) for line in told]
        assert len(set(ids)) == len(ids)
        scaled = store.scalings(name, since=datetime(2020, 1, 1, tzinfo=UTC), limit=1_000_000)
        done = [record.order_id for record in scaled]
        assert len(set(done)) == len(done)
        known = {str(line["id"]): line["to_workers"] for line in told}
        reached = set(known.values())
        for record in scaled:
            (order,) = [item for item in store.orders(record.plan_id) if item.id == record.order_id]
            assert order.status is OrderStatus.DONE
            # An order that is done and was not told had found, after a crash, that so many workers run already.
            assert known[order.id] == record.to_workers if order.id in known else record.to_workers in reached
        count += len(ids)
    return count


def survive(folder: Path, store_url: str) -> int:
    settings = write_settings(folder, store_url)
    dice = random.Random(7)  # noqa: S311 - no secret
    for number in range(ROUNDS):
        before = told(folder)
        with running(settings) as process:
            if number % 3:  # the others may be killed while they start
                wait_for("an order", lambda: told(folder) > before or process.poll() is not None)  # noqa: B023
            time.sleep(dice.uniform(0.0, 2.3))
            assert process.poll() is None, (folder / "log").read_text()
            os.kill(process.pid, signal.SIGKILL)
    store = Store.open(store_url)
    count = check(folder, store)
    store.close()
    return count


@pytest.mark.slow
def test_on_postgresql(tmp_path: Path) -> None:
    with database() as url:
        assert survive(tmp_path, url) > ROUNDS


@pytest.mark.slow
def test_on_sqlite(tmp_path: Path) -> None:
    file = tmp_path / "planner.db"
    assert survive(tmp_path, f"sqlite:///{file}") > ROUNDS
    with sqlite3.connect(file) as connection:
        assert connection.execute("pragma integrity_check").fetchone() == ("ok",)

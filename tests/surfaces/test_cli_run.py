"""``run``: queues of a settings file are planned for, once or until it is told to end."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from capacity_planner.service.loop import slot_of
from tests.services._servers import free_port

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

RUN = [sys.executable, "-m", "capacity_planner"]
SETTINGS = """
[planner]
forecast_window = "30m"
history_window = "6h"

[slo]
p95_latency = "8s"

[[queues]]
queue_name = "emails"
mode = "auto"
source = {name = "file", options = {path = "emails.csv", service_time = "2s", service_time_std = "1s", workers = 3}}
scaler = {name = "dry_run", options = {journal = "orders.jsonl"}}

[[queues]]
queue_name = "reports"
source = {name = "file", options = {path = "missing.csv"}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    now = datetime.now(UTC).replace(microsecond=0)
    rows = [f"{(now - timedelta(minutes=minute)).isoformat()},4.{minute % 3}" for minute in range(360, -1, -1)]
    (tmp_path / "emails.csv").write_text("timestamp,arrival_rate\n" + "\n".join(rows) + "\n")
    (tmp_path / "capacity-planner.toml").write_text(SETTINGS)
    return tmp_path


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*RUN, *arguments], cwd=folder, capture_output=True, text=True, timeout=60, check=False)


def test_once_plans_scales_and_shows_why_not(folder: Path) -> None:
    done = run(folder, "run", "--once", "--json")
    assert done.returncode == 0, done.stderr
    emails, reports = json.loads(done.stdout)
    assert (emails["queue_name"], emails["decision"], emails["current_workers"]) == ("emails", "applied", 3)
    assert emails["target_workers"] > 8
    (order,) = [json.loads(line) for line in (folder / "orders.jsonl").read_text().splitlines()]
    assert order["to_workers"] == emails["target_workers"]
    assert reports["gap"].startswith("missing.csv cannot be read")
    assert "plan_id" not in reports


def test_once_again_in_the_same_interval_does_nothing_new(folder: Path) -> None:
    now, interval = datetime.now(UTC), timedelta(minutes=5)
    left = slot_of("emails", now, interval) + interval - now
    time.sleep(left.total_seconds() if left < timedelta(seconds=20) else 0.0)
    first, second = (json.loads(run(folder, "run", "--once", "--json").stdout) for _ in range(2))
    assert first == second
    assert len((folder / "orders.jsonl").read_text().splitlines()) == 1


def test_the_table_has_a_row_for_every_queue(folder: Path) -> None:
    said = run(folder, "run", "--once").stdout
    assert re.search(r"emails +3 → \d+ +\d+% +applied", said)
    assert "reports" in said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_when_it_is_told_to_after_handing_back_its_leases(folder: Path, number: signal.Signals) -> None:
    port = free_port()
    command = [*RUN, "run", "--metrics", f"127.0.0.1:{port}", "--log-format", "json"]
    with subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 20
        while not (folder / "orders.jsonl").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            exposed = answer.read().decode()
        process.send_signal(number)
        _, logs = process.communicate(timeout=20)
    assert process.returncode == 0, logs
    assert 'capacity_planner_decisions_total{decision="applied",queue="emails"' in exposed
    assert {"planned", "scaled"} <= {json.loads(line)["message"] for line in logs.splitlines()}
    assert json.loads(run(folder, "run", "--once", "--json").stdout)[0]["decision"] == "applied"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ("[slo]\np95_latency = '5s'\n", "queues is empty"),
        ("[[queues]]\nqueue_name = 'a'\n", "sets no target"),
        ("[[queues]]\nqueue_name = 'a'\nmod = 'auto'\n", "Did you mean mode?"),
        ("[[queues]]\nqueue_name = 'a'\nslo = {p95_latency = 5}\n", "queues.0.slo.p95_latency is 5"),
        ("[[queues]]\nqueue_name = 'a'\nslo = {p95_latency = '5s'}\nplanner = {max_worker = 4}\n", "max_worker"),
        ("[[queues]]\nqueue_name = 'a'\nslo = {p95_latency = '5s'}\nsource = {name = 'fil'}\n", "Did you mean 'file'?"),
        ("[slo]\np95_latency = '5s'\n[[queues]]\nqueue_name = 'a'\n[[queues]]\nqueue_name = 'a'\n", "is there twice"),
        ("[queues]\nqueue_name = 'a'\n", "Write each under [[queues]]"),
    ],
)
def test_settings_that_do_not_hold_are_refused_before_anything_runs(tmp_path: Path, settings: str, words: str) -> None:
    (tmp_path / "capacity-planner.toml").write_text(settings)
    done = run(tmp_path, "run", "--once")
    assert done.returncode == 2
    assert words in done.stderr
    assert not (tmp_path / "capacity-planner.db").exists()

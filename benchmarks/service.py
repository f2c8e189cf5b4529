"""What the service stands: plans and samples a second, health while it simulates, and its memory; prints Markdown.

``capacity-planner serve`` runs in a process of its own with SQLite in a temporary folder, and wrk asks it from another.
Say which parts to run (plans, samples, health, memory); without a name the first three run. ``--minutes`` is for memory
(ten by default), ``--store`` takes another store.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from _tables import print_bar
from _wrk import load

if TYPE_CHECKING:
    from collections.abc import Iterator

_SECONDS = 10.0
_PAGE = os.sysconf("SC_PAGE_SIZE") / 2**20
_PLAN = """
local i = 0
request = function()
  i = i + 1
  local body = '{"queue_name": "load", "slo": {"p95_latency": "8s"}, "current_metrics": {"timestamp": "%s", ' ..
    '"arrival_rate": 25.5, "service_time": "2s", "current_workers": 60, "backlog": ' .. (%s) .. '}}'
  return wrk.format("POST", nil, {["Content-Type"] = "application/json"}, body)
end
"""
_SAMPLES = """
local i = 0
request = function()
  local rows = {}
  for k = 1, %d do
    i = i + 1
    local at = os.date("!%%Y-%%m-%%dT%%H:%%M:%%SZ", 1577836800 + i)
    rows[k] = '{"queue_name": "q' .. (i %% 50) .. '", "timestamp": "' .. at .. '", "arrival_rate": 3.5, ' ..
      '"service_time": "2s", "current_workers": 5, "backlog": 2}'
  end
  return wrk.format("POST", nil, {["Content-Type"] = "application/json"}, '[' .. table.concat(rows, ",") .. ']')
end
"""
_SIMULATION: dict[str, Any] = {
    "scenario": {
        "name": "at the limit",
        "plan": None,
        "traffic_pattern": {"type": "constant", "base_rate": 400.0},
        "duration": "24h",
        "granularity": "5m",
        "replications": 4,
    }
}


class Server:
    """A service that runs.

    Args:
        url: where it answers.
        process: its process.
    """

    def __init__(self, url: str, process: subprocess.Popen[bytes]) -> None:
        self.url, self.process = url, process
        self.client = httpx.Client(base_url=url, timeout=60.0)

    def memory(self) -> float:
        """Resident memory of the process itself [MiB]."""
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * _PAGE


@contextmanager
def serving(store: str, folder: Path) -> Iterator[Server]:
    """A service on a free port, until the end of the block."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
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
    command += ["--store", store, "--log-level", "warning"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
        server = Server(f"http://127.0.0.1:{port}", process)
        try:
            _await_ready(server)
            yield server
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def _await_ready(server: Server) -> None:
    for _ in range(200):
        try:
            if server.client.get("/readyz").status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    sys.exit("the service does not come up")


def script(folder: Path, text: str) -> Path:
    """A Lua script for wrk."""
    path = folder / "load.lua"
    path.write_text(text)
    return path


def plans(server: Server, folder: Path) -> None:
    """Plans of a queue with a day of history, whose forecast is made once."""
    now = datetime.now(UTC).replace(microsecond=0)
    day = [
        {
            "queue_name": "load",
            "timestamp": (now - timedelta(minutes=minute)).isoformat(),
            "arrival_rate": 25.0 + 3.0 * (minute * 7919 % 11 - 5) / 5,
            "service_time": "2s",
            "current_workers": 60,
        }
        for minute in range(1, 1440)
    ]
    server.client.post("/v1/metrics", json=day).raise_for_status()
    for what, backlog in (("the same question", "0"), ("another backlog each time", "i % 1000000")):
        found = load(
            f"{server.url}/v1/plans", _SECONDS, connections=4, script=script(folder, _PLAN % (now.isoformat(), backlog))
        )
        print_bar(f"plans/s with a cached forecast, {what}", found.rate, 100.0, at_least=True, form=".0f")
        print(f"  median {found.median:.1f} ms, p99 {found.p99:.1f} ms, failed {found.failed}")


def samples(server: Server, folder: Path) -> None:
    """Samples one by one, and in batches of a hundred."""
    for size in (1, 100):
        found = load(f"{server.url}/v1/metrics", _SECONDS, connections=8, script=script(folder, _SAMPLES % size))
        print_bar(f"samples/s stored, {size} a request", found.rate * size, 1_000.0, at_least=True, form=".0f")
        print(f"  median {found.median:.1f} ms, p99 {found.p99:.1f} ms, failed {found.failed}")


def simulation(server: Server) -> dict[str, Any]:
    """The body of a simulation of a hundred and forty million jobs, of a plan that the service makes."""
    metrics = {
        "timestamp": datetime.now(UTC).isoformat(),
        "arrival_rate": 400.0,
        "service_time": "0.1s",
        "current_workers": 50,
    }
    asked = {"queue_name": "simulated", "slo": {"p95_latency": "1s"}, "current_metrics": metrics}
    plan = server.client.post("/v1/plans", json=asked).raise_for_status().json()["plan"]
    return {"scenario": _SIMULATION["scenario"] | {"plan": plan}}


def health(server: Server, folder: Path) -> None:
    """``/healthz`` while simulations run and wait at the limit."""
    del folder
    body = simulation(server)
    jobs = [server.client.post("/v1/simulations?wait=0s", json=body) for _ in range(4)]
    locations = [job.headers["Location"] for job in jobs if job.status_code == httpx.codes.ACCEPTED]
    found = load(f"{server.url}/healthz", _SECONDS, connections=1)
    running = [server.client.get(place).json()["state"] for place in locations]
    print_bar("p99 of /healthz while simulations run, ms", found.p99, 50.0)
    print(f"  {found.rate:.0f} requests/s, median {found.median:.2f} ms, failed {found.failed}; afterwards: {running}")
    for place in locations:
        server.client.delete(place)


def memory(server: Server, folder: Path, minutes: float) -> None:
    """Memory while plans are made and samples stored, over and over, in rounds of half a minute."""
    now = datetime.now(UTC).isoformat()
    seen: list[float] = []
    for _ in range(round(2 * minutes)):
        load(f"{server.url}/v1/plans", 15.0, connections=2, script=script(folder, _PLAN % (now, "i")))
        load(f"{server.url}/v1/metrics", 15.0, connections=2, script=script(folder, _SAMPLES % 1))
        seen.append(server.memory())
        print(f"  {len(seen) / 2:4.1f} min: {seen[-1]:.0f} MiB", file=sys.stderr)
    third = max(len(seen) // 3, 1)
    early, late = sum(seen[third : 2 * third]) / third, sum(seen[-third:]) / third
    print(f"- memory over {minutes:g} minutes, MiB: {json.dumps([round(item) for item in seen])}")
    print_bar("the last third of it against the second", late / early, 1.05)


def main() -> int:
    """Print the figures beside their bars."""
    parts = {"plans": plans, "samples": samples, "health": health}
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", nargs="*", metavar="PART", help="plans, samples, health or memory")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--store")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with serving(asked.store or f"sqlite:///{folder / 'planner.db'}", folder) as server:
            for part in asked.part or parts:
                if part == "memory":
                    memory(server, folder, asked.minutes)
                else:
                    parts[part](server, folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())

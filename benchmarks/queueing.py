"""The queueing room against itself and against its peers, as ratios from one run; prints Markdown.

Run it as ``python benchmarks/queueing.py``. Every peer gets a virtual environment of its own below ``--cache``, and a
process of its own; one that cannot be installed is named and left out. Times are the least of ``--rounds`` rounds.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path
from typing import TYPE_CHECKING, Any

from capacity_planner.domain.congestion import ServiceTime
from capacity_planner.queueing import _delay, _tvhf
from capacity_planner.queueing._erlang import erlang_c
from capacity_planner.queueing._mdc import backlog
from capacity_planner.queueing.mgc import MGC
from capacity_planner.queueing.mmc import MMC

if TYPE_CHECKING:
    from collections.abc import Callable

SERVERS = (10, 100, 1_000, 100_000, 1_000_000)
LOADS = (10.0, 100.0, 1_000.0, 10_000.0)
EXCESS = 0.5  # a = c - c½/2: the load at which about half of the jobs wait, at any c
LEVEL, SOON = 0.8, 20.0 / 180.0  # 80 % answered in 20 s of calls that last 180 s
UNIT = ServiceTime(mean=1.0)
GENERAL = {
    "gamma, SCV 0.25": ServiceTime(mean=1.0, std=0.5),
    "gamma and lognormal, SCV 4": ServiceTime(mean=1.0, std=2.0),
    "lognormal from p95": ServiceTime(mean=1.0, p95=3.0),
    "three facts, SCV 4": ServiceTime(mean=1.0, std=2.0, p95=3.65),
    "deterministic": ServiceTime(mean=1.0, std=0.0),
}
PEERS = {
    "pyworkforce": """
from pyworkforce.queuing import ErlangC
def waiting(servers, load): return ErlangC(transactions=load, aht=1.0, asa=1.0, interval=1).waiting_probability(servers)
def staffing(load, level, soon):
    return ErlangC(transactions=load, aht=1.0, asa=soon, interval=1).required_positions(level)["raw_positions"]
""",
    "pyqueueing": """
from pyqueueing.models.erlang_c import ErlangC
def waiting(servers, load): return ErlangC(load, 1.0, servers).prob_wait()
def staffing(load, level, soon): return ErlangC(load, 1.0).required_servers(target_service_level=(soon, level))
""",
    "most-queue": """
from most_queue.theory.fifo.erlang import erlang_c_formula
def waiting(servers, load): return erlang_c_formula(load, servers)
staffing = None
""",
}
DRIVER = """
import json, sys, time
servers, loads, excess, level, soon, rounds = json.loads(sys.argv[1])
def timed(call):
    best = float("inf")
    for _ in range(rounds):
        began = time.perf_counter(); value = call(); took = time.perf_counter() - began
        if took < 1e-3:
            count = int(2e-3 / took) + 1
            began = time.perf_counter()
            for _ in range(count): call()
            took = (time.perf_counter() - began) / count
        best = min(best, took)
        if took > 2.0: break
    return best, float(value)
found = {"waiting": [], "staffing": []}
for c in servers:
    try: found["waiting"].append(timed(lambda: waiting(c, c - excess * c**0.5)))
    except Exception as error: found["waiting"].append([None, type(error).__name__])
for load in loads if staffing else ():
    try: found["staffing"].append(timed(lambda: staffing(load, level, soon)))
    except Exception as error: found["staffing"].append([None, type(error).__name__])
print(json.dumps(found))
"""


def timed(call: Callable[[], Any], rounds: int) -> tuple[float, float]:
    """Least seconds a call over the rounds, and its value."""
    value, best = float(call()), math.inf
    for _ in range(rounds):
        count, began = 0, time.perf_counter()
        while time.perf_counter() - began < 5e-3 or not count:
            call()
            count += 1
        best = min(best, (time.perf_counter() - began) / count)
    return best, value


def fresh(call: Callable[[], Any]) -> Callable[[], Any]:
    """The call with nothing remembered from the call before."""

    def again() -> Any:
        for memory in (_tvhf.queue, _delay.first_delay, backlog):
            memory.cache_clear()
        return call()

    return again


def fewest(load: float) -> int:
    """The fewest servers that answer soon enough, by bisection on the wait's tail."""
    low, high = math.floor(load), math.ceil(load + 4.0 * math.sqrt(load) + 10.0)
    while high - low > 1:
        middle = (low + high) // 2
        late = float(MMC().wait_tail(SOON, load, middle, UNIT)) > 1.0 - LEVEL
        low, high = (middle, high) if late else (low, middle)
    return high


def print_ours(rounds: int) -> None:
    """What a call costs, and how little that depends on c."""
    print("\n### M/M/c, one scalar call at ρ = 0.9\n\n| c | P(T > t) | ratio | solve | ratio |\n|---|---|---|---|---|")
    base: list[float] = []
    for c in (10, 1_000, 1_000_000):
        tail, _ = timed(lambda c=c: MMC().response_tail(3.0, 0.9 * c, c, UNIT), rounds)  # type: ignore[misc]
        whole, _ = timed(lambda c=c: MMC().solve(0.9 * c, c, UNIT).wait, rounds)  # type: ignore[misc]
        base = base or [tail, whole]
        print(f"| {c:,} | {tail * 1e6:.0f} µs | {tail / base[0]:.2f} | {whole * 1e6:.0f} µs | {whole / base[1]:.2f} |")
    print("\n### p95 of M/G/c, ms a value, nothing cached, ρ = 0.9\n")
    print("| service | c = 1 | 5 | 20 | 100 |\n|---|---|---|---|---|")
    for name, service in GENERAL.items():
        row = []
        for c in (1, 5, 20, 100):
            call = fresh(lambda c=c, service=service: MGC().solve(0.9 * c, c, service).p95_response)  # type: ignore[misc]
            row.append(f"{timed(call, rounds)[0] * 1e3:.2f}")
        print(f"| {name} | {' | '.join(row)} |")


def interpreter(peer: str, cache: Path) -> Path | None:
    """Python of the peer's environment, made at the first run; ``None`` when the peer cannot be had."""
    home = cache / peer
    python = home / "bin" / "python"
    if not python.exists():
        venv.create(home, with_pip=True)
    installed = subprocess.run(
        [python, "-m", "pip", "install", "-q", peer], check=False, capture_output=True, text=True
    )
    if installed.returncode:
        print(f"\n{peer} could not be installed and is left out: {installed.stderr.strip().splitlines()[-1]}")
        return None
    return python


def measured(peer: str, cache: Path, rounds: int) -> dict[str, list[Any]] | None:
    """Seconds and values of a peer."""
    python = interpreter(peer, cache)
    if python is None:
        return None
    settings = json.dumps([SERVERS, LOADS, EXCESS, LEVEL, SOON, rounds])
    ran = subprocess.run([python, "-c", PEERS[peer] + DRIVER, settings], check=False, capture_output=True, text=True)
    if ran.returncode:
        print(f"\n{peer} failed and is left out: {ran.stderr.strip().splitlines()[-1]}")
        return None
    found: dict[str, list[Any]] = json.loads(ran.stdout.splitlines()[-1])
    return found


def print_peers(cache: Path, rounds: int) -> None:
    """Side by side: time over ours, and how far the values agree."""
    found = {peer: measured(peer, cache, rounds) for peer in PEERS}
    there = {peer: results for peer, results in found.items() if results}
    ours = [timed(lambda c=c: erlang_c(c, c - EXCESS * c**0.5), rounds) for c in SERVERS]  # type: ignore[misc]
    staffed = [timed(lambda load=load: fewest(load), rounds) for load in LOADS]  # type: ignore[misc]
    print("\n### Erlang C at a = c - √c/2: time over ours (relative difference of the value)\n")
    _table("c", [f"{c:,}" for c in SERVERS], ours, {peer: results["waiting"] for peer, results in there.items()})
    print("\n### Fewest servers for 80 % answered in 20 s of 180 s: time over ours (difference in servers)\n")
    staffing = {peer: results["staffing"] for peer, results in there.items() if results["staffing"]}
    _table("a [erlang]", [f"{load:,.0f}" for load in LOADS], staffed, staffing)
    silent = sorted(set(there) - set(staffing))
    if silent:
        print(f"\nNo staffing for a service level: {', '.join(silent)}.")


def _table(head: str, names: list[str], ours: list[tuple[float, float]], peers: dict[str, list[Any]]) -> None:
    print(f"| {head} | ours | {' | '.join(peers)} |\n|{'---|' * (len(peers) + 2)}")
    for index, (name, (seconds, value)) in enumerate(zip(names, ours, strict=True)):
        cells = [_cell(results[index], seconds, value) for results in peers.values()]
        print(f"| {name} | {seconds * 1e6:.0f} µs: {value:.6g} | {' | '.join(cells)} |")


def _cell(result: list[Any], seconds: float, value: float) -> str:
    if result[0] is None:
        return f"fails: {result[1]}"
    off = f"{result[1] - value:+.0f}" if value >= 1.0 else f"{abs(result[1] / value - 1.0):.0e}" if value else "?"
    return f"{result[0] / seconds:.3g} x ({off})"


def main() -> int:
    """Print all tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "capacity-planner-peers")
    parser.add_argument("--no-peers", action="store_true")
    arguments = parser.parse_args()
    print(f"Python {sys.version.split()[0]}")
    print_ours(arguments.rounds)
    if not arguments.no_peers:
        print_peers(arguments.cache, arguments.rounds)
    return 0


if __name__ == "__main__":
    sys.exit(main())

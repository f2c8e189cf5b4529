"""The race on M/M/c: jobs a second on one core, and whether the 95th percentile comes out right."""

from __future__ import annotations

import json
import math
import statistics
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from _engine import LOAD, SERVERS, Measured, compiled, mmc, ours
from _simulators import DRIVER, PEERS, Peer
from _tables import print_bar, print_table
from capacity_planner.domain.congestion import ServiceTime
from capacity_planner.queueing.mmc import MMC
from capacity_planner.simulation.tiers import PLAIN
from queueing import interpreter

if TYPE_CHECKING:
    from capacity_planner.simulation.tiers import Tier

JOBS = {"compiled": 10_000_000, "plain": 1_000_000}
SIGMAS = 4.0
HISTOGRAM = 1e-3
BARS = (("compiled", "SimPy", (150.0, 150.0)), ("compiled", "Ciw", (300.0, 300.0)), ("plain", "SimPy", (25.0, 25.0)))
CIMBA_BARS = (10.0, 7.0)


def theirs(peer: Peer, python: Path, servers: int, seed: int) -> Measured | None:
    """One run of a peer in a process of its own; what it compiles is compiled before the clock starts."""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "peer.py"
        path.write_text(DRIVER.replace("{program}", peer.program), encoding="utf-8")
        asked = json.dumps([LOAD, servers, peer.jobs, seed])
        ran = subprocess.run([python, path, asked, peer.package], check=False, capture_output=True, text=True)
    if ran.returncode:
        print(f"\n{peer.package} failed: {(ran.stderr.strip() or '?').splitlines()[-1]}")
        return None
    return Measured(*json.loads(ran.stdout.splitlines()[-1]))


def noise(servers: int, tier: Tier) -> float:
    """Standard deviation of the 95th percentile times the root of the number of jobs, from 40 runs."""
    found = [ours(mmc(servers, 200_000, seed=seed), tier).p95 for seed in range(1, 41)]
    return statistics.stdev(found) * math.sqrt(200_000)


def print_speed(cache: Path, rounds: int) -> None:
    """All engines in turn, round by round."""
    tier = compiled()
    tiers = {"compiled": tier, "plain": PLAIN}
    pythons = {name: interpreter(peer.package, cache) for name, peer in PEERS.items()}
    for place, servers in enumerate(SERVERS):
        found: dict[str, list[Measured]] = {}
        for seed in range(rounds):
            for name, ours_ in tiers.items():
                found.setdefault(name, []).append(ours(mmc(servers, JOBS[name], seed=seed), ours_))
            for name, python in pythons.items():
                one = theirs(PEERS[name], python, servers, seed) if python else None
                if one:
                    found.setdefault(name, []).append(one)
        exact = float(MMC().solve(LOAD * servers, servers, ServiceTime(mean=1.0)).p95_response)
        _print(found, servers, exact, noise(servers, tier))
        bars = (*BARS, *(("compiled", name, CIMBA_BARS) for name in PEERS if name.startswith("Cimba")))
        for fast, slow, bar in bars:
            if len(found.get(slow, ())) == rounds:
                print_bar(f"{fast} over {slow}, c = {servers}", _over(found, slow, fast), bar[place], at_least=True)


def _over(found: dict[str, list[Measured]], slow: str, fast: str) -> float:
    pairs = zip(found[slow], found[fast], strict=True)
    return statistics.median(other.each / one.each for other, one in pairs)


def _print(found: dict[str, list[Measured]], servers: int, exact: float, spread: float) -> None:
    print(f"\n### M/M/{servers}, ρ = {LOAD}: the 95th percentile of the response is {exact:.4f} s\n")
    print(
        f"Right is within {SIGMAS:.0f} standard deviations, and {HISTOGRAM:.1%} for the histogram of ours. What peers"
    )
    print("compile is compiled, and their percentile taken, off the clock; ours is on it.")
    rows = []
    for name, runs in found.items():
        least = min(runs, key=lambda one: one.each)
        p95 = statistics.fmean(one.p95 for one in runs)
        allowed = SIGMAS * spread / math.sqrt(sum(one.jobs for one in runs)) + HISTOGRAM * exact
        right = "right" if abs(p95 - exact) <= allowed else "**wrong**"
        cells = f"{p95:.4f} ({p95 / exact - 1.0:+.2%}, ±{allowed / exact:.2%}: {right})"
        over = f"{_over(found, name, 'compiled'):.3g}" if len(runs) == len(found["compiled"]) else "?"
        rows.append(
            [
                f"{name} {least.version}".strip(),
                f"{least.jobs:,}",
                f"{1e9 * least.each:,.1f}",
                f"{1.0 / least.each:,.0f}",
                over,
                cells,
            ]
        )
    head = ("engine", "jobs a run", "ns a job, least", "jobs/s, most", "compiled is so many times as fast", "p95, mean")
    print_table(head, rows)
    print()

"""Fresh processes of ours: how much memory a run takes, and how long it takes to start."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time

from _engine import LOAD
from _scenarios import scenario
from _tables import print_bar
from capacity_planner import codec

ENGINE = """
import numpy as np
from capacity_planner.queueing._laws import Exponential
from capacity_planner.simulation._curve import RateCurve
from capacity_planner.simulation.arrivals import PoissonArrivals
from capacity_planner.simulation.engine import Experiment, run
from capacity_planner.simulation.tiers import COMPILER
edges, rate = np.array([0.0, {jobs} / ({load} * 100)]), np.array([{load} * 100])
arrivals = PoissonArrivals(RateCurve(edges, rate))
run(Experiment(edges=edges, arrivals=arrivals, law=Exponential(1.0), workers=100), COMPILER.wait())
"""
PEAK = """
from pathlib import Path
import resource
try:  # what a process has had since it began; the other counts what its parent had, too
    print(next(line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line))
except OSError:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
PUBLIC = """
import json, sys, time
from capacity_planner import Simulator
simulator, asked, began = Simulator(), json.loads(sys.argv[1]), time.perf_counter()
assert simulator.simulate(asked).summary.jobs > 19_000
print(time.perf_counter() - began)
"""


def _fresh(code: str, *arguments: str, **environment: str) -> tuple[float, str]:
    """Wall time of a process of its own [s], and what it prints."""
    began = time.perf_counter()
    ran = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | environment,
    )
    return time.perf_counter() - began, ran.stdout.strip()


def _megabytes(jobs: int, load: float) -> float:
    return float(_fresh(ENGINE.format(jobs=jobs, load=load) + PEAK)[1]) / 1024.0


def print_memory() -> None:
    """Peaks of fresh processes: flat in the jobs, and of the jobs that wait in an overload."""
    print("\n### Memory: peak resident size of fresh processes, compiled tier\n")
    peaks = {jobs: _megabytes(jobs, LOAD) for jobs in (10**6, 10**7, 10**8)}
    print("; ".join(f"{jobs:.0e} jobs: {peak:.1f} MB" for jobs, peak in peaks.items()) + "\n")
    print_bar("largest over least", max(peaks.values()) / min(peaks.values()), 1.05)
    for jobs in (10**6, 10**7):
        more = _megabytes(jobs, 2.0) - peaks[10**6]
        print(f"- at ρ = 2, where half of {jobs:.0e} jobs wait in the end: {more:+.1f} MB,", end=" ")
        print(f"{more * 2**20 / (jobs / 2):.1f} bytes a waiting job")


def print_start(rounds: int) -> None:
    """From nothing to a result."""
    print(f"\n### Start: wall time of fresh processes, medians of {rounds}\n")
    first, later = [], []
    engine, small = ENGINE.format(jobs=1e6, load=LOAD), codec.dumps(scenario(seconds=800.0, workers=60, windows=12))
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as place:
            first.append(_fresh(engine, NUMBA_CACHE_DIR=place)[0])
            later.append(_fresh(engine, NUMBA_CACHE_DIR=place)[0])
    print_bar("1e6 jobs, compiled for the first time, s", statistics.median(first), 5.0)
    print_bar("1e6 jobs, compiled before, s", statistics.median(later), 1.5)
    whole = [_fresh(PUBLIC, small) for _ in range(rounds)]
    print(f"- 20 000 jobs, plain, the whole process: {statistics.median(wall for wall, _ in whole):.2f} s")
    print_bar("20 000 jobs, plain, once imported, s", statistics.median(float(said) for _, said in whole), 0.3)

"""Regenerate the reference tables tests/golden/mgc_p95.json and mgc_staffing.json by simulation (see README.md)."""

import datetime as dt
import itertools
import json
import math
import subprocess
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from laws import Law, service_quantile

HERE = Path(__file__).resolve().parent
GOLDEN = HERE.parents[1] / "tests" / "golden"

LAWS: list[Law] = [("det", 0.0), ("gamma", 0.25), ("logn", 0.25), ("logn", 1.0)]
LAWS += [(name, scv) for scv in (4.0, 10.0) for name in ("gamma", "h2", "logn")]
CONTROL: Law = ("exp", 1.0)
SERVERS = [1, 2, 5, 20, 100]
UTILIZATIONS = [0.7, 0.8, 0.9, 0.95]
LOADS = [0.6, 1.7, 4.3, 18.0, 90.0]
FACTORS = [1.1, 1.5, 3.0]
LATE = 0.05
AMBIGUOUS = 2.5  # a tail closer to LATE than this many standard errors is reported as ambiguous
DOUBTFUL = 4.0  # and one closer than this is run again, longer: batch means of heavy traffic flatter the s.e.

SEED = 20261123
PILOT_JOBS = 1_000_000
BASE_JOBS = 20_000_000
REFINED_STAFFING_JOBS = 160_000_000
MAX_P95_JOBS = 200_000_000
P95_GOAL = 0.004  # relative standard error above which a cell is run again, longer

Row = dict[str, Any]
Tail = list[float]  # P(T > target) and its standard error


class Queue(NamedTuple):
    """An M/G/c queue; with a mean service time of 1 the arrival rate is the offered load."""

    law: Law
    c: int
    load: float


class Simulator:
    """The compiled model."""

    def __init__(self, folder: str) -> None:
        self.binary = f"{folder}/mgc"
        subprocess.run(["gcc", "-O3", "-march=native", "-o", self.binary, str(HERE / "mgc.c"), "-lm"], check=True)

    def run(self, queue: Queue, jobs: int, targets: list[float]) -> Row:
        """Simulate; the seed is a function of the queue and the jobs, so every cell can be repeated alone."""
        (name, scv), c, load = queue
        cell = [name, f"{scv:g}", str(c), f"{load:.12g}", str(jobs)]
        seed = SEED << 32 | zlib.crc32(" ".join(cell).encode())
        command = [self.binary, "run", *cell, str(seed), *(f"{target:.12g}" for target in targets)]
        result: Row = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        return result


def write_table(name: str, head: Row, key: str, rows: list[Row]) -> None:
    """Write `head` and the rows, one row per line."""
    made: Row = {
        "program": "benchmarks/reference/make.py (event-by-event FIFO M/G/c simulation, mgc.c)",
        "date": dt.datetime.now(tz=dt.UTC).date().isoformat(),
        "seed": SEED,
        "units": "mean service time = 1; *_se: standard error from 40 batch means",
    }
    lines = [f" {json.dumps(field)}: {json.dumps(value)}," for field, value in (made | head).items()]
    body = ",\n".join("  " + json.dumps(row) for row in rows)
    GOLDEN.mkdir(parents=True, exist_ok=True)
    (GOLDEN / name).write_text("\n".join(["{", *lines, f' "{key}": [', body, " ]", "}"]) + "\n", encoding="utf-8")


class P95Table:
    """p95 of the response, mean wait and P(wait > 0) over laws, servers and utilizations."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        cells = itertools.product([*LAWS, CONTROL], SERVERS, UTILIZATIONS)
        self.rows = [self.cell(*cell, BASE_JOBS) for cell in cells]
        self.write()

    def cell(self, law: Law, c: int, rho: float, jobs: int) -> Row:
        """Simulate one cell."""
        result = self.simulator.run(Queue(law, c, rho * c), jobs, [])
        del result["tails"]
        return {"law": law[0], "scv": law[1], "c": c, "rho": rho} | result

    def refine(self) -> None:
        """Run the noisy cells again with the jobs they need; the first run only sizes the second and is dropped."""
        for i, row in enumerate(self.rows):
            excess = row["p95_se"] / row["p95"] / P95_GOAL
            if excess > 1:
                jobs = min(MAX_P95_JOBS, math.ceil(1.3 * excess**2) * BASE_JOBS)
                self.rows[i] = self.cell((row["law"], row["scv"]), row["c"], row["rho"], jobs)
                self.write()

    def write(self) -> None:
        """Write the table as it stands."""
        jobs = f"{BASE_JOBS:.0e} a cell, up to {MAX_P95_JOBS:.0e} where that left the s.e. of the p95 above 0.4 %"
        head = {"about": "FIFO M/G/c: response T = wait + service", "jobs": jobs}
        write_table("mgc_p95.json", head, "cells", self.rows)


class StaffingTable:
    """The smallest number of servers with P(T > target) <= 5 %, over laws, loads and targets."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.refined: set[Queue] = set()
        self.runs: dict[tuple[Queue, int], list[Tail]] = {}
        self.write()

    def tail(self, queue: Queue, factor: float, jobs: int) -> Tail:
        """P(T > factor * p95(S)); one run serves all the factors."""
        key = queue, jobs
        if key not in self.runs:
            targets = [f * service_quantile(queue.law, 0.95) for f in FACTORS]
            self.runs[key] = self.simulator.run(queue, jobs, targets)["tails"]
        return self.runs[key][FACTORS.index(factor)]

    def full_tail(self, queue: Queue, factor: float) -> Tail:
        """Give the tail from the longest run asked for."""
        return self.tail(queue, factor, REFINED_STAFFING_JOBS if queue in self.refined else BASE_JOBS)

    def case(self, law: Law, load: float, factor: float) -> Row:
        """Walk to the crossing with short pilot runs, then settle it with full runs."""
        first = math.floor(load) + 1
        start = max(first, round(load + math.sqrt(load)))
        pilot = smallest(lambda c: self.tail(Queue(law, c, load), factor, PILOT_JOBS)[0] <= LATE, first, start)
        c_min = smallest(lambda c: self.full_tail(Queue(law, c, load), factor)[0] <= LATE, first, pilot)
        at = self.full_tail(Queue(law, c_min, load), factor)
        below = self.full_tail(Queue(law, c_min - 1, load), factor) if c_min > first else None
        return {
            "law": law[0],
            "scv": law[1],
            "a": load,
            "factor": factor,
            "target": round(factor * service_quantile(law, 0.95), 10),
            "c_min": c_min,
            "late": at[0],
            "late_se": at[1],
            "late_below": below and below[0],
            "late_below_se": below and below[1],
            "ambiguous": near(at, AMBIGUOUS) or (below is not None and near(below, AMBIGUOUS)),
        }

    def refine(self) -> None:
        """Run longer, once for each queue, wherever a tail is doubtful."""
        while unsettled := self.unsettled():
            self.refined |= unsettled
            self.write()

    def unsettled(self) -> set[Queue]:
        """List the queues whose full run is doubtful and has not been repeated yet."""
        full = {queue: tails for (queue, jobs), tails in self.runs.items() if jobs == BASE_JOBS}
        return {queue for queue, tails in full.items() if any(near(tail, DOUBTFUL) for tail in tails)} - self.refined

    def write(self) -> None:
        """Write the table as it stands."""
        head = {
            "about": "smallest c with P(T > target) <= 0.05, target = factor * p95(S); late = P(T > target) at c_min, "
            "late_below at c_min - 1 (null: unstable or no server); ambiguous: either within 2.5 s.e. of 0.05",
            "jobs": f"{BASE_JOBS:.0e} at each c, {REFINED_STAFFING_JOBS:.1e} where that was within 4 s.e. of 0.05",
        }
        rows = [self.case(*case) for case in itertools.product(LAWS, LOADS, FACTORS)]
        write_table("mgc_staffing.json", head, "cases", rows)


def near(tail: Tail, standard_errors: float) -> bool:
    """Whether an estimate is so near 5 % that it may be on the wrong side of it."""
    return abs(tail[0] - LATE) < standard_errors * tail[1]


def smallest(meets: Callable[[int], bool], first: int, start: int) -> int:
    """Find the smallest n >= first that meets a condition monotone in n, walking from `start`."""
    n = start
    while not meets(n):
        n += 1
    while n > first and meets(n - 1):
        n -= 1
    return n


def main() -> None:
    """Write both tables from the base runs, then refine both."""
    with tempfile.TemporaryDirectory() as folder:
        simulator = Simulator(folder)
        for table in (P95Table(simulator), StaffingTable(simulator)):
            table.refine()


if __name__ == "__main__":
    main()

"""M/M/c by other simulators and by ours: jobs a second on one core, and whether the 95th percentile comes out right."""

from __future__ import annotations

import json
import math
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

from _tables import print_bar, print_table
from capacity_planner.domain.congestion import ServiceTime
from capacity_planner.queueing._laws import Exponential
from capacity_planner.queueing.mmc import MMC
from capacity_planner.simulation._curve import RateCurve
from capacity_planner.simulation.arrivals import PoissonArrivals
from capacity_planner.simulation.engine import Experiment, run
from capacity_planner.simulation.tiers import COMPILER, PLAIN, Tier
from queueing import interpreter

LOAD = 0.8
SERVERS = (4, 100)
JOBS = {"compiled": 10_000_000, "plain": 1_000_000}
SIGMAS = 4.0
HISTOGRAM = 1e-3


class Peer(NamedTuple):
    """What pip installs; the jobs of a run; ``simulate(servers, jobs, seed)``, which returns the response times."""

    package: str
    jobs: int
    program: str


CIMBA = """
import cimba as cb

def simulate(servers, jobs, seed):
    model = Queue()
    model.gap, model.jobs = 1.0 / (LOAD * servers), jobs
    model.response.capture()
    results = cb.Experiment(model, window=cb.Window.until_idle(), seed=seed).run(workers=1)
    assert not results.failed.any(), results.failure_reasons
    return results[model].response.trial(0, 0)[1]
"""
PEERS = {
    "SimPy": Peer(
        "simpy",
        100_000,
        """
from random import Random
import simpy

def simulate(servers, jobs, seed):
    env, expovariate, responses = simpy.Environment(), Random(seed).expovariate, []
    crew = simpy.Resource(env, capacity=servers)

    def job(arrived):
        request = crew.request()
        yield request
        yield env.timeout(expovariate(1.0))
        crew.release(request)
        responses.append(env.now - arrived)

    def source():
        for _ in range(jobs):
            yield env.timeout(expovariate(LOAD * servers))
            env.process(job(env.now))

    env.process(source())
    env.run()
    return responses
""",
    ),
    "Ciw": Peer(
        "ciw",
        50_000,
        """
import ciw

def simulate(servers, jobs, seed):
    ciw.seed(seed)
    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Exponential(rate=LOAD * servers)],
        service_distributions=[ciw.dists.Exponential(rate=1.0)],
        number_of_servers=[servers],
    )
    simulation = ciw.Simulation(network)
    simulation.simulate_until_max_time(jobs / (LOAD * servers))
    return [record.exit_date - record.arrival_date for record in simulation.get_all_records()]
""",
    ),
    "Cimba, processes": Peer(
        "cimba",
        2_000_000,
        CIMBA
        + """
class Queue(cb.Model):
    gap: cb.Param[float] = 1.0
    jobs: cb.Param[int] = 1
    store: cb.Store[float] = cb.Store()
    response: cb.Dataset = cb.Dataset()

    @cb.process
    def source(self):
        for _ in range(self.jobs):
            cb.hold(cb.random.exponential(self.gap))
            self.store.put(cb.now())

    @cb.process(copies=SERVERS)
    def server(self):
        while True:
            arrived = self.store.get()
            cb.hold(cb.random.exponential(1.0))
            self.response.record(cb.now() - arrived)
""",
    ),
    "Cimba, events": Peer(
        "cimba",
        2_000_000,
        CIMBA
        + """
class Queue(cb.Model):
    gap: cb.Param[float] = 1.0
    jobs: cb.Param[int] = 1
    waiting: cb.Array[float] = cb.Array(1 << 16)  # a ring: far more than ever wait at this load
    came: int = 0
    begun: int = 0
    busy: int = 0
    response: cb.Dataset = cb.Dataset()

    @cb.on_start
    def open(self):
        cb.schedule(self.arrive, cb.random.exponential(self.gap))

    @cb.event
    def arrive(self):
        if self.busy < SERVERS:
            self.busy += 1
            self.begun += 1
            service = cb.random.exponential(1.0)
            self.response.record(service)
            cb.schedule(self.depart, service)
        else:
            self.waiting[self.came & 65535] = cb.now()
        self.came += 1
        if self.came < self.jobs:
            cb.schedule(self.arrive, cb.random.exponential(self.gap))

    @cb.event
    def depart(self):
        if self.begun < self.came:
            service = cb.random.exponential(1.0)
            self.response.record(cb.now() + service - self.waiting[self.begun & 65535])
            self.begun += 1
            cb.schedule(self.depart, service)
        else:
            self.busy -= 1
""",
    ),
}
DRIVER = """
import json, sys, time
from importlib.metadata import version

LOAD, SERVERS, jobs, seed = json.loads(sys.argv[1])

{program}

simulate(SERVERS, 1000, seed)
began = time.process_time()
found = simulate(SERVERS, jobs, seed)
took = time.process_time() - began
ordered = sorted(found if isinstance(found, list) else found.tolist())
print(json.dumps([took, ordered[int(0.95 * len(ordered))], len(found), version(sys.argv[2])]))
"""
BARS = (("compiled", "SimPy", (150.0, 150.0)), ("compiled", "Ciw", (300.0, 300.0)), ("plain", "SimPy", (25.0, 25.0)))
CIMBA_BARS = (10.0, 7.0)


class Measured(NamedTuple):
    """A run: processor time [s], 95th percentile of the response [s], jobs, and what ran them."""

    seconds: float
    p95: float
    jobs: int
    version: str = ""

    @property
    def each(self) -> float:
        """Processor time a job [s]."""
        return self.seconds / self.jobs


def mmc(servers: int, jobs: float, *, load: float = LOAD, seed: int = 0) -> Experiment:
    """About so many jobs of mean 1 s, in one interval."""
    rate = load * servers
    edges = np.array([0.0, jobs / rate])
    arrivals = PoissonArrivals(RateCurve(edges, np.array([rate])))
    return Experiment(edges=edges, arrivals=arrivals, law=Exponential(1.0), workers=servers, seed=seed)


def ours(experiment: Experiment, tier: Tier) -> Measured:
    """One run of ours."""
    began = time.process_time()
    outcome = run(experiment, tier)
    return Measured(time.process_time() - began, outcome.total_p95, int(outcome.arrived.sum()))


def compiled() -> Tier:
    """The compiled tier, ready."""
    tier = COMPILER.wait()
    if tier is None:
        sys.exit("Numba is needed: pip install capacity-planner[fast]")
    ours(mmc(2, 1000), tier)
    return tier


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

"""The simulator against itself and its peers: speed, what features cost, memory, start; prints Markdown.

Run it as ``python benchmarks/simulation.py [speed|features|short|memory|start|estimate ...]``, by default all. Figures
are taken in turn, round by round; ratios are medians of those within a round.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import numpy as np

from _simulators import LOAD, SERVERS, compiled, mmc, ours, print_speed
from _tables import print_bar, print_table
from capacity_planner import codec
from capacity_planner.domain.scenario import SimulationScenario
from capacity_planner.pipeline.simulator import Simulator
from capacity_planner.queueing._empirical import Empirical
from capacity_planner.queueing._laws import Deterministic, Gamma, Lognormal
from capacity_planner.queueing._mixtures import Hyperexponential
from capacity_planner.simulation._curve import RateCurve
from capacity_planner.simulation.arrivals import PoissonArrivals
from capacity_planner.simulation.engine import run
from capacity_planner.simulation.tiers import PLAIN, Compiler

if TYPE_CHECKING:
    from collections.abc import Callable

    from capacity_planner.simulation.engine import Experiment

STEPS, WINDOWS, SWING = 288, 24, 0.3
FEATURED = {"compiled": 5e6, "plain": 1e6}
CALLS, SCENARIOS = 20, 60
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
PLAN = """{
"id": "benchmark", "generated_at": "2026-01-05T00:00:00Z", "valid_until": "2026-01-05T01:00:00Z", "delta": 0,
"steps": [], "confidence": 0.9, "slo_achievable": true, "rationale": "", "forecast_window": "1h",
"safety_margin": 0.1, "queue_name": "benchmark", "slo": {"p95_latency": "8s"}, "service_time": "2s",
"cost_impact": {"current_cost_per_hour": 0, "projected_cost_per_hour": 0, "delta_cost_per_hour": 0,
"monthly_cost_delta": 0, "violation_cost_risk": 0, "net_benefit": 0, "payback_period": "0s"}}"""
STEP = """{
"sequence": 1, "action": "scale_up", "rationale": "", "estimated_cost": 0, "confidence": 0.9, "delta": 1,
"scheduled_at": "2026-01-05T00:00:10Z", "cooldown_until": "2026-01-05T00:00:10Z"}"""


def scenario(**asked: Any) -> SimulationScenario:
    """A scenario of 25 jobs/s that take 2 s, unless something else is asked."""
    workers = asked["workers"]
    plan = json.loads(PLAN) | {"current_workers": workers, "target_workers": workers}
    if asked.get("step"):
        plan["steps"] = [json.loads(STEP) | {"from_workers": workers, "to_workers": workers + 1}]
    made = {
        "name": "benchmark",
        "plan": plan,
        "traffic_pattern": {"type": "constant", "base_rate": 25.0} | asked.get("traffic", {}),
        "duration": timedelta(seconds=asked["seconds"]),
        "granularity": timedelta(seconds=asked["seconds"]) / asked["windows"],
    }
    valid: SimulationScenario = codec.validate(SimulationScenario, made | asked.get("more", {}))
    return valid


def print_features(rounds: int) -> None:
    """Traffic that changes, a plan and windows, against none of them; and laws and options."""
    print("\n### What features cost: processor time over that of a stationary run in one window\n")
    tiers = {"compiled": compiled(), "plain": PLAIN}
    rows = []
    for servers in SERVERS:
        options = _options(servers)
        for name, tier in tiers.items():
            base = mmc(servers, FEATURED[name])
            cases = {"stationary": base, **{option: make(base) for option, make in options.items()}}
            found: dict[str, list[float]] = {case: [] for case in cases}
            for _ in range(rounds):
                for case, experiment in cases.items():
                    found[case].append(ours(experiment, tier).each)
            ratios = {
                case: statistics.median(one / plain for one, plain in zip(each, found["stationary"], strict=True))
                for case, each in found.items()
            }
            rows += [
                [name, f"{servers}", case, f"{1e-6 / min(found[case]):.2f}", f"{ratio:.2f}"]
                for case, ratio in ratios.items()
            ]
            print_bar(f"{name}, c = {servers}: λ(t), plan and windows over stationary", ratios["a day"], 1.15)
    print_table(["tier", "c", "case", "Mjobs/s, most", "time over stationary"], rows)


def _options(servers: int) -> dict[str, Callable[[Experiment], Experiment]]:
    times = np.random.default_rng(1).gamma(2.0, 0.5, 10_000)
    laws = {
        "deterministic": Deterministic(1.0),
        "gamma, SCV 4": Gamma(1.0, shape=0.25),
        "lognormal, SCV 4": Lognormal(1.0, sigma=math.sqrt(math.log(5.0))),
        "hyperexponential, SCV 4": Hyperexponential(1.0, long_share=0.1127016653792583, spread=1.5),
        "empirical, 10 000 times": Empirical.of(times),
    }

    def curve(base: Experiment) -> RateCurve:
        return RateCurve(base.edges, np.array([LOAD * servers]))

    return {
        "a day": _day,
        **{name: lambda base, law=law: replace(base, law=law) for name, law in laws.items()},  # type: ignore[misc]
        "patience 1 s": lambda base: replace(base, patience=1.0),
        "batches of 10": lambda base: replace(base, arrivals=PoissonArrivals(curve(base), batch=10)),
        "noise 0.2": lambda base: replace(base, arrivals=PoissonArrivals(curve(base), noise=0.2)),
    }


def _day(base: Experiment) -> Experiment:
    """A sinusoid in steps that workers follow, ordered half a window before they are needed, with a start-up delay."""
    end, servers = float(base.edges[-1]), base.workers
    wave = 1.0 + SWING * np.sin(2.0 * np.pi * (np.arange(STEPS) + 0.5) / STEPS)
    curve = RateCurve(np.linspace(0.0, end, STEPS + 1), LOAD * servers * wave)
    wanted = np.ceil(servers * wave[STEPS // WINDOWS - 1 :: STEPS // WINDOWS]).astype(int).tolist()
    orders = tuple((end * (hour + 0.5) / WINDOWS, workers) for hour, workers in enumerate(wanted))
    edges = np.linspace(0.0, end, WINDOWS + 1)
    return replace(
        base, edges=edges, arrivals=PoissonArrivals(curve), orders=orders, startup_delay=end / WINDOWS / 30.0
    )


def print_short() -> None:
    """A plan of an hour, warm."""
    print(f"\n### An hour of 25 jobs/s, 60 workers, 12 windows: wall time, medians of {CALLS}\n")
    staying = scenario(seconds=3600.0, workers=60, windows=12)
    growing = scenario(seconds=3600.0, workers=60, windows=12, step=True)
    simulator, tier = Simulator(), compiled()
    engine = replace(mmc(60, 90_000.0, load=25.0 * 2.0 / 60.0), edges=np.linspace(0.0, 90_000.0 / 50.0, 13))
    print_bar("engine, compiled, ms", _median_ms(lambda: run(engine, tier)), 10.0)
    print_bar("Simulator, compiled, ms", _median_ms(lambda: simulator.simulate(staying)), 10.0)
    print(
        f"- with a step, so that the plan is compared with none: {_median_ms(lambda: simulator.simulate(growing)):.1f}"
    )
    with patch("capacity_planner.pipeline.simulator.COMPILER", _Never()):
        print_bar("engine, plain, ms", _median_ms(lambda: run(engine, PLAIN)), 10.0)
        print_bar("Simulator, plain, ms", _median_ms(lambda: simulator.simulate(staying)), 10.0)


class _Never(Compiler):
    """Has not compiled, and will not."""

    def pays(self, jobs: float) -> bool:
        """No."""
        del jobs
        return False


def _median_ms(call: Callable[[], object]) -> float:
    call()
    return 1e3 * statistics.median(_wall(call) for _ in range(CALLS))


def _wall(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


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


def print_estimate() -> None:
    """Estimated over actual run times of scenarios of all kinds."""
    dice, simulator, ratios, rows = np.random.default_rng(1), Simulator(), [], []
    compiled()
    for number in range(SCENARIOS):
        asked, told = _random(dice)
        with patch("capacity_planner.pipeline.simulator.COMPILER", _Never()) if number % 3 == 0 else patch.dict({}):
            estimated = simulator.estimate_runtime(asked).total_seconds()
            actual = _wall(lambda asked=asked: simulator.simulate(asked))  # type: ignore[misc]
        ratios.append(estimated / actual)
        rows.append([f"{ratios[-1]:.2f}", f"{1e3 * actual:.1f}", "plain" if number % 3 == 0 else "compiled", told])
    print(f"\n### Estimated over actual run time of {SCENARIOS} random scenarios: the furthest off\n")
    print_table(
        ["ratio", "actual ms", "tier", "scenario"], sorted(rows, key=lambda row: -abs(math.log(float(row[0]))))[:10]
    )
    within = [0.5 <= ratio <= 2.0 for ratio in ratios]
    print(f"\nquartiles of the ratio: {', '.join(f'{q:.2f}' for q in statistics.quantiles(ratios))}\n")
    print_bar("share within a factor of 2", statistics.fmean(within), 0.9, at_least=True)


def _random(dice: np.random.Generator) -> tuple[SimulationScenario, str]:
    """A scenario of any kind, and in words."""
    jobs, workers = 10.0 ** dice.uniform(3.0, 6.5), round(2000.0 ** dice.random())
    windows, replications = round(2016.0 ** dice.random()), int(dice.integers(1, 9))
    rate = workers * dice.uniform(0.4, 1.2) / 2.0
    family = str(dice.choice(["exponential", "deterministic", "gamma", "lognormal", "hyperexponential"]))
    kind, noise = str(dice.choice(["constant", "sinusoidal", "daily"])), float(dice.choice([0.0, 0.3]))
    batch, patience = int(dice.choice([1, 1, 10, 100])), str(dice.choice(["0s", "0s", "3s"]))
    traffic = {"type": kind, "base_rate": rate, "amplitude": 0.3 * rate, "noise": noise, "period": "6h"}
    more = {"replications": replications, "service_family": family, "service_time_std": "3s"}
    more |= {"batch_size": batch, "patience": patience}
    step = bool(dice.random() < 0.5)
    asked = scenario(workers=workers, seconds=jobs / rate, windows=windows, traffic=traffic, more=more, step=step)
    told = f"{replications} x {jobs:,.0f} jobs, {workers} workers, {windows} windows, {family}, {kind}"
    return asked, f"{told}, noise {noise}, batches of {batch}, patience {patience}, {'a step' if step else 'no step'}"


def main() -> int:
    """Print what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "capacity-planner-peers")
    sections: dict[str, Callable[[argparse.Namespace], None]] = {
        "speed": lambda asked: print_speed(asked.cache, asked.rounds),
        "features": lambda asked: print_features(asked.rounds),
        "short": lambda _: print_short(),
        "memory": lambda _: print_memory(),
        "start": lambda asked: print_start(asked.rounds),
        "estimate": lambda _: print_estimate(),
    }
    parser.add_argument("sections", nargs="*", choices=[*sections, []], metavar="section", help=", ".join(sections))
    arguments = parser.parse_args()
    print(f"Python {sys.version.split()[0]}, NumPy {np.__version__}")
    for section in arguments.sections or sections:
        sections[section](arguments)
    return 0


if __name__ == "__main__":
    sys.exit(main())

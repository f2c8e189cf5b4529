"""What traffic that changes, a plan, windows, laws and options cost, against a stationary run in one window."""

from __future__ import annotations

import math
import statistics
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from _engine import LOAD, SERVERS, compiled, mmc, ours
from _tables import print_bar, print_table
from capacity_planner.queueing._empirical import Empirical
from capacity_planner.queueing._laws import Deterministic, Gamma, Lognormal
from capacity_planner.queueing._mixtures import Hyperexponential
from capacity_planner.simulation._curve import RateCurve
from capacity_planner.simulation.arrivals import PoissonArrivals
from capacity_planner.simulation.tiers import PLAIN

if TYPE_CHECKING:
    from collections.abc import Callable

    from capacity_planner.simulation.engine import Experiment

STEPS, WINDOWS, SWING = 288, 24, 0.3
FEATURED = {"compiled": 5e6, "plain": 1e6}


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

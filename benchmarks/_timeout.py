"""How long after its limit a simulation comes back: random scenarios, up to very large ones, random limits."""

from __future__ import annotations

import statistics
import time
from contextlib import nullcontext
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from _engine import compiled, plain_only
from _scenarios import Most, random_scenario
from _tables import print_bar, print_table
from capacity_planner.errors import PlannerError
from capacity_planner.pipeline.simulator import Simulator

if TYPE_CHECKING:
    from capacity_planner.domain.scenario import SimulationScenario

STOPPED = 60  # of each tier
MOST = Most(jobs=8.0, intervals=100_000, steps=100)
LEAST, LONGEST = 0.01, 1.0  # of the limits, evenly in their logarithm [s]
LATE = 0.1


def print_timeout() -> None:
    """Both tiers, on the same scenarios."""
    compiled()
    simulator, late, rows = Simulator(), [], []
    print(f"\n### Back after the limit: {STOPPED} random scenarios that ran into one of {LEAST:g} to {LONGEST:g} s\n")
    for tier in ("compiled", "plain"):
        with plain_only() if tier == "plain" else nullcontext():
            stopped, in_time, overrun = _late(simulator)
        late += [after for after, _ in stopped] + overrun
        rows += [[tier, f"{1e3 * after:.1f}", told] for after, told in sorted(stopped, reverse=True)[:5]]
        times = [1e3 * after for after, _ in stopped]
        print(
            f"- {tier}: median {statistics.median(times):.1f} ms, worst {max(times):.1f} ms; {in_time} more were done "
            f"within their limit, and {len(overrun)} after it without an error"
        )
    print_table(["tier", "ms late", "the latest"], rows)
    print()
    within = statistics.fmean(after <= LATE for after in late)
    print_bar(f"share within {1e3 * LATE:.0f} ms", within, 1.0, at_least=True)


def _late(simulator: Simulator) -> tuple[list[tuple[float, str]], int, list[float]]:
    """By how much each came back late [s], and what it was; how many were done in time; those that were not told."""
    dice, in_time = np.random.default_rng(1), 0
    stopped: list[tuple[float, str]] = []
    overrun: list[float] = []
    while len(stopped) < STOPPED:
        asked, told = random_scenario(dice, MOST)
        limit = LEAST * (LONGEST / LEAST) ** dice.random()
        took, raised = _wall(simulator, asked, limit)
        if raised:
            stopped.append((took - limit, f"{told}, limit {1e3 * limit:.0f} ms"))
        elif took <= limit:
            in_time += 1
        else:
            overrun.append(took - limit)
    return stopped, in_time, overrun


def _wall(simulator: Simulator, asked: SimulationScenario, limit: float) -> tuple[float, bool]:
    """How long a call took [s], and whether it said that the time was up."""
    began = time.perf_counter()
    try:
        simulator.simulate(asked, timeout=timedelta(seconds=limit))
    except PlannerError as error:
        took = time.perf_counter() - began
        if not error.details.get("timed_out"):
            raise
        return took, True
    return time.perf_counter() - began, False

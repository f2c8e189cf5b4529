"""The simulator against itself and its peers: speed, what features cost, memory, start, limits; prints Markdown.

Run it as ``python benchmarks/simulation.py``, or with some of its sections by name. Figures are taken in turn, round by
round; ratios are medians of those within a round.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
import tempfile
import time
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from _engine import compiled, mmc, plain_only
from _features import print_features
from _processes import print_memory, print_start
from _race import print_speed
from _scenarios import Most, random_scenario, scenario
from _tables import print_bar, print_table
from _timeout import print_timeout
from capacity_planner.pipeline.simulator import Simulator
from capacity_planner.simulation.engine import run
from capacity_planner.simulation.tiers import PLAIN

if TYPE_CHECKING:
    from collections.abc import Callable

CALLS, SCENARIOS = 20, 60
ESTIMATED = Most(jobs=6.5, intervals=2016, steps=1)


def print_short() -> None:
    """A plan of an hour, warm."""
    print(f"\n### An hour of 25 jobs/s, 60 workers, 12 windows: wall time, medians of {CALLS}\n")
    staying = scenario(seconds=3600.0, workers=60, windows=12)
    growing = scenario(seconds=3600.0, workers=60, windows=12, orders=[(0.5, 61)])
    simulator, tier = Simulator(), compiled()
    engine = replace(mmc(60, 90_000.0, load=25.0 * 2.0 / 60.0), edges=np.linspace(0.0, 90_000.0 / 50.0, 13))
    print_bar("engine, compiled, ms", _median_ms(lambda: run(engine, tier)), 10.0)
    print_bar("Simulator, compiled, ms", _median_ms(lambda: simulator.simulate(staying)), 10.0)
    compared = _median_ms(lambda: simulator.simulate(growing))
    print(f"- with a step, so that the plan is compared with none, ms: {compared:.3g}")
    with plain_only():
        print_bar("engine, plain, ms", _median_ms(lambda: run(engine, PLAIN)), 10.0)
        print_bar("Simulator, plain, ms", _median_ms(lambda: simulator.simulate(staying)), 10.0)


def _median_ms(call: Callable[[], object]) -> float:
    call()
    return 1e3 * statistics.median(_wall(call) for _ in range(CALLS))


def _wall(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def print_estimate() -> None:
    """Estimated over actual run times of scenarios of all kinds."""
    dice, simulator, ratios, rows = np.random.default_rng(1), Simulator(), [], []
    compiled()
    for number in range(SCENARIOS):
        asked, told = random_scenario(dice, ESTIMATED)
        with plain_only() if number % 3 == 0 else nullcontext():
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
        "timeout": lambda _: print_timeout(),
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

"""How long a simulation will take on this machine: its first jobs are simulated, and the rest reckoned from them."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

from capacity_planner.simulation.engine import run

if TYPE_CHECKING:
    from capacity_planner.simulation.engine import Experiment
    from capacity_planner.simulation.tiers import Tier

_BLOCKS = 5
_PER_THREAD = 0.4  # what another thread adds, since much is done under the interpreter's lock
_PER_INTERVAL = 12e-6  # to report an interval [s]


class _Enough(Exception):  # noqa: N818 - it is no error, and nobody outside sees it
    """The first jobs have been seen."""


def run_seconds(planned: Experiment, tier: Tier) -> float:
    """How long one run takes [s]."""
    done, marks = 0, [(perf_counter(), 0)]

    def tick(jobs: int) -> None:
        nonlocal done
        done += jobs
        marks.append((perf_counter(), done))
        if len(marks) > _BLOCKS:
            raise _Enough

    try:
        run(planned, tier, tick=tick)
    except _Enough:
        (began, _), (first, some), *_, (last, most) = marks
        rest = planned.arrivals.expected + planned.backlog - some
        return first - began + rest * (last - first) / (most - some)
    return perf_counter() - marks[0][0]


def total_seconds(planned: Experiment, tier: Tier, *, runs: int, threads: int) -> float:
    """How long all runs of a scenario take, and its report [s].

    Args:
        planned: one of them.
        tier: how the inner loop is run.
        runs: how many.
        threads: how many at once.
    """
    speedup = 1 + _PER_THREAD * (threads - 1)
    report = _PER_INTERVAL * len(planned.edges) * (1 + 0.1 * runs)
    return run_seconds(planned, tier) * runs / speedup + report

"""Staffing a load that rises and falls, hour by hour; prints Markdown.

A sinusoid of ±60 % over 24 hours, exponential service, the target a p95 response of 3.3 mean service times, and
graceful drains, as in Green, Kolesar & Whitt (2007). Every hour is staffed once. ``ours`` is what plans take as the
need of an interval: the largest modified offered load, here of five-minute intervals, and the hour's largest need.
``SIPP-max`` staffs the hour's largest rate in the steady state, ``SIPP-avg`` its mean rate.
"""

from __future__ import annotations

import math
import sys

import numpy as np

from _tables import print_table
from capacity_planner.domain.congestion import FloatArray, ServiceTime
from capacity_planner.planning.offered_load import peak_offered_load
from capacity_planner.planning.staffing import Staffing, Targets
from capacity_planner.registry import queue_models
from capacity_planner.simulation._curve import RateCurve
from capacity_planner.simulation.arrivals import PoissonArrivals
from capacity_planner.simulation.engine import Experiment, run
from capacity_planner.simulation.tiers import COMPILER, PLAIN

HOUR, DAY, FIVE = 3_600.0, 86_400.0, 300.0
CASES = ((72.0, 50), (900.0, 50), (3_600.0, 50), (3_600.0, 500), (14_400.0, 50))
JOBS = 4e6
_SWING, _TARGET = 0.6, 3.3


def rates(mean: float, times: FloatArray) -> FloatArray:
    """λ at some times [jobs/s]."""
    swing: FloatArray = mean * (1.0 + _SWING * np.sin(2 * np.pi * times / DAY))
    return swing


def staffed(service: float, load: float, rule: str) -> list[int]:
    """Workers for each hour of the day.

    Args:
        service: E[S] [s].
        load: mean offered load [erlang].
        rule: ``ours``, ``SIPP-max`` or ``SIPP-avg``.
    """
    staffing = Staffing(queue_models.get("mmc"), ServiceTime(mean=service), Targets(p95_latency=_TARGET * service))
    fine = rates(load / service, np.arange(0.0, 3 * DAY, FIVE) + FIVE / 2.0)
    hours = fine.reshape(-1, 12)
    if rule == "ours":
        loads = peak_offered_load(fine.tolist(), float(fine[0]), FIVE, staffing.law).reshape(-1, 12).max(axis=1)
    else:
        edges = rates(load / service, np.arange(0.0, 3 * DAY + 1.0, HOUR))
        highest = np.maximum(hours.max(axis=1), np.maximum(edges[:-1], edges[1:]))
        loads = (highest if rule == "SIPP-max" else hours.mean(axis=1)) * service
    return [int(count) for count in staffing.fewest_each(loads[-24:] / service)]


def late(service: float, load: float, workers: list[int], jobs: float = JOBS) -> FloatArray:
    """Share of the jobs of each hour of the day that are late, by simulation, shape (24,).

    The day is repeated until what was there at the start is gone, then scored.

    Args:
        service: E[S] [s].
        load: mean offered load [erlang].
        workers: for each hour of the day.
        jobs: about how many are simulated in all.
    """
    warm = 1 + math.ceil(3.0 * service / DAY)
    days = warm + 4
    edges = np.arange(0.0, days * DAY + 1.0, HOUR)
    fine = np.arange(0.0, days * DAY, 60.0)
    experiment = Experiment(
        edges=edges,
        arrivals=PoissonArrivals(RateCurve(np.append(fine, days * DAY), rates(load / service, fine + 30.0))),
        law=queue_models.get("mmc").service_law(ServiceTime(mean=service)),
        workers=workers[0],
        orders=tuple((hour * HOUR, workers[hour % 24]) for hour in range(1, days * 24)),
        target=_TARGET * service,
    )
    tier = COMPILER.wait() or PLAIN
    runs = max(2, round(jobs / (load / service * days * DAY)))
    arrived, behind = np.zeros(24), np.zeros(24)
    for replication in range(runs):
        outcome = run(experiment, tier, replication=replication)
        arrived += outcome.arrived[: len(edges) - 1].reshape(days, 24)[warm:].sum(axis=0)
        behind += outcome.late[: len(edges) - 1].reshape(days, 24)[warm:].sum(axis=0)
    return behind / arrived


def main() -> int:
    """Print the table."""
    rows = []
    for service, load in CASES:
        cells = []
        for rule in ("SIPP-avg", "SIPP-max", "ours"):
            workers = staffed(service, load, rule)
            shares = late(service, load, workers)
            cells.append(f"{shares.max():.1%} ({np.sum(shares > 0.06)}; {sum(workers)})")
        rows.append([f"{service / 60:g} min, {load}", *cells])
    print("Worst hour's share of late jobs (hours above 6 %; worker-hours a day). The target allows 5 %.")
    print_table(["E[S], mean load", "SIPP-avg", "SIPP-max", "ours"], rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())

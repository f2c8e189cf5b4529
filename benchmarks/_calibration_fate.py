"""Plans from the origins of a trace, and what became of them."""

from __future__ import annotations

import heapq
import math
import time
from typing import TYPE_CHECKING

import numpy as np

from _calibration_jobs import Queue
from _calibration_plans import case, drawn, planned
from _calibration_score import Said, report
from _calibration_walk import origins, traces
from capacity_planner.pipeline.recalibration import Recalibration

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from _calibration_plans import Case
    from _calibration_walk import Trace
    from capacity_planner.planning.study import Study

_WARM = 1800.0
_SERVICES = 6.0
_QUIET = 0.1
_NUMBER = 2**31


def run(folder: Path | None, count: int, seed: int) -> None:
    """Judge plans on every trace, and print the tables."""
    begun = time.perf_counter()
    said = [item for trace in traces(folder) for item in judged(trace, count, seed)]
    report(said)
    print(f"\n{time.perf_counter() - begun:.0f} s.")


def judged(trace: Trace, count: int, seed: int) -> Iterator[Said]:
    """The plans of a trace, in order of time, two from each origin."""
    dice, fates = np.random.default_rng(seed), _Fates(trace.name)
    for origin in origins(trace, count, dice):
        yield from fates.of(case(origin, dice), int(dice.integers(_NUMBER)))


class _Fates:
    """The plans of one trace so far: those that are over teach what the words of the next are worth."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._learned = Recalibration()
        self._open: list[tuple[datetime, float, bool]] = []

    def of(self, case: Case, seed: int) -> Iterator[Said]:
        """Two plans, and what became of them."""
        at, end = case.origin.at, case.origin.at + case.config.forecast_window
        while self._open and self._open[0][0] <= at:
            _, stated, kept = heapq.heappop(self._open)
            self._learned.add(stated, float(kept))
        medians, usual = [demand.median for demand in case.demands], float(case.origin.trace.rates.mean())
        for kind, stated, kept in _judged(case, seed):
            yield Said(
                trace=self._name,
                kind=kind,
                stated=stated,
                recalibrated=self._learned.of(stated),
                kept=kept,
                busy=medians[0] > _QUIET * usual,
                opening=max(medians) > max(2.0 * medians[0], usual) and medians[0] < usual,
            )
            heapq.heappush(self._open, (end, stated, kept))


def _judged(case: Case, seed: int) -> Iterator[tuple[str, float, bool]]:
    """Each plan's kind, stated confidence, and whether it kept its SLO."""
    workers = max(case.levels[0], 1)
    queue = _queue(case, workers, seed)
    waiting, busy = queue.now()
    made = planned(case, workers=workers, waiting=waiting, busy=busy)
    orders = [(change.at, change.after) for change in made.path.changes]
    yield "planner", made.confidence(), _kept(made, queue, orders)
    other, orders = drawn(case, made)
    yield "drawn", other.confidence(), _kept(other, queue, orders)


def _queue(case: Case, workers: int, seed: int) -> Queue:
    """The jobs of the trace, from half an hour or six service times before the plan to its end."""
    origin, interval = case.origin, case.origin.trace.interval
    first = max(0, origin.place - math.ceil(max(_WARM, _SERVICES * case.law.mean) / interval))
    last = origin.place + math.ceil(case.config.forecast_window.total_seconds() / interval)
    counts = origin.trace.rates[first:last] * interval
    return Queue(counts, interval, (origin.place - first) * interval, case.law, workers=workers, seed=seed)


def _kept(made: Study, queue: Queue, orders: list[tuple[float, int]]) -> bool:
    delay, latency = made.config.startup_delay.total_seconds(), made.slo.p95_latency.total_seconds()
    intervals = len(made.needs)
    broken = queue.broken(orders, delay, intervals, made.path.fluid.interval, latency)
    return broken <= made.slo.allowed_share * intervals + 1e-9

"""A plan carried out job by job on the counts that came."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from capacity_planner.simulation._crew import Crew
from capacity_planner.simulation.arrivals import CountedArrivals
from capacity_planner.simulation.tiers import PLAIN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from capacity_planner.contracts import ServiceLaw
    from capacity_planner.domain.congestion import FloatArray

_LATE = 0.05


class Queue:
    """Jobs that arrive as counted, from some time before the plan on.

    Args:
        counts: per bin.
        interval: length of a bin [s].
        before: how long before the plan they begin [s].
        law: the service time.
        workers: until the plan begins.
        seed: of arrivals within their bins, and of service times.
    """

    def __init__(
        self, counts: FloatArray, interval: float, before: float, law: ServiceLaw, *, workers: int, seed: int
    ) -> None:
        dice = np.random.default_rng(seed)
        blocks = CountedArrivals(np.rint(counts).astype(np.int64), interval).blocks(dice, dice)
        self._arrivals = np.concatenate([np.empty(0), *blocks])
        self._services = np.empty(len(self._arrivals))
        law.sample(dice, self._services)
        self._jobs = (self._arrivals.tolist(), self._services.tolist(), [math.inf] * len(self._arrivals))
        self._before, self._workers = before, workers
        self._done = 0

    def _crew(self) -> Crew:
        return Crew(self._workers, concurrency=1, orders=[], delay=0.0, box=PLAIN.box)

    def now(self) -> tuple[int, int]:
        """Jobs that wait, and jobs in service, when the plan begins."""
        crew = self._crew()
        done = self._serve(crew, 0, self._before)
        return int(np.searchsorted(self._arrivals, self._before)) - done, crew.busy(self._before)

    def broken(
        self, orders: Sequence[tuple[float, int]], delay: float, intervals: int, interval: float, latency: float
    ) -> int:
        """Intervals of the plan in which more than one job in twenty is late.

        Args:
            orders: instants [s after the plan begins] and the workers ordered then.
            delay: from order to service [s].
            intervals: of the plan.
            interval: their length [s].
            latency: a job that takes longer is late [s].
        """
        crew, done = self._crew(), 0
        for at, workers in orders:
            done = self._serve(crew, done, self._before + at)
            crew.order(self._before + at, workers, delay)
        done = self._serve(crew, done, math.inf)
        begins = np.array(self._jobs[2])
        begins[done:] = math.inf
        late = begins - self._arrivals + self._services > latency
        places = np.floor((self._arrivals - self._before) / interval).astype(int)
        inside = (places >= 0) & (places < intervals)
        counts = np.bincount(places[inside], minlength=intervals)
        numbers = np.bincount(places[inside], weights=late[inside], minlength=intervals)
        return int(np.count_nonzero(numbers > np.floor(_LATE * counts + 1e-9)))

    def _serve(self, crew: Crew, done: int, until: float) -> int:
        """Begin the jobs that begin before ``until`` [s]; how many have begun by then."""
        while True:
            due = crew.until
            if done < len(self._arrivals):
                done = PLAIN.serve(*self._jobs, crew.free, min(due, until), math.inf, done)
            if due > until or not crew.change():
                return done

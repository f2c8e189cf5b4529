"""What is kept of a simulation: sums per interval, never a job."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from capacity_planner.simulation._flow import Flow, Occupancy
from capacity_planner.simulation._histogram import Histogram, exact_quantile
from capacity_planner.simulation._peak import Peaks

if TYPE_CHECKING:
    from capacity_planner.domain.congestion import FloatArray
    from capacity_planner.simulation._crew import Crew
    from capacity_planner.simulation._flow import Segments

_LEVEL = 0.95
_HELD = 4 * 15_360  # jobs of one interval that are kept for an exact percentile


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One run in numbers; arrays have one entry per interval.

    Jobs that waited at time 0 count in what is waiting, busy, peak, longest and waited. Nobody knows when they arrived,
    so that they are not among those that arrived, and have no response time.

    Attributes:
        edges: of the intervals [s], one more than there are intervals.
        arrived: jobs that arrived.
        gone: those of them that gave up, or never found a server.
        late: those of them that took longer than the latency target, or gave up; 0 where there is no target.
        response: sum of the response times of those that were served [s].
        p95: 95th percentile of the response time of all that arrived [s]; exact up to 61 440 jobs, beyond off by no
            more than 0.1 %.
        longest: longest wait of those that arrived [s].
        waiting: integral of the number of waiting jobs [jobs s].
        peak: most jobs that waited at one time.
        busy: busy server time [s].
        serving: server time [s].
        paid: paid worker time [s].
        waited: jobs that did not begin when they arrived, in the whole run.
        total_p95: 95th percentile of the response time in the whole run [s], off by no more than 0.1 %.
    """

    edges: FloatArray
    arrived: np.ndarray
    gone: np.ndarray
    late: np.ndarray
    response: FloatArray
    p95: FloatArray
    longest: FloatArray
    waiting: FloatArray
    peak: np.ndarray
    busy: FloatArray
    serving: FloatArray
    paid: FloatArray
    waited: int
    total_p95: float


class Tally:
    """Counts blocks of jobs as they are simulated.

    Args:
        edges: of the intervals [s].
        target: of the response time [s]; infinity for none.
        patience: the longest wait [s].
    """

    def __init__(self, edges: FloatArray, *, target: float, patience: float) -> None:
        size = len(edges) - 1
        self._edges, self._target, self._patience = edges, target, patience
        self._into, self._out_of, self._busy = Flow(edges), Flow(edges), Occupancy(edges)
        self._peaks = Peaks(size)
        self._gone, self._late = np.zeros(size, dtype=np.int64), np.zeros(size, dtype=np.int64)
        self._response, self._p95, self._longest = np.zeros(size), np.zeros(size), np.zeros(size)
        self._waited = self._early = 0
        self._total = Histogram()
        self._interval, self._held, self._spilled = 0, list[np.ndarray](), Histogram()

    def add(self, arrivals: FloatArray, begins: FloatArray, services: FloatArray, *, early: bool = False) -> None:
        """Count a block.

        Args:
            arrivals: arrival times, ascending [s].
            begins: when the service of the same jobs begins [s]; infinity for one that gives up.
            services: their service times [s].
            early: they were waiting before time 0, so that nobody knows their response time.
        """
        departures, waits, served = begins, begins - arrivals, None
        responses = waits + services
        self._waited += int(np.count_nonzero(waits))
        # Who waits for ever finds that no server will come, and so does everybody after him.
        if math.isfinite(self._patience) or math.isinf(begins[-1]):
            served = np.isfinite(begins)
            departures = np.maximum.accumulate(np.where(served, begins, arrivals + self._patience))
            waits = departures - arrivals
            begins, services = begins[served], services[served]
        where = self._into.add(arrivals)
        self._out_of.add(departures)
        self._peaks.add(arrivals, departures, where)
        if len(begins):
            self._busy.add(begins, services)
        for interval, first, end in where:
            self._longest[interval] = max(self._longest[interval], float(waits[first:end].max()))
        if early:
            self._early += len(arrivals)
        else:
            self._respond(where, responses, served)

    def _respond(self, where: Segments, responses: FloatArray, served: np.ndarray | None) -> None:
        for interval, first, end in where:
            self._turn(interval)
            some = responses[first:end]
            self._held.append(some)
            if self._target < math.inf:
                self._late[interval] += np.count_nonzero(some > self._target)
            if served is None:
                self._response[interval] += some.sum()
            else:
                kept = served[first:end]
                self._gone[interval] += len(some) - np.count_nonzero(kept)
                self._response[interval] += some[kept].sum()
        if sum(map(len, self._held)) > _HELD:
            self._spill()

    def _turn(self, interval: int) -> None:
        """Close the interval that is open unless it is this one."""
        if interval != self._interval:
            self._close()
            self._interval = interval

    def _spill(self) -> None:
        for some in self._held:
            self._spilled.add(some)
        self._held = []

    def _close(self) -> None:
        if self._spilled.count:
            self._spill()
            self._p95[self._interval] = self._spilled.quantile(_LEVEL)
            self._total.merge(self._spilled)
            self._spilled = Histogram()
        elif self._held:
            some = np.concatenate(self._held)
            self._p95[self._interval] = exact_quantile(some, _LEVEL)
            self._total.add(some)
            self._held = []

    def outcome(self, crew: Crew) -> Outcome:
        """The run in numbers, once all jobs are counted."""
        self._close()
        crew.finish(float(self._edges[-1]))
        there = self._into.before - self._out_of.before
        arrived = self._into.counts[:-1].copy()
        arrived[0] -= self._early
        return Outcome(
            edges=self._edges,
            arrived=arrived,
            gone=self._gone,
            late=self._late,
            response=self._response,
            p95=self._p95,
            longest=self._longest,
            waiting=np.maximum(self._into.integrals - self._out_of.integrals, 0.0),
            peak=np.maximum(self._peaks.most, there[:-1]),
            busy=self._busy.integrals,
            serving=crew.serving.integrals(self._edges),
            paid=crew.paid.integrals(self._edges),
            waited=self._waited,
            total_p95=self._total.quantile(_LEVEL),
        )

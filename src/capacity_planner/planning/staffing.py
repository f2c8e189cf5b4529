"""The one inverse: the fewest servers that keep a target, for every queueing model."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from capacity_planner.planning._search import MOST_SERVERS, fewest, fewest_each

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from capacity_planner.contracts import QueueModel, ServiceLaw
    from capacity_planner.domain.congestion import FloatArray, ServiceTime

PERCENTILE = 0.95
_NORMAL = NormalDist()
_WORTH_A_SERVER = 0.01
# Beyond e^3 times as late as may be, or as little, only the direction counts.
_STEEP = 3.0
_LOOKED_AT = 3
_FINE = 1e-4


@dataclass(frozen=True, kw_only=True)
class Targets:
    """What a worker count can keep, in seconds and jobs; ``None`` is not promised.

    Args:
        p95_latency: 95th percentile of response time [s].
        max_backlog: jobs that may wait; the 95th percentile of the queue must stay within it.
    """

    p95_latency: float | None = None
    max_backlog: int | None = None


class Staffing:
    """How few servers keep the targets, for one queueing model and one service time.

    Args:
        model: the queueing model.
        service: facts of the service time.
        targets: what to keep. A latency that service alone exceeds is replaced by the point where more servers improve
            the p95 response by less than 1 %; `achievable` says so.
        spent: called before every evaluation of the model; raises to stop.
    """

    def __init__(
        self, model: QueueModel, service: ServiceTime, targets: Targets, spent: Callable[[], None] = lambda: None
    ) -> None:
        self._model, self._service, self._spent = model, service, spent
        self._backlog = targets.max_backlog
        self._wanted = targets.p95_latency
        self._known: dict[tuple[float, int], float] = {}

    @cached_property
    def law(self) -> ServiceLaw:
        """The service time's distribution as the model takes it."""
        return self._model.service_law(self._service)

    @cached_property
    def least_p95(self) -> float:
        """The p95 response that no number of servers can beat: the service time's own [s]."""
        return self.law.quantile(PERCENTILE)

    @cached_property
    def achievable(self) -> bool:
        """Whether enough servers keep the latency target."""
        return self._wanted is None or float(self.law.tail(self._wanted)) < 1.0 - PERCENTILE

    @cached_property
    def latency(self) -> float | None:
        """The p95 response that is staffed for [s]."""
        return self._wanted if self.achievable else self.least_p95 / (1.0 - _WORTH_A_SERVER)

    def excess(self, arrival_rate: float, servers: int) -> float:
        """By how much ``servers`` miss the targets in the steady state at ``arrival_rate`` [jobs/s].

        It is the logarithm of the share of late jobs over the share that may be late: 0 or less keeps the targets.
        """
        key = (arrival_rate, servers)
        if key not in self._known:
            self._spent()
            self._known[key] = self._evaluate(arrival_rate, servers)
        return self._known[key]

    def fewest(self, arrival_rate: float) -> int:
        """The fewest servers that keep the targets at ``arrival_rate`` [jobs/s].

        Found on the model's tail, which falls as servers are added, from the square-root staffing a + β√a: a handful of
        evaluations at any load, and never off by one.

        References:
            Halfin & Whitt (1981), Operations Research 29:567-588; Borst, Mandelbaum & Reiman (2004), Operations
            Research 52:17-34.
        """
        load = arrival_rate * self.law.mean
        if load <= 0:
            return 0
        if load >= MOST_SERVERS:
            return MOST_SERVERS
        return fewest(
            lambda servers: self.excess(arrival_rate, servers), start=self._near(load), floor=math.floor(load) + 1
        )

    def fewest_each(self, arrival_rates: FloatArray) -> NDArray[np.int64]:
        """The same for many rates at once, in as many steps as the slowest of them takes [jobs/s], shape (n,)."""
        loads = np.asarray(arrival_rates, dtype=float) * self.law.mean
        wanted = (loads > 0) & (loads < MOST_SERVERS)
        found = np.where(loads > 0, MOST_SERVERS, 0)
        rates, some = np.asarray(arrival_rates, dtype=float)[wanted], loads[wanted]
        start = self._near_each(some)
        floor = np.floor(some).astype(np.int64) + 1
        found[wanted] = fewest_each(lambda at, servers: self._enough(rates[at], servers), start, floor)
        return found

    def largest_rate(self, servers: int) -> float:
        """The largest arrival rate at which ``servers`` keep the targets [jobs/s], to one part in 10 000.

        References:
            Dowell & Jarratt (1971), BIT 11:168-174: the Illinois rule.
        """
        low, high, side = (0.0, -_STEEP), (servers / self.law.mean, _STEEP), 0
        while high[0] - low[0] > _FINE * high[0]:
            rate = low[0] + (high[0] - low[0]) * low[1] / (low[1] - high[1])
            excess = min(max(self.excess(rate, servers), -_STEEP), _STEEP)
            if excess == 0 or (excess < 0 and high[0] - rate <= _FINE * rate):
                return rate
            if excess > 0:
                low, high, side = (low[0], low[1] / 2 if side > 0 else low[1]), (rate, excess), 1
            else:
                low, high, side = (rate, excess), (high[0], high[1] / 2 if side < 0 else high[1]), -1
        return low[0]

    def _near(self, load: float) -> int:
        """About how many servers a load [erlang] takes: square-root staffing."""
        beta = _square_root_excess(load, self._slack, fixed=self.law.scv == 0.0)
        return math.ceil(load + beta * math.sqrt(load))

    def _near_each(self, loads: FloatArray) -> NDArray[np.int64]:
        """About how many servers each load takes: at a few loads square-root staffing, between them a line."""
        if not len(loads):
            return np.empty(0, dtype=np.int64)
        few = np.geomspace(loads.min(), loads.max(), _LOOKED_AT)
        beta = [_square_root_excess(load, self._slack, fixed=self.law.scv == 0.0) for load in few.tolist()]
        return np.ceil(loads + np.interp(loads, few, beta) * np.sqrt(loads)).astype(np.int64)

    def _enough(self, arrival_rates: FloatArray, servers: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether so many servers keep the targets, for each rate [jobs/s]."""
        self._spent()
        late = np.zeros(len(arrival_rates))
        if self.latency is not None:
            late = self._model.response_tail(self.latency, arrival_rates, servers, self._service)
        if self._backlog is not None:
            with np.errstate(over="ignore"):
                waits = self._backlog / arrival_rates
            late = np.maximum(late, self._model.wait_tail(waits, arrival_rates, servers, self._service))
        return np.asarray(late <= (1.0 - PERCENTILE))

    def _evaluate(self, arrival_rate: float, servers: int) -> float:
        if arrival_rate <= 0:
            return -math.inf
        if arrival_rate * self.law.mean >= servers:
            return math.inf
        late = max(self._late(arrival_rate, servers), self._crowded(arrival_rate, servers))
        return math.log(max(late, 1e-300) / (1.0 - PERCENTILE))

    def _late(self, arrival_rate: float, servers: int) -> float:
        """P(response > target)."""
        if self.latency is None:
            return 0.0
        return float(self._model.response_tail(self.latency, arrival_rate, servers, self._service))

    def _crowded(self, arrival_rate: float, servers: int) -> float:
        """P(queue > target), with the queue that a job finds as the arrivals during its wait."""
        if self._backlog is None:
            return 0.0
        return float(self._model.wait_tail(self._backlog / arrival_rate, arrival_rate, servers, self._service))

    @cached_property
    def _slack(self) -> float:
        """The wait that the latency target leaves beside a slow job, in mean service times of exponential jobs.

        Waits grow with (1 + SCV)/2 (Lee & Longton, 1959).
        """
        if self.latency is None:
            return 0.0
        return max(self.latency - self.least_p95, 0.0) / self.law.mean * 2.0 / (1.0 + self.law.scv)


def _square_root_excess(load: float, slack: float, *, fixed: bool) -> float:
    """β at which waiting takes up the slack, for many servers.

    A slack well below the service time is taken up by the mean wait (P(T > t) moves by f(t)·E[W]), a larger one by the
    waits of the slowest 5 %, and so it is where every job takes equally long.

    Args:
        load: offered load [erlang].
        slack: target less the p95 of the service time, in mean service times.
        fixed: whether service is deterministic.

    References:
        Halfin & Whitt (1981), Operations Research 29:567-588, eq. 2.3: P(W > 0) = 1/(1 + β Φ(β)/φ(β)).
    """
    low, high, root = 0.0, 4.0, math.sqrt(load)
    while high - low > min(0.01, 0.5 / root):
        beta = (low + high) / 2
        delayed = 1.0 / (1.0 + beta * _NORMAL.cdf(beta) / _NORMAL.pdf(beta))
        if slack < 1.0 and not fixed:
            late = delayed > slack * beta * root
        else:
            late = delayed * math.exp(-beta * root * slack) > 1.0 - PERCENTILE
        low, high = (beta, high) if late else (low, beta)
    return high

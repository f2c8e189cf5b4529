"""The queue as a fluid: how a backlog grows and drains while the number of serving workers changes."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """How large a backlog may be without breaking the SLO.

    Args:
        wait: longest time a job may wait [s]; infinite when no latency is promised.
        jobs: most jobs that may wait.
        drain: a backlog present at time 0 is gone by then [s].
    """

    wait: float = math.inf
    jobs: float = math.inf
    drain: float = math.inf


@dataclass(slots=True, kw_only=True)
class Fluid:
    """A walk through the intervals of a plan with a level of workers that changes.

    Args:
        rates: λ per interval [jobs/s].
        interval: length of an interval [s].
        service_rate: jobs that one worker serves per second [jobs/s].
        tolerance: how large a backlog may be.
        backlog: jobs that wait at time 0.
        serving: workers that serve at time 0.
        levels: so far, the instants [s] and the workers that serve from then on.
    """

    rates: Sequence[float]
    interval: float
    service_rate: float
    tolerance: Tolerance
    backlog: float
    serving: int
    time: float = 0.0
    starting: list[tuple[float, int]] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    least: list[int] = field(default_factory=list)
    opening: list[float] = field(default_factory=list)
    levels: list[tuple[float, int]] = field(default_factory=list)
    worker_seconds: float = 0.0

    @property
    def end(self) -> float:
        """End of the last interval [s]."""
        return len(self.rates) * self.interval

    @property
    def ordered(self) -> int:
        """Workers that serve or start."""
        return max([self.serving, *(level for _, level in self.starting)])

    def copy(self) -> Fluid:
        """A walk of its own from here on."""
        return replace(
            self,
            starting=list(self.starting),
            late=list(self.late),
            least=list(self.least),
            opening=list(self.opening),
            levels=list(self.levels),
        )

    def order(self, workers: int, ready: float) -> None:
        """Order ``workers``: fewer stop at once, those still starting first; more serve from ``ready``."""
        self.serving = min(self.serving, workers)
        self.starting = [(at, min(level, workers)) for at, level in self.starting]
        if workers > self.ordered:
            self.starting.append((ready, workers))

    def advance(self, until: float) -> None:
        """Walk on to ``until`` [s]."""
        until = min(until, self.end)
        while self.time < until - 1e-9:
            self._take_over()
            index = min(int(self.time / self.interval + 1e-9), len(self.rates) - 1)
            stops = [until, (index + 1) * self.interval, *(at for at, _ in self.starting[:1])]
            if self.tolerance.drain > self.time:
                stops.append(self.tolerance.drain)
            self._flow(index, min(stop for stop in stops if stop > self.time + 1e-9) - self.time)
        self._take_over()

    def _take_over(self) -> None:
        while self.starting and self.starting[0][0] <= self.time + 1e-9:
            self.serving = self.starting.pop(0)[1]

    def _flow(self, index: int, span: float) -> None:
        if len(self.late) <= index:
            self.late.append(0.0)
            self.least.append(self.serving)
            self.opening.append(self.backlog)
        if not self.levels or self.levels[-1][1] != self.serving:
            self.levels.append((self.time, self.serving))
        capacity = self.serving * self.service_rate
        after = max(0.0, self.backlog + (self.rates[index] - capacity) * span)
        self.late[index] += _time_above(self._limit(capacity), self.backlog, self.rates[index] - capacity, span)
        self.least[index] = min(self.least[index], self.serving)
        self.worker_seconds += self.serving * span
        self.backlog, self.time = after, self.time + span

    def _limit(self, capacity: float) -> float:
        """The backlog above which the SLO is broken now."""
        if self.time >= self.tolerance.drain - 1e-9:
            return 0.0
        patience = self.tolerance.wait * capacity if capacity else (math.inf if self.tolerance.wait == math.inf else 0)
        return min(patience, self.tolerance.jobs)


def _time_above(limit: float, start: float, slope: float, span: float) -> float:
    """How long start + slope·t, t in [0, span], is above ``limit`` and above nothing.

    >>> _time_above(100.0, 150.0, -5.0, 60.0)
    10.0
    """
    limit = max(limit, 1e-6)
    if math.isinf(limit) or slope == 0:
        return span if start > limit else 0.0
    crossing = (limit - start) / slope
    if slope < 0:
        return min(max(crossing, 0.0), span)
    return span - min(max(crossing, 0.0), span)

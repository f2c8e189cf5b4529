"""A queue whose workers a policy scales by what it sees: every job, from its arrival to the end of its service."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from capacity_planner.domain.policy import Seen
from capacity_planner.simulation._crew import Crew

if TYPE_CHECKING:
    from collections.abc import Callable

    from capacity_planner.contracts import Decide
    from capacity_planner.domain.congestion import FloatArray
    from capacity_planner.domain.policy import PolicyTask
    from capacity_planner.simulation._steps import Steps
    from capacity_planner.simulation.tiers import Tier

_FINE, _COARSE = 15.0, 30.0
_MINUTE = 60.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Loop:
    """What is to be scaled, in float seconds.

    Args:
        task: what the policy is told.
        arrivals: when jobs arrive, ascending, from 0 on [s].
        services: their service times [s].
        counts: arrivals per bin, shape (n,).
        workers: at time 0.
        lag: how old what is measured is [s].
        late_bins: newest complete bins that are not known yet.
        spread: start-up delays are uniform within so large a share of the mean around it.
        seed: of these.
    """

    task: PolicyTask
    arrivals: FloatArray
    services: FloatArray
    counts: FloatArray
    workers: int
    lag: float = 30.0
    late_bins: int = 1
    spread: float = 0.2
    seed: int = 0

    @property
    def end(self) -> float:
        """End of the last bin [s]."""
        return len(self.counts) * self.task.interval


@dataclass(frozen=True, kw_only=True, eq=False)
class Replay:
    """What a policy did, and what became of the jobs.

    Attributes:
        waits: from arrival to begin of service, per job [s]; infinite for one that was never served.
        orders: when the number of workers was changed [s], and to what.
        paid: paid workers over time, from order to the end of the last job.
        serving: servers over time.
    """

    waits: FloatArray
    orders: tuple[tuple[float, int], ...]
    paid: Steps
    serving: Steps


def run(loop: Loop, decide: Decide, period: float, tier: Tier, check: Callable[[], None] = lambda: None) -> Replay:
    """Let a policy scale a queue.

    Args:
        loop: the queue.
        decide: the policy, started.
        period: seconds between its decisions, rounded to 15 s, or from a minute on to 30 s.
        tier: how the inner loop is run; the result is the same.
        check: called about once a simulated day; raises to stop.
    """
    driver = _Driver(loop, tier)
    tick = _FINE if period < _MINUTE else _COARSE
    ticks = math.ceil(loop.end / tick - 1e-9)
    every, a_day = max(1, round(period / tick)), round(86_400.0 / tick)
    arrived = np.searchsorted(loop.arrivals, np.arange(ticks) * tick, side="left").tolist()
    for index in range(ticks):
        driver.advance(index * tick, arrived[index])
        if index % every == 0:
            driver.apply(decide(driver.seen()))
        if index % a_day == 0:
            check()
    return driver.finish()


@dataclass
class _Driver:
    loop: Loop
    tier: Tier
    now: float = 0.0
    done: int = 0
    ordered: int = 0
    orders: list[tuple[float, int]] = field(default_factory=list)
    measured: deque[tuple[float, int, int, int]] = field(default_factory=deque)
    expected: dict[float, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        task = self.loop.task
        box = self.tier.box
        self.crew = Crew(self.loop.workers, concurrency=task.concurrency, orders=[], delay=task.startup_delay, box=box)
        self.ordered = self.loop.workers
        self.jobs = box(self.loop.arrivals), box(self.loop.services), box(np.empty(len(self.loop.arrivals)))
        self.dice = np.random.default_rng(self.loop.seed)
        self.counts = np.concatenate([task.past, self.loop.counts])

    def advance(self, until: float, arrived: int) -> None:
        """Serve until ``until`` [s], and measure."""
        self._serve(until)
        self.now = until
        serving = self.ordered - sum(count for _, count in self.crew.starting)
        self.measured.append((until, serving, self.crew.busy(until), max(arrived - self.done, 0)))
        while self.measured[0][0] < until - self.loop.lag - _MINUTE - 1e-9:
            self.measured.popleft()

    def seen(self) -> Seen:
        """What a policy sees now."""
        task, lag = self.loop.task, self.loop.lag
        old = [row for row in self.measured if row[0] <= self.now - lag + 1e-9] or [self.measured[0]]
        at, serving, busy, waiting = old[-1]
        recent = [row for row in old if row[0] > at - _MINUTE]
        shares = [min(row[2] / (row[1] * task.concurrency), 1.0) if row[1] else 1.0 for row in recent]
        known = len(task.past) + int(self.now / task.interval + 1e-9) - self.loop.late_bins
        return Seen(
            now=self.now,
            ordered=self.ordered,
            starting=[(self.expected[ready], count) for ready, count in self.crew.starting],
            serving=serving,
            busy=busy,
            waiting=waiting,
            utilization=sum(shares) / len(shares),
            counts=self.counts[: max(known, 0)],
        )

    def apply(self, wanted: float) -> None:
        """Order what a policy wants."""
        task = self.loop.task
        workers = min(max(math.ceil(wanted - 1e-9), task.min_workers), task.max_workers)
        if workers == self.ordered:
            return
        delay = task.startup_delay * (1.0 + self.loop.spread * (2.0 * float(self.dice.random()) - 1.0))
        self.expected[self.now + delay] = self.now + task.startup_delay
        self.crew.order(self.now, workers, delay)
        self.ordered = workers
        self.orders.append((self.now, workers))

    def finish(self) -> Replay:
        """Serve all jobs to their end, with the workers that are there."""
        self._serve(math.inf)
        starts = np.asarray(self.jobs[2])
        starts[self.done :] = math.inf
        return Replay(
            waits=starts - self.loop.arrivals,
            orders=tuple(self.orders),
            paid=self.crew.paid,
            serving=self.crew.serving,
        )

    def _serve(self, until: float) -> None:
        crew, serve, total = self.crew, self.tier.serve, len(self.loop.arrivals)
        while True:
            due = crew.until
            if self.done < total:
                self.done = serve(*self.jobs, crew.free, min(due, until), math.inf, self.done)
            if due > until or not crew.change():
                return

"""The quantile that sets itself: the last days are replayed, and the thriftiest that kept the promise is taken."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from capacity_planner.forecasting._load import BEYOND, LEVELS
from capacity_planner.planning.steering import Knob, Steered
from capacity_planner.simulation.closed_loop import Loop, run

if TYPE_CHECKING:
    from collections.abc import Callable

    from capacity_planner.contracts import ServiceLaw
    from capacity_planner.domain.congestion import FloatArray
    from capacity_planner.domain.policy import PolicyTask
    from capacity_planner.forecasting._load import Loads
    from capacity_planner.planning.steering import Steering
    from capacity_planner.simulation.tiers import Tier

PLACES = len(LEVELS) + len(BEYOND)
PERIOD = 60.0
DAY = 86_400.0
DAYS = 7
SURE = float(LEVELS.index(0.99))
"""Where the quantile starts while nothing can be replayed."""

_SEED = 20_011


@dataclass(eq=False)
class Replays:
    """What would have become of the jobs of each day, at each place in the table of quantiles.

    Args:
        counts: jobs per bin, from the first that is replayed on, shape (n,).
        loads: what was said of the demand after each of these bins, as it was known then.
        law: of the service times.
        task: the queue.
        steering: the law of control.
        tier: how the inner loop is run.
        late_bins: newest complete bins that are not known yet.
        check: called about once a simulated day; raises to stop.
    """

    counts: FloatArray
    loads: Loads
    law: ServiceLaw
    task: PolicyTask
    steering: Steering
    tier: Tier
    late_bins: int = 1
    check: Callable[[], None] = lambda: None
    _known: dict[int, tuple[FloatArray, FloatArray]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        dice = np.random.default_rng(_SEED)
        whole = np.rint(np.nan_to_num(self.counts)).astype(np.int64)
        self._interval = self.task.interval
        times = np.repeat(np.arange(len(whole)) * self._interval, whole)
        self._arrivals = np.sort(times + dice.random(len(times)) * self._interval)
        self._services = np.empty(len(times))
        self.law.sample(dice, self._services)

    def best(self, first: float, end: float, share: float) -> float:
        """The lowest place from which on the share of jobs in time is kept, between two where it is not whole.

        Args:
            first: begin of the time that counts [s].
            end: its end [s].
            share: of the jobs that must be in time.
        """
        low, high = -1, PLACES - 1
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self._kept(middle, first, end) >= share else (middle, high)
        if high == 0 or self._kept(high, first, end) < share:
            return float(high)
        below, above = self._kept(high - 1, first, end), self._kept(high, first, end)
        return high - 1 + (share - below) / (above - below) if above > below else float(high)

    def _kept(self, place: int, first: float, end: float) -> float:
        """Share of the jobs that arrived from ``first`` to ``end`` and were in time."""
        if place not in self._known:
            self._known[place] = self._run(place)
        jobs, kept = self._known[place]
        begin, stop = int(first / self._interval), int(end / self._interval)
        total = float(jobs[begin:stop].sum())
        return float(kept[begin:stop].sum()) / total if total else 1.0

    def _run(self, place: int) -> tuple[FloatArray, FloatArray]:
        """Jobs per bin of their arrival, and those of them in time."""
        loop = Loop(
            task=replace(self.task, past=np.empty(0)),
            arrivals=self._arrivals,
            services=self._services,
            counts=np.asarray(self.counts, dtype=float),
            workers=max(1, round(float(self.loads.loads[:60].mean()) / self.task.concurrency)),
            late_bins=self.late_bins,
            seed=_SEED,
        )
        decide = Steered(self.task, self.steering, self.loads, Knob(float(place)))
        done = run(loop, decide, PERIOD, self.tier, self.check)
        bins = (self._arrivals / self._interval).astype(np.int64)
        jobs = np.bincount(bins, minlength=len(self.counts))
        kept = np.bincount(bins, done.waits <= self.task.allowed_wait, minlength=len(self.counts))
        return jobs.astype(float), kept

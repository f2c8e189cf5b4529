"""The quantile that sets itself: the last days are replayed, and the thriftiest that kept the promise is taken."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from capacity_planner.forecasting._load import BEYOND, LEVELS
from capacity_planner.planning.steering import Knob, Steered
from capacity_planner.simulation.arrivals import BLOCK
from capacity_planner.simulation.closed_loop import Loop, run

if TYPE_CHECKING:
    from collections.abc import Callable

    from capacity_planner.contracts import Decide, ServiceLaw
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
_NEARLY = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What is to be kept.

    Attributes:
        share: of the jobs, or of the windows, that are to be in time.
        window: length of a window [s]; 0 counts jobs.
        within: share of a window's jobs that must be in time for it to be.
    """

    share: float
    window: float = 0.0
    within: float = 0.95


@dataclass(eq=False, kw_only=True)
class Replays:
    """What would have become of the jobs of each day, at each place in the table of quantiles.

    Args:
        counts: jobs per bin, from the first that is replayed on, shape (n,).
        loads: what was said of the demand after each of these bins, as it was known then.
        law: of the service times.
        task: the queue.
        steering: the law of control.
        goal: what is to be kept.
        tier: how the inner loop is run.
        late_bins: newest complete bins that are not known yet.
        check: called about once a simulated day; raises to stop.
        within: holds what decides to the limits that hold in life too.
    """

    counts: FloatArray
    loads: Loads
    law: ServiceLaw
    task: PolicyTask
    steering: Steering
    goal: Goal
    tier: Tier
    late_bins: int = 1
    check: Callable[[], None] = lambda: None
    within: Callable[[Decide], Decide] = lambda decide: decide
    _known: dict[int, tuple[FloatArray, FloatArray]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        dice, others = np.random.default_rng(_SEED).spawn(2)
        whole = np.rint(np.nan_to_num(self.counts)).astype(np.int64)
        times = np.repeat(np.arange(len(whole)) * self.task.interval, whole)
        self._arrivals = np.sort(times + dice.random(len(times)) * self.task.interval)
        self._services = _drawn(self.law, others, len(times))
        self._window = self.goal.window or self.task.interval

    def best(self, first: float, end: float) -> float:
        """The lowest place that reaches the goal, between two where it is not whole.

        Where no place reaches it, the lowest that comes near what the highest keeps, within a tenth of what that
        misses: some jobs, such as those of a morning before the first worker is there, no quantile can help.

        Args:
            first: begin of the time that counts [s].
            end: its end [s].
        """
        share = self.goal.share
        most = self._kept(PLACES - 1, first, end)
        wanted = share if most >= share else most - _NEARLY * (1.0 - most)
        low, high = -1, PLACES - 1
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self._kept(middle, first, end) >= wanted else (middle, high)
        if high == 0:
            return 0.0
        below, above = self._kept(high - 1, first, end), self._kept(high, first, end)
        return high - 1 + (wanted - below) / (above - below) if above > below else float(high)

    def _kept(self, place: int, first: float, end: float) -> float:
        """Share of the jobs, or of the windows with jobs, from ``first`` to ``end`` that were in time."""
        if place not in self._known:
            self._known[place] = self._run(place)
        begin, stop = int(first / self._window), int(end / self._window)
        jobs, kept = (part[begin:stop] for part in self._known[place])
        if self.goal.window:
            jobs, kept = (jobs > 0).astype(float), ((jobs > 0) & (kept >= self.goal.within * jobs)).astype(float)
        total = float(jobs.sum())
        return float(kept.sum()) / total if total else 1.0

    def _run(self, place: int) -> tuple[FloatArray, FloatArray]:
        """Jobs by the window of their arrival, and those of them in time."""
        loop = Loop(
            task=replace(self.task, past=np.empty(0)),
            arrivals=self._arrivals,
            services=self._services,
            counts=np.asarray(self.counts, dtype=float),
            workers=max(1, round(float(self.loads.loads[:60].mean()) / self.task.concurrency)),
            late_bins=self.late_bins,
            seed=_SEED,
        )
        decide = self.within(Steered(self.task, self.steering, self.loads, Knob(float(place))))
        done = run(loop, decide, PERIOD, self.tier, self.check)
        windows = (self._arrivals / self._window).astype(np.int64)
        count = int(np.ceil(loop.end / self._window - 1e-9))
        jobs: FloatArray = np.bincount(windows, minlength=count).astype(float)
        taken, allowed = done.waits, self.task.allowed_wait
        if self.task.latency:
            taken, allowed = done.waits + self._services, self.task.latency
        kept: FloatArray = np.bincount(windows, taken <= allowed, minlength=count).astype(float)
        return jobs, kept


def _drawn(law: ServiceLaw, dice: np.random.Generator, count: int) -> FloatArray:
    """Service times in whole blocks, so that how many jobs are still to come makes none of them different."""
    blocks = [np.empty(BLOCK) for _ in range(-(-count // BLOCK))]
    for block in blocks:
        law.sample(dice, block)
    return np.concatenate([*blocks, np.empty(0)])[:count]

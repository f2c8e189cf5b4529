"""A checked backtest → the jobs that every policy meets, in float seconds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from capacity_planner.domain.congestion import ServiceTime
from capacity_planner.domain.policy import PolicyTask
from capacity_planner.domain.scenario import ServiceFamily
from capacity_planner.queueing._empirical import Empirical
from capacity_planner.queueing._families import law_of_family
from capacity_planner.queueing._service import fit_service
from capacity_planner.simulation.closed_loop import Loop

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from numpy.typing import NDArray

    from capacity_planner.contracts import ServiceLaw
    from capacity_planner.domain.backtest import BacktestScenario
    from capacity_planner.domain.congestion import FloatArray

MINUTE = 60.0
WINDOW = 300.0
_DAY = 1_440
_LONGEST_WARMUP = 14 * _DAY
_HOUR = 60
_AT_ONCE = 1_000_000
_CAREFUL = 1e-9


@dataclass(frozen=True, kw_only=True, eq=False)
class Stage:
    """The queue that all policies scale; time 0 is the begin of the replay, some time before what is scored.

    Attributes:
        loop: the queue.
        counts: jobs per minute of the whole history, shape (n,).
        law: of the service times.
        begin: of the scored time [s].
        allowed: the longest wait of a job in time, or with ``by_response`` the longest response [s].
        by_response: which of the two counts.
        gaps: intervals of the history that were filled.
    """

    loop: Loop
    counts: FloatArray
    law: ServiceLaw
    begin: float
    allowed: float
    by_response: bool
    gaps: int

    @property
    def task(self) -> PolicyTask:
        """What policies are told."""
        return self.loop.task

    @property
    def hours(self) -> float:
        """Length of the scored time [h]."""
        return (self.loop.end - self.begin) / 3_600.0

    @cached_property
    def first(self) -> int:
        """The first job that is scored."""
        return int(np.searchsorted(self.loop.arrivals, self.begin, side="left"))

    @cached_property
    def windows(self) -> NDArray[np.int64]:
        """The 5-minute window in which each scored job arrived."""
        return ((self.loop.arrivals[self.first :] - self.begin) / WINDOW).astype(np.int64)

    def in_time(self, waits: FloatArray) -> NDArray[np.bool_]:
        """Which scored jobs were in time.

        Args:
            waits: of all jobs [s].
        """
        taken = waits[self.first :]
        if self.by_response:
            taken = taken + self.loop.services[self.first :]
        return np.asarray(taken <= self.allowed + _CAREFUL)


def stage_of(scenario: BacktestScenario, seed: int, check: Callable[[], None] = lambda: None) -> Stage:
    """The jobs of a checked scenario.

    Args:
        scenario: the question.
        seed: of the random streams.
        check: called every million jobs; raises to stop.
    """
    minutes, law = minutes_of(scenario), service_law(scenario)
    arrivals, gaps = _arrivals(scenario, minutes, seed, check)
    counts = np.bincount(np.minimum((arrivals / MINUTE).astype(np.int64), minutes - 1), minlength=minutes).astype(float)
    warmup = warmup_of(scenario)
    learned = warmup - min(_DAY, warmup // 2)
    skipped = int(np.searchsorted(arrivals, learned * MINUTE, side="left"))
    replayed = arrivals[skipped:] - learned * MINUTE
    latency = scenario.slo.p95_latency.total_seconds()
    wait = None if scenario.allowed_wait is None else scenario.allowed_wait.total_seconds()
    task = PolicyTask(
        service_time=law.mean,
        startup_delay=scenario.startup_delay.total_seconds(),
        allowed_wait=max(latency - law.quantile(0.95), 0.0) if wait is None else wait,
        latency=latency if wait is None else 0.0,
        share=scenario.asked_share,
        min_workers=scenario.min_workers,
        max_workers=scenario.max_workers,
        concurrency=scenario.worker_concurrency,
        interval=MINUTE,
        past=counts[:learned],
    )
    loop = Loop(
        task=task,
        arrivals=replayed,
        services=_services(scenario, law, (skipped, len(arrivals)), seed, check),
        counts=counts[learned:],
        workers=_at_start(task, counts, learned),
        lag=scenario.metric_lag.total_seconds(),
        late_bins=scenario.late_bins,
        spread=scenario.startup_spread,
        seed=seed,
    )
    return Stage(
        loop=loop,
        counts=counts,
        law=law,
        begin=(warmup - learned) * MINUTE,
        allowed=latency if wait is None else wait,
        by_response=wait is None,
        gaps=gaps,
    )


def service_law(scenario: BacktestScenario) -> ServiceLaw:
    """The law of service times: measured ones where there are any, else the family's.

    Raises:
        PlannerError: ``CONFIG_INVALID`` or ``INVALID_METRICS`` where there is no such law.
    """
    if scenario.trace and scenario.trace.service_times:
        return Empirical.of(scenario.trace.service_times)
    facts = ServiceTime(
        mean=scenario.service_time.total_seconds(),
        std=_seconds(scenario.service_time_std),
        p95=_seconds(scenario.service_time_p95) or None,
    )
    family = scenario.service_family
    return fit_service(facts) if family is ServiceFamily.AUTO else law_of_family(family, facts)


def bins_of(scenario: BacktestScenario) -> tuple[tuple[int | None, ...], float]:
    """The counts of a scenario, and the length of their interval [s]."""
    trace = scenario.trace
    if trace and not scenario.counts:
        return trace.counts, trace.interval.total_seconds()
    return scenario.counts, scenario.interval.total_seconds()


def minutes_of(scenario: BacktestScenario) -> int:
    """Whole minutes that the history lasts."""
    if scenario.trace and scenario.trace.arrival_times:
        return math.floor(scenario.trace.arrival_times[-1] / MINUTE) + 1
    counts, interval = bins_of(scenario)
    return math.floor(len(counts) * interval / MINUTE + _CAREFUL)


def warmup_of(scenario: BacktestScenario) -> int:
    """Minutes that policies only learn from."""
    if scenario.warmup is None:
        return min(minutes_of(scenario) // 2, _LONGEST_WARMUP)
    return math.floor(scenario.warmup.total_seconds() / MINUTE)


def filled(counts: tuple[int | None, ...], interval: float) -> tuple[NDArray[np.int64], int]:
    """Counts without gaps, and how many there were.

    A gap is filled by the same time a day before, or else a day after, or else between its neighbours: zeros would
    make every policy dismiss its workers.

    >>> filled((4, None, 8), 60.0)
    (array([4, 6, 8]), 1)
    """
    known = np.array([math.nan if count is None else float(count) for count in counts])
    gaps = np.flatnonzero(np.isnan(known))
    if not len(gaps):
        return known.astype(np.int64), 0
    places, there = np.arange(len(known)), np.flatnonzero(~np.isnan(known))
    between = np.interp(places, there, known[there])
    day = round(86_400.0 / interval)
    for at in gaps.tolist():
        others = [known[other] for other in (at - day, at + day) if 0 <= other < len(known)]
        known[at] = next((other for other in others if not math.isnan(other)), between[at])
    return np.rint(known).astype(np.int64), len(gaps)


def _arrivals(scenario: BacktestScenario, minutes: int, seed: int, check: Callable[[], None]) -> tuple[FloatArray, int]:
    """When all jobs arrive [s], and how many gaps were filled.

    They are uniform within their interval, so that the minutes of a longer one share its jobs at random.
    """
    if scenario.trace and scenario.trace.arrival_times:
        return np.array(scenario.trace.arrival_times), 0
    raw, interval = bins_of(scenario)
    counts, gaps = filled(raw, interval)
    times, done = np.empty(int(counts.sum())), 0
    dice = np.random.default_rng([seed, 1])
    cuts = np.searchsorted(np.cumsum(counts), np.arange(_AT_ONCE, len(times), _AT_ONCE), side="left") + 1
    for places in np.split(np.arange(len(counts)), np.unique(cuts)):
        check()
        part = np.repeat(places * interval, counts[places])
        part += dice.random(len(part)) * interval
        part.sort()
        times[done : done + len(part)] = part
        done += len(part)
    return times[: np.searchsorted(times, minutes * MINUTE, side="left")], gaps


def _services(
    scenario: BacktestScenario, law: ServiceLaw, jobs: tuple[int, int], seed: int, check: Callable[[], None]
) -> FloatArray:
    """Service times of the jobs that are replayed: their own, or drawn."""
    (first, end), trace = jobs, scenario.trace
    if trace and trace.arrival_times and len(trace.service_times) == len(trace.arrival_times):
        return np.array(trace.service_times[first:end])
    drawn, dice = np.empty(end - first), np.random.default_rng([seed, 2])
    for at in range(0, len(drawn), _AT_ONCE):
        check()
        law.sample(dice, drawn[at : at + _AT_ONCE])
    return drawn


def _at_start(task: PolicyTask, counts: FloatArray, learned: int) -> int:
    """Workers at the begin of the replay, the same for all: what the hour before had in service."""
    hour = counts[max(learned - _HOUR, 0) : learned] if learned else counts[:_HOUR]
    load = float(hour.mean()) / MINUTE * task.service_time / task.concurrency
    return min(max(math.ceil(load), task.min_workers), task.max_workers)


def _seconds(value: timedelta | None) -> float | None:
    return None if value is None else value.total_seconds()

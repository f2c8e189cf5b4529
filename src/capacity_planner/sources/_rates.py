"""Two readings of a queue → one sample: rates from counters, and a reason where they cannot be had."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING

from capacity_planner.domain.metrics import Metrics
from capacity_planner.domain.scaling import Gap
from capacity_planner.sources._service_time import Clocked, ServiceTime, Work
from capacity_planner.units import from_seconds, words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

_SHORTEST = 0.05
_LONGEST_FIRST = 3600.0
_INTERVALS, _SHORT = 10.0, 60.0
_LAST_INTERVALS = 3
_CLOCKS_DIFFER = 5.0
_ROUNDING = 1e-6
WORKERS = "workers"
"""The kind of counters of finished jobs that `Reading.worked` goes with; next to `Reading.arrived` it misses none."""


@dataclass(frozen=True, slots=True)
class Tally:
    """A counter that only grows.

    Attributes:
        value: what it says.
        age: since it began at zero [s]; infinite where that is not known.
    """

    value: float
    age: float = math.inf


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a server says about a queue at one instant.

    Attributes:
        waiting: jobs that no worker has taken.
        taken: jobs that workers hold, those that they fetched ahead included.
        workers: workers that run; 0 where that is not known.
        slots: jobs that they can serve at once; 0 where that is not known.
        shared: whether the slots serve other queues, too.
        active: jobs of those taken that are at work; ``None`` takes as many as there are slots for.
        counted: jobs of those taken that `finished` counts already, where it counts a job when it begins.
        later: jobs that are counted as arrived, but are not due yet.
        arrived: counters of arrivals, by name.
        finished: kinds of counters of jobs that ended. Each may miss some, so the one that grew most counts.
        worked: the time that the jobs of the kind `WORKERS` took [s].
        busy: slots that were busy on average since the reading before.
        times: service times of the jobs that ended last [s].
        outages: how often the server did not answer up to then.
        at: when, by a clock that never jumps [s].
    """

    waiting: int
    taken: int
    workers: int = 0
    slots: int = 0
    shared: bool = False
    active: int | None = None
    counted: int = 0
    later: int = 0
    arrived: Mapping[str, Tally] | None = None
    finished: Mapping[str, Mapping[str, Tally]] = field(default_factory=dict)
    worked: Mapping[str, Tally] | None = None
    busy: float | None = None
    times: Sequence[float] = ()
    outages: int = 0
    at: float = field(default_factory=lambda: monotonic())  # noqa: PLW0108 - the clock is looked up when it is read


@dataclass(slots=True)
class _Known:
    reading: Reading
    intervals: deque[float] = field(default_factory=lambda: deque(maxlen=_LAST_INTERVALS))
    clocked: Clocked = field(default_factory=Clocked)


class Ledger:
    """The newest reading of every queue; safe to share between threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._known: dict[str, _Known] = {}

    def sample(self, queue_name: str, until: datetime, reading: Reading) -> Sequence[Metrics] | Gap:
        """The sample that a reading makes with the one before.

        Args:
            queue_name: the queue.
            until: the sample's time.
            reading: the newest.
        """
        with self._lock:
            known = self._known.setdefault(queue_name, _Known(reading))
            before, known.reading = known.reading, reading
            if before is reading:
                return Gap(reason="This is the first reading of the queue; a rate needs two.")
            elapsed = reading.at - before.at
            if elapsed < _SHORTEST:
                known.reading = before
                return ()
            longest = max(_INTERVALS * max(known.intervals), _SHORT) if known.intervals else _LONGEST_FIRST
            known.intervals.append(elapsed)
            if elapsed > longest:
                pause = words(timedelta(seconds=round(elapsed)))
                return Gap(reason=f"The queue was not read for {pause}; a rate needs two readings near each other.")
            return _sample(queue_name, until, before, reading, known.clocked)

    def anew(self, queue_name: str, reading: Reading, why: str) -> Gap:
        """Begin anew with a reading that cannot be held against the one before."""
        with self._lock:
            known = self._known.setdefault(queue_name, _Known(reading))
            known.reading = reading
            return Gap(reason=why)

    def forget(self, queue_name: str) -> None:
        """Let the next reading of a queue be its first."""
        with self._lock:
            self._known.pop(queue_name, None)


def grown(before: Mapping[str, Tally], now: Mapping[str, Tally], elapsed: float) -> float | None:
    """By how much counters grew in all; ``None`` where one was set back.

    A counter that was not there before counts from zero if it is no older than that, and is only remembered otherwise:
    it had been out of sight. One that is gone counts as far as it was seen.
    """
    total = 0.0
    for name, tally in now.items():
        if name in before:
            step = tally.value - before[name].value
            if step < -_ROUNDING:
                return None
        else:
            step = tally.value if tally.age <= elapsed + _CLOCKS_DIFFER else 0.0
        total += step
    return total


def _sample(
    queue_name: str, until: datetime, before: Reading, now: Reading, clocked: Clocked
) -> Sequence[Metrics] | Gap:
    elapsed = now.at - before.at
    arrived = None if before.arrived is None or now.arrived is None else grown(before.arrived, now.arrived, elapsed)
    kinds = [kind for kind in now.finished if kind in before.finished]
    steps = [grown(before.finished[kind], now.finished[kind], elapsed) for kind in kinds]
    if (now.arrived is not None and before.arrived is not None and arrived is None) or None in steps:
        return Gap(reason="A counter of the queue was set back, so nothing can be told of the time before.")
    served = max((step for step in steps if step is not None), default=None)
    more = now.waiting + now.taken - before.waiting - before.taken
    due = None if arrived is None else arrived - (now.later - before.later)
    kept = None if served is None else served + more - (now.counted - before.counted)
    came = [count for count in (due, kept) if count is not None]
    if not came:
        return Gap(reason="What finished could not be counted, neither now nor before, so the arrivals are not known.")
    arrivals = max(came)
    if arrivals < -(before.taken + now.taken + 1):
        return Gap(reason=f"{-arrivals:.0f} jobs left the queue without being worked on; no rate can be told.")
    handled = arrivals if kept is None or WORKERS not in kinds else kept  # what was deleted arrived and was not served
    work = _work(before, now, elapsed, max(handled - more, 0.0))
    return (_metrics(queue_name, until, max(arrivals, 0.0) / elapsed, before, now, work, clocked.update(work)),)


def _work(before: Reading, now: Reading, elapsed: float, served: float) -> Work:
    undisturbed = now.outages == before.outages
    deliveries = served + now.taken - before.taken
    never_empty = undisturbed and before.waiting > deliveries and not (before.shared or now.shared)
    same_slots, stalled, counted = before.slots == now.slots, False, None
    if before.worked is not None and now.worked is not None:
        was, jobs = before.finished[WORKERS], now.finished[WORKERS]
        counted = grown(was, jobs, elapsed) or 0.0, grown(before.worked, now.worked, elapsed) or 0.0
        same_slots = same_slots and was.keys() == jobs.keys()
        stalled = never_empty and any(jobs[worker].value <= was[worker].value for worker in was.keys() & jobs.keys())
    return Work(
        elapsed=elapsed,
        served=served,
        counted=counted,
        busy=now.busy if undisturbed else None,
        times=now.times,
        saturated=now.slots if never_empty and same_slots and not stalled else 0,
        stalled=stalled,
    )


def _metrics(
    queue_name: str, until: datetime, rate: float, before: Reading, now: Reading, work: Work, service: ServiceTime
) -> Metrics:
    active = _active(now)
    return Metrics(
        timestamp=until,
        arrival_rate=rate,
        service_time=from_seconds(service.mean or 0.0),
        service_time_std=None if service.std is None else from_seconds(service.std),
        service_time_p95=None if service.p95 is None else from_seconds(service.p95),
        current_workers=now.workers,
        utilization=_utilization(before, now, work, service),
        backlog=now.waiting + now.taken - active,
        active_jobs=active,
        queue_name=queue_name,
    )


def _utilization(before: Reading, now: Reading, work: Work, service: ServiceTime) -> float:
    """The share of the slots' time that jobs held: of the time in between where that is known, else at this instant."""
    slots = (before.slots + now.slots) / 2
    if not slots or not now.slots:
        return 0.0
    if service.mean is not None and work.served >= slots:
        return min(work.served * service.mean / (slots * work.elapsed), 1.0)
    return min((_active(now) if work.busy is None else work.busy) / now.slots, 1.0)


def _active(reading: Reading) -> int:
    if reading.active is not None:
        return reading.active
    return min(reading.taken, reading.slots) if reading.slots else reading.taken

"""How long a job holds a slot, from what a server tells about it: counters, jobs that ended, or busy slots."""

from __future__ import annotations

from collections import deque
from copy import deepcopy
from dataclasses import dataclass
from statistics import fmean, quantiles, stdev
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_ENOUGH_JOBS = 100.0
_FEWEST_INFERRED = 10.0
_FEWEST_FOR_SPREAD = 20
_FEWEST_SATURATED = 30.0


@dataclass(frozen=True, slots=True)
class ServiceTime:
    """The service time S as far as it is known [s].

    Attributes:
        mean: E[S], with what a slot loses between jobs as far as it was seen.
        std: standard deviation.
        p95: 95th percentile.
    """

    mean: float | None = None
    std: float | None = None
    p95: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What was done between two readings.

    Attributes:
        elapsed: time in between [s].
        served: jobs that ended.
        counted: jobs and the service times of all of these together [s], where counters say so.
        busy: slots that were busy on average, where that was watched.
        times: service times of the jobs that ended last [s].
        saturated: slots, where none of them can have been idle for want of jobs; 0 otherwise.
        stalled: whether a worker ended nothing though jobs waited: it may be dead, and have died before that.
    """

    elapsed: float
    served: float
    counted: tuple[float, float] | None = None
    busy: float | None = None
    times: Sequence[float] = ()
    saturated: int = 0
    stalled: bool = False


class _Recent:
    """Seconds per job of the last hundred jobs or more."""

    def __init__(self, fewest: float) -> None:
        self._fewest = fewest
        self._parts: deque[tuple[float, float]] = deque()

    def add(self, jobs: float, seconds: float) -> None:
        if self._parts and not jobs:  # a long job is one of many readings
            jobs, seconds = self._parts[-1][0], self._parts.pop()[1] + seconds
        if jobs or seconds:
            self._parts.append((jobs, seconds))
        while self._parts and self._jobs() - self._parts[0][0] >= _ENOUGH_JOBS:
            self._parts.popleft()

    def mean(self) -> float | None:
        jobs = self._jobs()
        return sum(seconds for _, seconds in self._parts) / jobs if jobs >= self._fewest else None

    def _jobs(self) -> float:
        return sum(jobs for jobs, _ in self._parts)


class Clocked:
    """The service time of one queue, from one reading to the next.

    The mean is of the last hundred jobs at least: by counters where there are any, else of single jobs, else by the
    utilisation law S = busy slots × time / jobs. Where a queue never ran empty, slots × time / jobs is what a job
    really costs. It is more than its service time by what is lost between jobs, to a fork or in waiting for another
    queue first; that loss is remembered for the time in which it cannot be seen. What was learned last is taken back
    where a worker turns out to have ended nothing since: a dead one would pass for one that loses its time.
    """

    def __init__(self) -> None:
        self._counted, self._inferred = _Recent(fewest=1.0), _Recent(fewest=_FEWEST_INFERRED)
        self._lost = self._lost_before = _Recent(fewest=_FEWEST_SATURATED)

    def update(self, work: Work) -> ServiceTime:
        """The service time after some more work."""
        held = work.saturated * work.elapsed
        nominal = self._nominal(work, held)
        if nominal is None:
            return ServiceTime()
        self._learn_loss(work, held)
        lost = max(0.0, self._lost.mean() or 0.0)
        if len(work.times) < _FEWEST_FOR_SPREAD:
            return ServiceTime(mean=nominal + lost)
        return ServiceTime(mean=nominal + lost, std=stdev(work.times), p95=_p95(work.times) + lost)

    def _learn_loss(self, work: Work, held: float) -> None:
        if work.stalled:
            self._lost = self._lost_before
            return
        self._lost_before = deepcopy(self._lost)
        if held and work.served:
            self._lost.add(work.served, held - _worked(work, held))

    def _nominal(self, work: Work, held: float) -> float | None:
        if work.counted is not None:
            self._counted.add(*work.counted)
        mean = self._counted.mean()
        if mean is not None and work.counted is not None:
            return mean
        if work.times:
            return fmean(work.times)
        if work.busy is not None:
            self._inferred.add(work.served, work.busy * work.elapsed)
        elif held:
            self._inferred.add(work.served, held)
        return self._inferred.mean()


def _worked(work: Work, held: float) -> float:
    """The time that jobs took of what slots × time were held [s]: of this time alone, for another mean lags behind."""
    if work.counted is not None and work.counted[0]:
        return work.counted[1] / work.counted[0] * work.served
    if work.times:
        return fmean(work.times) * work.served
    return held if work.busy is None else work.busy * work.elapsed


def _p95(times: Sequence[float]) -> float:
    return quantiles(times, n=20, method="inclusive")[-1]

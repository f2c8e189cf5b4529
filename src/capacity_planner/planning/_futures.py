"""A queue carried along many futures of the arrival rate at once, and what it does to the SLO in each of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from capacity_planner.planning._futures_draws import split
from capacity_planner.planning._futures_late import Lateness
from capacity_planner.planning._futures_queue import Slots, occupied, reflected, variability

if TYPE_CHECKING:
    from collections.abc import Sequence

    from capacity_planner.contracts import ServiceLaw
    from capacity_planner.domain.congestion import FloatArray

    Levels: TypeAlias = Sequence[tuple[float, int]]

BoolArray: TypeAlias = NDArray[np.bool_]

_MOST_SLOTS = 192
_PER_SERVICE = 4.0
_LONG = 2.0
_TOLERATED = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """What an interval must keep; infinite where nothing is promised.

    Args:
        latency: 95 % of the jobs that arrive in it are done in this time [s].
        jobs: as many may wait in 95 % of the time.
        drain: in 95 % of the time nobody has to wait longer, and what waits at time 0 is gone after it [s].
    """

    latency: float = math.inf
    jobs: float = math.inf
    drain: float = math.inf


@dataclass(frozen=True, kw_only=True, eq=False)
class Futures:
    """What may come: arrivals, and how service goes, the same for every plan that is carried out.

    Where service takes longer than a slot, the number of jobs in the system is followed from slot to slot, else the
    work that waits. The counts of the intervals are taken as they are, so that the noise of counting is not in twice;
    within an interval they are spread at random.

    Args:
        rates: of the arrivals, shape (futures, intervals) [jobs/s].
        interval: length of an interval [s].
        law: the service time.
        promise: what an interval must keep.
        waiting: jobs that wait at time 0.
        busy: jobs in service at time 0.
        concurrency: servers per worker.
        seed: of all that is drawn.
    """

    rates: FloatArray
    interval: float
    law: ServiceLaw
    promise: Promise
    waiting: float = 0.0
    busy: float = 0.0
    concurrency: int = 1
    seed: Sequence[int] = (0,)

    def broken(self, *plans: Levels) -> BoolArray:
        """Whether each interval breaks the promise, in each future, shape (plans, futures, intervals).

        Args:
            plans: each the instants [s] and the workers that serve from then on, ascending, the first at time 0.
        """
        servers = np.stack([self._servers(plan) for plan in plans], axis=1)
        carry = occupied if self._long else reflected
        slots = Slots(self._arrivals, servers, self._noise, self._length, self.law.mean, self.law.scv, self._services)
        excess, ends = carry(slots, self.waiting, self.busy)
        late = self._late(excess, servers)
        return np.asarray(late | self._crowded(ends) | self._lingering(excess, ends, servers))

    @cached_property
    def _each(self) -> int:
        """Slots in an interval: enough to follow a service time, and not more than the window can have."""
        most: int = max(1, _MOST_SLOTS // self.rates.shape[1])
        if self.law.mean < _LONG * self.interval / most:
            return most
        return min(most, math.ceil(_PER_SERVICE * self.interval / self.law.mean))

    @property
    def _length(self) -> float:
        return self.interval / self._each

    @property
    def _services(self) -> float:
        """How many service times long an interval is."""
        return self.interval / self.law.mean

    @property
    def _long(self) -> bool:
        return self.law.mean >= _LONG * self._length

    @cached_property
    def _dice(self) -> tuple[np.random.Generator, ...]:
        """Of arrivals, of services, and of which jobs are late."""
        return tuple(map(np.random.default_rng, np.random.SeedSequence(self.seed).spawn(3)))

    @cached_property
    def _arrivals(self) -> FloatArray:
        """Jobs that arrive in each slot, shape (slots, futures)."""
        return split(self.rates * self.interval, self._each, self._dice[0])

    @cached_property
    def _noise(self) -> FloatArray:
        return self._dice[1].standard_normal(self._arrivals.shape)

    @cached_property
    def _luck(self) -> FloatArray:
        return self._dice[2].standard_normal(self.rates.shape[::-1])

    def _servers(self, plan: Levels) -> FloatArray:
        """Servers that serve in each slot, on average over it, shape (slots,)."""
        edges = np.arange(len(self._arrivals) + 1) * self._length
        times = np.array([*(at for at, _ in plan), max(edges[-1], plan[-1][0]) + self._length])
        work = np.cumsum([0.0, *(np.diff(times) * [workers for _, workers in plan])])
        servers: FloatArray = np.diff(np.interp(edges, times, work)) * (self.concurrency / self._length)
        return servers

    def _capacity(self, servers: FloatArray, span: float) -> FloatArray:
        """Jobs that can begin in ``span`` seconds from the middle of each slot on, shape (slots, plans)."""
        rates = servers / self.law.mean
        edges = np.append(np.arange(len(servers) + 1) * self._length, len(servers) * self._length + span)
        begun = np.concatenate([[rates[0] * 0.0], np.cumsum(rates * self._length, axis=0), [rates[-1] * span]])
        begun[-1] += begun[-2]
        middle = edges[: len(servers)] + 0.5 * self._length
        ahead = [np.interp(middle + span, edges, line) - np.interp(middle, edges, line) for line in begun.T]
        return np.stack(ahead, axis=1)

    def _late(self, excess: FloatArray, servers: FloatArray) -> BoolArray:
        """Whether too many jobs of an interval are late."""
        if math.isinf(self.promise.latency):
            return np.zeros((excess.shape[1], *self.rates.shape), dtype=bool)
        capacity = self._capacity(servers, self.promise.latency)
        plans = zip(np.moveaxis(excess, 1, 0), servers.T, capacity.T, strict=True)
        return np.stack([self._too_late(*plan) for plan in plans])

    def _too_late(self, excess: FloatArray, servers: FloatArray, capacity: FloatArray) -> BoolArray:
        """The same for one plan, shape (futures, intervals)."""
        lateness = Lateness(self.law, self.promise.latency, float(servers.mean()))
        wait = np.clip(excess / np.maximum(capacity, 1e-9)[:, None], 0.0, 1.0)
        share, weights = self._per_interval(lateness.share(wait)), self._per_interval(self._arrivals)
        if not self._long:
            share = np.maximum(share, self._steady(lateness, servers)[:, None])
        late, arrived = (share * weights).sum(axis=1), np.maximum(weights.sum(axis=1), 1e-12)
        counts = np.rint(self.rates.T * self.interval)
        return lateness.too_many(counts, late / arrived, self._luck).T

    def _steady(self, lateness: Lateness, servers: FloatArray) -> FloatArray:
        """P(late) where nothing is left of the intervals before, shape (intervals, futures)."""
        number = self._per_interval(servers).mean(axis=1)[:, None]
        arrivals, served = self.rates.T * self._length, number * (self._length / self.law.mean)
        return lateness.steady(arrivals, served, number, variability(self.law.scv, self._services))

    def _crowded(self, ends: FloatArray) -> BoolArray:
        """Whether too many jobs wait, for too long a time."""
        return self._too_often(ends > self.promise.jobs)

    def _lingering(self, excess: FloatArray, ends: FloatArray, servers: FloatArray) -> BoolArray:
        """Whether a backlog takes too long to drain, for too long a time."""
        if math.isinf(self.promise.drain):
            return self._too_often(np.zeros(excess.shape, dtype=bool))
        lingers = excess > self._capacity(servers, self.promise.drain)[..., None]
        if self.waiting:
            due = (np.arange(len(ends)) + 1.0) * self._length > self.promise.drain
            lingers |= due[:, None, None] & (np.minimum.accumulate(ends, axis=0) > 0.0)
        return self._too_often(lingers)

    def _too_often(self, slots: BoolArray) -> BoolArray:
        return _by_plan(self._per_interval(slots).sum(axis=1) > _TOLERATED * self._each)

    def _per_interval(self, slots: NDArray[Any]) -> NDArray[Any]:
        """From (slots, ...) to (intervals, slots in each, ...)."""
        return slots.reshape(-1, self._each, *slots.shape[1:])


def _by_plan(broken: BoolArray) -> BoolArray:
    """From (intervals, plans, futures) to (plans, futures, intervals)."""
    return broken.transpose(1, 2, 0)

"""The two ways in which a queue is carried from slot to slot: by the jobs in the system, or by the work that waits."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from capacity_planner.domain.congestion import FloatArray

# How much of a difference from an SCV of 1 shows in the departures of busy servers. In a short time those of many
# servers are as random as Poisson's, whatever the law. What is less regular shows in full only over many services: half
# of it in an interval of sixty (found by comparison with job by job).
_REGULAR, _IRREGULAR = 0.7, 60.0
# E[max of a Brownian motion] less that at even steps, in standard deviations of a step.
_BETWEEN = 0.5826


@dataclass(frozen=True, slots=True)
class Slots:
    """What a queue meets in slots of even length.

    Args:
        arrivals: jobs, shape (slots, futures).
        servers: that serve, shape (slots, plans).
        noise: standard normal, shape (slots, futures): how service goes.
        length: of a slot [s].
        mean: E[S] [s].
        scv: Var[S]/E[S]².
        services: how many service times long an interval is.
    """

    arrivals: FloatArray
    servers: FloatArray
    noise: FloatArray
    length: float
    mean: float
    scv: float
    services: float


def occupied(slots: Slots, waiting: float, busy: float) -> tuple[FloatArray, FloatArray]:
    """Jobs in the system, where service takes longer than a slot.

    While servers are free every job leaves at its own rate, as from infinitely many; while they are not, jobs leave at
    theirs. The jobs of workers that are taken away end there, and hold up nobody.

    Args:
        slots: what the queue meets.
        waiting: jobs that wait at time 0.
        busy: jobs in service at time 0.

    Returns:
        Jobs that a job in the slot finds before it beyond the servers, and jobs that wait at the slot's end, negative
        where servers are free, both of shape (slots, plans, futures).
    """
    leaves = -math.expm1(-slots.length / slots.mean)
    early = 1.0 - leaves * slots.mean / slots.length
    servers, most = slots.servers[..., None], slots.servers[..., None] * (slots.length / slots.mean)
    spread = leaves * (1.0 - leaves)
    fewer = [False, *(np.diff(slots.servers, axis=0).min(axis=1) < 0.0).tolist()]
    gone, random = slots.arrivals * early, slots.arrivals * (early * (1.0 - early))
    noisy = most * variability(slots.scv, slots.services, _REGULAR)
    jobs = np.empty((len(servers) + 1, servers.shape[1], slots.arrivals.shape[1]))
    jobs[0] = waiting + busy
    now = jobs[0]
    for at, cap in enumerate(most):
        if fewer[at]:
            staying = np.minimum(servers[at], servers[at - 1])
            now = now - np.maximum(np.minimum(now, servers[at - 1]) - staying, 0.0)
        free = leaves * now + gone[at]
        variance = np.where(free <= cap, spread * now + random[at], noisy[at])
        left = np.rint(np.minimum(free, cap) + np.sqrt(variance) * slots.noise[at])
        now = np.maximum(now + slots.arrivals[at] - left, 0.0)
        jobs[at + 1] = now
    return 0.5 * (jobs[:-1] + jobs[1:]) - servers + 0.5, jobs[1:] - servers


def reflected(slots: Slots, waiting: float, busy: float) -> tuple[FloatArray, FloatArray]:
    """The work that waits, where service is short against a slot: what came less what could be served, reflected.

    It is reflected not where all servers are busy but below: as far as makes the steady state's share of jobs that
    wait that of M/M/c, by Sakasegawa ρ^(√(2c+2) - 1).

    Args:
        slots: what the queue meets.
        waiting: jobs that wait at time 0.
        busy: jobs in service at time 0; they are soon gone.

    Returns:
        As `occupied`.

    References:
        Harrison (1985), Brownian Motion and Stochastic Flow Systems, section 2.2 (reflection); Sakasegawa (1977), Ann.
        Inst. Statist. Math. 29:67-75; Chernoff (1965), Ann. Math. Statist. 36:55-68 (between the steps).
    """
    del busy
    scv = variability(slots.scv, slots.services)
    servers, most = slots.servers[..., None], slots.servers[..., None] * (slots.length / slots.mean)
    below = (np.sqrt(2.0 * (servers + 1.0)) - 1.0) * (0.5 * (1.0 + scv))
    steps = slots.arrivals[:, None] - most - np.sqrt(most * scv) * slots.noise[:, None]
    start = np.broadcast_to(waiting + below[:1] * (waiting > 0.0), (1, *steps.shape[1:]))
    free = np.cumsum(np.concatenate([start, steps]), axis=0)
    work = free - np.minimum(np.minimum.accumulate(free, axis=0), 0.0)
    between = _between(slots.arrivals.mean(axis=1)[:, None, None], most, scv)
    return 0.5 * (work[:-1] + work[1:]) + between - below, work[1:] - below


def _between(arrivals: FloatArray, most: FloatArray, scv: float) -> FloatArray:
    """By how much more work waits between the edges of a slot than at them, but no more than in the steady state."""
    variance = arrivals + most * scv
    steady = 0.5 * variance / np.maximum(most - arrivals, 1e-9)
    found: FloatArray = np.minimum(_BETWEEN * np.sqrt(variance), np.where(most > arrivals, steady, np.inf))
    return found


def variability(scv: float, services: float, regular: float = 1.0) -> float:
    """The SCV that the departures of busy servers show.

    Args:
        scv: of the service time.
        services: how many service times long an interval is.
        regular: how much of what it is below 1 shows.
    """
    return 1.0 + (regular if scv < 1.0 else services / (services + _IRREGULAR)) * (scv - 1.0)

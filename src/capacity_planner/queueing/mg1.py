"""M/G/1, c times over: the arrivals are split evenly among c servers that each have a queue of their own; exact."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from capacity_planner.queueing.mgc import MGC
from capacity_planner.queueing.mm1 import MM1
from capacity_planner.registry import queue_models

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from capacity_planner.contracts import ServiceLaw
    from capacity_planner.domain.congestion import Congestion, FloatArray, ServiceTime


@queue_models.register("mg1")
class MG1:
    """c separate servers, each with λ/c of the arrivals and a law fitted to what was measured of the service time.

    References:
        Pollaczek (1930), Khinchine (1932); the tail as in `MGC`, which is exact for one server.

    >>> from capacity_planner.domain.congestion import ServiceTime
    >>> state = MG1().solve(arrival_rate=9.0, servers=10, service=ServiceTime(mean=1.0, std=0.5))
    >>> f"{state.wait:.6f} {state.queue_length:.5f}"
    '5.625000 50.62500'
    """

    name = "mg1"

    def service_law(self, service: ServiceTime) -> ServiceLaw:
        """The law fitted to mean, std and p95, as far as they are known."""
        return MGC().service_law(service)

    def solve(self, arrival_rate: ArrayLike, servers: ArrayLike, service: ServiceTime) -> Congestion:
        """The steady state of λ [jobs/s] split over c servers; queue length counts all c queues."""
        pool = MM1().solve(arrival_rate, servers, service)
        one = MGC().solve(_share(arrival_rate, servers, service), 1, service)
        queued = one.queue_length * np.maximum(np.asarray(servers, dtype=float), 1.0)
        return replace(one, utilization=pool.utilization, throughput=pool.throughput, queue_length=queued)

    def response_tail(
        self, time: ArrayLike, arrival_rate: ArrayLike, servers: ArrayLike, service: ServiceTime
    ) -> FloatArray:
        """P(W_q + S > t), t in seconds."""
        return MGC().response_tail(time, _share(arrival_rate, servers, service), 1, service)

    def wait_tail(
        self, time: ArrayLike, arrival_rate: ArrayLike, servers: ArrayLike, service: ServiceTime
    ) -> FloatArray:
        """P(W_q > t), t in seconds."""
        return MGC().wait_tail(time, _share(arrival_rate, servers, service), 1, service)


def _share(arrival_rate: ArrayLike, servers: ArrayLike, service: ServiceTime) -> FloatArray:
    """λ/c [jobs/s]; without servers, more than one could serve."""
    rates, counts = np.broadcast_arrays(np.asarray(arrival_rate, dtype=float), np.asarray(servers, dtype=float))
    with np.errstate(over="ignore"):
        return np.where(counts > 0, rates / np.maximum(counts, 1e-300), np.where(rates > 0, 2.0 / service.mean, 0.0))

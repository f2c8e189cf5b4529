"""M/M/1, c times over: the arrivals are split evenly among c servers that each have a queue of their own; exact."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from capacity_planner.queueing._laws import Exponential
from capacity_planner.queueing._markov import LOG_20
from capacity_planner.queueing._steady import Load, scaled_time
from capacity_planner.registry import queue_models

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from capacity_planner.domain.congestion import Congestion, FloatArray, ServiceTime


@queue_models.register("mm1")
class MM1:
    """c separate exponential servers, each with λ/c of the arrivals: what a pool costs when its queue is partitioned.

    References:
        Kleinrock (1975), Queueing Systems I, sections 3.2 and 5.7: W_q + S is exponential with rate μ - λ/c.

    >>> from capacity_planner.domain.congestion import ServiceTime
    >>> state = MM1().solve(arrival_rate=9.0, servers=10, service=ServiceTime(mean=1.0))
    >>> f"{state.probability_of_wait:.3f} {state.wait:.3f} {state.queue_length:.3f} {state.p95_response:.6f}"
    '0.900 9.000 81.000 29.957323'
    """

    name = "mm1"

    def service_law(self, service: ServiceTime) -> Exponential:
        """Exponential with the given mean, whatever else was measured."""
        return Exponential(service.mean)

    def solve(self, arrival_rate: ArrayLike, servers: ArrayLike, service: ServiceTime) -> Congestion:
        """The steady state of λ [jobs/s] split over c servers; queue length counts all c queues."""
        load = Load.of(arrival_rate, servers, service.mean)
        c, a = load.safe_servers, load.safe_load
        with np.errstate(all="ignore"):
            return load.congestion(service.mean, a / c, a / (c - a), LOG_20 * (c / (c - a)), LOG_20)

    def response_tail(
        self, time: ArrayLike, arrival_rate: ArrayLike, servers: ArrayLike, service: ServiceTime
    ) -> FloatArray:
        """P(W_q + S > t), t in seconds."""
        load = Load.of(arrival_rate, servers, service.mean)
        return load.tail(_decay(time, service.mean, load))

    def wait_tail(
        self, time: ArrayLike, arrival_rate: ArrayLike, servers: ArrayLike, service: ServiceTime
    ) -> FloatArray:
        """P(W_q > t), t in seconds."""
        load = Load.of(arrival_rate, servers, service.mean)
        busy = load.safe_load / load.safe_servers
        return load.tail(np.where(scaled_time(time, service.mean) < 0.0, 1.0, busy * _decay(time, service.mean, load)))


def _decay(time: ArrayLike, mean_service: float, load: Load) -> FloatArray:
    free = (load.safe_servers - load.safe_load) / load.safe_servers
    return np.exp(-free * np.maximum(scaled_time(time, mean_service), 0.0))

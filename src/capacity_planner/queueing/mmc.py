"""M/M/c: Poisson arrivals, exponential service, one queue before c servers; exact."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from capacity_planner.queueing import _markov
from capacity_planner.queueing._erlang import erlang_c
from capacity_planner.queueing._laws import Exponential
from capacity_planner.queueing._steady import Load, scaled_time
from capacity_planner.registry import queue_models

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from capacity_planner.domain.congestion import Congestion, FloatArray, ServiceTime


@queue_models.register("mmc")
class MMC:
    """One queue before c exponential servers; the spread of the service time is not looked at.

    References:
        Erlang (1917); Gross, Shortle, Thompson, Harris (2008), Fundamentals of Queueing Theory, section 2.3.

    >>> from capacity_planner.domain.congestion import ServiceTime
    >>> state = MMC().solve(arrival_rate=9.0, servers=10, service=ServiceTime(mean=1.0))
    >>> f"{state.probability_of_wait:.6f} {state.wait:.6f} {state.p95_response:.6f}"
    '0.668732 0.668732 4.360867'
    """

    name = "mmc"

    def service_law(self, service: ServiceTime) -> Exponential:
        """Exponential with the given mean, whatever else was measured."""
        return Exponential(service.mean)

    def solve(self, arrival_rate: ArrayLike, servers: ArrayLike, service: ServiceTime) -> Congestion:
        """The steady state of λ [jobs/s] at c servers."""
        load = Load.of(arrival_rate, servers, service.mean)
        c, a = load.safe_servers, load.safe_load
        waiting = erlang_c(c, a)
        with np.errstate(all="ignore"):
            delay = waiting / (c - a)
        return load.congestion(service.mean, waiting, delay, _markov.p95_response(c, a), _markov.LOG_20)

    def response_tail(
        self, time: ArrayLike, arrival_rate: ArrayLike, servers: ArrayLike, service: ServiceTime
    ) -> FloatArray:
        """P(W_q + S > t), t in seconds."""
        load = Load.of(arrival_rate, servers, service.mean)
        return load.tail(_markov.response_tail(scaled_time(time, service.mean), load.safe_servers, load.safe_load))

    def wait_tail(
        self, time: ArrayLike, arrival_rate: ArrayLike, servers: ArrayLike, service: ServiceTime
    ) -> FloatArray:
        """P(W_q > t), t in seconds."""
        load = Load.of(arrival_rate, servers, service.mean)
        return load.tail(_markov.wait_tail(scaled_time(time, service.mean), load.safe_servers, load.safe_load))

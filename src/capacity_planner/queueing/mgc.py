"""M/G/c: Poisson arrivals, any service-time law, one queue before c servers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from capacity_planner.queueing import _general
from capacity_planner.queueing._laws import Exponential
from capacity_planner.queueing._service import consistent_laws, fit_service
from capacity_planner.queueing._steady import Load, scaled_time
from capacity_planner.queueing.mmc import MMC
from capacity_planner.registry import queue_models

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike

    from capacity_planner.domain.congestion import Congestion, FloatArray, ServiceTime
    from capacity_planner.queueing._law import Law


@queue_models.register("mgc")
class MGC:
    """One queue before c servers whose law is fitted to what was measured of the service time.

    Exact for exponential and deterministic service and at c = 1; otherwise Tijms, van Hoorn and Federgruen, with
    Kimura's mean wait where SCV < 1. Where only mean and std > mean are known, the worse of gamma and lognormal.

    References:
        Tijms, van Hoorn, Federgruen (1981), Adv. Appl. Prob. 13:186-206; Franx (2001); Kimura (1986).

    >>> from capacity_planner.domain.congestion import ServiceTime
    >>> state = MGC().solve(arrival_rate=9.0, servers=10, service=ServiceTime(mean=1.0, std=0.5))
    >>> f"{state.probability_of_wait:.6f} {state.wait:.6f} {state.p95_response:.6f}"
    '0.653898 0.427462 2.887078'
    """

    name = "mgc"

    def service_law(self, service: ServiceTime) -> Law:
        """The law fitted to mean, std and p95, as far as they are known."""
        return fit_service(service)

    def solve(self, arrival_rate: ArrayLike, servers: ArrayLike, service: ServiceTime) -> Congestion:
        """The steady state of λ [jobs/s] at c servers."""
        laws = consistent_laws(service)
        if isinstance(laws[0], Exponential):
            return MMC().solve(arrival_rate, servers, service)
        load = Load.of(arrival_rate, servers, service.mean)
        figures = [_each(_general.figures, law, load.safe_servers, load.safe_load) for law in laws]
        waiting, delay, p95 = np.moveaxis(np.max(figures, axis=0), -1, 0)
        idle_p95 = max(law.quantile(0.95) for law in laws) / service.mean
        return load.congestion(service.mean, waiting, delay, p95, idle_p95)

    def response_tail(
        self, time: ArrayLike, arrival_rate: ArrayLike, servers: ArrayLike, service: ServiceTime
    ) -> FloatArray:
        """P(W_q + S > t), t in seconds."""
        if isinstance(self.service_law(service), Exponential):
            return MMC().response_tail(time, arrival_rate, servers, service)
        return _tail(_general.response_tail, time, arrival_rate, servers, service)

    def wait_tail(
        self, time: ArrayLike, arrival_rate: ArrayLike, servers: ArrayLike, service: ServiceTime
    ) -> FloatArray:
        """P(W_q > t), t in seconds."""
        if isinstance(self.service_law(service), Exponential):
            return MMC().wait_tail(time, arrival_rate, servers, service)
        return _tail(_general.wait_tail, time, arrival_rate, servers, service)


def _tail(
    kernel: Callable[..., float], time: ArrayLike, arrival_rate: ArrayLike, servers: ArrayLike, service: ServiceTime
) -> FloatArray:
    load = Load.of(arrival_rate, servers, service.mean)
    times = scaled_time(time, service.mean)
    tails = [_each(kernel, law, load.safe_servers, load.safe_load, times) for law in consistent_laws(service)]
    return load.tail(np.max(tails, axis=0))


def _each(kernel: Callable[..., Any], law: Law, *arguments: FloatArray) -> FloatArray:
    """The kernel at every element of the broadcast arguments; what it returns makes a last axis, unless a number."""
    grid = np.broadcast(*arguments)
    unit = replace(law, mean=1.0)
    values = np.array([kernel(unit, *map(float, element)) for element in grid], dtype=float)
    return values.reshape(grid.shape + values.shape[1:])

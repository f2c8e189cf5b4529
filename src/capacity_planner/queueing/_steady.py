"""What every model answers alike: nothing arrives, too much arrives, and the figures that follow from the wait."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from capacity_planner.domain.congestion import Congestion

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from capacity_planner.domain.congestion import FloatArray


@dataclass(frozen=True, slots=True)
class Load:
    """Arrivals against servers, in one broadcast shape.

    Attributes:
        arrival_rate: λ [jobs/s].
        servers: c as given.
        offered_load: a = λ·E[S] [erlang] as given.
        idle: where nothing arrives.
        unstable: where jobs arrive and a ≥ c.
        safe_servers: c, or 1 where there is no steady state with arrivals to compute.
        safe_load: a, or 0 there.
    """

    arrival_rate: FloatArray
    servers: FloatArray
    offered_load: FloatArray
    idle: NDArray[np.bool_]
    unstable: NDArray[np.bool_]
    safe_servers: FloatArray
    safe_load: FloatArray

    @classmethod
    def of(cls, arrival_rate: ArrayLike, servers: ArrayLike, mean_service: float) -> Load:
        """The load of λ [jobs/s] on c servers whose mean service time is given [s]."""
        rate, count = np.asarray(arrival_rate, dtype=float), np.asarray(servers, dtype=float)
        if rate.shape != count.shape:
            rate, count = np.broadcast_arrays(rate, count)
        rate, count = rate[()], count[()]
        with np.errstate(all="ignore"):
            offered = rate * mean_service
        busy = rate > 0.0
        unstable = busy & (offered >= count)
        works = busy ^ unstable
        safe_servers, safe_load = np.where(works, count, 1.0)[()], np.where(works, offered, 0.0)[()]
        return cls(rate, count, offered, ~busy, unstable, safe_servers, safe_load)

    def tail(self, stable: FloatArray) -> FloatArray:
        """A tail probability: 0 where idle, 1 where unstable, else as given."""
        return np.where(self.idle, 0.0, np.where(self.unstable, 1.0, stable))

    def congestion(
        self, mean_service: float, waiting: FloatArray, delay: FloatArray, p95: FloatArray, idle_p95: float
    ) -> Congestion:
        """The steady state from its stable figures.

        Args:
            mean_service: E[S] [s].
            waiting: P(W_q > 0) where stable.
            delay: mean W_q in units of E[S], where stable.
            p95: 95th percentile of the response in units of E[S], where stable.
            idle_p95: 95th percentile of S in units of E[S].
        """
        none, lost = self.idle, self.unstable
        with np.errstate(all="ignore"):
            delay = np.where(none, 0.0, np.where(lost, np.inf, delay))
            utilization = np.where(none, 0.0, np.where(self.servers > 0.0, self.offered_load / self.servers, np.inf))
            return Congestion(
                utilization=utilization,
                probability_of_wait=self.tail(waiting),
                queue_length=np.where(lost, np.inf, self.safe_load * np.where(lost, 0.0, delay)),
                wait=np.asarray(delay * mean_service),
                response=np.asarray((delay + 1.0) * mean_service),
                p95_response=np.asarray(np.where(none, idle_p95, np.where(lost, np.inf, p95)) * mean_service),
                throughput=np.asarray(np.minimum(self.arrival_rate, self.servers / mean_service)),
            )


def scaled_time(time: ArrayLike, mean_service: float) -> FloatArray:
    """Time in units of E[S], never so large that its cube overflows.

    >>> float(scaled_time(3.0, 2.0))
    1.5
    """
    with np.errstate(all="ignore"):
        return np.maximum(np.minimum(np.asarray(time, dtype=float)[()] / mean_service, 1e100), -1.0)

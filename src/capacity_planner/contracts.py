"""The promises between the rooms. A room keeps one; only the pipeline knows who keeps which."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from capacity_planner.domain.congestion import Congestion, FloatArray, ServiceTime


class ServiceLaw(Protocol):
    """A distribution of the service time S; times in seconds, arrays in and arrays out."""

    @property
    def name(self) -> str:
        """Family, such as ``lognormal``."""

    @property
    def mean(self) -> float:
        """E[S] [s]."""

    @property
    def scv(self) -> float:
        """Squared coefficient of variation Var[S]/E[S]²."""

    def tail(self, time: ArrayLike) -> FloatArray:
        """P(S > t)."""

    def quantile(self, level: float) -> float:
        """The time that S exceeds with probability 1 - level [s]."""

    def residual_tail(self, time: ArrayLike) -> FloatArray:
        """P(S_e > t) of the equilibrium residual life, density P(S > t)/E[S]."""


class QueueModel(Protocol):
    """The forward question of queueing theory: load and servers to congestion.

    The inverse (how few servers keep a target) is solved once for all models, in ``planning.staffing``: it needs only
    that the tails below fall as servers are added.
    """

    name: str

    def service_law(self, service: ServiceTime) -> ServiceLaw:
        """The distribution that the model takes for these facts."""

    def solve(self, arrival_rate: ArrayLike, servers: ArrayLike, service: ServiceTime) -> Congestion:
        """The steady state; ``arrival_rate`` λ [jobs/s] and ``servers`` c broadcast against each other."""

    def response_tail(
        self, time: ArrayLike, arrival_rate: ArrayLike, servers: ArrayLike, service: ServiceTime
    ) -> FloatArray:
        """P(W_q + S > t); 1 when the queue is unstable, 0 when nothing arrives."""

    def wait_tail(
        self, time: ArrayLike, arrival_rate: ArrayLike, servers: ArrayLike, service: ServiceTime
    ) -> FloatArray:
        """P(W_q > t); 1 when the queue is unstable, 0 when nothing arrives."""


class ForecastModel(Protocol):
    """Past rates to future rates; how wrong it tends to be is learned from its own hindcasts, for all models alike."""

    name: str
    minimum_samples: int

    def predict(self, rates: FloatArray, steps: int) -> FloatArray:
        """Point forecasts of the next ``steps`` intervals, shape (steps,); ``rates`` has NaN where there is a gap."""

    def hindcast(self, rates: FloatArray, steps: int) -> FloatArray:
        """What it would have forecast at every origin, shape (n, steps): row t knows ``rates[: t + 1]`` alone."""

"""The promises between the rooms. A room keeps one; only the pipeline knows who keeps which."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    from capacity_planner.domain.congestion import Congestion, FloatArray, ServiceTime
    from capacity_planner.domain.metrics import Metrics
    from capacity_planner.domain.policy import PolicyTask, Seen
    from capacity_planner.domain.scaling import Gap, Order
    from capacity_planner.domain.series import ForecastTask


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

    def sample(self, rng: np.random.Generator, out: FloatArray) -> None:
        """Fill ``out`` with independent service times [s].

        Blocks of one size, filled one after another from one generator, are the same numbers every time; a law whose
        numbers depend on that size says so.

        Args:
            rng: is advanced.
            out: what is overwritten, C-contiguous, shape (n,).
        """


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


class ForecastState(Protocol):
    """A forecast model that follows some series: it reads rates as they come and says after each what comes next."""

    def read(self, rates: FloatArray, weights: FloatArray, origins: NDArray[np.intp] | None = None) -> FloatArray:
        """Read on, and forecast after some of the rates.

        How the rates are cut into calls makes no difference: a row knows the rates up to its own and no later one.

        Args:
            rates: λ of the next intervals [jobs/s], shape (series, n), NaN where nothing was measured.
            weights: how much each may teach, from 0 to 1; a bin that was flagged as an anomaly has little.
            origins: places among these rates, ascending, after which forecasts are wanted; ``None`` is all of them.

        Returns:
            Medians at the task's horizons [jobs/s], shape (series, origins, horizons); NaN before the first rate
            alone.
        """

    def predict(self, ahead: Sequence[int]) -> FloatArray:
        """Medians for any horizons from now [jobs/s], shape (series, horizons); at the task's own as `read` said."""


class ForecastModel(Protocol):
    """Past rates to future rates; how wrong it tends to be is learned from its own record, for all models alike.

    Attributes:
        name: by which it is chosen; registering gives it.
        minimum_samples: fewer rates than these are refused.
        seasonal: whether it learns from the same time on earlier days, so that less than two days are worth a warning.
    """

    name: str
    minimum_samples: int
    seasonal: bool

    def start(self, task: ForecastTask) -> ForecastState:
        """A follower of the task's series that has read nothing yet."""


class Decide(Protocol):
    """A policy that scales one queue; it may remember what it saw."""

    def __call__(self, seen: Seen) -> float:
        """The workers wanted from now on; rounded up, and kept within the limits, by whoever asks."""


class Policy(Protocol):
    """A rule by which workers are scaled, with one knob from thrifty to generous.

    Attributes:
        name: by which it is chosen; registering gives it.
        title: in words.
        knob: what the knob is, in words.
        grid: values of the knob that are swept, the thriftiest first.
        default: the value it is shipped with.
        period: seconds between decisions.
    """

    name: str
    title: str
    knob: str
    grid: Sequence[float]
    default: float
    period: float

    def start(self, task: PolicyTask, knob: float) -> Decide:
        """One that scales a queue from time 0 on."""


class MetricSource(Protocol):
    """Where samples of queues come from; its constructor takes the options that a user may set, by keyword.

    A source that holds threads or connections has a ``close``, which is called when no queue names it any more, or the
    service ends.

    Attributes:
        name: by which it is chosen; registering gives it.
    """

    name: str

    def collect(self, queue_name: str, since: datetime | None, until: datetime) -> Sequence[Metrics] | Gap:
        """The samples of a queue that were measured after ``since`` and up to ``until``.

        What cannot be measured is a `Gap` with its reason, never a zero; no sample is none that is new. A source that
        only sees the present returns one sample, stamped ``until``.

        Args:
            queue_name: the queue.
            since: the newest sample that is known; ``None`` asks for all that there is.
            until: now.

        Raises:
            WorldError: the source failed; it is asked again at the next interval.
        """


class Scaler(Protocol):
    """What carries plans out; its constructor takes the options that a user may set, by keyword.

    A scaler that holds threads or connections has a ``close``, which is called when no queue names it any more, or the
    service ends. One that looks after workers by itself has a ``release``, which is called with the name of a queue
    whose workers it is to leave alone from then on.

    Attributes:
        name: by which it is chosen; registering gives it.
    """

    name: str

    def current(self, queue_name: str) -> int | None:
        """The workers that run, or are ordered and will; ``None`` where the scaler cannot tell.

        Raises:
            WorldError: it failed.
        """

    def scale(self, order: Order) -> int | None:
        """See to it that ``order.to_workers`` run.

        An order may come twice with the same ``id``, after a crash or a timeout, and must not act twice.

        Returns:
            The workers that run, or are ordered and will, afterwards; ``None`` where the scaler cannot tell.

        Raises:
            WorldError: it failed; ``temporary`` says whether it is worth to try again.
        """

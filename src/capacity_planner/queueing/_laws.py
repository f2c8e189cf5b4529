"""The families of service-time laws: deterministic, exponential, gamma, lognormal, and two that take three facts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from capacity_planner.queueing._erlang import poisson_pmf
from capacity_planner.queueing._law import Law, Moments
from capacity_planner.queueing._special import special

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from capacity_planner.domain.congestion import FloatArray


@dataclass(frozen=True)
class Deterministic(Law):
    """Every job takes the same time.

    >>> Deterministic(2.0).quantile(0.95)
    2.0
    """

    name: ClassVar[str] = "deterministic"
    scv: ClassVar[float] = 0.0
    third_moment: ClassVar[float] = 1.0

    def moments_above(self, x: FloatArray) -> Moments:
        """1 below the mean, 0 from it on."""
        above = np.where(x < 1.0, 1.0, 0.0)
        return above, above, above, above

    def quantile(self, level: float) -> float:  # noqa: ARG002 - every level has the same time
        """The mean."""
        return self.mean

    def sample(self, rng: np.random.Generator, out: FloatArray) -> None:  # noqa: ARG002 - nothing is left to chance
        """The mean, every time."""
        out.fill(self.mean)


@dataclass(frozen=True)
class Exponential(Law):
    """Memoryless service.

    >>> f"{Exponential(2.0).quantile(0.95):.12f}"
    '5.991464547108'
    """

    name: ClassVar[str] = "exponential"
    scv: ClassVar[float] = 1.0
    third_moment: ClassVar[float] = 6.0

    def moments_above(self, x: FloatArray) -> Moments:
        """e^-x times the polynomials of repeated integration by parts."""
        tail = np.exp(-x)
        first = tail * (1.0 + x)
        second = 2.0 * first + tail * x * x
        return tail, first, second, 3.0 * second + tail * x * x * x

    def residual_tail(self, time: ArrayLike) -> FloatArray:
        """The tail itself: the exponential has no memory."""
        return self.tail(time)

    def quantile(self, level: float) -> float:
        """-E[S] ln(1 - level)."""
        return -self.mean * math.log1p(-level)

    def sample(self, rng: np.random.Generator, out: FloatArray) -> None:
        """By NumPy's ziggurat, which needs no fast logarithm."""
        rng.standard_exponential(out=out)
        out *= self.mean


@dataclass(frozen=True)
class Gamma(Law):
    """Gamma service; the usual choice for two moments.

    Args:
        mean: E[S] [s].
        shape: k = 1/SCV.

    >>> law = Gamma(1.0, shape=0.25)
    >>> f"{law.scv:.2f} {law.quantile(0.95):.9f} {law.tail(2.0):.12f}"
    '4.00 4.840464550 0.153513595808'
    """

    shape: float
    name: ClassVar[str] = "gamma"

    @property
    def scv(self) -> float:
        """1/k."""
        return 1.0 / self.shape

    @property
    def third_moment(self) -> float:
        """(1 + 1/k)(1 + 2/k)."""
        return (1.0 + self.scv) * (1.0 + 2.0 * self.scv)

    def moments_above(self, x: FloatArray) -> Moments:
        """From Q(k+1, k x) alone by the recurrence in k (DLMF 8.8.6): SciPy is slow below k = 1."""
        k = self.shape
        with np.errstate(all="ignore"):
            y = k * np.asarray(x)
            step = poisson_pmf(k, y)
            first = special().gammaincc(k + 1.0, y)
            ratio = y / (k + 1.0)
            second = first + step * ratio
            third = second + step * ratio * (y / (k + 2.0))
        return np.maximum(first - step, 0.0), first, second * (1.0 + self.scv), third * self.third_moment

    def quantile(self, level: float) -> float:
        """By the inverse of the incomplete gamma function."""
        return float(self.mean * (special().gammaincinv(self.shape, level) / self.shape))

    def sample(self, rng: np.random.Generator, out: FloatArray) -> None:
        """By NumPy's rejection, at k = 1 its exponential."""
        rng.standard_gamma(self.shape, out=out)
        out *= self.mean / self.shape


@dataclass(frozen=True)
class Lognormal(Law):
    """Lognormal service; its tail is heavier than every exponential.

    Args:
        mean: E[S] [s].
        sigma: standard deviation of ln S.

    >>> law = Lognormal(1.0, sigma=math.sqrt(math.log(5.0)))
    >>> f"{law.scv:.2f} {law.quantile(0.95):.9f} {law.tail(2.0):.12f}"
    '4.00 3.603847290 0.118862945695'
    """

    sigma: float
    name: ClassVar[str] = "lognormal"

    @property
    def scv(self) -> float:
        """exp(σ²) - 1."""
        return math.expm1(self.sigma * self.sigma)

    @property
    def third_moment(self) -> float:
        """exp(3σ²)."""
        return math.exp(3.0 * self.sigma * self.sigma)

    def moments_above(self, x: FloatArray) -> Moments:
        """E[Sⁿ] Φ(nσ - z), z = (ln x + σ²/2)/σ."""
        variance = self.sigma * self.sigma
        with np.errstate(divide="ignore"):
            z = (np.log(x) + 0.5 * variance) / self.sigma
        tails = [special().ndtr(n * self.sigma - z) for n in range(4)]
        return tails[0], tails[1], tails[2] * math.exp(variance), tails[3] * math.exp(3.0 * variance)

    def quantile(self, level: float) -> float:
        """E[S] exp(σ z - σ²/2)."""
        return float(self.mean * math.exp(self.sigma * float(special().ndtri(level)) - 0.5 * self.sigma * self.sigma))

    def sample(self, rng: np.random.Generator, out: FloatArray) -> None:
        """By NumPy's normal."""
        rng.standard_normal(out=out)
        out *= self.sigma
        np.exp(out, out=out)
        out *= self.mean * math.exp(-0.5 * self.sigma * self.sigma)

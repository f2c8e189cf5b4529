"""Mixed laws, for service times whose p95 was measured beside mean and standard deviation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from capacity_planner.queueing._law import Law, Moments
from capacity_planner.queueing._laws import Exponential
from capacity_planner.queueing._roots import falling_root

if TYPE_CHECKING:
    from capacity_planner.domain.congestion import FloatArray


class Mixed(Law):
    """A law whose quantile must be searched for."""

    def quantile(self, level: float) -> float:
        """By bracketing the logarithm of the tail."""

        def excess(x: float) -> float:
            return math.log(max(float(self.moments_above(np.asarray(x))[0]), 1e-300) / (1.0 - level))

        return self.mean * falling_root(excess, 0.0, 3.0)


@dataclass(frozen=True)
class Hyperexponential(Mixed):
    """Short jobs and long jobs, each exponential.

    Args:
        mean: E[S] [s].
        long_share: π, the share of long jobs.
        spread: V, the variance of a job's kind's mean, in units of E[S]²; SCV = 1 + 2V.

    References:
        Whitt (1982), Approximating a point process by a renewal process, section 3.

    >>> law = Hyperexponential(1.0, long_share=0.1127016653792583, spread=1.5)
    >>> f"{law.scv:.6f} {law.long * law.long_share:.6f} {law.quantile(0.95):.6f}"
    '4.000000 0.500000 3.714882'
    """

    long_share: float
    spread: float
    name: ClassVar[str] = "hyperexponential"

    @property
    def long(self) -> float:
        """Mean of the long jobs over E[S]."""
        return 1.0 + math.sqrt(self.spread * (1.0 - self.long_share) / self.long_share)

    @property
    def short(self) -> float:
        """Mean of the short jobs over E[S]."""
        return max(1.0 - math.sqrt(self.spread * self.long_share / (1.0 - self.long_share)), 1e-12)

    @property
    def scv(self) -> float:
        """1 + 2V."""
        return 1.0 + 2.0 * self.spread

    @property
    def third_moment(self) -> float:
        """6 Σ π_i m_i³."""
        return 6.0 * ((1.0 - self.long_share) * self.short**3 + self.long_share * self.long**3)

    def moments_above(self, x: FloatArray) -> Moments:
        """Those of the two exponentials."""
        kinds = (1.0 - self.long_share, self.short), (self.long_share, self.long)
        return _summed(
            [
                (share, [mean**order * part for order, part in enumerate(Exponential(1.0).moments_above(x / mean))])
                for share, mean in kinds
            ]
        )

    def sample(self, rng: np.random.Generator, out: FloatArray) -> None:
        """From one uniform number a job: it tells the kind, and where it lies within that kind's share the time."""
        rng.random(out=out)
        long = np.flatnonzero(out < self.long_share)
        # Quotients of (0, 1]: neither has a logarithm that is infinite or, by rounding, above 0.
        late = (self.long_share - out[long]) / self.long_share
        np.subtract(1.0, out, out=out)
        out /= 1.0 - self.long_share
        np.log(out, out=out)
        out *= -self.short * self.mean
        out[long] = np.log(late) * (-self.long * self.mean)


@dataclass(frozen=True)
class Blend(Mixed):
    """A mixture of laws of one mean.

    Args:
        mean: E[S] [s].
        parts: pairs of a weight and a law with mean 1; the weights sum to 1.
    """

    parts: tuple[tuple[float, Law], ...]

    @property
    def name(self) -> str:  # type: ignore[override]
        """The families, heaviest weight first."""
        ordered = sorted(self.parts, key=lambda part: -part[0])
        return "+".join(law.name for _, law in ordered)

    @property
    def scv(self) -> float:
        """The weighted second moment less 1."""
        return sum(weight * (1.0 + law.scv) for weight, law in self.parts) - 1.0

    @property
    def third_moment(self) -> float:
        """The weighted third moment."""
        return sum(weight * law.third_moment for weight, law in self.parts)

    def moments_above(self, x: FloatArray) -> Moments:
        """Those of the parts, weighted."""
        return _summed([(weight, list(law.moments_above(x))) for weight, law in self.parts])

    def sample(self, rng: np.random.Generator, out: FloatArray) -> None:
        """First every job's part, then the times of each part: which numbers come depends on how blocks are cut."""
        dice = rng.random(out.size)
        edges = np.cumsum([0.0, *(weight for weight, _ in self.parts)])
        # The last weight ends at 1 whatever the rounding of the sum.
        edges[-1] = 1.0
        for (_, law), low, high in zip(self.parts, edges[:-1], edges[1:], strict=True):
            chosen = np.flatnonzero((dice >= low) & (dice < high))
            times = np.empty(chosen.size)
            law.sample(rng, times)
            out[chosen] = times
        out *= self.mean


def _summed(parts: list[tuple[float, list[FloatArray]]]) -> Moments:
    sums = np.sum([[weight * moment for moment in moments] for weight, moments in parts], axis=0)
    return sums[0], sums[1], sums[2], sums[3]

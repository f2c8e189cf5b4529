"""The law of service times that were measured one by one."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.queueing._law import Law, Moments

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from capacity_planner.domain.congestion import FloatArray

# What a product with a level may be above a whole number by rounding alone.
_ROUNDING = 1e-15


@dataclass(frozen=True, eq=False)
class Sample:
    """Measured service times, and what follows from them once.

    Args:
        times: [s], ascending, not negative, the last one positive, shape (n,).
    """

    times: FloatArray

    @cached_property
    def mean(self) -> float:
        """Their mean [s]; that of equal times is exactly the time."""
        return float(np.clip(self.times.mean(), self.times[0], self.times[-1]))

    @cached_property
    def scaled(self) -> FloatArray:
        """The times over their mean."""
        return self.times / self.mean

    @cached_property
    def scv(self) -> float:
        """Squared coefficient of variation; the divisor is n."""
        return float(np.mean(np.square(self.scaled - 1.0)))

    @cached_property
    def sums(self) -> FloatArray:
        """For n = 1, 2, 3 the scaled times' n-th powers from the k-th time on, over their count, shape (3, n + 1)."""
        sums = np.zeros((3, self.times.size + 1))
        falling = self.scaled[::-1]
        power = np.full_like(falling, 1.0 / self.times.size)
        for row in sums:
            power *= falling
            row[:-1] = np.cumsum(power)[::-1]
        return sums


@dataclass(frozen=True)
class Empirical(Law):
    """Service times as they were measured, each as likely as the others.

    Equal is what has the same mean and shares the same measured sample; another sample of the same times does not.

    Args:
        mean: E[S] [s].
        measured: the shape, as times of any mean.

    >>> law = Empirical.of([3.0, 1.0, 0.0, 4.0])
    >>> law.mean, law.scv, law.quantile(0.5), law.tail([0.0, 1.0, 3.5]).tolist()
    (2.0, 0.625, 1.0, [0.75, 0.5, 0.25])
    >>> float(law.residual_tail(1.0))
    0.625
    """

    measured: Sample = field(repr=False)
    name: ClassVar[str] = "empirical"

    @classmethod
    def of(cls, times: ArrayLike) -> Empirical:
        """The law of a sample, with its mean.

        Args:
            times: measured service times [s], in any order.

        Raises:
            PlannerError: ``INVALID_METRICS`` when a time is negative or not finite, or none is above zero.
        """
        ordered = np.sort(np.asarray(times, dtype=float), axis=None)
        # What is not a number sorts last.
        if not ordered.size or ordered[0] < 0.0 or not 0.0 < ordered[-1] < math.inf:
            raise _unusable(ordered)
        sample = Sample(ordered)
        return cls(sample.mean, measured=sample)

    @property
    def scv(self) -> float:
        """That of the sample."""
        return self.measured.scv

    @property
    def third_moment(self) -> float:
        """That of the sample."""
        return float(self.measured.sums[2, 0])

    def moments_above(self, x: FloatArray) -> Moments:
        """By a search in the ordered times and sums from each on."""
        scaled, sums = self.measured.scaled, self.measured.sums
        first = np.searchsorted(scaled, x, side="right")
        return np.asarray((scaled.size - first) / scaled.size), sums[0, first], sums[1, first], sums[2, first]

    def quantile(self, level: float) -> float:
        """The least measured time that a share of at most 1 - level exceeds."""
        values, factor = self._values()
        place = math.ceil(level * values.size * (1.0 - _ROUNDING)) - 1
        return float(values[min(max(place, 0), values.size - 1)] * factor)

    def sample(self, rng: np.random.Generator, out: FloatArray) -> None:
        """By drawing with replacement."""
        values, factor = self._values()
        # Checked places would be copied through a buffer.
        np.take(values, rng.integers(0, values.size, out.size), out=out, mode="clip")
        out *= factor

    def _values(self) -> tuple[FloatArray, float]:
        """Ordered values and what makes times of them: the measured times to the last bit, while the mean is theirs."""
        if self.mean == self.measured.mean:
            return self.measured.times, 1.0
        return self.measured.scaled, self.mean


def _unusable(ordered: FloatArray) -> PlannerError:
    if not ordered.size:
        found = "empty"
    elif ordered[0] < 0.0:
        found = f"a sample with {ordered[0]:g} s in it"
    else:
        found = f"a sample whose largest time is {ordered[-1]:g} s"
    return PlannerError(
        ErrorCode.INVALID_METRICS,
        f"service_times is {found}. Give finite times of at least 0 s, one of them above 0 s.",
        details={"field": "service_times", "value": found},
    )

"""What all laws of the service time share: everything follows from E[Sⁿ; S > x] for n = 0 to 3."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from capacity_planner.domain.congestion import FloatArray

Moments: TypeAlias = "tuple[FloatArray, FloatArray, FloatArray, FloatArray]"


@dataclass(frozen=True)
class Law:
    """A service-time law as a shape and a mean; the methods below without `time` in seconds work in units of the mean.

    Args:
        mean: E[S] [s].
    """

    mean: float
    name: ClassVar[str]

    @property
    @abstractmethod
    def scv(self) -> float:
        """Squared coefficient of variation Var[S]/E[S]²."""

    @property
    @abstractmethod
    def third_moment(self) -> float:
        """E[S³]/E[S]³."""

    @abstractmethod
    def moments_above(self, x: FloatArray) -> Moments:
        """E[Sⁿ; S > x] for n = 0, 1, 2, 3 and x ≥ 0, in units of the mean."""

    @abstractmethod
    def quantile(self, level: float) -> float:
        """The time that S exceeds with probability 1 - level [s]."""

    @abstractmethod
    def sample(self, rng: np.random.Generator, out: FloatArray) -> None:
        """Fill ``out`` with independent service times [s]; the same ones however it is cut into blocks.

        Args:
            rng: is advanced.
            out: what is overwritten, C-contiguous, shape (n,).
        """

    def tail(self, time: ArrayLike) -> FloatArray:
        """P(S > t), t in seconds."""
        x = np.asarray(time, dtype=float) / self.mean
        return np.where(x < 0.0, 1.0, self.moments_above(_clip(x))[0])

    def residual_tail(self, time: ArrayLike) -> FloatArray:
        """P(S_e > t) of the equilibrium residual life, t in seconds."""
        x = np.asarray(time, dtype=float) / self.mean
        above = self.moments_above(_clip(x))
        return np.where(x < 0.0, 1.0, np.clip(above[1] - _clip(x) * above[0], 0.0, 1.0))

    def residual_capped(self, x: FloatArray) -> FloatArray:
        """E[min(S_e, x)] = (E[S²; S ≤ x] + 2x E[S; S > x] - x² P(S > x))/2, in units of the mean."""
        tail, first, second, _ = self.moments_above(x)
        return 0.5 * np.maximum(1.0 + self.scv - second + x * (2.0 * first - x * tail), 0.0)

    def residual_capped_integral(self, x: FloatArray) -> FloatArray:
        """∫₀ˣ E[min(S_e, u)] du, in units of the mean."""
        tail, first, second, third = self.moments_above(x)
        excess = third - x * (3.0 * second - x * (3.0 * first - x * tail))
        return 0.5 * x * (1.0 + self.scv) - (self.third_moment - excess) / 6.0


def _clip(x: FloatArray) -> FloatArray:
    return np.clip(x, 0.0, 1e100)

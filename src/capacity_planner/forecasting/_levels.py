"""Exponentially weighted levels under several smoothings at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from capacity_planner.forecasting._discount import discounted, filled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from capacity_planner.domain.congestion import FloatArray

_NOTHING = 1e-9


class Levels:
    """Means that forget: the weight of a value is (1 - alpha)^age, and the weights are normalised.

    A gap has no weight; while nothing has weight the level stays as it was, NaN at first.

    Args:
        shape: of the values at one instant.
        alphas: the smoothings, from 0 to 1; 1 is the newest value.
    """

    def __init__(self, shape: tuple[int, ...], alphas: Sequence[float]) -> None:
        self._alphas = tuple(alphas)
        self._sums = np.zeros((*shape, len(self._alphas)))
        self._counts = np.zeros((*shape, len(self._alphas)))
        self.now = np.full((*shape, len(self._alphas)), np.nan)

    def read(self, values: FloatArray) -> FloatArray:
        """The levels after each value.

        Args:
            values: shape (..., n), NaN where there is a gap.

        Returns:
            Shape (..., n, alphas).
        """
        seen = np.isfinite(values)
        known, ones = np.where(seen, values, 0.0), seen.astype(float)
        levels = np.empty((*values.shape, len(self._alphas)))
        for at, alpha in enumerate(self._alphas):
            sums = discounted(known, 1.0 - alpha, self._sums[..., at])
            counts = discounted(ones, 1.0 - alpha, self._counts[..., at])
            self._sums[..., at], self._counts[..., at] = sums[..., -1], counts[..., -1]
            level = np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > _NOTHING)
            levels[..., at] = filled(level, self.now[..., at])
        self.now = levels[..., -1, :].copy()
        return levels

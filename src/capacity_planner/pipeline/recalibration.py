"""Stated probabilities, corrected by what became of earlier ones."""

from __future__ import annotations

import math

import numpy as np

_MOST = 1_000
_HALF_LIFE = 200.0
_CLOSEST = 1e-3
_SPREAD = (0.3, 0.3)
_STEPS = 20
_SMALL = 1e-9


class Recalibration:
    """p' = σ(a + b logit p), with a and b learned from what was said and what came of it.

    Both have Gaussian priors, a around 0 and b around 1, so that without evidence nothing changes. What is older
    counts less: half as much after 200 outcomes.

    References:
        Cox (1958), Biometrika 45:562-565; Platt (1999), Advances in Large Margin Classifiers, 61-74.

    >>> recalibration = Recalibration()
    >>> recalibration.of(0.9)
    0.9
    >>> for _ in range(100):
    ...     recalibration.add(0.9, kept=0.7)
    >>> f"{recalibration.of(0.9):.2f}"
    '0.73'
    """

    def __init__(self) -> None:
        self._rows = np.empty((0, 3))
        self._shift, self._slope = 0.0, 1.0

    def of(self, stated: float) -> float:
        """What a stated probability is worth.

        Args:
            stated: from 0 to 1; what is certain stays so.
        """
        if stated in {0.0, 1.0} or not len(self._rows):
            return stated
        return 1.0 / (1.0 + math.exp(-(self._shift + self._slope * float(_logit(stated)))))

    def add(self, stated: float, kept: float, weight: float = 1.0) -> None:
        """Learn from one outcome.

        Args:
            stated: the probability that was said.
            kept: the probability that it came true: 1 or 0 where that is known.
            weight: how much it counts.
        """
        self._rows[:, 2] *= 0.5 ** (weight / _HALF_LIFE)
        self._rows = np.concatenate([self._rows, [[float(_logit(stated)), kept, weight]]])[-_MOST:]
        self._shift, self._slope = _fitted(self._rows, self._shift, self._slope)


def _fitted(rows: np.ndarray, shift: float, slope: float) -> tuple[float, float]:
    """The most probable shift and slope, by Newton's steps from those that were."""
    said, kept, weights = rows.T
    design = np.stack([np.ones_like(said), said])
    at, centre = np.array([shift, slope]), np.array([0.0, 1.0])
    firm = np.diag(1.0 / np.square(_SPREAD))
    for _ in range(_STEPS):
        likely = 1.0 / (1.0 + np.exp(-at @ design))
        slopes = design @ (weights * (kept - likely)) - firm @ (at - centre)
        step = np.linalg.solve((design * (weights * likely * (1.0 - likely))) @ design.T + firm, slopes)
        at = at + np.clip(step, -1.0, 1.0)
        if np.abs(step).max() < _SMALL:
            break
    return float(at[0]), max(float(at[1]), 0.0)


def _logit(share: float) -> float:
    inside = min(max(share, _CLOSEST), 1.0 - _CLOSEST)
    return math.log(inside / (1.0 - inside))

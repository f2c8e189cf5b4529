"""Quantiles of weighted values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from capacity_planner.domain.congestion import FloatArray

_ROUNDING = 1e-12


def weighted_quantiles(values: FloatArray, weights: FloatArray, levels: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The least value at which the share of the weight reaches a level, and how many values the weights amount to.

    Args:
        values: shape (series, n); NaN counts nothing.
        weights: sets of weights, shape (sets, n), not negative.
        levels: shape (levels,), from 0 to 1.

    Returns:
        Quantiles (series, sets, levels), NaN where nothing has weight, and Kish's effective numbers (series, sets).

    References:
        Kish (1965), Survey Sampling, section 11.7.

    >>> import numpy as np
    >>> quantiles, numbers = weighted_quantiles(np.array([[3.0, 1.0, 2.0]]), np.ones((1, 3)), np.array([0.5, 0.9]))
    >>> quantiles[0, 0], numbers[0].round(9)
    (array([2., 3.]), array([3.]))
    """
    if not values.shape[1]:
        shape = (len(values), len(weights))
        return np.full((*shape, len(levels)), np.nan), np.zeros(shape)
    known = np.isfinite(values).astype(float)
    total, squares = known @ weights.T, known @ (weights**2).T
    numbers = np.divide(total**2, squares, out=np.zeros_like(total), where=squares > 0)
    order = np.argsort(values, axis=-1)
    quantiles = np.full((*total.shape, len(levels)), np.nan)
    for at, places in enumerate(order):
        here = places[: int(known[at].sum())]
        if len(here):
            found = values[at, here[_reached(weights.take(here, axis=1), levels)]]
            quantiles[at] = np.where(total[at, :, None] > 0, found, np.nan)
    return quantiles, numbers


def _reached(weights: FloatArray, levels: FloatArray) -> NDArray[np.intp]:
    """The place at which the sum of each row's weights reaches each share of its total, shape (rows, levels)."""
    sums = weights.cumsum(axis=1)
    totals = sums[:, -1:].copy()
    starts = np.concatenate([[0.0], 2.0 * totals[:-1, 0] + 1.0]).cumsum()[:, None]
    sums += starts
    wanted = starts + totals * (np.minimum(levels, 1.0) - _ROUNDING)
    places = np.searchsorted(sums.ravel(), wanted.ravel()).reshape(wanted.shape)
    reached: NDArray[np.intp] = places - sums.shape[1] * np.arange(len(sums))[:, None]
    return np.clip(reached, 0, sums.shape[1] - 1)

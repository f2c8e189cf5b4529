"""Rates on the scale on which models add: the logarithm of the count per interval, which small counts leave linear."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from capacity_planner.domain.congestion import FloatArray

_LARGEST = 700.0


def logged(rates: FloatArray, interval: float) -> FloatArray:
    """log(1 + jobs per interval)."""
    return np.log1p(rates * interval)


def unlogged(values: FloatArray, interval: float) -> FloatArray:
    """The rates of such logarithms [jobs/s]; never negative."""
    return np.expm1(np.clip(values, 0.0, _LARGEST)) / interval


def along(values: FloatArray, known: Sequence[int], ahead: Sequence[int]) -> FloatArray:
    """Values at the horizons ``known`` joined by straight lines over the logarithm of the horizon.

    Args:
        values: shape (series, known horizons, ...).
        known: horizons, ascending.
        ahead: the horizons wanted; beyond the ends the outermost value counts.
    """
    places = np.interp(np.log(ahead), np.log(known), np.arange(len(known)))
    low = np.minimum(places.astype(int), max(len(known) - 2, 0))
    high = np.minimum(low + 1, len(known) - 1)
    share = (places - low).reshape(-1, *[1] * (values.ndim - 2))
    joined: FloatArray = values[:, low] * (1.0 - share) + values[:, high] * share
    return joined


def nearest(values: FloatArray, known: Sequence[int], ahead: Sequence[int]) -> FloatArray:
    """Values of shape (series, known horizons, ...) at the known horizon nearest in ratio to each of ``ahead``."""
    distance = np.abs(np.log(ahead)[:, None] - np.log(known))
    return values[:, distance.argmin(axis=1)]

"""Sums that forget: y(t) = factor x y(t-1) + x(t), along time, without a loop over every sample."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from capacity_planner.domain.congestion import FloatArray

_BLOCK = 32


def discounted(values: FloatArray, factor: float, carry: FloatArray) -> FloatArray:
    """The discounted sum after every value.

    Args:
        values: x, shape (..., n); finite.
        factor: what is kept of the sum from one value to the next, from 0 to 1.
        carry: the sum before the first value, shape (...).

    >>> import numpy as np
    >>> discounted(np.array([1.0, 1.0, 1.0]), 0.5, np.array(2.0))
    array([2., 2., 2.])
    """
    length = values.shape[-1]
    if length == 1:
        return factor * carry[..., None] + values
    triangle, decay = _powers(factor)
    blocks = -(-length // _BLOCK)
    padded = np.zeros((*values.shape[:-1], blocks * _BLOCK))
    padded[..., :length] = values
    sums = padded.reshape(*values.shape[:-1], blocks, _BLOCK) @ triangle
    for block in range(blocks):
        sums[..., block, :] += carry[..., None] * decay
        carry = sums[..., block, -1]
    whole: FloatArray = sums.reshape(padded.shape)[..., :length]
    return whole


def filled(values: FloatArray, start: FloatArray) -> FloatArray:
    """Each NaN along the last axis replaced by the value before it, at first by ``start`` of shape (...)."""
    missing = np.isnan(values)
    if not missing.any():
        return values
    places = np.where(missing, -1, np.arange(values.shape[-1]))
    latest = np.maximum.accumulate(places, axis=-1)
    known = np.take_along_axis(values, np.maximum(latest, 0), axis=-1)
    return np.where(latest < 0, start[..., None], known)


def held(values: FloatArray, before: FloatArray) -> FloatArray:
    """Each NaN along the last axis replaced by the newest value before it, as long as that is no older than allowed.

    Args:
        values: shape (..., n).
        before: those before the first, shape (..., m); a value is held for m places.

    >>> import numpy as np
    >>> held(np.array([np.nan, 2.0, np.nan, np.nan]), np.array([1.0]))
    array([ 1.,  2.,  2., nan])
    """
    if not np.isnan(values).any():
        return values
    most, whole = before.shape[-1], np.concatenate([before, values], axis=-1)
    places = np.arange(whole.shape[-1])
    latest = np.maximum.accumulate(np.where(np.isnan(whole), -most - 1, places), axis=-1)
    known = np.take_along_axis(whole, np.maximum(latest, 0), axis=-1)
    return np.where(places - latest <= most, known, np.nan)[..., most:]


@lru_cache(maxsize=64)
def _powers(factor: float) -> tuple[FloatArray, FloatArray]:
    ages = np.arange(_BLOCK)[None, :] - np.arange(_BLOCK)[:, None]
    triangle = np.where(ages >= 0, factor ** np.maximum(ages, 0.0), 0.0)
    return triangle, factor ** np.arange(1.0, _BLOCK + 1)

"""How the jobs of an interval fall on its slots."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from capacity_planner.domain.congestion import FloatArray

_MANY = 4.0


def split(counts: FloatArray, pieces: int, dice: np.random.Generator) -> FloatArray:
    """Jobs in each slot, shape (intervals × pieces, futures), that add up to the count of their interval.

    Few jobs fall on the slots one by one. Of many, each slot has its share and normal noise of the same variance and
    covariance, which takes no longer however many they are.

    Args:
        counts: jobs in each interval, shape (futures, intervals).
        pieces: slots in an interval.
        dice: is advanced.
    """
    share = counts / pieces
    if pieces == 1:
        jobs = counts[..., None]
    elif share.mean() < _MANY:
        whole = np.floor(counts + dice.random(counts.shape)).astype(np.int64)
        jobs = dice.multinomial(whole, [1.0 / pieces] * pieces).astype(float)
    else:
        noise = dice.standard_normal((*counts.shape, pieces))
        noise -= noise.mean(axis=-1, keepdims=True)
        jobs = np.maximum(share[..., None] + np.sqrt(share)[..., None] * noise, 0.0)
    return np.ascontiguousarray(jobs.reshape(len(counts), -1).T)

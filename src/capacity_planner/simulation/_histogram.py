"""Times in buckets by the top bits of the double that holds them: small, quick, and to be added up."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from capacity_planner.domain.congestion import FloatArray

_FINE = 10  # 1 024 buckets for every doubling, each 0.1 % wide or less
_SHIFT = 52 - _FINE
_OCTAVES, _LOWEST = 80, -40  # from 1e-12 s, below which all is one bucket, to 35 000 years
_BASE = (1023 + _LOWEST) << _FINE
_SIZE = _OCTAVES << _FINE


class Histogram:
    """How many times fell into each bucket; a quantile is off by no more than 0.1 %.

    >>> histogram = Histogram(); histogram.add(np.arange(1.0, 101.0))
    >>> histogram.count, round(histogram.quantile(0.95), 1)
    (100, 95.1)
    """

    def __init__(self) -> None:
        self._counts = np.zeros(_SIZE, dtype=np.int64)
        self.count = 0

    def add(self, times: FloatArray) -> None:
        """Count times ≥ 0 [s]; infinity counts with what is longer than 35 000 years."""
        if not len(times):
            return
        keys = times.view(np.int64) >> _SHIFT
        keys -= _BASE
        low = int(keys.min())
        if low < 0 or int(keys.max()) >= _SIZE:
            np.clip(keys, 0, _SIZE - 1, out=keys)
            low = int(keys.min())
        keys -= low
        found = np.bincount(keys)
        self._counts[low : low + len(found)] += found
        self.count += len(times)

    def merge(self, other: Histogram) -> None:
        """Add what another has counted."""
        self._counts += other._counts
        self.count += other.count

    def quantile(self, level: float) -> float:
        """The time that a share ``level`` does not exceed [s]; 0 where nothing was counted."""
        if not self.count:
            return 0.0
        rank = max(1, math.ceil(level * self.count - 1e-9))
        upto = np.cumsum(self._counts)
        bucket = int(np.searchsorted(upto, rank))
        if bucket in {0, _SIZE - 1}:
            return math.inf if bucket else 0.0
        before = int(upto[bucket] - self._counts[bucket])
        low, high = (np.arange(bucket, bucket + 2) + _BASE << _SHIFT).view(np.float64)
        return float(low + (high - low) * (rank - before) / self._counts[bucket])


def exact_quantile(times: FloatArray, level: float) -> float:
    """The smallest of some times that a share ``level`` does not exceed [s]; 0 where there is none.

    >>> exact_quantile(np.arange(1.0, 101.0), 0.95)
    95.0
    """
    if not len(times):
        return 0.0
    rank = max(1, math.ceil(level * len(times) - 1e-9))
    return float(np.partition(times, rank - 1)[rank - 1])

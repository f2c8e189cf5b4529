"""Irregular samples to an even grid."""

from __future__ import annotations

from itertools import pairwise
from statistics import median_low
from typing import TYPE_CHECKING

import numpy as np

from capacity_planner.domain.series import Series

if TYPE_CHECKING:
    from collections.abc import Sequence

    from capacity_planner.domain.metrics import Metrics

_MOST_BINS = 20_000


def to_series(samples: Sequence[Metrics], interval: float) -> Series:
    """The mean rate per interval, counted back from the newest sample.

    A sample is taken as the rate over the time up to it. The grid is as fine as ``interval``, or as the samples' median
    spacing where that is longer, since a finer grid would be made of gaps.

    Args:
        samples: at least one, oldest first, no two at one instant.
        interval: wanted length of an interval [s].
    """
    end = samples[-1].timestamp
    ages = np.array([(end - sample.timestamp).total_seconds() for sample in samples])
    rates = np.array([sample.arrival_rate for sample in samples])
    length = max(interval, _spacing(samples))
    bins = np.minimum(ages / length + 1e-9, 1e15).astype(np.int64)
    inside = bins < _MOST_BINS
    bins, rates = bins[inside], rates[inside]
    size = int(bins.max()) + 1
    counts = np.bincount(bins, minlength=size)
    shares = np.bincount(bins, weights=rates / counts[bins], minlength=size)
    return Series(end=end, interval=length, rates=np.where(counts > 0, shares, np.nan)[::-1])


def _spacing(samples: Sequence[Metrics]) -> float:
    steps = [(later.timestamp - earlier.timestamp).total_seconds() for earlier, later in pairwise(samples)]
    return median_low(steps) if steps else 0.0

"""Irregular samples to an even grid."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from capacity_planner.domain.series import Series

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from numpy.typing import NDArray

    from capacity_planner.domain.metrics import Metrics

_MOST_BINS = 20_000
_SECOND = 1_000_000
_JITTER = 0.2


def to_series(samples: Sequence[Metrics], interval: float) -> Series:
    """The mean rate per interval, counted back from the newest sample.

    A sample is taken as the rate over the time up to it and counts where the middle of that time lies, so that a
    sampler that is a little late or early still fills every interval. The grid is as fine as ``interval``, or a whole
    multiple of it that is no finer than the samples' median spacing, since a finer grid would be made of gaps. Later
    samples leave earlier intervals as they were when the newest is whole intervals later and the usual spacing stays.

    Args:
        samples: at least one, oldest first, no two at one instant.
        interval: wanted length of an interval [s].
    """
    end = samples[-1].timestamp
    ages = ages_of(samples, end)
    rates = np.array([sample.arrival_rate for sample in samples])
    multiple, lead = _grid(ages, interval)
    bins = (ages + lead) // max(1, round(multiple * interval * _SECOND))
    inside = bins < _MOST_BINS
    bins, rates = bins[inside], rates[inside]
    size = int(bins.max()) + 1
    counts = np.bincount(bins, minlength=size)
    shares = np.bincount(bins, weights=rates / counts[bins], minlength=size)
    return Series(end=end, interval=multiple * interval, rates=np.where(counts > 0, shares, np.nan)[::-1])


def ages_of(samples: Sequence[Metrics], end: datetime) -> NDArray[np.int64]:
    """How long before ``end`` each sample was taken [µs], shape (n,).

    Whole microseconds are what an instant is made of: the edges of a grid are then no matter of rounding.
    """
    seconds = np.array([(end - sample.timestamp).total_seconds() for sample in samples])
    ages: NDArray[np.int64] = np.rint(seconds * _SECOND).astype(np.int64)
    return ages


def spacing(ages: NDArray[np.int64]) -> int:
    """The usual distance of neighbours, the lower median, 0 of fewer than two; in the unit of the ages.

    Args:
        ages: descending, shape (n,).
    """
    if len(ages) < 2:  # noqa: PLR2004
        return 0
    middle = (len(ages) - 2) // 2
    return int(np.partition(ages[:-1] - ages[1:], middle)[middle])


def _grid(ages: NDArray[np.int64], interval: float) -> tuple[int, int]:
    """How many intervals make a bin, and half the time that a sample stands for [µs]."""
    usual = spacing(ages) / _SECOND
    multiple = max(1, math.ceil(usual / interval - _JITTER))
    length = multiple * interval
    share = max(1, round(length / usual)) if usual else 1
    return multiple, round(length * _SECOND / (2 * share)) if usual else 0

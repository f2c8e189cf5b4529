"""A mean and where the true one lies."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def mean_and_interval(values: ArrayLike, level: float) -> tuple[float, float, float]:
    """Mean of independent values with the ends of its confidence interval, by Student's t.

    Args:
        values: of independent replications, at least two.
        level: probability that the interval covers the true mean.

    References:
        Student (1908), The probable error of a mean.

    >>> [round(end, 4) for end in mean_and_interval([1.0, 2.0, 3.0], 0.95)]
    [2.0, -0.4841, 4.4841]
    """
    from scipy.special import stdtrit  # noqa: PLC0415 - slow to load, and one replication needs none

    found = np.asarray(values, dtype=float)
    mean = float(found.mean())
    if not math.isfinite(mean):
        return mean, float(found.min()), math.inf
    half = float(stdtrit(len(found) - 1, 0.5 + 0.5 * level)) * float(found.std(ddof=1)) / math.sqrt(len(found))
    return mean, mean - half, mean + half


def share_and_interval(values: ArrayLike, level: float, of: int) -> tuple[float, float, float]:
    """The same for shares.

    Where all of them are 0, or all are 1, their spread says nothing. The bound is then the share at which this happens
    with half of what ``level`` leaves, as if all that was counted were independent.

    Args:
        values: of independent replications, at least two.
        level: probability that the interval covers the true mean.
        of: how many were counted in each replication.

    References:
        Clopper & Pearson (1934), Biometrika 26:404-413.

    >>> [round(end, 4) for end in share_and_interval([1.0] * 10, 0.95, of=12)]
    [1.0, 0.9697, 1.0]
    """
    found = np.asarray(values, dtype=float)
    bound = (0.5 * (1.0 - level)) ** (1.0 / (len(found) * of))
    if (found == 1.0).all():
        return 1.0, bound, 1.0
    if (found == 0.0).all():
        return 0.0, 0.0, 1.0 - bound
    mean, lower, upper = mean_and_interval(found, level)
    return mean, max(lower, 0.0), min(upper, 1.0)

"""At which origins forecasts are judged."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

DAY = 86_400.0


def stride(interval: float, span: float) -> int:
    """About a span in intervals, without a divisor in common with the day, so that no phase of the hour is left out.

    >>> stride(300.0, 3600.0), stride(60.0, 3600.0), stride(3600.0, 3600.0), stride(300.0, 1800.0)
    (11, 59, 1, 5)
    """
    return coprime(int(max(1.0, span / interval)), interval, -1)


def coprime(near: int, interval: float, step: int) -> int:
    """The first number from ``near`` on, upwards or downwards, that has no divisor in common with the day."""
    day = per_day(interval)
    while math.gcd(near, day) > 1:
        near += step
    return near


def per_day(interval: float) -> int:
    """Intervals in a day, at least one."""
    return max(1, round(DAY / interval))


def every(count: int, length: int, step: int) -> NDArray[np.intp]:
    """Places among the next ``length`` intervals whose number is a multiple of ``step``, ``count`` having been before.

    >>> every(5, 10, 4)
    array([3, 7])
    """
    return np.arange(-count % step, length, step)

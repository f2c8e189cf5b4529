"""The load that a changing arrival rate puts on the servers: modified offered load."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from capacity_planner.contracts import ServiceLaw
    from capacity_planner.domain.congestion import FloatArray

_PER_INTERVAL = 4


def peak_offered_load(rates: Sequence[float], before: float, interval: float, law: ServiceLaw) -> FloatArray:
    """The largest m(t) = ∫ λ(t - u) P(S > u) du in each interval [erlang], shape (n,).

    The rate is ``before`` up to time 0 and then one value per interval, so that m(t) is a sum over its jumps, exact at
    the points where it is taken (both ends of an interval and three points between).

    Args:
        rates: λ per interval [jobs/s], shape (n,).
        before: λ before the first interval [jobs/s].
        interval: length of an interval [s].
        law: the service time.

    References:
        Eick, Massey & Whitt (1993), Management Science 39:241-252; Jennings, Mandelbaum, Massey & Whitt (1996),
        Management Science 42:1383-1394.
    """
    jumps = np.diff(np.array([before, *rates]))
    count = len(jumps)
    points = [
        np.convolve(jumps, _filled(np.arange(count) * interval + interval * part / _PER_INTERVAL, law))[:count]
        for part in range(_PER_INTERVAL + 1)
    ]
    peaks: FloatArray = before * law.mean + np.max(points, axis=0)
    return np.maximum(peaks, 0.0)


def _filled(time: ArrayLike, law: ServiceLaw) -> FloatArray:
    """∫_0^t P(S > u) du: how much of a unit jump in λ has reached the servers after ``time`` [s]."""
    return law.mean * (1.0 - law.residual_tail(time))

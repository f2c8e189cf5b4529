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
_ROUNDING = 1e-15


def peak_offered_load(rates: Sequence[float], before: float, interval: float, law: ServiceLaw) -> FloatArray:
    """The largest m(t) = ∫ λ(t - u) P(S > u) du in each interval [erlang], shape (n,).

    The rate is ``before`` up to time 0 and then one value per interval, so that m(t) is a weighted sum of the rates,
    exact at the points where it is taken: both ends of an interval and three points between.

    Args:
        rates: λ per interval [jobs/s], shape (n,).
        before: λ before the first interval [jobs/s].
        interval: length of an interval [s].
        law: the service time.

    References:
        Eick, Massey & Whitt (1993), Management Science 39:241-252; Jennings, Mandelbaum, Massey & Whitt (1996),
        Management Science 42:1383-1394.
    """
    starts = np.arange(len(rates)) * interval
    offsets = (interval * part / _PER_INTERVAL for part in range(_PER_INTERVAL + 1))
    peaks: FloatArray = np.max([_load(rates, before, starts + offset, law) for offset in offsets], axis=0)
    return np.where(peaks > _ROUNDING * law.mean * max(before, *rates), peaks, 0.0)


def _load(rates: Sequence[float], before: float, time: ArrayLike, law: ServiceLaw) -> FloatArray:
    """Offered load at each time [s], one in each interval: the rates, weighted by what of their jobs is in service."""
    older = law.residual_tail(time)
    shares = -np.diff(older, prepend=1.0)
    return law.mean * (before * older + np.convolve(rates, shares)[: len(older)])

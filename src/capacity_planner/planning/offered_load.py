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
_FINE, _FINEST = 32, 4096
_LEFT = 1e-3
_MOST_BINS = 4096


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


def felt_rate(rates: FloatArray, interval: float, law: ServiceLaw) -> float:
    """The steady rate that would put the load on the servers that jobs of the past do now [jobs/s].

    Args:
        rates: λ of the last intervals, the newest last; NaN where nothing was measured.
        interval: length of an interval [s].
        law: the service time.

    >>> from capacity_planner.queueing._laws import Deterministic
    >>> felt_rate(np.array([9.0, 3.0, 1.0]), 60.0, Deterministic(mean=60.0))
    2.0
    """
    shares = service_shares(law, interval)
    newest = rates[::-1][: len(shares)]
    weights = np.where(np.isfinite(newest), shares[: len(newest)], 0.0)
    total = float(weights.sum())
    return float(weights @ np.nan_to_num(newest)) / total if total > 0 else 0.0


def service_shares(law: ServiceLaw, interval: float) -> FloatArray:
    """The load of one job in the bin of its arrival and in each later one, if it begins at once [servers], shape (m,).

    A job that arrives at a random time of bin 0 is in service for E∫ P(S > s) ds over bin j. What is left after the
    last bin, less than a thousandth or beyond 4 096 bins, is spread over all.

    Args:
        law: the service time.
        interval: length of a bin [s].

    References:
        Eick, Massey & Whitt (1993), Management Science 39:241-252, eq. 1.

    >>> from capacity_planner.queueing._laws import Deterministic
    >>> service_shares(Deterministic(mean=60.0), 60.0).round(6).tolist()
    [0.5, 0.5]
    """
    bins = 1
    while bins < _MOST_BINS and float(law.residual_tail(bins * interval)) > _LEFT:
        bins *= 2
    fine = round(min(max(_FINE * interval / law.mean, _FINE), _FINEST))
    times = np.arange((bins + 1) * fine + 1) * (interval / fine)
    served = law.mean * (1.0 - law.residual_tail(times))
    area = np.concatenate([[0.0], np.cumsum((served[1:] + served[:-1]) / 2.0) * interval / fine])[::fine]
    shares = np.diff(area, 2, prepend=[0.0]) / interval**2
    kept = int(np.searchsorted(np.cumsum(shares), (1.0 - _LEFT) * law.mean / interval)) + 1
    whole: FloatArray = shares[:kept] * (law.mean / interval / shares[:kept].sum())
    return whole

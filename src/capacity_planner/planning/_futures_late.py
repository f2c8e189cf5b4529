"""How many jobs are late, from how long they wait."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from capacity_planner.contracts import ServiceLaw
    from capacity_planner.domain.congestion import FloatArray

BoolArray: TypeAlias = NDArray[np.bool_]

_FINE = 256
_TOLERATED = 0.05
_ROUNDING = 1e-9
_NEAR = 0.01
# Gauss and Hermite's three points: exact for polynomials up to the fifth degree in a normal variable.
_POINTS = ((-math.sqrt(3.0), 1.0 / 6.0), (0.0, 2.0 / 3.0), (math.sqrt(3.0), 1.0 / 6.0))
# Of twenty equal parts of the exponential law, the middle.
_EXPONENTIAL = (-np.log1p(-(np.arange(20) + 0.5) / 20.0)).tolist()


@dataclass(frozen=True)
class Lateness:
    """Late jobs by their wait.

    Args:
        law: the service time.
        latency: a job that takes longer is late [s].
        servers: about how many there are: the more, the surer a wait is.
    """

    law: ServiceLaw
    latency: float
    servers: float

    def share(self, wait: FloatArray) -> FloatArray:
        """P(late) of jobs whose expected wait is such a share of the latency, from 0 to 1."""
        found: FloatArray = self._table[(wait * _FINE + 0.5).astype(np.intp)]
        return found

    @cached_property
    def _table(self) -> FloatArray:
        """At even steps of the wait; k jobs before it take the k-fold variance of one departure."""
        waits = np.linspace(0.0, self.latency, _FINE + 1)
        spread = np.sqrt(waits * self.law.mean / max(self.servers, 1.0) * self.law.scv)
        table = np.zeros(_FINE + 1)
        for point, weight in _POINTS:
            left = self.latency - waits - point * spread
            table += weight * np.where(left > 0.0, self.law.tail(left), 1.0)
        return table

    def steady(self, arrivals: FloatArray, served: FloatArray, servers: FloatArray, scv: float) -> FloatArray:
        """P(late) in the steady state, where a slot is long enough for it; else 0.

        Jobs wait with Sakasegawa's probability, and then for an exponential time. A slot is long enough when what
        could be served in it exceeds what comes by more than the noise of both.

        Args:
            arrivals: jobs in a slot.
            served: jobs that the servers could serve in it.
            servers: how many there are.
            scv: that the departures of busy servers show.
        """
        free, variance = served - arrivals, arrivals + served * scv
        with np.errstate(all="ignore"):  # where the queue is not calm, nothing is taken from these
            waiting = (arrivals / served) ** (np.sqrt(2.0 * (servers + 1.0)) - 1.0)
            wait = 0.5 * variance / free * self.law.mean / servers / self.latency
        calm = (free > 0.0) & (free * free > variance)
        mean, waiting = np.where(calm, wait, 0.0), np.where(calm, waiting, 0.0)
        delayed = sum(self.share(np.minimum(mean * part, 1.0)) for part in _EXPONENTIAL) / len(_EXPONENTIAL)
        return np.where(calm, self._table[0] + waiting * (delayed - self._table[0]), 0.0)

    def too_many(self, counts: FloatArray, share: FloatArray, luck: FloatArray) -> BoolArray:
        """Whether more than one in twenty is late.

        Args:
            counts: jobs.
            share: P(late) of one.
            luck: a standard normal number: by how much fewer than expected are late.
        """
        allowed = np.floor(_TOLERATED * counts + _ROUNDING)
        return np.asarray((counts > 0.0) & (share > _ROUNDING) & (luck > probit(allowed, counts, share)))


def probit(allowed: FloatArray, counts: FloatArray, share: FloatArray) -> FloatArray:
    """Φ⁻¹ of P(at most ``allowed`` of ``counts`` happen, each with probability ``share``), to about a thousandth.

    Args:
        allowed: below the count.
        counts: how many there are.
        share: the probability of each.

    References:
        Peizer & Pratt (1968), JASA 63:1416-1456.

    >>> from statistics import NormalDist
    >>> f"{NormalDist().cdf(float(probit(np.array(0.0), np.array(10.0), np.array(0.02)))):.3f}, exactly {0.98**10:.3f}"
    '0.818, exactly 0.817'
    """
    n, p = np.maximum(counts, 1.0), np.clip(share, 1e-12, 1.0 - 1e-12)
    k, q = np.minimum(allowed, n - 1.0), 1.0 - p
    off = k + 2.0 / 3.0 - (n + 1.0 / 3.0) * p
    off += 0.02 * (q / (k + 1.0) - p / (n - k) + (q - 0.5) / (n + 1.0))
    gap, variance = k + 0.5 - n * p, n * p * q
    apart = (k + 0.5) * np.log((k + 0.5) / (n * p)) + (n - k - 0.5) * np.log((n - k - 0.5) / (n * q))
    # Next to the mean the logarithms cancel, and the law is normal.
    near = np.abs(gap) < _NEAR * variance
    steep = np.sqrt(np.where(near, 0.5 / variance, apart / np.where(near, 1.0, gap * gap)))
    found: FloatArray = off * steep * np.sqrt(2.0 / (1.0 + 1.0 / (6.0 * n)))
    return found

"""M/M/c in closed form: the kernels that ``mmc`` shows and ``mgc`` uses when service is exponential."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from capacity_planner.queueing._erlang import erlang_c

if TYPE_CHECKING:
    from capacity_planner.domain.congestion import FloatArray

_STEPS = 60
_LOG_LEVEL = math.log(0.05)
LOG_20 = -_LOG_LEVEL


@np.errstate(all="ignore")
def wait_tail(time: FloatArray, servers: FloatArray, load: FloatArray) -> FloatArray:
    """P(W_q > t) = C e^{-(c - a) t} of a stable M/M/c.

    Args:
        time: t in units of E[S].
        servers: c.
        load: a [erlang], less than c.

    >>> f"{wait_tail(np.array(0.5), np.array(10.0), np.array(5.0)):.12f}"
    '0.002963708357'
    """
    return np.where(time < 0.0, 1.0, erlang_c(servers, load) * np.exp(-(servers - load) * np.maximum(time, 0.0)))


@np.errstate(all="ignore")
def response_tail(time: FloatArray, servers: FloatArray, load: FloatArray) -> FloatArray:
    """P(W_q + S > t) of a stable M/M/c: e^{-t} + C t e^{-min(1, k) t} (1 - e^{-|1-k| t})/(|1-k| t), k = c - a.

    Args:
        time: t in units of E[S].
        servers: c.
        load: a [erlang], less than c.

    References:
        Gross, Shortle, Thompson, Harris (2008), Fundamentals of Queueing Theory, section 2.3; rearranged so that every
        term is positive and no power is.

    >>> f"{response_tail(np.array(3.0), np.array(10.0), np.array(5.0)):.12f}"
    '0.050236460603'
    """
    t = np.maximum(time, 0.0)
    return np.where(time < 0.0, 1.0, _tail_and_density(t, servers - load, erlang_c(servers, load))[0])


@np.errstate(all="ignore")
def p95_response(servers: FloatArray, load: FloatArray) -> FloatArray:
    """The 95th percentile of W_q + S of a stable M/M/c, in units of E[S], to about 1e-14.

    Args:
        servers: c.
        load: a [erlang], less than c.

    >>> f"{p95_response(np.array(10.0), np.array(9.0)):.10f}"
    '4.3608665678'
    """
    rate, waiting = servers - load, erlang_c(servers, load)[()]
    # W and S are each late with 2.5 % at most: an upper bound, whatever the wait.
    high = math.log(40.0) + np.maximum(np.log(40.0 * waiting), 0.0) / rate
    return _newton(np.full_like(waiting, LOG_20)[()], high, rate, waiting)


def _newton(low: FloatArray, high: FloatArray, rate: FloatArray, waiting: FloatArray) -> FloatArray:
    t = low
    for _ in range(_STEPS):
        tail, density = _tail_and_density(t, rate, waiting)
        excess = np.log(tail) - _LOG_LEVEL
        low, high = np.where(excess >= 0.0, t, low)[()], np.where(excess <= 0.0, t, high)[()]
        step = t + excess * tail / density
        last, t = t, np.where((step >= low) & (step <= high), step, 0.5 * (low + high))[()]
        if (np.abs(t - last) <= 1e-15 * t).all():
            break
    return t


def _tail_and_density(t: FloatArray, rate: FloatArray, waiting: FloatArray) -> tuple[FloatArray, FloatArray]:
    gap, slow = np.abs(rate - 1.0), np.minimum(rate, 1.0)
    spread = np.where(gap * t > 0.0, -np.expm1(-gap * t) / gap, t)
    served, queued = np.exp(-t), waiting * np.exp(-slow * t) * spread
    return np.minimum(served + queued, 1.0), served * (1.0 - waiting) + rate * queued

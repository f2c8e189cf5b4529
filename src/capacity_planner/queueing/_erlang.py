"""The Poisson probabilities and Erlang's B and C, continuous in the number of servers and safe at any size."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from capacity_planner.queueing._special import special

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from capacity_planner.domain.congestion import FloatArray

_HALF_LOG_TAU = 0.918938533204672742
# Coefficients of the Stirling series of ln n! in 1/n², divided by n (DLMF 5.11.1).
_STIRLING = (
    1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156,
)  # fmt: skip
_SMALL = 16.0
_NEAR = 0.01
# Beyond this nothing that a float can tell apart changes; it keeps every square below the largest float.
_LARGEST = 1e150
_FRACTION_DEPTH = 128


def plain(value: ArrayLike) -> FloatArray:
    """The array, or for a single number NumPy's scalar: arithmetic on it costs a tenth of that on a 0-d array."""
    return np.asarray(value, dtype=float)[()]


def stirling_error(count: ArrayLike) -> FloatArray:
    """What ln n! exceeds Stirling's (n + ½) ln n - n + ½ ln 2π by, for n of at least 16.

    Args:
        count: n, array of any shape.

    References:
        Loader (2000), Fast and accurate computation of binomial probabilities, δ(n).

    >>> f"{stirling_error(100.0):.15f}"
    '0.000833330555635'
    """
    error: FloatArray = _stirling(1.0 / plain(count))
    return error


def _stirling(inverse: Any) -> Any:
    square = inverse * inverse
    total = _STIRLING[-1] * square + _STIRLING[-2]
    for coefficient in _STIRLING[-3::-1]:
        total = total * square + coefficient
    return total * inverse


def deviance(count: ArrayLike, mean: ArrayLike) -> FloatArray:
    """The deviance n ln(n/m) + m - n without cancellation where n is near m.

    Args:
        count: n, positive.
        mean: m, not negative, of a shape that broadcasts.

    References:
        Loader (2000), bd0; the series is that of the inverse hyperbolic tangent.

    >>> f"{deviance(1e6, 1e6 + 1.0):.12e}"
    '4.999996666669e-07'
    """
    n, m = plain(count), plain(mean)
    square, near = _near_deviance(n, m)
    return np.where(square < _NEAR, near, n * np.log(n / m) - (n - m))


def _near_deviance(n: Any, m: Any) -> tuple[Any, Any]:
    gap = n - m
    v = gap / (n + m)
    square = v * v
    series = square / 19 + 1 / 17
    for odd in range(15, 1, -2):
        series = series * square + 1 / odd
    return square, gap * v + 2.0 * n * v * square * series


@np.errstate(all="ignore")
def poisson_pmf(count: ArrayLike, mean: ArrayLike) -> FloatArray:
    """m^n e^-m / n!, continuous in n, to about 1e-15 times the size of its logarithm.

    Args:
        count: n, not negative.
        mean: m, not negative, of a shape that broadcasts.

    References:
        Loader (2000), the saddle-point expansion.

    >>> f"{poisson_pmf(1e6, 1e6):.15e}"
    '3.989422471562440e-04'
    """
    n, m = np.minimum(plain(count), _LARGEST), np.minimum(plain(mean), _LARGEST)
    big = np.maximum(n, _SMALL)
    saddle: FloatArray = np.exp(-stirling_error(big) - deviance(big, m) - _HALF_LOG_TAU) / np.sqrt(big)
    if (n >= _SMALL).all():
        return saddle
    return np.where(n < _SMALL, np.exp(special().xlogy(n, m) - m - special().gammaln(n + 1.0)), saddle)


@np.errstate(all="ignore")
def erlang_b(servers: ArrayLike, offered_load: ArrayLike) -> FloatArray:
    """The share of Poisson arrivals that c servers without a queue turn away.

    Args:
        servers: c, not negative; need not be whole.
        offered_load: a [erlang], not negative.

    References:
        Jagerman (1974), Some properties of the Erlang loss function: 1/B = Γ(c+1, a) e^a a^-c;
        far above c by Legendre's continued fraction, DLMF 8.9.2.

    >>> f"{erlang_b(10, 5.0):.12f}"
    '0.018384570337'
    """
    c, a = np.broadcast_arrays(np.asarray(servers, dtype=float), np.asarray(offered_load, dtype=float))
    far = a > c + 4.0 * np.sqrt(c + 1.0)
    blocking = _blocking(c, np.where(far, 0.0, a))
    return np.where(far, _overloaded_blocking(c, np.where(far, a, 2.0 * c + 5.0)), blocking)


def erlang_c(servers: ArrayLike, offered_load: ArrayLike) -> FloatArray:
    """The probability that a job waits in M/M/c; 1 where the load reaches the servers, 0 where nothing is offered.

    Args:
        servers: c, not negative; need not be whole.
        offered_load: a [erlang], not negative.

    References:
        Erlang (1917); C = 1 / (ρ + (1 - ρ)/B), which has no cancellation.

    >>> f"{erlang_c(10, 5.0):.12f}"
    '0.036105359158'
    """
    c, a = plain(servers), plain(offered_load)
    if not c.ndim and not a.ndim:
        return plain(_single_waiting(float(c), float(a)))
    load = np.where(a < c, a, 0.0)
    with np.errstate(all="ignore"):
        blocking = _blocking(c, load)
        waiting = blocking / ((c - load) / c + (load / c) * blocking)
    return np.where(load > 0.0, waiting, np.where(a > 0.0, 1.0, 0.0))


def _blocking(c: FloatArray, a: FloatArray) -> FloatArray:
    reached: FloatArray = special().gammaincc(np.minimum(c, _LARGEST) + 1.0, np.minimum(a, _LARGEST))
    return poisson_pmf(c, a) / reached


def _single_waiting(c: float, a: float) -> float:
    """Erlang's C in Python's own floats: for one number ten times as fast as NumPy."""
    if not 0.0 < a < c:
        return float(a > 0.0)
    n, m = min(c, _LARGEST), min(a, _LARGEST)
    blocking = _single_pmf(n, m) / float(special().gammaincc(n + 1.0, m))
    return blocking / ((c - a) / c + (a / c) * blocking)


def _single_pmf(n: float, m: float) -> float:
    if n < _SMALL:
        return math.exp(n * math.log(m) - m - math.lgamma(n + 1.0))
    square, near = _near_deviance(n, m)
    deviation = near if square < _NEAR else n * math.log(n / m) - (n - m)
    return math.exp(-_stirling(1.0 / n) - deviation - _HALF_LOG_TAU) / math.sqrt(n)


def _overloaded_blocking(c: FloatArray, a: FloatArray) -> FloatArray:
    gap = a - c
    fraction = np.zeros_like(gap)
    for depth in range(_FRACTION_DEPTH, 0, -1):
        fraction = (c + 1.0 - depth) / (gap + 2.0 * depth + fraction) * depth
    return (gap + fraction) / a

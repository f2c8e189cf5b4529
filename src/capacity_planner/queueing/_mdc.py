"""M/D/c without approximation: the queue at multiples of the service time is the maximum of a lattice random walk.

In units of the service time, the number in system one service time later is (N - c)⁺ + A, A Poisson with mean a, so
M = (N - c)⁺ is the maximum of a walk with steps A - c. Spitzer's identity gives its generating function from the
coefficients b_k of -log(1 - φ(z)), φ(z) = z^{-c} e^{a (z - 1)}. On the circle through the saddle point z = c/a
everything keeps its relative accuracy, however small the probabilities.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from capacity_planner.queueing._erlang import deviance, poisson_pmf
from capacity_planner.queueing._roots import falling_root
from capacity_planner.queueing._special import gauss, special

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from capacity_planner.domain.congestion import FloatArray

_LARGEST_GRID = 2**20
_PANEL = 0.7
_NODES = 16
# Below this a few terms of a series are exact.
_SMALL = 1e-3
_SHALLOW = 0.05
# Beyond this many service times the tail is exponential to the last digit.
_LONG = 1e6


@dataclass(frozen=True, slots=True, eq=False)
class Backlog:
    """The distribution of M = (N - c)⁺, the jobs that wait at a random moment.

    Attributes:
        servers: c, whole.
        load: a [erlang], less than c.
        decay: ln z₀, P(M > m) falls like z₀^-m.
        mean: E[M].
        constant: K of the asymptote P(M > m) ~ K z₀^-m.
        table: P(M > m) for m = 0, 1, … as far as the asymptote is not yet exact; empty in the heaviest traffic.
    """

    servers: int
    load: float
    decay: float
    mean: float
    constant: float
    table: FloatArray

    def tail(self, count: NDArray[np.int_] | FloatArray) -> FloatArray:
        """P(M > m), m ≥ 0."""
        beyond = np.minimum(self.constant * np.exp(-self.decay * np.asarray(count, dtype=float)), 1.0)
        if not len(self.table):
            return beyond
        inside = self.table[np.minimum(count, len(self.table) - 1).astype(int)]
        return np.where(count < len(self.table), inside, beyond)


def mean_wait(servers: int, load: float) -> float:
    """Mean W_q of M/D/c in units of the service time: E[M]/a.

    Args:
        servers: c.
        load: a [erlang], less than c.

    References:
        Spitzer (1956): E[M] = Σ k b_k, here as a contour integral.

    >>> f"{mean_wait(1, 0.8):.12f} {mean_wait(10, 9.0):.9f}"
    '2.000000000000 0.344582050'
    """
    return _contour(servers, load)[0] / load


@lru_cache(maxsize=16)
def backlog(servers: int, load: float) -> Backlog:
    """The distribution of the waiting jobs of M/D/c.

    Args:
        servers: c.
        load: a [erlang], less than c.

    References:
        Spitzer (1956), Trans. AMS 82: E z^M = exp(Σ_{k≥1} b_k (z^k - 1)).

    >>> f"{backlog(1, 0.5).tail(np.array(0)):.12f}"
    '0.175639364650'
    """
    mean, atom, below = _contour(servers, load)
    saddle, decay = _saddle(servers, load)
    constant = math.exp(-below - atom) / (servers * decay - (servers - load)) / math.expm1(decay)
    size = 2 ** math.ceil(math.log2(max(64.0, 40.0 / min(saddle, decay - saddle), 16.0 * math.sqrt(servers))))
    table = np.empty(0) if size > _LARGEST_GRID else _tails(servers, load, saddle, size)
    return Backlog(servers, load, decay, mean, constant, table)


def wait_tail(time: float, servers: int, load: float) -> float:
    """P(W_q > t) of M/D/c.

    Args:
        time: t ≥ 0 in units of the service time.
        servers: c.
        load: a [erlang], less than c.

    References:
        Franx (2001), A simple solution for the M/D/c waiting time distribution, Oper. Res. Lett. 29:221-229, as the
        complement, which needs only the tail of M.

    >>> f"{1.0 - wait_tail(0.5, 1, 0.5):.12f} {0.5 * math.exp(0.25):.12f}"
    '0.642012708344 0.642012708344'
    """
    near = min(time, _LONG)
    periods = math.floor(near) + 1
    mean, top = load * (periods - near), periods * servers - 1
    reach = 12.0 * math.sqrt(mean) + 40.0
    first, last = max(math.floor(mean - reach), 0), min(math.ceil(mean + reach), top)
    count = np.arange(first, last + 1)
    queued = float(poisson_pmf(count, mean) @ backlog(servers, load).tail(top - count))
    tail = min(queued + float(special().gammainc(top + 1.0, mean)), 1.0)
    return tail * math.exp(-_rate(servers, load) * (time - near))


def wait_quantile(exceedance: float, servers: int, load: float) -> float:
    """The wait that is exceeded with the given probability, in units of the service time; 0 if so few wait at all.

    Args:
        exceedance: the probability, in (0, 1).
        servers: c.
        load: a [erlang], less than c.

    >>> f"{wait_quantile(0.05, 1, 0.8):.9f}"
    '6.620324997'
    """

    def excess(time: float) -> float:
        return math.log(max(wait_tail(time, servers, load), 1e-300) / exceedance)

    if excess(0.0) <= 0.0:
        return 0.0
    return falling_root(excess, 0.0, 1.0 / _rate(servers, load))


def _rate(servers: int, load: float) -> float:
    """The exponential rate at which P(W_q > t) falls in the end, λ (z₀ - 1)."""
    return load * math.expm1(_saddle(servers, load)[1])


def _saddle(servers: int, load: float) -> tuple[float, float]:
    """ln(c/a), and ln z₀ by Newton on ln(e^y - 1)/y = ln(c/a)."""
    gap = (servers - load) / load
    y = 2.0 * math.log1p(gap)
    for _ in range(50):
        value = math.expm1(y) - y * (1.0 + gap)
        if y < _SMALL:
            value = y * (y * (0.5 + y * (1 / 6 + y / 24)) - gap)
        step = value / (math.expm1(y) - gap)
        y -= step
        if abs(step) <= 1e-16 * y:
            break
    return math.log1p(gap), y


def _log_step(servers: int, load: float, angle: FloatArray) -> NDArray[np.complex128]:
    sine = np.sin(0.5 * angle)
    square = angle * angle
    # sin θ - θ, whose difference has no digits where θ is small and traffic heavy.
    series = -angle * square / 6.0 * (1.0 - square / 20.0 * (1.0 - square / 42.0 * (1.0 - square / 72.0)))
    turn = np.where(angle < _SHALLOW, series, np.sin(angle) - angle)
    return -2.0 * servers * sine * sine - deviance(servers, load) + 1j * servers * turn


def _minus_log(log_step: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """-log(1 - e^w), also where e^w is too small to be seen beside 1."""
    step = np.exp(log_step)
    small = step * (1.0 + step * (1 / 2 + step * (1 / 3 + step / 4)))
    with np.errstate(all="ignore"):
        return np.where(np.abs(step) < _SMALL, small, -np.log(-np.expm1(log_step)))


def _contour(servers: int, load: float) -> tuple[float, float, float]:
    """Σ k b_k, Σ_{k≥1} b_k and Σ_{k≤0} b_k z₀^k as integrals on the saddle's circle, angle = ln(c/a) sinh u."""
    saddle, decay = _saddle(servers, load)
    u, weight = _panels(math.asinh(min(math.pi, 9.0 / math.sqrt(servers)) / saddle))
    angle = saddle * np.sinh(u)
    values = _minus_log(_log_step(servers, load, angle)) * (weight * saddle * np.cosh(u) / math.pi)
    away = np.expm1(saddle + 1j * angle)
    mean = values * (away + 1.0) / (away * away)
    below = values / -np.expm1(saddle - decay + 1j * angle)
    return float(mean.real.sum()), float((values / away).real.sum()), float(below.real.sum())


def _panels(end: float) -> tuple[FloatArray, FloatArray]:
    node, weight = gauss(_NODES)
    edges = np.linspace(0.0, end, math.ceil(end / _PANEL) + 1)
    half = 0.5 * np.diff(edges)[:, None]
    return (edges[:-1, None] + half * (node + 1.0)).ravel(), (half * weight).ravel()


def _tails(servers: int, load: float, saddle: float, size: int) -> FloatArray:
    """P(M > m) by two FFTs; beyond a quarter of the grid the asymptote is better than they are."""
    angle: FloatArray = 2.0 * math.pi / size * np.arange(size // 2 + 1, dtype=float)
    near = int(np.searchsorted(angle, 9.0 / math.sqrt(servers)))
    logarithm = np.zeros(len(angle), dtype=complex)
    logarithm[:near] = _minus_log(_log_step(servers, load, angle[:near]))
    upward = np.fft.irfft(np.conj(logarithm), size)
    damping = np.exp(-saddle * np.arange(size // 2))
    upward[0] = upward[size // 2 :] = 0.0
    none = math.exp(-float(upward[: size // 2] @ damping))
    mass = np.fft.irfft(np.conj(np.expm1(np.conj(np.fft.rfft(upward)))), size)[: size // 2] * damping * none
    tails: FloatArray = np.maximum(np.cumsum(mass[:0:-1])[::-1], 0.0)[: size // 4]
    tails.setflags(write=False)
    return tails

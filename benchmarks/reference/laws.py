"""Closed forms of the service laws (mean 1) and of the queues that have one, in the standard library only."""

import math
from collections.abc import Callable
from statistics import NormalDist

Law = tuple[str, float]
"""A law's name (det, exp, gamma, logn, h2) and its squared coefficient of variation."""


def gamma_sf(shape: float, x: float) -> float:
    """P(Gamma(shape, 1) > x), by the power series of the lower incomplete gamma function."""
    term = total = 1 / shape
    k = 0
    while term > 1e-17 * total:
        k += 1
        term *= x / (shape + k)
        total += term
    return 1 - total * math.exp(shape * math.log(x) - x - math.lgamma(shape))


def service_sf(law: Law, x: float) -> float:
    """P(S > x) for a continuous service law."""
    name, scv = law
    if name == "exp":
        return math.exp(-x)
    if name == "gamma":
        return gamma_sf(1 / scv, x / scv)
    if name == "logn":
        sigma = math.sqrt(math.log1p(scv))
        return NormalDist().cdf(-(math.log(x) / sigma + sigma / 2))
    p1 = (1 + math.sqrt((scv - 1) / (scv + 1))) / 2
    return p1 * math.exp(-2 * p1 * x) + (1 - p1) * math.exp(-2 * (1 - p1) * x)


def solve_decreasing(tail: Callable[[float], float], level: float) -> float:
    """Where the decreasing function `tail` meets `level`, by bisection on (0, 1000)."""
    low, high = 1e-9, 1e3
    while high - low > 1e-13 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if tail(middle) > level else (low, middle)
    return high


def service_quantile(law: Law, p: float) -> float:
    """The p-quantile of S."""
    return 1.0 if law[0] == "det" else solve_decreasing(lambda x: service_sf(law, x), 1 - p)


def erlang_c(c: int, load: float) -> float:
    """P(wait > 0) in M/M/c, by the recursion for Erlang B."""
    blocking = 1.0
    for k in range(1, c + 1):
        blocking = load * blocking / (k + load * blocking)
    rho = load / c
    return blocking / (1 - rho + rho * blocking)


def mmc_response_sf(c: int, load: float, t: float) -> float:
    """P(T > t) in M/M/c: e^-t (1 + C t phi(d t)) with d = 1 - (c - load) and phi(x) = expm1(x) / x."""
    x = (1 - (c - load)) * t
    phi = math.expm1(x) / x if x else 1.0
    return math.exp(-t) * (1 + erlang_c(c, load) * t * phi)


def mmc_p95(c: int, load: float) -> float:
    """The exact p95 of the response in M/M/c."""
    return solve_decreasing(lambda t: mmc_response_sf(c, load, t), 0.05)


def mg1_mean_wait(scv: float, rho: float) -> float:
    """Pollaczek and Khinchine."""
    return rho / (1 - rho) * (1 + scv) / 2

"""From what was measured of the service time to a law of it."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from capacity_planner.queueing._laws import Deterministic, Exponential, Gamma, Lognormal
from capacity_planner.queueing._mixtures import Blend, Hyperexponential
from capacity_planner.queueing._roots import falling_root

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from capacity_planner.domain.congestion import FloatArray, ServiceTime
    from capacity_planner.queueing._law import Law

_LEVEL = 0.95
_Z = 1.6448536269514722
# Of the standard deviation over the mean.
_LARGEST_SPREAD = 1e3
_LARGEST_RATIO = 1e9
_SMALLEST_SCV = 1e-10
# The shape at which the gamma's p95/mean is largest, 5.83.
_GAMMA_PEAK = 0.08886
# How far outside the families' own p95s, on a log scale, they have lost all weight.
_DOUBT = math.log(1.15)
_GRID = 64
_NEGLIGIBLE = 1e-9
_SAME = 1e-12


@lru_cache(maxsize=256)
def fit_service(service: ServiceTime) -> Law:
    """The law that the measured facts suggest.

    | known | law |
    | --- | --- |
    | mean | exponential |
    | mean, std; SCV ≤ 1 | gamma |
    | mean, std; SCV > 1 | of gamma and lognormal the one with the larger p95 (gamma up to SCV 40) |
    | mean, std, p95; SCV ≤ 1 | gamma or lognormal, whichever p95 is nearer |
    | mean, std, p95; SCV > 1 | a mixture of gamma, lognormal and hyperexponential that has all three |
    | mean, p95 | lognormal where its p95/mean reaches 3.87 or less, then gamma (up to 5.83) |

    A std of 0 or a p95 equal to the mean is deterministic; a p95 below the mean without a std says no more than the
    mean alone. What is not finite or not positive counts as not measured.

    Args:
        service: mean and what else was measured [s].

    >>> from capacity_planner.domain.congestion import ServiceTime
    >>> fit_service(ServiceTime(mean=2.0, std=4.0))
    Gamma(mean=2.0, shape=0.25)
    >>> f"{fit_service(ServiceTime(mean=2.0, p95=4.0)).scv:.6f}"
    '0.279260'
    """
    mean = service.mean
    scv, ratio = known_scv(service), over_mean(service.p95, mean)
    if scv is not None:
        return _from_spread(mean, scv, ratio)
    return Exponential(mean) if ratio is None else _from_percentile(mean, ratio)


@lru_cache(maxsize=256)
def consistent_laws(service: ServiceTime) -> tuple[Law, ...]:
    """The fitted law, and where only mean and std > mean are known the other of gamma and lognormal.

    Which of the two has the longer responses depends on the load and on c: with few servers the lognormal by up to
    15 %, with many the gamma. Who must not promise too much takes the worse.

    Args:
        service: mean and what else was measured [s].

    >>> from capacity_planner.domain.congestion import ServiceTime
    >>> [law.name for law in consistent_laws(ServiceTime(mean=2.0, std=4.0))]
    ['gamma', 'lognormal']
    """
    fitted = fit_service(service)
    if fitted.scv <= 1.0 or service.std is None or over_mean(service.p95, service.mean) is not None:
        return (fitted,)
    pair = _families(fitted.mean, fitted.scv)
    return pair if isinstance(fitted, Lognormal) else pair[::-1]


def _families(mean: float, scv: float) -> tuple[Lognormal, Gamma]:
    return Lognormal(mean, sigma=math.sqrt(math.log1p(scv))), Gamma(mean, shape=1.0 / scv)


def known_scv(service: ServiceTime) -> float | None:
    """The SCV, if the standard deviation was measured; no more than a million.

    Args:
        service: mean and what else was measured [s].

    >>> from capacity_planner.domain.congestion import ServiceTime
    >>> known_scv(ServiceTime(mean=2.0, std=3.0))
    2.25
    """
    if service.std == 0.0:
        return 0.0
    spread = over_mean(service.std, service.mean)
    return None if spread is None else min(spread, _LARGEST_SPREAD) ** 2


def over_mean(value: float | None, mean: float) -> float | None:
    """The value over the mean, if it says anything.

    Args:
        value: a standard deviation or percentile [s].
        mean: E[S] [s].

    >>> over_mean(3.0, 2.0)
    1.5
    """
    if value is None or not value > 0.0:
        return None
    return min(value, 1e300) / mean if mean > value * 1e-300 else 1e300


def _from_spread(mean: float, scv: float, ratio: float | None) -> Law:
    if scv < _SMALLEST_SCV:
        return Deterministic(mean)
    lognormal, gamma = _families(1.0, scv)
    plain = Exponential(1.0) if abs(scv - 1.0) <= _SAME else gamma
    if ratio is not None and scv > 1.0 + _SAME:
        return replace(_three_facts(scv, ratio), mean=mean)
    if ratio is not None:
        return replace(min((plain, lognormal), key=lambda law: _off(law, ratio)), mean=mean)
    return replace(lognormal if scv > 1.0 and _p95(lognormal) > _p95(gamma) else plain, mean=mean)


def _p95(law: Law) -> float:
    return law.quantile(_LEVEL)


def _off(law: Law, ratio: float) -> float:
    """How far a law's p95 is from the measured one, on a log scale; the law has mean 1."""
    return abs(math.log(max(_p95(law), 1e-300)) - math.log(ratio))


def _three_facts(scv: float, ratio: float) -> Law:
    """The usual families and two kinds of exponential jobs, mixed; all of them with the SCV that was measured.

    Kinds that share the work evenly can have a lognormal's p95, and each of the two laws under-states the other's queue
    by 6 %: there they get half of the weight each, less of it towards the gamma's p95. Outside the families' own p95s
    the kinds take over.
    """
    lognormal, gamma = _families(1.0, scv)
    usual, distance = _usual(lognormal, gamma, ratio)
    gamma_share = sum(share for share, law in usual if law is gamma)
    kinds, balance = two_kinds(scv, ratio)
    outside = min(distance / _DOUBT, 1.0)
    weight = 0.0 if kinds is None else outside + (1.0 - outside) * 0.5 * balance * (1.0 - gamma_share)
    parts = [(weight, kinds), *(((1.0 - weight) * share, law) for share, law in usual)]
    kept = [(share, law) for share, law in parts if law is not None and share > _NEGLIGIBLE]
    total = sum(share for share, _ in kept)
    if len(kept) == 1:
        return kept[0][1]
    return Blend(1.0, parts=tuple((share / total, law) for share, law in kept))


def _usual(lognormal: Law, gamma: Law, ratio: float) -> tuple[list[tuple[float, Law]], float]:
    """Lognormal and gamma in the shares that have the p95, or the nearer one and the logarithm of how far off it is."""
    late = 1.0 - _LEVEL
    excess = [float(law.tail(ratio)) - late for law in (lognormal, gamma)]
    if excess[0] * excess[1] <= 0.0 and excess[0] != excess[1]:
        share = excess[0] / (excess[0] - excess[1])
        return [(1.0 - share, lognormal), (share, gamma)], 0.0
    nearest = min((lognormal, gamma), key=lambda law: _off(law, ratio))
    return [(1.0, nearest)], _off(nearest, ratio)


def two_kinds(scv: float, ratio: float) -> tuple[Hyperexponential | None, float]:
    """Two kinds of jobs with this SCV and p95/mean, if there are any, and from 0 to 1 how evenly they share the work.

    Args:
        scv: more than 1.
        ratio: p95/mean.

    >>> kinds, balance = two_kinds(4.0, 3.714882)
    >>> f"{kinds.long_share:.4f} {balance:.4f}"
    '0.1127 1.0000'
    """
    spread, ratio = 0.5 * (scv - 1.0), min(ratio, _LARGEST_RATIO)
    balanced = math.log(0.5 * (1.0 - math.sqrt(spread / (1.0 + spread))))
    grid = np.linspace(balanced - 5.0, -math.log1p(spread), _GRID)

    def excess(log_share: ArrayLike) -> FloatArray:
        """P(S > ratio) - 5 % of two kinds with this share of long jobs."""
        share = np.exp(np.asarray(log_share, dtype=float))
        long, short = 1.0 + np.sqrt(spread * (1.0 - share) / share), 1.0 - np.sqrt(spread * share / (1.0 - share))
        tails = (1.0 - share) * np.exp(-ratio / np.maximum(short, 1e-12)) + share * np.exp(-ratio / long)
        return np.asarray(tails - (1.0 - _LEVEL))

    values = excess(grid)
    crossings = np.flatnonzero(np.diff(np.sign(values)))
    if not len(crossings):
        return None, 0.0
    at = crossings[np.argmin(np.abs(grid[crossings] - balanced))]
    sign = 1.0 if values[at] > 0.0 else -1.0
    start, step = float(grid[at]), float(grid[at + 1] - grid[at])
    root = falling_root(lambda log_share: sign * float(excess(log_share)), start, step)
    kinds = Hyperexponential(1.0, long_share=math.exp(root), spread=spread)
    return kinds, max(1.0 - abs(root - balanced) / math.log(2.0), 0.0)


def _from_percentile(mean: float, ratio: float) -> Law:
    """The least spread that has the p95/mean: lognormal, beyond its reach gamma, beyond that gamma's largest."""
    if abs(ratio - 1.0) <= _NEGLIGIBLE:
        return Deterministic(mean)
    if ratio < 1.0:
        return Exponential(mean)
    log_ratio = math.log(ratio)
    if log_ratio <= 0.5 * _Z * _Z:
        # z - sqrt(z² - 2 ln r) without its cancellation.
        return Lognormal(mean, sigma=2.0 * log_ratio / (_Z + math.sqrt(_Z * _Z - 2.0 * log_ratio)))
    if ratio >= Gamma(1.0, shape=_GAMMA_PEAK).quantile(_LEVEL):
        return Gamma(mean, shape=_GAMMA_PEAK)
    spread = falling_root(
        lambda log_scv: ratio - Gamma(1.0, shape=math.exp(-log_scv)).quantile(_LEVEL), 0.0, -math.log(_GAMMA_PEAK)
    )
    return Gamma(mean, shape=math.exp(-spread))

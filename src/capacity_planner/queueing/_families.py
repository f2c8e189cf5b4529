"""From what was measured of the service time to a law of a family that was chosen beforehand."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.queueing._laws import Deterministic, Exponential, Gamma, Lognormal
from capacity_planner.queueing._mixtures import Hyperexponential
from capacity_planner.queueing._roots import falling_root
from capacity_planner.queueing._service import known_scv, over_mean, two_kinds
from capacity_planner.units import from_seconds, words

if TYPE_CHECKING:
    from collections.abc import Callable

    from capacity_planner.domain.congestion import ServiceTime
    from capacity_planner.queueing._law import Law

_LEVEL = 0.95
_SMALLEST_SCV = 1e-10
_SAME = 1e-9
# The p95/mean of the smallest SCV is nearer to 1 than that.
_SAME_RATIO = 2e-5


class _Family(NamedTuple):
    """Laws with mean 1 that one number, the SCV, tells apart.

    Attributes:
        of: the law with an SCV.
        least: the SCV of the law that varies least.
        width: how far √(SCV - least) is from 0 where p95/mean is largest; up to there it rises.
    """

    of: Callable[[float], Law]
    least: float
    width: float

    def reached(self, spread: float) -> float:
        """p95/mean at √(SCV - least)."""
        return self.of(self.least + spread * spread).quantile(_LEVEL)


def law_of_family(family: str, service: ServiceTime) -> Law:
    """The law of a family that has the mean and the standard deviation, or else the mean and the p95.

    | family | facts |
    | --- | --- |
    | exponential, deterministic | mean |
    | gamma, lognormal | mean, std; without std the least spread that has the p95; without spread deterministic |
    | hyperexponential | mean, std and, where two kinds of jobs can have it, p95; else the kinds share the work evenly |

    What is not finite or not positive counts as not measured, but a std of 0 is no spread.

    Args:
        family: a `ServiceFamily` other than ``auto``.
        service: mean and what else was measured [s].

    Raises:
        PlannerError: ``CONFIG_INVALID`` when no law of the family has the facts, or they do not suffice.

    References:
        Whitt (1982), Approximating a point process by a renewal process, section 3: balanced means.

    >>> from capacity_planner.domain.congestion import ServiceTime
    >>> law_of_family("gamma", ServiceTime(mean=2.0, std=4.0))
    Gamma(mean=2.0, shape=0.25)
    >>> law = law_of_family("hyperexponential", ServiceTime(mean=2.0, std=4.0))
    >>> f"{law.scv:.6f} {law.quantile(0.95):.6f}"
    '4.000000 7.429764'
    """
    if family in _FIXED:
        return _FIXED[family](service.mean)
    if family not in _FITTED:
        raise _unknown(family)
    scv = known_scv(service)
    if scv is None:
        law = _of_p95(family, service)
    else:
        law = _of_kinds(scv, service) if family == "hyperexponential" else _FITTED[family].of(scv)
    return replace(law, mean=service.mean)


def _gamma(scv: float) -> Law:
    return Gamma(1.0, shape=1.0 / scv) if scv >= _SMALLEST_SCV else Deterministic(1.0)


def _lognormal(scv: float) -> Law:
    return Lognormal(1.0, sigma=math.sqrt(math.log1p(scv))) if scv >= _SMALLEST_SCV else Deterministic(1.0)


def _balanced(scv: float) -> Law:
    spread = 0.5 * (scv - 1.0)
    # (1 - √(V/(1 + V)))/2 without its cancellation.
    share = 0.5 / ((1.0 + spread) * (1.0 + math.sqrt(spread / (1.0 + spread))))
    return Hyperexponential(1.0, long_share=share, spread=spread)


_FIXED: dict[str, Callable[[float], Law]] = {"exponential": Exponential, "deterministic": Deterministic}
_FITTED = {
    "gamma": _Family(_gamma, least=0.0, width=3.3547),
    "lognormal": _Family(_lognormal, least=0.0, width=3.7363),
    "hyperexponential": _Family(_balanced, least=1.0, width=1.50625),
}


def _of_kinds(scv: float, service: ServiceTime) -> Law:
    if scv <= 1.0:
        raise _too_even(service)
    ratio = over_mean(service.p95, service.mean)
    kinds = None if ratio is None or scv <= 1.0 + _SAME else two_kinds(scv, ratio)[0]
    return kinds or _balanced(scv)


def _of_p95(family: str, service: ServiceTime) -> Law:
    ratio, known = over_mean(service.p95, service.mean), _FITTED[family]
    if ratio is None:
        raise _unmeasured(family)
    low, high = known.reached(0.0), known.reached(known.width)
    if abs(ratio - low) <= _SAME_RATIO:
        return known.of(known.least)
    if not low < ratio < high:
        raise _out_of_reach(family, service, (low, high))
    spread = falling_root(lambda spread: ratio - known.reached(spread), 0.0, known.width)
    return known.of(known.least + spread * spread)


def _unknown(family: str) -> PlannerError:
    names = ", ".join([*_FIXED, *_FITTED])
    return _invalid("service_family", family, f"is {family!r}, which is no family of laws. Use one of: {names}.")


def _unmeasured(family: str) -> PlannerError:
    problem = (
        f"is not known, and {family} service needs it. Give service_time_std, or service_time_p95, or set "
        "service_family to auto."
    )
    return _invalid("service_time_std", None, problem)


def _too_even(service: ServiceTime) -> PlannerError:
    shown = words(from_seconds(service.std or 0.0))
    problem = (
        f"is {shown} at a mean of {words(from_seconds(service.mean))}, but hyperexponential service has a standard "
        "deviation above its mean. Give a larger service_time_std, or set service_family to gamma."
    )
    return _invalid("service_time_std", shown, problem)


def _out_of_reach(family: str, service: ServiceTime, reach: tuple[float, float]) -> PlannerError:
    low, high = (words(from_seconds(ratio * service.mean)) for ratio in reach)
    shown = words(from_seconds(service.p95 or 0.0))
    problem = (
        f"is {shown}, but {family} service with a mean of {words(from_seconds(service.mean))} has one from {low} to "
        f"{high}. Give service_time_std, or set service_family to auto."
    )
    return _invalid("service_time_p95", shown, problem)


def _invalid(field: str, value: str | None, problem: str) -> PlannerError:
    return PlannerError(ErrorCode.CONFIG_INVALID, f"{field} {problem}", details={"field": field, "value": value})

"""How far the measured facts are from what a model assumes, as plain sentences and one number."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from capacity_planner.contracts import ServiceLaw
    from capacity_planner.domain.congestion import ServiceTime

_EXPONENTIAL_P95 = math.log(20.0)
_CLOSE = 0.05
_SATURATED = 0.95
# From here on Tijms, van Hoorn and Federgruen err on the safe side (measured against simulation).
_VARIED_SCV, _MANY_SERVERS = 2.0, 5.0


class Remark(NamedTuple):
    """A sentence and the factor by which it lowers the confidence."""

    factor: float
    sentence: str


def judge(
    model_name: str,
    *,
    utilization: float,
    servers: float,
    service: ServiceTime,
    law: ServiceLaw,
    reported: tuple[float, float] | None = None,
) -> tuple[float, tuple[str, ...]]:
    """Confidence in a model's figures, from 0 (excluded) to 1, and the reasons why it is not 1.

    The confidence is the product of one factor a remark; every factor falls with the distance from the assumption.

    Args:
        model_name: ``mm1``, ``mmc``, ``mgc`` or another registered name.
        utilization: ρ = λ/(c·μ).
        servers: c.
        service: what was measured of the service time.
        law: what the model made of it.
        reported: ρ as the workers report it now, and as their arrival rate and service time give it.

    >>> from capacity_planner.domain.congestion import ServiceTime
    >>> from capacity_planner.queueing._laws import Exponential
    >>> confidence, reasons = judge(
    ...     "mmc", utilization=0.8, servers=4, service=ServiceTime(mean=1.0, std=0.5), law=Exponential(1.0)
    ... )
    >>> f"{confidence:.3f}", reasons
    ('0.591', ('Exponential service is assumed, but the measured SCV is 0.25: wait and p95 are overstated.',))
    """
    remarks = [
        *_about_load(utilization),
        *_about_report(reported),
        *_about_pooling(model_name, servers),
        *_about_spread(service, law),
        *_about_method(model_name, servers, law),
    ]
    return math.prod(remark.factor for remark in remarks), tuple(remark.sentence for remark in remarks)


def _about_load(utilization: float) -> Iterator[Remark]:
    if utilization >= 1.0:
        yield Remark(0.5, f"Utilisation is {utilization:.3g}: there is no steady state, the queue grows without end.")
    elif utilization > _SATURATED:
        factor = 1.0 - 6.0 * (utilization - _SATURATED)
        yield Remark(factor, f"At a utilisation of {utilization:.1%} a small error in the rates moves the wait a lot.")


def _about_report(reported: tuple[float, float] | None) -> Iterator[Remark]:
    if reported is None:
        return
    stated, implied = reported
    if abs(stated - min(implied, 1.0)) > _CLOSE:
        yield Remark(
            1.0 / (1.0 + abs(stated - implied)),
            f"The workers report a utilisation of {stated:.1%}, but arrival rate and service time give {implied:.1%}: "
            "one of the three is off.",
        )


def _about_pooling(model_name: str, servers: float) -> Iterator[Remark]:
    if model_name == "mm1" and servers > 1.0:
        yield Remark(0.8, f"{servers:g} separate queues are assumed; servers that share one queue make jobs wait less.")


def _about_spread(service: ServiceTime, law: ServiceLaw) -> Iterator[Remark]:
    if service.std is None and service.p95 is None:
        yield Remark(0.8, "The spread of the service time was not measured: exponential service is assumed.")
    elif service.std is not None:
        yield from _about_scv((service.std / service.mean) ** 2, law)
        if service.p95 is None and law.scv > 1.0:
            yield Remark(0.85, "The p95 of the service time was not measured: the worse of two usual laws is taken.")
    elif law.name != "exponential":
        yield Remark(0.9, "The standard deviation of the service time was not measured: mean and p95 stand for it.")
    if service.p95 is not None:
        yield from _about_p95(service.p95 / service.mean, law)


def _about_scv(measured: float, law: ServiceLaw) -> Iterator[Remark]:
    distance = abs(math.log(max(measured, 1e-3) / max(law.scv, 1e-3)))
    if distance > _CLOSE:
        direction = "overstated" if measured < law.scv else "understated"
        assumed = "Exponential" if law.name == "exponential" else law.name.capitalize()
        yield Remark(
            1.0 / (1.0 + 0.5 * distance),
            f"{assumed} service is assumed, but the measured SCV is {measured:.3g}: wait and p95 are {direction}.",
        )


def _about_p95(measured: float, law: ServiceLaw) -> Iterator[Remark]:
    if measured < 1.0 - 1e-9:
        yield Remark(0.7, "The p95 of the service time is below its mean: a few very long jobs, or a wrong figure.")
    fitted = law.quantile(0.95) / law.mean
    distance = abs(math.log(max(measured, 1e-3) / max(fitted, 1e-3)))
    if distance > _CLOSE:
        yield Remark(
            1.0 / (1.0 + distance),
            f"The p95 of the service time is {measured:.3g} times its mean; the {law.name} law has {fitted:.3g}.",
        )


def _about_method(model_name: str, servers: float, law: ServiceLaw) -> Iterator[Remark]:
    if model_name != "mgc" or servers <= 1.0 or law.name in {"exponential", "deterministic"}:
        return
    if law.scv > _VARIED_SCV and servers >= _MANY_SERVERS:
        factor = 1.0 / (1.0 + 0.05 * math.log(law.scv / _VARIED_SCV))
        yield Remark(
            0.9 * factor, "Service times vary so much that the p95 may be overstated, by up to 20 %: simulate to know."
        )
    else:
        yield Remark(0.98, "General service at several servers is approximated, to about 2 % of the p95.")

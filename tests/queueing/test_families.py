"""A chosen family keeps the facts that it can have, and says so where it cannot."""

from __future__ import annotations

import contextlib
import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity_planner.domain.congestion import ServiceTime
from capacity_planner.domain.scenario import ServiceFamily
from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.queueing._families import law_of_family
from capacity_planner.queueing._laws import Deterministic, Exponential, Gamma, Lognormal
from capacity_planner.queueing._mixtures import Hyperexponential
from capacity_planner.queueing._service import fit_service

if TYPE_CHECKING:
    from capacity_planner.queueing._law import Law

FAMILIES = [family for family in ServiceFamily if family is not ServiceFamily.AUTO]
SPREAD = ["gamma", "lognormal", "hyperexponential"]
# The largest p95/mean of each, and that of the law of it that varies least.
LARGEST = {"gamma": 5.8268, "lognormal": math.exp(0.5 * 1.6448536269514722**2), "hyperexponential": 3.773581671}
LEAST = {"gamma": 1.0, "lognormal": 1.0, "hyperexponential": math.log(20.0)}
FINITE = st.floats(min_value=0.0, allow_nan=False, allow_infinity=False)
POSITIVE = st.floats(min_value=5e-324, allow_nan=False, allow_infinity=False)


def refused(family: str, service: ServiceTime) -> PlannerError:
    with pytest.raises(PlannerError) as caught:
        law_of_family(family, service)
    assert caught.value.code is ErrorCode.CONFIG_INVALID
    assert caught.value.message.startswith(caught.value.details["field"] + " is ")
    return caught.value


@pytest.mark.parametrize("service", [ServiceTime(mean=2.0), ServiceTime(mean=2.0, std=9.0, p95=1.0)])
def test_the_mean_is_all_that_some_need(service: ServiceTime) -> None:
    assert law_of_family("exponential", service) == Exponential(2.0)
    assert law_of_family("deterministic", service) == Deterministic(2.0)


@pytest.mark.parametrize("scv", [1e-4, 0.25, 1.0, 1.01, 4.0, 100.0, 1e6])
@pytest.mark.parametrize("family", SPREAD)
def test_two_moments_are_exact(family: str, scv: float) -> None:
    service = ServiceTime(mean=3.0, std=3.0 * math.sqrt(scv))
    if family == "hyperexponential" and scv <= 1.0:
        assert refused(family, service).details["field"] == "service_time_std"
        return
    law = law_of_family(family, service)
    assert law.name == family
    assert law.mean == 3.0
    assert law.scv == pytest.approx(scv, rel=1e-12)


def test_two_moments_of_gamma_and_lognormal_leave_the_p95_out() -> None:
    for family in ("gamma", "lognormal"):
        plain, more = ServiceTime(mean=3.0, std=6.0), ServiceTime(mean=3.0, std=6.0, p95=11.0)
        assert law_of_family(family, more) == law_of_family(family, plain)


@pytest.mark.parametrize("family", ["gamma", "lognormal"])
@pytest.mark.parametrize("std", [0.0, 1e-9])
def test_no_spread_is_deterministic(family: str, std: float) -> None:
    assert law_of_family(family, ServiceTime(mean=2.0, std=std)) == Deterministic(2.0)
    assert law_of_family(family, ServiceTime(mean=2.0, p95=2.0 + std)) == Deterministic(2.0)


@given(st.floats(1.001, 1e4))
def test_kinds_share_the_work_evenly(scv: float) -> None:
    law = law_of_family("hyperexponential", ServiceTime(mean=3.0, std=3.0 * math.sqrt(scv)))
    assert isinstance(law, Hyperexponential)
    assert law.long_share * law.long == pytest.approx(0.5, rel=1e-9)
    assert (1.0 - law.long_share) * law.short == pytest.approx(0.5, rel=1e-9)
    assert law.scv == pytest.approx(scv, rel=1e-12)
    moments = law.moments_above(np.asarray(0.0))
    assert [float(m) for m in moments] == pytest.approx([1.0, 1.0, 1.0 + scv, law.third_moment], rel=1e-9)


@pytest.mark.parametrize(("share", "spread"), [(0.1127, 1.5), (0.08, 1.5), (0.2, 1.0), (0.05, 5.0)])
def test_three_facts_find_the_kinds(share: float, spread: float) -> None:
    true = Hyperexponential(2.0, long_share=share, spread=spread)
    service = ServiceTime(mean=2.0, std=2.0 * math.sqrt(true.scv), p95=true.quantile(0.95))
    law = law_of_family("hyperexponential", service)
    assert isinstance(law, Hyperexponential)
    assert law.scv == pytest.approx(true.scv, rel=1e-12)
    assert law.quantile(0.95) == pytest.approx(true.quantile(0.95), rel=1e-9)


def test_a_p95_that_no_kinds_have_is_left_out() -> None:
    plain = law_of_family("hyperexponential", ServiceTime(mean=2.0, std=4.0))
    assert law_of_family("hyperexponential", ServiceTime(mean=2.0, std=4.0, p95=100.0)) == plain


@pytest.mark.parametrize("family", SPREAD)
@given(share=st.floats(1e-4, 0.9999))
def test_a_p95_stands_for_the_spread(family: str, share: float) -> None:
    ratio = LEAST[family] + share * (LARGEST[family] - LEAST[family])
    law = law_of_family(family, ServiceTime(mean=2.0, p95=2.0 * ratio))
    assert law.name == family
    assert law.quantile(0.95) == pytest.approx(2.0 * ratio, rel=1e-9)
    # Of the two spreads that have it, the smaller.
    assert law.scv < {"gamma": 11.3, "lognormal": 14.0, "hyperexponential": 3.27}[family]


@pytest.mark.parametrize("ratio", [1.2, 2.0, 3.8, 4.5, 5.8])
def test_a_p95_alone_is_as_the_planner_takes_it(ratio: float) -> None:
    service = ServiceTime(mean=2.0, p95=2.0 * ratio)
    fitted = fit_service(service)
    law: Law = law_of_family(fitted.name, service)
    if isinstance(law, Gamma) and isinstance(fitted, Gamma):
        assert law.shape == pytest.approx(fitted.shape, rel=1e-7)
    else:
        assert isinstance(law, Lognormal)
        assert isinstance(fitted, Lognormal)
        assert law.sigma == pytest.approx(fitted.sigma, rel=1e-7)


@pytest.mark.parametrize("family", SPREAD)
def test_a_p95_out_of_reach_is_refused(family: str) -> None:
    for ratio in (0.5, LEAST[family] * 0.999, LARGEST[family] * 1.001, 1e9):
        error = refused(family, ServiceTime(mean=2.0, p95=2.0 * ratio))
        assert error.details["field"] == "service_time_p95"
        assert "Give service_time_std, or set service_family to auto." in error.message


@pytest.mark.parametrize("service", [ServiceTime(mean=2.0), ServiceTime(mean=2.0, std=math.nan, p95=math.inf * 0)])
@pytest.mark.parametrize("family", SPREAD)
def test_nothing_known_of_the_spread_is_refused(family: str, service: ServiceTime) -> None:
    error = refused(family, service)
    assert error.details == {"field": "service_time_std", "value": None}
    assert "Give service_time_std" in error.message


@pytest.mark.parametrize("std", [0.0, 1.0, 2.0])
def test_two_kinds_vary_more_than_exponential(std: float) -> None:
    error = refused("hyperexponential", ServiceTime(mean=2.0, std=std, p95=6.0))
    assert error.details == {"field": "service_time_std", "value": f"{std:g}s"}
    assert "set service_family to gamma" in error.message


def test_an_unknown_family_is_refused() -> None:
    for family in ("auto", "weibull"):
        error = refused(family, ServiceTime(mean=2.0))
        assert error.details == {"field": "service_family", "value": family}
        assert "exponential, deterministic, gamma, lognormal, hyperexponential" in error.message


@given(st.sampled_from(FAMILIES), POSITIVE, st.none() | FINITE, st.none() | FINITE)
def test_any_facts_make_a_law_or_an_error(
    family: ServiceFamily, mean: float, std: float | None, p95: float | None
) -> None:
    with contextlib.suppress(PlannerError):
        law = law_of_family(family, ServiceTime(mean=mean, std=std, p95=p95))
        assert law.name in {family, "deterministic"}
        assert 0.0 <= law.scv <= 1.0001e6
        assert 0.0 <= float(law.tail(mean)) <= 1.0


@given(st.sampled_from(SPREAD), st.floats(0.01, 50.0), st.none() | st.floats(0.5, 20.0))
def test_usual_facts_make_a_law_or_an_error(family: str, spread: float, ratio: float | None) -> None:
    service = ServiceTime(mean=2.0, std=2.0 * spread, p95=None if ratio is None else 2.0 * ratio)
    if family == "hyperexponential" and spread <= 1.0:
        refused(family, service)
    else:
        assert law_of_family(family, service).scv == pytest.approx(spread * spread, rel=1e-9)

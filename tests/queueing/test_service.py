"""Laws keep their own identities, and the fit keeps the facts."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity_planner.domain.congestion import ServiceTime
from capacity_planner.queueing._laws import Deterministic, Exponential, Gamma, Lognormal
from capacity_planner.queueing._mixtures import Blend, Hyperexponential
from capacity_planner.queueing._service import consistent_laws, fit_service

if TYPE_CHECKING:
    from capacity_planner.queueing._law import Law

LAWS: tuple[Law, ...] = (
    Deterministic(2.0),
    Exponential(2.0),
    Gamma(2.0, shape=0.1),
    Gamma(2.0, shape=4.0),
    Gamma(2.0, shape=1e6),
    Lognormal(2.0, sigma=0.5),
    Lognormal(2.0, sigma=1.5),
    Hyperexponential(2.0, long_share=0.1, spread=1.5),
    Blend(2.0, parts=((0.3, Gamma(1.0, shape=0.25)), (0.7, Lognormal(1.0, sigma=math.sqrt(math.log(5.0)))))),
)
FINITE = st.floats(min_value=0.0, allow_nan=False, allow_infinity=False)
POSITIVE = st.floats(min_value=5e-324, allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize("law", LAWS, ids=lambda law: f"{law.name}-{law.scv:.3g}")
def test_identities(law: Law) -> None:
    edges = np.concatenate([[0.0], np.geomspace(1e-12, 1e5, 20_001)])
    middle, width = 0.5 * (edges[1:] + edges[:-1]), np.diff(edges)
    tail = law.tail(middle * law.mean)
    assert tail @ width == pytest.approx(1.0, rel=1e-3)
    assert 2.0 * (tail * middle) @ width == pytest.approx(1.0 + law.scv, rel=3e-3)
    assert 3.0 * (tail * middle**2) @ width == pytest.approx(law.third_moment, rel=1e-2)
    capped = np.cumsum(law.residual_tail(middle * law.mean) * width)
    reached = law.residual_capped(edges[1:])
    assert reached == pytest.approx(capped, rel=1e-3, abs=1e-6)
    assert law.residual_capped_integral(edges[1:15_000]) == pytest.approx(
        np.cumsum(reached * width)[:14_999], rel=5e-3, abs=1e-5
    )
    if not isinstance(law, Deterministic):
        for level in (0.5, 0.95, 0.999):
            assert float(law.tail(law.quantile(level))) == pytest.approx(1.0 - level, rel=1e-9)
    assert law.tail([-1.0, 1e300]).tolist() == law.residual_tail([-1.0, 1e300]).tolist() == [1.0, 0.0]


def test_nothing_else_known_is_exponential() -> None:
    assert fit_service(ServiceTime(mean=3.0)) == Exponential(3.0)
    assert fit_service(ServiceTime(mean=3.0, std=3.0)) == Exponential(3.0)


def test_no_spread_is_deterministic() -> None:
    assert fit_service(ServiceTime(mean=3.0, std=0.0)) == Deterministic(3.0)
    assert fit_service(ServiceTime(mean=3.0, p95=3.0)) == Deterministic(3.0)


@pytest.mark.parametrize("scv", [0.01, 0.25, 2.0, 10.0])
def test_two_moments_are_gamma(scv: float) -> None:
    law = fit_service(ServiceTime(mean=3.0, std=3.0 * math.sqrt(scv)))
    assert law.name == "gamma"
    assert law.scv == pytest.approx(scv)


def test_two_moments_of_extreme_spread_are_lognormal() -> None:
    # Beyond SCV 40 the gamma is nearly always 0, and its p95 is below the lognormal's.
    service = ServiceTime(mean=1.0, std=10.0)
    gamma = Gamma(1.0, shape=0.01)
    assert fit_service(service).name == "lognormal"
    assert gamma.quantile(0.95) < fit_service(service).quantile(0.95)
    assert [law.name for law in consistent_laws(service)] == ["lognormal", "gamma"]


@pytest.mark.parametrize("scv", [0.25, 1.0, 4.0, 10.0])
def test_three_facts_tell_the_family(scv: float) -> None:
    for true in (Gamma(3.0, shape=1.0 / scv), Lognormal(3.0, sigma=math.sqrt(math.log1p(scv)))):
        law = fit_service(ServiceTime(mean=3.0, std=3.0 * math.sqrt(scv), p95=true.quantile(0.95)))
        assert true.name in law.name or law == Exponential(3.0)
        assert law.quantile(0.95) == pytest.approx(true.quantile(0.95), rel=1e-8)


@given(st.floats(1.2, 30.0), st.floats(1.1, 8.0))
def test_three_facts_keep_mean_and_spread(scv: float, ratio: float) -> None:
    law = fit_service(ServiceTime(mean=2.0, std=2.0 * math.sqrt(scv), p95=2.0 * ratio))
    assert law.mean == 2.0
    assert law.scv == pytest.approx(scv, rel=1e-9)
    assert float(law.tail(law.quantile(0.95))) == pytest.approx(0.05, rel=1e-6)


@given(st.floats(1.001, 5.8))
def test_a_percentile_alone_is_kept(ratio: float) -> None:
    law = fit_service(ServiceTime(mean=2.0, p95=2.0 * ratio))
    assert law.quantile(0.95) == pytest.approx(2.0 * ratio, rel=1e-9)
    assert law.name == ("lognormal" if ratio < math.exp(0.5 * 1.6448536269514722**2) else "gamma")


def test_out_of_reach() -> None:
    assert fit_service(ServiceTime(mean=1.0, p95=50.0)).quantile(0.95) == pytest.approx(5.8268, rel=1e-4)
    assert fit_service(ServiceTime(mean=1.0, p95=0.5)) == Exponential(1.0)
    assert fit_service(ServiceTime(mean=1.0, std=math.nan, p95=math.nan)) == Exponential(1.0)


@given(POSITIVE, st.none() | FINITE, st.none() | FINITE)
def test_any_facts_make_a_law(mean: float, std: float | None, p95: float | None) -> None:
    for law in consistent_laws(ServiceTime(mean=mean, std=std, p95=p95)):
        assert 0.0 <= law.scv <= 1.0001e6
        assert law.quantile(0.95) >= 0.0
        assert 0.0 <= float(law.tail(mean)) <= 1.0

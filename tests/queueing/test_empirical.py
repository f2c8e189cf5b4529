"""The law of a measured sample against plain sums over it."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity_planner.errors import ErrorCode, PlannerError
from capacity_planner.queueing import _general
from capacity_planner.queueing._empirical import Empirical
from capacity_planner.queueing._laws import Deterministic, Exponential

TIMES = st.floats(0.0, 1e4, allow_subnormal=False) | st.sampled_from([0.0, 0.5, 1.0, 2.0])
SAMPLES = st.lists(TIMES, min_size=1, max_size=40).filter(lambda times: max(times) > 1e-3)


@given(SAMPLES, st.lists(TIMES, min_size=1, max_size=5))
def test_sums_are_those_of_the_sample(times: list[float], asked: list[float]) -> None:
    law, n = Empirical.of(times), len(times)
    mean = math.fsum(times) / n
    assert law.mean == pytest.approx(mean, rel=1e-13)
    assert law.scv == pytest.approx(math.fsum((s / mean - 1.0) ** 2 for s in times) / n, rel=1e-9, abs=1e-13)
    assert law.third_moment == pytest.approx(math.fsum((s / mean) ** 3 for s in times) / n, rel=1e-12)
    at = [*asked, *times]
    assert law.tail(at).tolist() == [sum(s > t for s in times) / n for t in at]
    later = [math.fsum(max(s - t, 0.0) for s in times) / n / mean for t in at]
    assert law.residual_tail(at) == pytest.approx(later, rel=1e-9, abs=1e-12)
    above = law.moments_above(np.array(asked) / law.mean)
    for order, moment in enumerate(above):
        kept = [math.fsum((s / mean) ** order for s in times if s > t) / n for t in asked]
        assert moment == pytest.approx(kept, rel=1e-12)


@given(SAMPLES, st.lists(TIMES, min_size=1, max_size=5))
def test_capped_residual_lives(times: list[float], asked: list[float]) -> None:
    law = Empirical.of(times)
    shape = [s / law.mean for s in times]
    x = np.array(asked) / law.mean
    # E[min(S_e, x)] is the integral of the residual tail, which falls by squares between the times.
    capped = [math.fsum(s * s - max(s - u, 0.0) ** 2 for s in shape) / 2 / len(shape) for u in x]
    assert law.residual_capped(x) == pytest.approx(capped, rel=1e-9, abs=1e-9 * (1.0 + law.scv))
    whole = [math.fsum(3 * u * s * s - s**3 + max(s - u, 0.0) ** 3 for s in shape) / 6 / len(shape) for u in x.tolist()]
    scale = law.third_moment + float(x.max()) * (1.0 + law.scv)
    assert law.residual_capped_integral(x) == pytest.approx(whole, rel=1e-9, abs=1e-9 * scale)


@given(SAMPLES, st.integers(0, 1000))
def test_quantiles_invert_the_tail(times: list[float], thousandth: int) -> None:
    law, exact = Empirical.of(times), Fraction(1000 - thousandth, 1000)
    found = law.quantile(thousandth / 1000)
    assert found in times
    assert Fraction(sum(s > found for s in times), len(times)) <= exact
    # No earlier measured time has as little above it.
    assert all(Fraction(sum(s > t for s in times), len(times)) > exact for t in times if t < found)
    assert float(law.tail(found)) <= float(exact)


@given(SAMPLES, st.sampled_from([1.0, 3.0, 1e-3]))
def test_another_mean_is_another_scale(times: list[float], mean: float) -> None:
    law = Empirical.of(times)
    scaled = replace(law, mean=mean)
    assert scaled.scv == law.scv
    assert scaled.quantile(0.9) == pytest.approx(law.quantile(0.9) / law.mean * mean, rel=1e-12)
    unit = replace(law, mean=1.0)
    assert float(unit.tail(unit.quantile(0.9))) == float(law.tail(law.quantile(0.9)))


def test_equal_is_what_shares_a_sample() -> None:
    law = Empirical.of([1.0, 3.0])
    assert replace(law, mean=2.0) == law
    assert hash(replace(law, mean=2.0)) == hash(law)
    assert law not in {Empirical.of([0.0, 4.0]), replace(law, mean=1.0), Exponential(2.0)}
    assert repr(law) == "Empirical(mean=2.0)"


@pytest.mark.parametrize("times", [[0.1], [0.1] * 7, (0.7,) * 1001])
def test_equal_times_are_deterministic(times: list[float]) -> None:
    law, fixed = Empirical.of(times), Deterministic(times[0])
    assert (law.mean, law.scv) == (fixed.mean, 0.0)
    assert law.third_moment == pytest.approx(1.0, rel=1e-12)
    assert [law.quantile(level) for level in (0.0, 0.5, 1.0)] == [fixed.mean] * 3
    at = np.array([-1.0, 0.0, 0.05, times[0], 1.0, 1e300])
    assert law.tail(at).tolist() == fixed.tail(at).tolist()
    assert law.residual_tail(at) == pytest.approx(fixed.residual_tail(at), abs=1e-12)


def test_many_times() -> None:
    times = np.random.default_rng(1).exponential(2.0, 1_000_000)
    law = Empirical.of(times)
    known = Exponential(law.mean)
    at = np.linspace(0.0, 20.0, 1001)
    assert np.abs(law.tail(at) - known.tail(at)).max() < 0.002
    assert np.abs(law.residual_tail(at) - known.residual_tail(at)).max() < 0.005
    assert float(law.residual_tail(0.0)) == pytest.approx(1.0, abs=1e-12)
    assert law.quantile(0.95) == float(np.quantile(times, 0.95, method="inverted_cdf"))
    assert law.quantile(1.0) == float(times.max())


def test_the_given_times_are_left_alone() -> None:
    times = np.array([3.0, 1.0, 2.0])
    Empirical.of(times)
    assert times.tolist() == [3.0, 1.0, 2.0]


def test_a_queue_of_measured_jobs() -> None:
    law = replace(Empirical.of(np.random.default_rng(4).gamma(0.5, 2.0, 500)), mean=1.0)
    waiting, wait, p95 = _general.figures(law, 1.0, 0.8)
    # Pollaczek and Khinchine; the quadrature is made for tails without corners.
    assert wait == pytest.approx(0.8 / 0.2 * (1.0 + law.scv) / 2.0, rel=1e-4)
    assert waiting == pytest.approx(0.8, rel=1e-12)
    assert _general.response_tail(law, 1.0, 0.8, p95) == pytest.approx(0.05, rel=1e-6)


@pytest.mark.parametrize(
    ("times", "found"),
    [
        ([], "is empty."),
        ([0.0, 0.0], "largest time is 0 s."),
        ([1.0, -2.0], "with -2 s in it."),
        ([1.0, math.nan], "largest time is nan s."),
        ([1.0, math.inf], "largest time is inf s."),
    ],
)
def test_what_is_no_sample_is_refused(times: list[float], found: str) -> None:
    with pytest.raises(PlannerError) as caught:
        Empirical.of(times)
    assert caught.value.code is ErrorCode.INVALID_METRICS
    assert found in caught.value.message
    assert caught.value.details["field"] == "service_times"

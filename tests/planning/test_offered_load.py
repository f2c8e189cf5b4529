"""Modified offered load: m(t) = ∫ λ(t - u) P(S > u) du."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from capacity_planner.domain.congestion import ServiceTime
from capacity_planner.planning.offered_load import peak_offered_load
from capacity_planner.registry import queue_models

if TYPE_CHECKING:
    from capacity_planner.contracts import ServiceLaw

INTERVAL = 300.0
LAWS = [
    ServiceTime(mean=2.0),
    ServiceTime(mean=600.0),
    ServiceTime(mean=400.0, std=0.0),
    ServiceTime(mean=250.0, std=125.0),
    ServiceTime(mean=900.0, std=1800.0),
    ServiceTime(mean=300.0, p95=700.0),
    ServiceTime(mean=1000.0, std=1000.0, p95=2500.0),
]


def law_of(service: ServiceTime) -> ServiceLaw:
    return queue_models.get("mgc").service_law(service)


@pytest.mark.parametrize("service", LAWS, ids=str)
def test_a_constant_rate_gives_rate_times_service_time(service: ServiceTime) -> None:
    loads = peak_offered_load([25.5] * 12, 25.5, INTERVAL, law_of(service))
    assert loads == pytest.approx([25.5 * service.mean] * 12, rel=1e-12)


def test_a_step_is_approached_exponentially_when_service_is_exponential() -> None:
    """λ from 1 to 3 at time 0: m(t) = S(3 - 2 exp(-t/S)) (Eick, Massey & Whitt 1993); its end is the peak."""
    mean = 500.0
    ends = INTERVAL * np.arange(1, 9)
    loads = peak_offered_load([3.0] * 8, 1.0, INTERVAL, law_of(ServiceTime(mean=mean)))
    assert loads == pytest.approx(mean * (3.0 - 2.0 * np.exp(-ends / mean)), rel=1e-12)


def test_after_a_fall_the_load_lags_and_the_begin_of_an_interval_is_its_peak() -> None:
    mean = 500.0
    begins = INTERVAL * np.arange(8)
    loads = peak_offered_load([1.0] * 8, 3.0, INTERVAL, law_of(ServiceTime(mean=mean)))
    assert loads == pytest.approx(mean * (1.0 + 2.0 * np.exp(-begins / mean)), rel=1e-12)


def test_with_deterministic_service_a_step_is_approached_in_a_straight_line() -> None:
    """m(t) = λ·min(t, S) for λ from 0 to 2 and S = 750 s: 600, 1200, 1500, 1500."""
    loads = peak_offered_load([2.0] * 4, 0.0, INTERVAL, law_of(ServiceTime(mean=750.0, std=0.0)))
    assert loads == pytest.approx([600.0, 1200.0, 1500.0, 1500.0], rel=1e-12)


def integrated(rates: list[float], before: float, law: ServiceLaw, time: float) -> float:
    """∫ λ(t - u) P(S > u) du by quadrature, interval by interval."""
    total = 0.0
    for index, rate in enumerate(rates):
        begin, end = index * INTERVAL, min((index + 1) * INTERVAL, time)
        if end > begin:
            total += rate * quad(lambda u: float(law.tail(u)), time - end, time - begin, limit=200)[0]
    tail = law.mean - quad(lambda u: float(law.tail(u)), 0.0, time, limit=400)[0] if time else law.mean
    return total + before * tail


@pytest.mark.parametrize("service", [law for law in LAWS if law.std != 0.0], ids=str)
def test_it_agrees_with_numerical_integration(service: ServiceTime) -> None:
    dice = np.random.default_rng(7)
    law = law_of(service)
    rates = dice.uniform(0.0, 5.0, 5).tolist()
    before = float(dice.uniform(0.0, 5.0))
    loads = peak_offered_load(rates, before, INTERVAL, law)
    for index, load in enumerate(loads):
        points = [(index + part / 4) * INTERVAL for part in range(5)]
        expected = max(integrated(rates, before, law, point) for point in points)
        assert load == pytest.approx(expected, rel=1e-5, abs=1e-5)


@settings(max_examples=60)
@given(
    rates=st.lists(st.floats(0.0, 1e6), min_size=1, max_size=40),
    before=st.floats(0.0, 1e6),
    service=st.sampled_from(LAWS),
)
def test_it_stays_between_the_least_and_the_largest_rate(
    rates: list[float], before: float, service: ServiceTime
) -> None:
    loads = peak_offered_load(rates, before, INTERVAL, law_of(service)) / service.mean
    least, largest = min([before, *rates]), max([before, *rates])
    assert loads.shape == (len(rates),)
    assert np.all(loads >= least - 1e-9 * largest)
    assert np.all(loads <= largest * (1 + 1e-9))


@pytest.mark.parametrize("factor", [1e-9, 1e3, 1e12])
def test_it_is_linear_in_the_rates(factor: float) -> None:
    rates = [4.0, 1.0, 7.0, 2.5]
    law = law_of(ServiceTime(mean=700.0, std=300.0))
    one = peak_offered_load(rates, 3.0, INTERVAL, law)
    assert peak_offered_load([rate * factor for rate in rates], 3.0 * factor, INTERVAL, law) == pytest.approx(
        one * factor
    )


def test_a_queue_that_falls_silent_has_no_load_left_once_all_jobs_are_done() -> None:
    rates = [0.3, 0.1, 0.7, *[0.0] * 6]
    loads = peak_offered_load(rates, 0.2, INTERVAL, law_of(ServiceTime(mean=100.0, std=0.0)))
    assert loads[:3] == pytest.approx([30.0, 30.0, 70.0])
    assert loads[3] == pytest.approx(70.0)
    assert loads[4:].tolist() == [0.0] * 5


def test_a_million_fold_fall_leaves_no_phantom_load() -> None:
    loads = peak_offered_load([1e12, 1.0, 1.0, 1.0], 1e12, INTERVAL, law_of(ServiceTime(mean=1.0)))
    assert loads[2:] == pytest.approx([1.0, 1.0], rel=0.01)
    assert math.isfinite(loads.sum())

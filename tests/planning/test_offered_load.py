"""Modified offered load: m(t) = ∫ λ(t - u) P(S > u) du."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from capacity_planner.domain.congestion import ServiceTime
from capacity_planner.planning.offered_load import peak_offered_load, service_shares
from capacity_planner.queueing._laws import Deterministic, Exponential, Lognormal
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


# --- the load of one job, bin by bin ---------------------------------------------------------------------------------

BIN = 60.0
LEFT = 1e-3  # of the load, which may be spread over all bins


def spread(law: ServiceLaw, later: int) -> float:
    """E∫ P(S > s) ds over a bin, of a job that arrives at a random time of the bin so many before; by quadrature."""
    edges = [max(later - 1, 0) * BIN, later * BIN, (later + 1) * BIN]
    kinks = [law.mean] if law.scv == 0.0 else []

    def weighed(s: float) -> float:
        return (BIN - abs(s - later * BIN)) * float(law.tail(s))

    parts = [
        quad(weighed, begin, end, limit=400, points=[kink for kink in kinks if begin < kink < end] or None)[0]
        for begin, end in pairwise(edges)
        if end > begin
    ]
    return float(sum(parts)) / BIN**2


@pytest.mark.parametrize(
    "law",
    [
        *(Deterministic(mean) for mean in (45.0, 60.0, 90.0, 1_000.0)),
        *(Exponential(mean) for mean in (10.0, 60.0, 700.0)),
        *(Lognormal(mean, sigma=sigma) for mean, sigma in ((30.0, 0.8), (300.0, 1.2), (5_000.0, 1.0))),
    ],
    ids=str,
)
def test_a_job_loads_each_bin_by_how_long_it_is_in_service_there(law: ServiceLaw) -> None:
    shares = service_shares(law, BIN)
    total = law.mean / BIN
    assert shares.sum() == pytest.approx(total, rel=1e-12)
    exact = [spread(law, later) for later in range(min(len(shares), 90))]
    np.testing.assert_allclose(shares[:90], exact, rtol=1.1 * LEFT, atol=1.1 * LEFT * total)


def test_a_job_of_fixed_length_has_shares_in_closed_form() -> None:
    """Of 90 s: 1/2, 7/8, 1/8 of a minute: an arrival at u is in service for 60 - u, min(60, 30 + u), max(u - 30, 0)."""
    assert service_shares(Deterministic(90.0), BIN) == pytest.approx([0.5, 0.875, 0.125], abs=1e-9)


def test_exponential_jobs_have_shares_in_closed_form() -> None:
    """With x = S/I: x - x²(1 - e^(-1/x)), then x²(1 - e^(-1/x))² e^(-(j - 1)/x)."""
    ratio = 2.0
    gone = -math.expm1(-1.0 / ratio)
    shares = service_shares(Exponential(ratio * BIN), BIN)
    later = (ratio * gone) ** 2 * np.exp(-np.arange(len(shares) - 1) / ratio)
    assert shares == pytest.approx([ratio - ratio**2 * gone, *later], rel=2.0 * LEFT)


@pytest.mark.parametrize("law", [Deterministic(0.1), Exponential(0.5), Lognormal(0.5, sigma=1.0)], ids=str)
def test_short_jobs_load_the_bin_in_which_they_arrive(law: ServiceLaw) -> None:
    shares = service_shares(law, BIN)
    assert shares.sum() == pytest.approx(law.mean / BIN, rel=1e-12)
    assert shares[0] > 0.98 * law.mean / BIN


@pytest.mark.parametrize("mean", [3_600.0, 86_400.0, 1e6])
def test_jobs_of_hours_and_days_load_many_bins_and_all_they_load_is_counted(mean: float) -> None:
    shares = service_shares(Lognormal(mean, sigma=1.0), BIN)
    assert shares.sum() == pytest.approx(mean / BIN, rel=1e-12)
    assert np.all(shares > 0.0)
    assert np.all(np.diff(shares[1:]) <= 1e-9 * shares[1])


@given(mean=st.floats(1.0, 1e5), interval=st.floats(1.0, 3_600.0))
def test_the_unit_of_time_does_not_matter_to_shares(mean: float, interval: float) -> None:
    one = service_shares(Exponential(mean), interval)
    assert service_shares(Exponential(7.0 * mean), 7.0 * interval)[:5] == pytest.approx(one[:5], rel=1e-9)
    assert one.sum() == pytest.approx(mean / interval, rel=1e-12)

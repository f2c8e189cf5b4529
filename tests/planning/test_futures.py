"""Queues along many futures: by hand, as properties, and against the same queues job by job."""

from __future__ import annotations

import math
from itertools import pairwise
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capacity_planner.planning._futures import Futures, Promise
from capacity_planner.planning._futures_draws import split
from capacity_planner.planning._futures_late import Lateness, probit
from capacity_planner.queueing._laws import Deterministic, Exponential, Gamma, Lognormal
from capacity_planner.simulation import engine
from capacity_planner.simulation.arrivals import CountedArrivals
from capacity_planner.simulation.engine import Experiment
from capacity_planner.simulation.tiers import PLAIN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from capacity_planner.queueing._law import Law

    Levels = Sequence[tuple[float, int]]

INTERVAL = 300.0
SEVERAL = (0.5, 60.0, 900.0)


def constant(rate: float, *, rows: int = 50, intervals: int = 12) -> NDArray[np.float64]:
    return np.full((rows, intervals), rate)


def futures(rates: NDArray[np.float64], mean: float, **other: float | Promise) -> Futures:
    known = {"promise": Promise(latency=6.0 * mean), **other}
    return Futures(rates=rates, interval=INTERVAL, law=Exponential(mean), **known)  # type: ignore[arg-type]


@pytest.mark.parametrize("mean", SEVERAL)
def test_nothing_that_arrives_breaks_nothing(mean: float) -> None:
    assert not futures(constant(0.0), mean).broken([(0.0, 0)], [(0.0, 5)]).any()


@pytest.mark.parametrize("mean", SEVERAL)
def test_without_workers_everything_is_broken(mean: float) -> None:
    assert futures(constant(10.0 / mean + 0.1), mean).broken([(0.0, 0)]).all()


@pytest.mark.parametrize("mean", SEVERAL)
def test_twice_as_many_workers_as_are_busy_keep_the_promise(mean: float) -> None:
    """P(S > 6 E[S]) = 0.25 %: in a hundred jobs an interval breaks about once in a hundred thousand times."""
    rate = max(100.0 / mean, 1.0)
    assert not futures(constant(rate), mean, busy=rate * mean).broken([(0.0, math.ceil(2 * rate * mean))]).any()


@pytest.mark.parametrize("mean", [0.5, 60.0])
def test_a_backlog_that_takes_half_an_hour_breaks_the_first_half_hour(mean: float) -> None:
    """200 erlang on 220 workers, and what 20 of them serve in half an hour waits; of the service 3.7 % is late."""
    waiting = round(20 * 1800.0 / mean)
    asked = Promise(latency=3.3 * mean)
    broken = futures(constant(200.0 / mean), mean, promise=asked, waiting=waiting, busy=220.0).broken([(0.0, 220)])
    assert broken[0, :, :5].mean() > 0.95
    assert broken[0, :, 8:].mean() < 0.2


@pytest.mark.parametrize("mean", [0.5, 60.0])
def test_workers_that_come_in_time_are_as_good_as_those_that_were_there(mean: float) -> None:
    asked = futures(constant(100.0 / mean), mean, busy=60.0)
    late, early, there = asked.broken([(0.0, 60), (1500.0, 150)], [(0.0, 60), (1.0, 150)], [(0.0, 150)])
    assert late[:, :5].mean() > 0.7
    assert early.mean() == there.mean() == 0.0


def test_a_backlog_limit_is_one_of_numbers() -> None:
    """400 jobs more than can be served come in each interval: on average 200, 600, and so on wait."""
    promise = Promise(jobs=1000)
    broken = futures(constant(1.0 / 3.0 * 10 + 4.0 / 3.0), 3.0, promise=promise).broken([(0.0, 10)])[0]
    assert not broken[:, :2].any()
    assert broken[:, 3:].all()


@pytest.mark.parametrize("mean", [0.5, 60.0])
def test_a_backlog_is_gone_within_its_time_or_not(mean: float) -> None:
    """What ten spare workers serve in ten minutes is gone in ten, and not in five."""
    waiting = round(10 * 600.0 / mean)
    for drain, kept in ((250.0, False), (1200.0, True)):
        asked = Promise(drain=drain)
        broken = futures(constant(200.0 / mean), mean, promise=asked, waiting=waiting, busy=210.0).broken([(0.0, 210)])
        assert bool(broken[0].mean() < 0.1) is kept


@pytest.mark.parametrize("mean", SEVERAL)
def test_two_jobs_at_once_are_two_workers(mean: float) -> None:
    rates = np.random.default_rng(1).normal(50.0 / mean, 5.0 / mean, (50, 12))
    two = futures(rates, mean, busy=50.0, concurrency=2).broken([(0.0, 26)])
    assert (two == futures(rates, mean, busy=50.0).broken([(0.0, 52)])).all()


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(SEVERAL), st.integers(1, 60), st.integers(0, 20), st.integers(0, 10**6))
def test_the_same_futures_every_time_and_more_workers_break_no_more(
    mean: float, workers: int, more: int, seed: int
) -> None:
    rates = np.random.default_rng(seed).gamma(9.0, 3.0 / mean, (40, 6))
    asked = Futures(
        rates=rates, interval=INTERVAL, law=Exponential(mean), promise=Promise(latency=4 * mean), seed=(seed,)
    )
    few, many = asked.broken([(0.0, workers)], [(0.0, workers + more)])
    assert (few == asked.broken([(0.0, workers)])[0]).all()
    assert many.mean() <= few.mean() + 0.02


@settings(max_examples=100, deadline=None)
@given(
    st.floats(1e-6, 1e5),
    st.lists(st.floats(0.0, 1e9), min_size=1, max_size=4),
    st.lists(st.integers(0, 10**7), min_size=1, max_size=3),
    st.integers(0, 10**9),
    st.floats(1.0, 86_400.0),
)
def test_whatever_comes_it_is_kept_or_broken_without_a_warning(
    mean: float, rates: list[float], workers: list[int], waiting: int, interval: float
) -> None:
    """Warnings are errors here."""
    for promise in (Promise(latency=3.1 * mean), Promise(jobs=10.0, drain=60.0)):
        asked = Futures(
            rates=np.tile(rates, (30, 1)),
            interval=interval,
            law=Exponential(mean),
            promise=promise,
            waiting=float(waiting),
            busy=float(workers[0]),
        )
        plan = [(at * interval / 2, level) for at, level in enumerate(workers)]
        assert asked.broken(plan, plan[:1]).shape == (2, 30, len(rates))


@settings(max_examples=50)
@given(st.lists(st.floats(0.0, 1e7), min_size=1, max_size=5), st.integers(1, 16))
def test_the_slots_of_an_interval_add_up_to_its_count(counts: list[float], pieces: int) -> None:
    whole = np.array([counts])
    found = split(whole, pieces, np.random.default_rng(1)).reshape(len(counts), pieces).sum(axis=1)
    assert (found >= 0.0).all()
    assert np.abs(found - counts).max() <= 1.0 + 0.2 * math.sqrt(whole.max())


@pytest.mark.parametrize("count", [40.0, 4_000.0])
def test_jobs_fall_on_slots_as_they_would_one_by_one(count: float) -> None:
    """Multinomial: variance n p (1 - p) in a slot, covariance -n p² between two; 4 000 intervals, 4 standard errors."""
    found = split(np.full((4_000, 1), count), 8, np.random.default_rng(1))
    spread = np.cov(found)
    np.testing.assert_allclose(np.diag(spread), count / 8 * 7 / 8, rtol=4 * math.sqrt(2 / 4_000))
    np.testing.assert_allclose(spread[0, 1:], -count / 64, atol=4 * count / 8 / math.sqrt(4_000))


@given(st.integers(1, 300), st.integers(0, 20), st.floats(0.001, 0.4))
def test_few_of_many_by_a_normal_number(count: int, allowed: int, share: float) -> None:
    """Peizer and Pratt against the binomial law itself."""
    allowed = min(allowed, count - 1)
    exact = math.fsum(math.comb(count, k) * share**k * (1 - share) ** (count - k) for k in range(allowed + 1))
    found = NormalDist().cdf(float(probit(np.array(float(allowed)), np.array(float(count)), np.array(share))))
    assert found == pytest.approx(exact, abs=0.004)


def test_who_does_not_wait_is_as_late_as_service_is() -> None:
    law = Exponential(10.0)
    late = Lateness(law, 40.0, servers=1e9)
    np.testing.assert_allclose(late.share(np.array([0.0, 0.5, 1.0])), [math.exp(-4), math.exp(-2), 1.0], rtol=1e-3)


def test_a_still_queue_is_late_as_one_server_is() -> None:
    """M/M/1 at ρ = 0.9: P(T > t) = e^-(1-ρ)t/E[S]; after 30 services 4.98 %."""
    late = Lateness(Exponential(1.0), 30.0, servers=1.0)
    share = late.steady(np.array([9e5]), np.array([1e6]), np.array([1.0]), 1.0)
    assert float(share[0]) == pytest.approx(math.exp(-3.0), rel=0.1)


def law(mean: float, scv: float) -> Law:
    if scv == 1.0:
        return Exponential(mean)
    if scv == 0.0:
        return Deterministic(mean)
    return Gamma(mean, shape=1.0 / scv) if scv < 1.0 else Lognormal(mean, sigma=math.sqrt(math.log1p(scv)))


def job_by_job(counts: NDArray[np.int64], of: Law, latency: float, levels: Levels, before: int) -> NDArray[np.bool_]:
    """Whether each interval after the first ``before`` breaks the SLO."""
    orders = tuple((at + before * INTERVAL, workers) for at, workers in levels[1:])
    broken = []
    for row, jobs in enumerate(counts):
        ran = engine.run(
            Experiment(
                edges=np.linspace(0.0, len(jobs) * INTERVAL, len(jobs) + 1),
                arrivals=CountedArrivals(jobs, INTERVAL),
                law=of,
                workers=levels[0][1],
                orders=orders,
                target=latency,
                seed=row,
            ),
            PLAIN,
        )
        broken.append(ran.late > np.floor(0.05 * ran.arrived + 1e-9))
    return np.array(broken)[:, before:]


RAMP = np.array([0.5, 0.55, 0.65, 0.8, 0.95, 1.0, 1.0, 1.0])
FLAT = np.ones(8)
IN_TIME = (0.0, 0.66), (600.0, 0.8), (900.0, 0.95), (1200.0, 1.12)
TOO_LATE = (0.0, 0.66), (1300.0, 1.25)
STEADY = ((0.0, 1.1),)
FEWER = (0.0, 1.2), (900.0, 1.02)


SHAPES = {
    "steady": (STEADY, FLAT),
    "critical": (((0.0, 1.03),), FLAT),
    "ramp": (IN_TIME, RAMP),
    "recovery": (TOO_LATE, RAMP),
    "fewer": (FEWER, RAMP[::-1]),
}


def off(mean: float, load: int, scv: float, shape: str) -> NDArray[np.float64]:
    """How much oftener each of eight intervals is broken than job by job: 800 futures against 80, Poisson counts."""
    levels, profile = SHAPES[shape]
    plan = [(at, math.ceil(share * load)) for at, share in levels]
    of = law(mean, scv)
    latency, before = of.quantile(0.95) + mean, max(2, math.ceil(4.0 * mean / INTERVAL))
    rates = load / mean * np.concatenate([np.full(before, profile[0]), profile])
    dice = np.random.default_rng(3)
    true = job_by_job(dice.poisson(rates * INTERVAL, (80, len(rates))), of, latency, plan, before)
    asked = Futures(
        rates=dice.poisson(rates * INTERVAL, (800, len(rates))) / INTERVAL,
        interval=INTERVAL,
        law=of,
        promise=Promise(latency=latency),
        busy=min(rates[0] * mean, plan[0][1]),
    )
    shifted = [plan[0], *((at + before * INTERVAL, workers) for at, workers in plan[1:])]
    said: NDArray[np.float64] = asked.broken(shifted)[0, :, before:].mean(axis=0) - true.mean(axis=0)
    return said


@pytest.mark.parametrize(("mean", "shape"), [(10.0, "recovery"), (30.0, "ramp"), (60.0, "recovery"), (300.0, "fewer")])
def test_intervals_are_kept_as_often_as_job_by_job(mean: float, shape: str) -> None:
    """The standard error of an interval's share is up to 0.056 of 80 futures; in a row intervals hang together."""
    assert np.abs(off(mean, 30, 1.0, shape)).mean() < 0.1


@pytest.mark.slow
@pytest.mark.parametrize("scv", [0.0, 1.0, 4.0])
def test_it_is_so_on_a_grid_of_loads_and_plans(scv: float) -> None:
    """Short and long service, critical loads, overload and recovery: no case far off, none on average."""
    queues = [(2.0, 20), (10.0, 20), (30.0, 30), (60.0, 30), (300.0, 60), (900.0, 100)]
    found = np.array([off(mean, load, scv, shape) for mean, load in queues for shape in SHAPES])
    assert np.abs(found).mean(axis=1).max() < 0.15
    assert np.abs(found).mean() < 0.05
    assert abs(found.mean()) < 0.03


def test_the_time_it_takes_does_not_grow_with_the_load() -> None:
    """Counted in slots: as many for a million erlang as for ten."""
    small, large = (futures(constant(load / 60.0), 60.0, busy=load) for load in (10.0, 1e6))
    plans: list[Levels] = [[(0.0, 12)], [(0.0, 1_000_100)]]
    for asked, plan in zip((small, large), plans, strict=True):
        assert asked.broken(plan).shape == (1, 50, 12)
    assert len(small._arrivals) == len(large._arrivals) <= 192  # noqa: SLF001


def test_levels_are_averaged_within_a_slot() -> None:
    asked = futures(constant(1.0, intervals=1), 900.0)
    assert asked._servers([(0.0, 10), (150.0, 20)]).tolist() == pytest.approx([10.0, 20.0])  # noqa: SLF001
    for one, other in pairwise((0.0, 75.0, 150.0)):
        assert asked._servers([(0.0, 10), (other, 20)])[0] < asked._servers([(0.0, 10), (one, 20)])[0]  # noqa: SLF001

"""Both tiers, every thread and every plan: the same dice, the same jobs, the same results to the last bit."""

from __future__ import annotations

import heapq
import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity_planner.queueing._laws import Deterministic, Exponential, Gamma, Lognormal
from capacity_planner.queueing._mixtures import Blend, Hyperexponential
from capacity_planner.simulation import _kernel
from capacity_planner.simulation._curve import RateCurve
from capacity_planner.simulation.arrivals import BLOCK, CountedArrivals, MeasuredArrivals, PoissonArrivals
from capacity_planner.simulation.engine import Experiment, Purpose, run
from capacity_planner.simulation.tiers import COMPILER, PLAIN, Tier

if TYPE_CHECKING:
    from collections.abc import Callable

    from capacity_planner.queueing._law import Law
    from capacity_planner.simulation._tally import Outcome

LENGTH = 3_000.0
CURVE = RateCurve(np.array([0.0, 1_000.0, 1_500.0, 2_000.0, LENGTH]), np.array([8.0, 0.0, 14.0, 9.0]))
CROWD = 100_000
LAWS: list[Law] = [
    Deterministic(1.0),
    Exponential(1.0),
    Gamma(1.0, shape=4.0),
    Gamma(1.0, shape=0.25),
    Lognormal(1.0, sigma=1.2),
    Hyperexponential(1.0, long_share=0.1, spread=2.0),
    Blend(1.0, parts=((0.4, Gamma(1.0, shape=2.0)), (0.6, Lognormal(1.0, sigma=0.5)))),
]
CHANGES: list[dict[str, Any]] = [
    {},
    {"workers": 3, "concurrency": 4},
    {"workers": 200},
    {"workers": 0},
    {"orders": ((0.0, 5), (300.0, 0), (700.0, 30), (710.0, 12), (1_600.0, 7)), "startup_delay": 90.0},
    {"orders": ((500.0, 8), (500.0, 15), (2_999.0, 40)), "patience": 2.5},
    {"patience": 0.0},
    {"backlog": 2 * BLOCK, "workers": 40},
    {"arrivals": PoissonArrivals(CURVE, noise=0.3)},
    {"arrivals": PoissonArrivals(CURVE, batch=7)},
    {"arrivals": PoissonArrivals(CURVE, noise=0.2, batch=3), "patience": 8.0, "seed": 9},
    {"arrivals": CountedArrivals(np.array([400, 0, 40_000, 10]), LENGTH / 4)},
    {"arrivals": MeasuredArrivals(np.linspace(0.0, 2_990.0, 20_000))},
]


def queue(**settings: Any) -> Experiment:
    known: dict[str, Any] = {
        "edges": np.linspace(0.0, LENGTH, 25),
        "arrivals": PoissonArrivals(CURVE),
        "law": Exponential(1.0),
        "workers": 10,
        "target": 4.0,
        "seed": 7,
    }
    return Experiment(**(known | settings))


def said(outcome: Outcome) -> list[bytes]:
    """Every field, bit by bit."""
    return [np.asarray(getattr(outcome, field.name)).tobytes() for field in fields(outcome)]


@pytest.fixture(scope="module")
def compiled() -> Tier:
    pytest.importorskip("numba", reason="the compiled tier needs the extra that has Numba")
    tier = COMPILER.wait()
    assert tier is not None
    return tier


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.name)
def test_tiers_say_the_same_to_the_last_bit_for_every_law(law: Law, compiled: Tier) -> None:
    case = queue(law=law)
    assert said(run(case, PLAIN)) == said(run(case, compiled))


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: "-".join(change) or "nothing")
def test_tiers_say_the_same_to_the_last_bit_whatever_happens(change: dict[str, Any], compiled: Tier) -> None:
    case = queue(**change)
    assert said(run(case, PLAIN, replication=3)) == said(run(case, compiled, replication=3))


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: "-".join(change) or "nothing")
def test_the_same_seed_says_the_same_in_every_thread(change: dict[str, Any]) -> None:
    case = queue(**change)
    alone = [said(run(case, PLAIN, replication=future)) for future in range(3)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda future: said(run(case, PLAIN, replication=future)), range(3))) == alone


def test_the_compiled_tier_may_run_in_several_threads(compiled: Tier) -> None:
    case = queue(orders=((200.0, 4), (900.0, 20)))
    alone = [said(run(case, compiled, replication=future)) for future in range(8)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda future: said(run(case, compiled, replication=future)), range(8))) == alone


PLANS: list[dict[str, Any]] = [
    {"workers": CROWD},
    {"workers": CROWD, "orders": ((500.0, CROWD // 2), (900.0, CROWD)), "startup_delay": 60.0},
    {"workers": CROWD // 4, "concurrency": 3},
    {"workers": CROWD, "patience": 1.0},
]


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.name)
@pytest.mark.parametrize("noise", [0.0, 0.3])
def test_all_plans_meet_the_same_jobs(law: Law, noise: float) -> None:
    """Where nobody waits, the response is the service time: its sum is that of the same jobs, in every interval."""
    case = queue(law=law, arrivals=PoissonArrivals(CURVE, noise=noise))
    reference = run(replace(case, workers=CROWD), PLAIN)
    assert reference.waited == 0
    for plan in PLANS:
        other = run(replace(case, **plan), PLAIN)
        assert other.arrived.tolist() == reference.arrived.tolist()
        np.testing.assert_array_equal(other.response, reference.response)
    short = run(replace(case, workers=9, backlog=50, orders=((800.0, 12),)), PLAIN)
    assert short.arrived.tolist() == reference.arrived.tolist()
    assert short.response.sum() > reference.response.sum()


def test_replications_and_seeds_differ() -> None:
    case = queue()
    found = [run(replace(case, seed=seed), PLAIN, replication=future) for seed in range(3) for future in range(5)]
    assert len({tuple(outcome.arrived.tolist()) for outcome in found}) == len(found)
    mean_service = [float(outcome.busy.sum() / outcome.arrived.sum()) for outcome in found]
    assert len(set(mean_service)) == len(found)


def test_every_purpose_has_dice_of_its_own() -> None:
    streams = [queue().stream(purpose, future).random(4) for purpose in Purpose for future in range(3)]
    assert len(np.unique(np.concatenate(streams))) == 4 * len(streams)


def test_streams_are_not_correlated() -> None:
    """Eight streams of 50 000 numbers: no correlation of two is beyond five standard errors."""
    size = 50_000
    streams = np.array([queue().stream(purpose, future).random(size) for purpose in Purpose for future in range(2)])
    apart = np.abs(np.corrcoef(streams) - np.eye(len(streams)))
    assert apart.max() < 5.0 / math.sqrt(size)


NUMBERS = st.floats(min_value=0.0, allow_nan=False) | st.integers(0, 5).map(float)


def follow(replace_least: Callable[[Any, float], None], begin: list[float], items: list[float]) -> None:
    """The same as the standard library's heap, item by item, from a sorted start as a crew gives it."""
    ours, theirs = np.sort(np.array(begin)), sorted(begin)
    for item in items:
        replace_least(ours, item)
        heapq.heapreplace(theirs, item)
        assert sorted(ours.tolist()) == sorted(theirs)
        assert ours[0] == theirs[0]


@given(st.lists(NUMBERS, min_size=1, max_size=40), st.lists(NUMBERS, max_size=40))
def test_the_least_gives_way(begin: list[float], items: list[float]) -> None:
    follow(_kernel.replace_least, begin, items)


@pytest.mark.parametrize("size", [1, 2, _kernel.FEW - 1, _kernel.FEW, _kernel.FEW + 1, _kernel.FEW + 2, 63, 64, 65])
def test_the_least_gives_way_for_long(size: int) -> None:
    dice = np.random.default_rng(size)
    begin, items = dice.exponential(1.0, size), np.cumsum(dice.exponential(1.0 / size, 2_000))
    follow(_kernel.replace_least, begin.tolist(), (items + dice.exponential(1.0, len(items))).tolist())


def test_the_least_gives_way_when_compiled() -> None:
    numba = pytest.importorskip("numba", reason="the compiled tier needs the extra that has Numba")
    compiled = numba.njit("void(float64[::1], float64)")(_kernel.replace_least)

    @given(st.lists(NUMBERS, min_size=1, max_size=40), st.lists(NUMBERS, max_size=40))
    def check(begin: list[float], items: list[float]) -> None:
        follow(compiled, begin, items)

    check()
